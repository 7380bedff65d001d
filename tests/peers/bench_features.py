"""Customer features beside a bare scan and beside lifetimes, and the memory of a hundred million lines.

Run: python tests/peers/bench_features.py [--lines 10000000] [--large 100000000] [--peer PYTHON]

Lifetimes is archived and wants an older pandas: without `--peer` it gets an environment of its own in a
temporary folder, made by pip and thrown away. Each side runs in a process of its own and is judged by seconds
of the processor, reading of Parquet included; seconds of the clock stand beside them, because the engine uses
all cores and lifetimes one. Lifetimes is handed customer, date and money alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import duckdb

PEER = ("lifetimes==0.11.3", "pandas<2.2", "numpy<2", "scipy<1.13", "pyarrow<18")
MOST_SCANS, LEAST_GAIN, MOST_BYTES = 4.0, 15.0, 1_500_000_000
COLUMNS = ("customer_id", "order_id", "ordered_at", "amount")
LINES_EACH, DAYS = 2.5, 730
ROUNDS = 5
MEASURE = """
import json, resource, sys, time
start, clock = time.process_time(), time.perf_counter()
"""
REPORT = """
seconds, clocked = time.process_time() - start, time.perf_counter() - clock
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "clock": clocked, "bytes": memory, "rows": rows}))
"""
SCAN = """
import duckdb
start, clock = time.process_time(), time.perf_counter()
wanted = ", ".join(f"max({name})" for name in ("customer_id", "order_id", "ordered_at", "amount"))
rows = len(duckdb.sql(f"SELECT {wanted} FROM read_parquet('{sys.argv[1]}')").fetchall())
"""
OURS = """
from datetime import date
import ibis
from crm_helpers import lake
from crm_helpers.analysis.segments.features import customer_features
connection = lake.connect()
lines = connection.read_parquet(sys.argv[1])
nobody = ibis.memtable({"customer_id": []}, schema={"customer_id": "string"})
start, clock = time.process_time(), time.perf_counter()
table = customer_features(nobody, lines, as_of=date(2025, 1, 1))
connection.to_parquet(table, sys.argv[1] + ".features")
rows = connection.read_parquet(sys.argv[1] + ".features").count().execute()
rows = int(rows)
"""
THEIRS = """
import warnings
warnings.filterwarnings("ignore")
import pandas as pd
from lifetimes.utils import summary_data_from_transaction_data
start, clock = time.process_time(), time.perf_counter()
table = pd.read_parquet(sys.argv[1], columns=["customer_id", "ordered_at", "amount"])
table["amount"] = table["amount"].astype(float)
rows = len(summary_data_from_transaction_data(
    table, "customer_id", "ordered_at", "amount", observation_period_end="2024-12-31"
))
"""


def main() -> int:
    """Print one JSON line a measurement; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--large", type=int, default=100_000_000)
    parser.add_argument("--peer", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = _lines(folder / "lines.parquet", arguments.lines)
        good = _speed(table, arguments.peer or _peer(folder))
        table.unlink()
        if arguments.large:
            good &= _memory(_lines(folder / "large.parquet", arguments.large))
    return 0 if good else 1


def _peer(folder: Path) -> Path:
    venv.create(folder / "peer", with_pip=True)
    python = folder / "peer" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True)
    return python


def _lines(path: Path, size: int) -> Path:
    """Write order lines, two and a half an order, fifty a customer, in the order of time."""
    duckdb.sql(f"""
        COPY (
            SELECT (hash(o) % {size // 50})::VARCHAR AS customer_id, o::VARCHAR AS order_id,
                TIMESTAMP '2023-01-01' + to_seconds((o * {DAYS * 86_400} / {int(size / LINES_EACH)})::BIGINT)
                    AS ordered_at,
                ((hash(i) % 20000)::BIGINT / 100 - 5)::DECIMAL(18, 4) AS amount
            FROM (SELECT i, (i / {LINES_EACH})::BIGINT AS o FROM range({size}) AS t(i))
        ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
    """)
    return path


def _speed(table: Path, peer: Path) -> bool:
    pairs = [[_run(sys.executable, side, table) for side in (SCAN, OURS)] for _ in range(ROUNDS)]
    scan, ours = (min(runs, key=_seconds) for runs in zip(*pairs, strict=True))
    theirs = _run(peer, THEIRS, table)
    (scans, gain), (scans_by_clock, gain_by_clock) = (
        (ours[by] / scan[by], theirs[by] / ours[by]) for by in ("seconds", "clock")
    )
    good = scans <= MOST_SCANS and gain >= LEAST_GAIN and ours["rows"] == theirs["rows"]
    print(json.dumps({
        "measure": "features", "customers": ours["rows"], "scan_seconds": round(scan["seconds"], 2),
        "ours_seconds": round(ours["seconds"], 2), "lifetimes_seconds": round(theirs["seconds"], 2),
        "scans": round(scans, 2), "times_faster": round(gain, 1),
        "scans_by_clock": round(scans_by_clock, 2), "times_faster_by_clock": round(gain_by_clock, 1),
        "good": good,
    }), flush=True)  # fmt: skip
    return good


def _memory(table: Path) -> bool:
    ours = _run(sys.executable, OURS, table)
    good = ours["bytes"] < MOST_BYTES
    print(json.dumps({
        "measure": "memory", "customers": ours["rows"], "seconds": round(ours["seconds"], 1),
        "gigabytes": round(ours["bytes"] / 1e9, 2), "good": good,
    }))  # fmt: skip
    return good


def _seconds(done: dict) -> float:
    return float(done["seconds"])


def _run(python: str | Path, script: str, table: Path) -> dict:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root) if script is OURS else ""}
    done = subprocess.run(
        [python, "-c", MEASURE + script + REPORT, table], check=True, capture_output=True, text=True,
        env=environment,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
