"""Customer value beside lifetimes: CDNOW's published figures, and a million customers at the same likelihood.

Run: python tests/peers/bench_value.py [--customers 1000000]

Lifetimes is archived and wants an older pandas, so it gets an environment of its own in a temporary folder,
made by pip and thrown away; its wheel also brings CDNOW (Fader, Hardie & Lee 2005), which is never copied.
Times are processor seconds, of the fit alone; each fit runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np
import pandas as pd

PEER = ("lifetimes==0.11.3", "pandas<2.2", "numpy<2", "scipy<1.13", "pyarrow<18")
CDNOW = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
CDNOW_PARETO = {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67}
CDNOW_SPEND = {"p": 6.25, "q": 3.74, "v": 15.44}
LEAST_GAIN = 5.0
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # neither side gains by them here
THEIRS = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import pandas as pd
from lifetimes import BetaGeoFitter
table = pd.read_parquet(sys.argv[1])
start = time.process_time()
model = BetaGeoFitter().fit(table["x"], table["t_x"], table["T"])
seconds = time.process_time() - start
parameters = dict(model.params_)
print(json.dumps({"seconds": seconds, "parameters": parameters}))
"""
OURS = """
import json, sys, time
import pandas as pd
from crm_helpers.analysis.value.lifetime import fit_buying
table = pd.read_parquet(sys.argv[1])
start = time.process_time()
model = fit_buying(table)
seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "parameters": model.parameters}))
"""


def main() -> int:
    """Print one JSON line a measurement; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = _peer(Path(folder))
        (data,) = Path(folder).glob("peer/lib/python*/site-packages/lifetimes/datasets")
        good = _cdnow(data) & _cdnow_pareto(data) & _cdnow_spend(data)
        table = Path(folder) / "customers.parquet"
        _customers(arguments.customers).to_parquet(table)
        good &= _million(table, python)
    return 0 if good else 1


def _peer(folder: Path) -> Path:
    """Make an environment with lifetimes and what it works with."""
    venv.create(folder / "peer", with_pip=True)
    python = folder / "peer" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True)
    return python


def _cdnow(data: Path) -> bool:
    from crm_helpers.analysis.value.lifetime import fit_buying

    table = pd.read_csv(data / "cdnow_customers_summary.csv")
    table = table.rename(columns={"frequency": "x", "recency": "t_x"})
    return _near("CDNOW, BG/NBD", fit_buying(table).parameters, CDNOW, digits=3)


def _cdnow_pareto(data: Path) -> bool:
    from crm_helpers.analysis.value.pareto import fit_pareto

    table = pd.read_csv(data / "cdnow_customers_summary.csv")
    table = table.rename(columns={"frequency": "x", "recency": "t_x"})
    return _near("CDNOW, Pareto/NBD", fit_pareto(table).parameters, CDNOW_PARETO, digits=3)


def _cdnow_spend(data: Path) -> bool:
    from crm_helpers.analysis.value.spend import fit_spend

    table = pd.read_csv(data / "cdnow_customers_summary_with_transactions.csv")
    again = table[table["x"] > 0]
    model = fit_spend(again["x"].to_numpy(), again["zbar"].to_numpy())
    return _near("CDNOW, Gamma-Gamma", model.parameters, CDNOW_SPEND, digits=2)


def _near(name: str, found: dict[str, float], published: dict[str, float], *, digits: int) -> bool:
    """Whether the figures are the published ones to three digits: a third of a per cent covers rounding."""
    good = all(abs(found[key] / value - 1) < 0.0034 for key, value in published.items())
    rounded = {key: round(value, digits) for key, value in found.items()}
    print(json.dumps({"measure": name, "found": rounded, "published": published, "good": good}))
    return good


def _customers(size: int) -> pd.DataFrame:
    """Live customers as BG/NBD says, with CDNOW's parameters; times in whole days, in weeks."""
    generator = np.random.default_rng(1)
    rate = generator.gamma(CDNOW["r"], 1 / CDNOW["alpha"], size).clip(1e-12)
    leave = generator.beta(CDNOW["a"], CDNOW["b"], size)
    weeks = generator.integers(27 * 7, 39 * 7, size) / 7
    x, last, now, alive = np.zeros(size), np.zeros(size), np.zeros(size), np.ones(size, bool)
    while alive.any():
        now = np.where(alive, now + generator.exponential(1 / rate), now)
        alive &= now <= weeks
        x, last = x + alive, np.where(alive, np.ceil(now * 7) / 7, last)
        alive &= generator.random(size) >= leave
    return pd.DataFrame({"x": x, "t_x": np.minimum(last, weeks), "T": weeks})


def _million(table: Path, python: Path) -> bool:
    from crm_helpers.analysis.value.lifetime import log_likelihood

    customers = pd.read_parquet(table)
    started = time.monotonic()
    sides = {"ours": _fitted(sys.executable, OURS, table), "lifetimes": _fitted(python, THEIRS, table)}
    found = {
        side: log_likelihood(customers, np.array([done["parameters"][key] for key in CDNOW]))
        for side, done in sides.items()
    }
    gain = sides["lifetimes"]["seconds"] / sides["ours"]["seconds"]
    good = gain >= LEAST_GAIN and found["ours"] >= found["lifetimes"] - 1e-6 * abs(found["lifetimes"])
    print(json.dumps({
        "measure": f"{len(customers):,} customers", "ours_seconds": round(sides["ours"]["seconds"], 2),
        "lifetimes_seconds": round(sides["lifetimes"]["seconds"], 2), "times_faster": round(gain, 1),
        "log_likelihood": {side: round(value, 2) for side, value in found.items()}, "good": good,
        "elapsed": round(time.monotonic() - started),
    }))  # fmt: skip
    return good


def _fitted(python: str | Path, script: str, table: Path) -> dict:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, **THREADS, "PYTHONPATH": str(root) if script is OURS else ""}
    done = subprocess.run(
        [python, "-c", script, table], check=True, capture_output=True, text=True, env=environment
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
