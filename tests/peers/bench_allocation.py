"""A thousand budgets beside HiGHS: the same worth to the last digit, all spent, each under a second.

Run: python tests/peers/bench_allocation.py [--problems 1000]

Concave and S-shaped curves with bounds, half of the problems with a group limit. HiGHS solves each as a
binary program with no gap allowed. Times are processor seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from small_allocation import by_integer_program, curves, random_limits

from crm_helpers.analysis.channels.allocation import allocate

SLOWEST = 1.0


def measure(seed: int) -> dict[str, float]:
    """Solve one problem both ways."""
    rng = np.random.default_rng(seed)
    worth = curves(rng, int(rng.integers(2, 9)), int(rng.integers(12, 121)))
    limits = random_limits(rng, worth, grouped=seed % 2 == 1)
    most = limits.high.sum() - sum(max(0, limits.high[list(g.members)].sum() - g.high) for g in limits.groups)
    budget = int(rng.integers(limits.low.sum(), most + 1))
    start = time.process_time()
    plan = allocate(worth, budget, limits=limits)
    ours = time.process_time() - start
    best = by_integer_program(worth, budget, limits)
    theirs = time.process_time() - start - ours
    off = abs(plan.worth - best) / max(best, 1.0)
    return {"seconds": ours, "HiGHS": theirs, "off": off, "unspent": plan.unspent, "gap": plan.gap}


def main() -> int:
    """Print one JSON line; return 1 when a problem is not solved exactly, not spent, or slow."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--problems", type=int, default=1000)
    found = [measure(seed) for seed in range(parser.parse_args().problems)]
    worst = {name: max(one[name] for one in found) for name in found[0]}
    total = {name: round(sum(one[name] for one in found), 1) for name in ("seconds", "HiGHS")}
    print(json.dumps({"problems": len(found), "worst": worst, "all together": total}))
    return 0 if worst["off"] < 1e-9 and worst["unspent"] == 0 and worst["seconds"] < SLOWEST else 1


if __name__ == "__main__":
    sys.exit(main())
