"""How fast is `crm run` beside the stock tools, and how much memory does it take?

    python tests/peers/bench_run.py

Times `crm run demo`, from a cold start of the command to the published report, against `papermill` and
`jupyter nbconvert --to html` over the same notebooks one after another; each on its own fresh copy of the
same sources. Ours runs before and after the stock tools and counts by the mean: a machine that others share
does not keep its pace for two minutes. Then measures the peak memory of `crm run completejourney`, as the sum
over all its processes of what each holds alone and its part of what is shared (PSS). Ends with 1 when a bound
is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parents[2]
LONGEST_RATIO = 0.35
LARGEST_MB = 2000.0
SAMPLE_SECONDS = 0.2


def workbook(folder: Path, name: str) -> Path:
    """Make a root with the project's notebooks and profiles, and no data."""
    root = folder / name
    shutil.copytree(CHECKOUT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".*"))
    for profile in CHECKOUT.glob("data/*/profile.toml"):
        target = root / "data" / profile.parent.name
        target.mkdir(parents=True)
        shutil.copy(profile, target)
    return root


def environment(root: Path) -> dict[str, str]:
    """The environment every tool is given."""
    return {
        **os.environ,
        "CRM_HOME": str(root),
        "PYTHONPATH": str(CHECKOUT),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }


def timed(root: Path, *words: str | Path) -> float:
    """Run a command quietly and return its seconds; its own words are shown when it fails."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=root, env=environment(root), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return time.perf_counter() - started


def stock(root: Path) -> float:
    """Seconds of papermill and nbconvert, page after page."""
    seconds = 0.0
    out = root / "stock"
    out.mkdir()
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        executed = out / path.name
        execute = timed(root, "papermill", path, executed, "-p", "company", "demo", "--no-progress-bar")
        convert = timed(root, "jupyter", "nbconvert", "--to", "html", executed)
        print(f"    {path.stem:26s} papermill {execute:5.1f} s   nbconvert {convert:4.1f} s")
        seconds += execute + convert
    return seconds


def peak_memory_mb(root: Path, company: str) -> tuple[float, float]:
    """Peak of the proportional memory of a whole run, and its seconds."""
    started, peak = time.perf_counter(), 0.0
    command = [sys.executable, "-m", "crm_helpers", "run", company]
    with tempfile.TemporaryFile() as words:
        run = subprocess.Popen(command, cwd=root, env=environment(root), stdout=words, stderr=words)
        while run.poll() is None:
            peak = max(peak, _tree_pss_mb(run.pid))
            time.sleep(SAMPLE_SECONDS)
        if run.returncode:
            words.seek(0)
            sys.exit(f"crm run {company} ended with {run.returncode}:\n{words.read().decode()[-4000:]}")
    return peak, time.perf_counter() - started


def _tree_pss_mb(pid: int) -> float:
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 2**20


def compare(folder: Path, customers: int) -> bool:
    """Print seconds of both ways and their ratio."""
    before, theirs, after = (workbook(folder, name) for name in ("before", "theirs", "after"))
    timed(before, "crm_helpers", "demo", "--customers", str(customers))
    for part in ("source", "truth"):
        for other in (theirs, after):
            shutil.copytree(before / "data" / "demo" / part, other / "data" / "demo" / part)
    print(f"demo, {customers:,} customers, {len(list((theirs / 'notebooks').glob('[0-9]*.ipynb')))} pages")
    first = timed(before, "crm_helpers", "run", "demo")
    slow = stock(theirs)
    last = timed(after, "crm_helpers", "run", "demo")
    ratio = (first + last) / 2 / slow
    print(f"  crm run                    {first:7.1f} s, and again {last:.1f} s")
    print(f"  papermill, then nbconvert  {slow:7.1f} s")
    met = ratio <= LONGEST_RATIO
    print(f"  ratio                      {ratio:7.2f}    at most {LONGEST_RATIO}: {_verdict(met)}")
    return met


def weigh(folder: Path) -> bool:
    """Print the peak memory of the real company's run."""
    peak, seconds = peak_memory_mb(workbook(folder, "memory"), "completejourney")
    print(f"completejourney, sources to report: {seconds:.1f} s")
    print(
        f"  peak memory                {peak:7.0f} MB  under {LARGEST_MB:.0f}: {_verdict(peak < LARGEST_MB)}"
    )
    return peak < LARGEST_MB


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def main() -> None:
    """Measure and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=20_000, help="customers of the simulated company")
    parser.add_argument("--only", choices=("speed", "memory"), help="measure one of the two")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        met = [
            asked.only == "memory" or compare(Path(folder), asked.customers),
            asked.only == "speed" or weigh(Path(folder)),
        ]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
