"""How fast do order lines come from a CSV to the clean table beside a bare copy, and in how much memory?

    python tests/peers/bench_ingest.py [--rows 10000000]

Writes a CSV of order lines (ten columns: order, line, customer, time, product, quantity, amount, discount,
channel, shop) and times two ways from it, each in a process of its own, by turns:

- ours: `ingest` and `cleaning.clean` of a company of that one source: every value kept as it came in `raw/`,
  hashed, converted, held against the rules, duplicate keys looked for, quality counted, clean table written;
- the peer: DuckDB's `COPY (SELECT * FROM read_csv(file)) TO file (FORMAT parquet)`, the types as DuckDB
  detects them, as many threads, its own defaults.

In both the clock starts when the process has imported its libraries, and the ratio is that of all rounds
together: the machine's own pace changes from one to the next. Then ours with a tenth of the rows.
Memory is the peak of the sum over all processes of what each holds alone and its part of what is shared
(PSS). Ends with 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import psutil

CHECKOUT = Path(__file__).resolve().parents[2]
LONGEST_RATIO = 4.0
LARGEST_MB = 2000.0
LONGEST_GROWTH = 11.0  # times the time for ten times the rows
SAMPLE_SECONDS = 0.05
SETTLED_SECONDS = 4.0
NAMES = (
    "order_id", "line_id", "customer_id", "ordered_at", "product_id", "quantity", "amount", "discount",
    "channel", "store_id",
)  # fmt: skip


def write_lines(path: Path, rows: int) -> None:
    """Write order lines in the order of time: three lines an order, two years, 5,000 products, 120 shops.

    A product has its price, and a line costs its quantity times that, less up to a fifth.
    """
    buyers = max(rows // 25, 1)
    duckdb.connect().execute(
        f"""COPY (SELECT
            'O' || lpad(CAST(i // 3 AS VARCHAR), 9, '0') AS order_id, i % 3 + 1 AS line_id,
            'C' || lpad(CAST(hash(i // 3) % {buyers} AS VARCHAR), 7, '0') AS customer_id,
            strftime(TIMESTAMP '2023-01-01' + to_seconds(CAST(i // 3 * 63000000 // {rows} * 3 AS BIGINT)),
                '%Y-%m-%d %H:%M:%S') AS ordered_at,
            'P' || (hash(i + 7) % 5000) AS product_id, hash(i + 11) % 9 + 1 AS quantity,
            printf('%.2f', (hash(i + 11) % 9 + 1) * (1 + hash(hash(i + 7) % 5000) % 20000 / 100.0)
                * (0.8 + hash(i + 13) % 201 / 1000.0)) AS amount,
            printf('%.2f', (hash(i + 17) % 500) / 100.0) AS discount,
            ['web', 'store', 'app', 'phone'][CAST(hash(i // 3 + 19) % 4 + 1 AS INTEGER)] AS channel,
            'S' || (hash(i // 3 + 23) % 120) AS store_id
        FROM range({rows}) lines(i)) TO '{path}' (HEADER)"""
    )


def copy_plainly(source: Path, folder: Path) -> int:
    """The peer."""
    engine = duckdb.connect()
    target = folder / "peer.parquet"
    query = f"COPY (SELECT * FROM read_csv('{source}')) TO '{target}' (FORMAT parquet)"
    return int(engine.execute(query).fetchone()[0])


def ingest_and_clean(source: Path, folder: Path) -> int:
    """From the source, a file in the company's folder, to the clean table."""
    from crm_helpers.cleaning import clean
    from crm_helpers.ingest import ingest
    from crm_helpers.layout import CompanyFolder
    from crm_helpers.profile import Profile

    company = CompanyFolder(folder, "bench")
    table = {"source": "lines", "key": ["order_id", "line_id"], "columns": {name: name for name in NAMES}}
    profile = Profile.model_validate({
        "name": "Bench", "currency": "EUR", "tables": {"transactions": table},
        "sources": {"lines": {"kind": "csv", "path": f"source/{source.name}"}},
    })  # fmt: skip
    started = time.perf_counter()
    ingest(company, profile)
    loaded = time.perf_counter()
    rows = clean(company, profile).version.tables["transactions"].rows
    print(f"      loaded in {loaded - started:.1f} s, cleaned in {time.perf_counter() - loaded:.1f} s")
    return rows


WAYS = {"ours": ingest_and_clean, "peer": copy_plainly}


def run_once(way: str, source: Path) -> None:
    """Go one way in this process, and print what it took as the last line."""
    for name in ("crm_helpers.cleaning", "crm_helpers.ingest", "dlt"):
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="crm-bench-", dir=source.parent) as folder:
        file = Path(folder, "data", "bench", "source", "lines.csv")
        file.parent.mkdir(parents=True)
        file.hardlink_to(source)
        time.sleep(SETTLED_SECONDS)  # an export lies there for a while; one just written is hashed twice
        before, started = _cpu_seconds(), time.perf_counter()
        rows = WAYS[way](file, Path(folder))
        taken = time.perf_counter() - started
        print(json.dumps({"rows": rows, "seconds": taken, "cpu": _cpu_seconds() - before}))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured(way: str, source: Path) -> dict[str, Any]:
    """Go one way in a process of its own: rows, seconds, CPU seconds and peak memory."""
    peak, command = 0.0, [sys.executable, __file__, "--way", way, "--source", str(source)]
    with tempfile.TemporaryFile() as words:
        run = subprocess.Popen(command, stdout=words, cwd=CHECKOUT)
        while run.poll() is None:
            peak = max(peak, _tree_pss_mb(run.pid))
            time.sleep(SAMPLE_SECONDS)
        words.seek(0)
        *said, last = words.read().decode().splitlines() or [""]
    if run.returncode:
        sys.exit(f"{way} ended with {run.returncode}")
    taken = json.loads(last) | {"mb": peak}
    seconds = f"{taken['seconds']:6.1f} s, {taken['cpu']:6.1f} s of CPU, {peak:6.0f} MB"
    print("\n".join([f"  {way}  {taken['rows']:>12,} rows  {seconds}", *said]), flush=True)
    return taken


def _tree_pss_mb(pid: int) -> float:
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        total = sum(process.memory_full_info().pss for process in family)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        pass
    return total / 2**20


def compare(folder: Path, rows: int, rounds: int) -> list[bool]:
    """Print times, memory and ratios; say of each bound whether it is met."""
    source, tenth = folder / "lines.csv", folder / "tenth.csv"
    write_lines(source, rows)
    write_lines(tenth, rows // 10)
    print(f"{rows:,} lines, {source.stat().st_size >> 20} MB")
    turns = [{way: measured(way, source) for way in WAYS} for _ in range(rounds)]
    few = sum(measured("ours", tenth)["seconds"] for _ in range(rounds))
    ours, peer = (sum(turn[way]["seconds"] for turn in turns) for way in WAYS)
    work = [sum(turn[way]["cpu"] for turn in turns) for way in WAYS]
    print(f"  ratio of CPU seconds {work[0] / work[1]:.2f}")
    return [
        _judged("ratio to the copy", ours / peer, LONGEST_RATIO),
        _judged("peak memory, MB", max(turn["ours"]["mb"] for turn in turns), LARGEST_MB),
        _judged("times the time for ten times the rows", ours / few, LONGEST_GROWTH),
    ]


def _judged(name: str, value: float, bound: float) -> bool:
    print(f"  {name:38s} {value:8.2f}   at most {bound:g}: {'met' if value <= bound else 'MISSED'}")
    return value <= bound


def main() -> None:
    """Measure and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        run_once(asked.way, asked.source)
        return
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        met = compare(Path(folder), asked.rows, asked.rounds)
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
