"""Sends requests of every kind to every route of a service, and holds its answers to /openapi.json.

    python fuzz.py WEIR EXAMPLES

WEIR is the command, EXAMPLES how many requests are made for each route and kind of them, with
schemathesis, which stands beside the Python that runs this. The exit code is 0 if each answer is
one that the document describes and none is a 500, 1 if not, 2 for wrong use, 3 if the service
could not be started.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import time

RULES = """
events:
  payment:
    time: ts
    id: id
    fields: {id: string, ts: time, card: string, amount: number, ip: string}
lists:
  blocked: {type: string}
  limits: {type: string, value: number}
  nets: {type: cidr, value: string}
rules:
  - {id: large, on: payment, key: card, when: amount > 995}
  - {id: listed, on: payment, key: card, when: 'in_list("blocked", card) or in_list("nets", ip)'}
  - {id: above, on: payment, key: card, when: 'in_list("limits", card) and amount > list_value("limits", card)'}
"""

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SEED = 7


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    weir, examples = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "rules.yaml").write_text(RULES)
        with open(folder / "said", "w") as said:
            service = subprocess.Popen(
                [weir, "serve", folder / "rules.yaml", "--data", folder / "data", "--listen", "127.0.0.1:0", "--set", "state.reserve=0B"],
                stderr=said,
            )
        try:
            address = started(service, folder / "said")
            return fuzz(address, examples, service, folder) if address else 3
        finally:
            service.terminate()
            service.wait()


def started(service, said):
    """Waits until the service answers and gives its address; None: it has ended."""
    for _ in range(600):
        if m := re.search(r'"weir serves" address=(\S+)', said.read_text()):
            return m[1]
        if service.poll() is not None:
            break
        time.sleep(0.1)
    print("the service does not start:\n" + said.read_text(), file=sys.stderr)
    return None


def fuzz(address, examples, service, folder):
    """Runs schemathesis; a service that has ended meanwhile has failed."""
    done = subprocess.run([
        pathlib.Path(sys.executable).parent / "schemathesis", "run", address + "/openapi.json",
        "--checks", CHECKS, "--max-examples", examples, "--seed", str(SEED),
        "--exclude-operation-id", "stream",  # it does not end
    ], cwd=folder)
    if service.poll() is not None:
        print(f"the service has ended with code {service.returncode}", file=sys.stderr)
        return 1
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
