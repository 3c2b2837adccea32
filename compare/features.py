"""Compares the features of Weir with the window functions of DuckDB.

    python features.py WEIR EVENTS

WEIR is the command, EVENTS a file of events as README.md says. Both compute the
features of features.yaml for every event. The exit code is 0 if all are equal, 1
if not, 2 for wrong use, 3 if the comparison could not be made.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import duckdb

RULES = pathlib.Path(__file__).with_name("features.yaml")

KEYS = {"customer": "terminal", "terminal": "customer"}  # and whose different values are counted
WINDOWS = {"1h": 3600, "24h": 24 * 3600, "7d": 7 * 24 * 3600}  # seconds

# In the order of the measures in the rules. The sum of floats depends on the order
# of its additions; all else has one right value.
AGGREGATES = {
    "count": "count(*)",
    "sum": "sum(amount)",
    "mean": "avg(amount)",
    "min": "min(amount)",
    "max": "max(amount)",
    "distinct": "count(DISTINCT {other}_id)",
}
ROUNDED = {"sum", "mean"}
TOLERANCE = 1e-9  # relative

SHOWN = 5  # differences of a feature that are written out


def main():
    if len(sys.argv) != 3:
        print("usage: features.py WEIR EVENTS", file=sys.stderr)
        return 2
    weir, events = sys.argv[1:]
    try:
        with tempfile.TemporaryDirectory(prefix="weir-compare-") as folder:
            return compare(weir, events, pathlib.Path(folder))
    except subprocess.CalledProcessError as error:  # weir has said why
        print(f"not compared: weir run ended with code {error.returncode}", file=sys.stderr)
    except (OSError, duckdb.Error) as error:
        print(f"not compared: {error}", file=sys.stderr)
    return 3


def compare(weir, events, folder):
    """Computes both sides, and says what it compared and what differs."""
    alerts = folder / "alerts.ndjson"
    began = time.monotonic()
    subprocess.run([weir, "run", RULES, "--events", events, "--alerts", alerts], check=True)
    seconds_weir = time.monotonic() - began

    db = duckdb.connect(str(folder / "compare.duckdb"))
    db.execute("SET TimeZone = 'UTC'")
    began = time.monotonic()
    read_events(db, events)
    compute(db)
    seconds_duckdb = time.monotonic() - began
    read_alerts(db, alerts)

    rows, twice, too_fine = db.execute(
        "SELECT count(*), count(*) - count(DISTINCT id), count(*) FILTER (too_fine) FROM events"
    ).fetchone()
    if rows == 0 or twice or too_fine:
        print(f"these events cannot be compared: {rows} rows, of them {twice} without an id of their own,"
              f" {too_fine} with a time finer than microseconds, which DuckDB does not keep", file=sys.stderr)
        return 3
    print(f"{rows} events; weir {seconds_weir:.1f} s, of which most may go into writing the alerts;"
          f" DuckDB {duckdb.__version__} {seconds_duckdb:.1f} s")

    (missing,) = db.execute("SELECT count(*) FROM events ANTI JOIN weir USING (id)").fetchone()
    (extra,) = db.execute("SELECT (SELECT count(*) FROM weir) - (SELECT count(*) FROM events SEMI JOIN weir USING (id))").fetchone()
    if missing or extra:
        print(f"FAIL: {missing} events are missing in what weir wrote (were they late, or rejected?), {extra} are too many")
    failed = missing > 0 or extra > 0
    for key in KEYS:
        failed = not report(db, key) or failed
    print("FAIL: weir and DuckDB differ" if failed else "ok: weir and DuckDB agree")
    return 1 if failed else 0


def read_events(db, events):
    """Fills the table events: the rows, and which of them have a twin, a row of the
    same key and time. In DuckDB twins see each other, in Weir the first does not see
    the second."""
    db.execute(
        f"""
        CREATE TABLE events AS
        SELECT id, ts::TIMESTAMPTZ::TIMESTAMP AS ts, customer_id, terminal_id, amount,
            regexp_matches(ts, '\\.\\d{{6}}\\d*[1-9]') AS too_fine,
            {", ".join(f"count(*) OVER (PARTITION BY {key}_id, ts::TIMESTAMPTZ) > 1 AS {key}_twin" for key in KEYS)}
        FROM read_ndjson(?, columns = {{id: 'VARCHAR', ts: 'VARCHAR', customer_id: 'VARCHAR', terminal_id: 'VARCHAR', amount: 'DOUBLE'}})
        """,
        [events],
    )


def compute(db):
    """Fills the table duckdb with the features of each event. A window is (t - D, t];
    RANGE takes both ends, so it begins a microsecond, the least that DuckDB knows,
    later."""
    columns, windows = [], []
    for key, other in KEYS.items():
        for name, seconds in WINDOWS.items():
            windows.append(
                f"{key}_{name} AS (PARTITION BY {key}_id ORDER BY ts"
                f" RANGE BETWEEN to_microseconds({seconds * 1_000_000 - 1}) PRECEDING AND CURRENT ROW)"
            )
            for aggregate, sql in AGGREGATES.items():
                columns.append(f"{sql.format(other=other)} OVER {key}_{name} AS {key}_{aggregate}_{name}")
    db.execute(f"CREATE TABLE duckdb AS SELECT id, {', '.join(columns)} FROM events WINDOW {', '.join(windows)}")


def read_alerts(db, alerts):
    """Fills the table weir with the measures of the alerts, a column for each feature."""
    lists = [f"{key}_{name}" for key in KEYS for name in WINDOWS]
    columns = [
        f"measures.{key}_{name}[{i}] AS {key}_{aggregate}_{name}"
        for key in KEYS
        for name in WINDOWS
        for i, aggregate in enumerate(AGGREGATES, 1)
    ]
    db.execute(
        f"""
        CREATE TABLE weir AS SELECT key.id AS id, {", ".join(columns)}
        FROM read_ndjson(?, columns = {{
            key: 'STRUCT(id VARCHAR)',
            measures: 'STRUCT({", ".join(f"{name} DOUBLE[]" for name in lists)})'
        }})
        """,
        [str(alerts)],
    )


def report(db, key):
    """Writes how the features of a key compare, and says whether they agree."""
    twins, keyless = db.execute(
        f"SELECT count(*) FILTER ({key}_twin AND {key}_id IS NOT NULL), count(*) FILTER ({key}_id IS NULL) FROM events"
    ).fetchone()
    print(f"\nby {key}_id: {twins} rows left out that share key and time with another, {keyless} without the key")
    print(f"{'feature':<24} {'rows':>9} {'differ':>7} {'greatest difference':>20}")
    agree = True
    for name in WINDOWS:
        for aggregate in AGGREGATES:
            feature = f"{key}_{aggregate}_{name}"
            agree = report_feature(db, key, feature, TOLERANCE if aggregate in ROUNDED else 0) and agree
    return agree


def report_feature(db, key, feature, tolerance):
    """Compares one feature. What is nil on one side only differs."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE compared AS
        SELECT id, duckdb.{feature} AS wanted, weir.{feature} AS got,
            CASE WHEN wanted IS NOT DISTINCT FROM got THEN 0
                ELSE coalesce(abs(wanted - got) / greatest(abs(wanted), abs(got)), 'inf'::DOUBLE) END AS difference
        FROM events JOIN duckdb USING (id) JOIN weir USING (id)
        WHERE {key}_id IS NOT NULL AND NOT {key}_twin
        """
    )
    rows, differ, greatest = db.execute(
        "SELECT count(*), count(*) FILTER (difference > ?), coalesce(max(difference), 0) FROM compared", [tolerance]
    ).fetchone()
    print(f"{feature:<24} {rows:>9} {differ:>7} {greatest:>20.3g}")
    for row in db.execute(
        f"SELECT id, wanted, got FROM compared WHERE difference > ? ORDER BY id LIMIT {SHOWN}", [tolerance]
    ).fetchall():
        print("    {}: DuckDB {}, weir {}".format(*row))
    return rows > 0 and differ == 0


if __name__ == "__main__":
    sys.exit(main())
