"""Compares the alerts of events published over NATS with those of the same events posted.

    python publish.py WEIR EVENTS

WEIR is the command, EVENTS how many events are made. The same events go to two services:
to one over HTTP, to the other over NATS with nats-py, every other one without its type,
which the subject says. The exit code is 0 if both have the same alerts, 1 if not, 2 for
wrong use, 3 if the comparison could not be made.
"""

import asyncio
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

import nats

RULES = """
events:
  payment:
    time: ts
    id: id
    fields: {id: string, ts: time, card: string, amount: number}
  login:
    time: ts
    id: id
    fields: {id: string, ts: time, card: string, ok: bool}
rules:
  - {id: large, on: payment, key: card, when: amount > 995}
  - id: rising
    on: payment
    key: card
    within: 10m
    pattern: low -> high
    define: {low: amount < 20, high: amount > 980}
  - {id: guessed, on: login, key: card, within: 5m, pattern: "bad{3} -> good", define: {bad: not ok, good: ok}}
"""

SEED = 7
CARDS = 20_000
POSTED = 20_000  # events of a request
PENDING = 2_000  # messages under way


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    weir, count = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "rules.yaml").write_text(RULES)
        print(f"{count} events, seed {SEED}")
        posted = serve(weir, folder, "posted", lambda address, _: post(address, count))
        published = serve(weir, folder, "published", lambda _, url: asyncio.run(publish(url, count)))
    if posted == published and posted:
        print(f"the same {len(posted)} alerts")
        return 0
    print(f"{len(posted)} alerts of events posted, {len(published)} of events published", file=sys.stderr)
    for a, b in zip(posted, published):
        if a != b:
            print(f"the first that differs:\n{a}\n{b}", file=sys.stderr)
            break
    return 1


def events(count):
    """Gives events: their type, and what they have beside it."""
    r = random.Random(SEED)
    now = 1_767_225_600_000
    for i in range(count):
        now += r.randrange(20)
        card = f"c{r.randrange(CARDS // 20 if r.random() < 0.3 else CARDS)}"
        if r.random() < 0.3:
            yield "login", {"id": f"e{i}", "ts": now, "card": card, "ok": r.random() < 0.4}
        else:
            yield "payment", {"id": f"e{i}", "ts": now, "card": card, "amount": r.randrange(1000)}


def line(kind, fields):
    return json.dumps({"type": kind, **fields}, separators=(",", ":")).encode()


def post(address, count):
    body = []
    def send():
        request = urllib.request.Request(
            address + "/v1/events", b"\n".join(body), {"Content-Type": "application/x-ndjson"}
        )
        while True:
            try:
                answer = json.load(urllib.request.urlopen(request))
                break
            except urllib.error.HTTPError as e:
                if e.code != 429:
                    raise
                time.sleep(0.1)
        if answer["accepted"] != len(body):
            raise SystemExit(f"of {len(body)} events {answer} were taken")
        body.clear()
    for kind, fields in events(count):
        body.append(line(kind, fields))
        if len(body) == POSTED:
            send()
    if body:
        send()


async def publish(url, count):
    connection = await nats.connect(url)
    stream = connection.jetstream(publish_async_max_pending=PENDING, timeout=60)
    begun = time.time()
    waiting = []
    for i, (kind, fields) in enumerate(events(count)):
        text = line(kind, fields) if i % 2 else json.dumps(fields).encode()
        waiting.append(await stream.publish_async("weir.events." + kind, text, wait_stall=60))
        if len(waiting) == PENDING:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    took = time.time() - begun
    print(f"published in {took:.0f} s: {count / took:.0f} messages/s from Python, one at a time")
    await connection.close()


def serve(weir, folder, name, send):
    """Runs a service, lets events be sent to it and gives its alerts."""
    data = folder / name
    service = subprocess.Popen(
        [
            weir, "serve", folder / "rules.yaml", "--data", data, "--listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0",
            "--set", "state.reserve=0B", "--set", "alerts.per_rule_minute=1000000", "--set", "time.max_ahead=0s",
        ],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    port = address = None
    said = []
    for text in service.stderr:
        said.append(text)
        if m := re.search(r'clients" nats=(\S+)', text):
            port = m[1]
        if m := re.search(r'"weir serves" address=(\S+)', text):
            address = m[1]
            break
    if address is None:
        print("the service does not start:\n" + "".join(said), file=sys.stderr)
        raise SystemExit(3)
    try:
        creds = [weir, "config", "--nats-creds", "producer", "--set", f"data={data}", "--set", f"nats.listen={port}"]
        send(address, subprocess.run(creds, capture_output=True, text=True, check=True).stdout.strip())
    finally:
        service.terminate()
        service.communicate()
    text = subprocess.run([weir, "state", "export", data, "alerts"], capture_output=True, text=True, check=True).stdout
    alerts = [json.loads(a) for a in text.splitlines()]
    for a in alerts:
        a.pop("detected_at", None)
    return alerts


if __name__ == "__main__":
    sys.exit(main())
