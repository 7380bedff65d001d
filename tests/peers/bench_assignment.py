"""Customers to channels beside HiGHS: the same objective within the gap, and a million customers.

Run: python tests/peers/bench_assignment.py [--customers 1000000] [--limit 600]

HiGHS solves the same problem as one integer program to the same gap, on sizes that grow until one is not
finished within the limit. Times are processor seconds; each solve runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from crm_helpers.analysis.channels.assignment import GAP, assign, by_branch_and_bound
from crm_helpers.analysis.channels.offers import Offers, make_offers

CHANNELS = 6
SIZES = (3_000, 10_000, 30_000, 100_000, 300_000)
LEAST_GAIN = 50.0
MOST_MEMORY = 1024.0  # MB, a million customers, the problem itself included


def offers(customers: int, *, seed: int = 1) -> Offers:
    """Make a problem in which capacities, the budget and consent all bind."""
    random = np.random.default_rng(seed)
    gain = random.gamma(2, 5, (customers, CHANNELS)) + random.normal(0, 2, CHANNELS) - 6
    gain[random.random(customers) < 0.25] = -np.inf
    cost = np.array([6.0, 0.4, 1.8, 0.6, 2.5, 9.0])
    return make_offers(gain, np.full(CHANNELS, customers * 0.1), cost=cost, budget=customers * 0.8)


def solve(method: str, customers: int) -> dict[str, float]:
    """Solve and say how: seconds, worth, bound and peak memory."""
    problem = offers(customers)
    start = time.process_time()
    if method == "HiGHS":
        taken, bound = by_branch_and_bound(problem, gap=GAP)
        worth = float(problem.gain[taken].sum())
    else:
        plan = assign(problem)
        worth, bound = plan.worth, plan.bound
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "worth": worth, "bound": bound, "megabytes": peak}


def main() -> int:
    """Print one JSON line a measurement; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--limit", type=float, default=600.0, help="seconds HiGHS may take")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(solve(arguments.one[0], int(arguments.one[1]))))
        return 0
    gain, good = 0.0, True
    for size in SIZES:
        theirs = _apart("HiGHS", size, arguments.limit)
        if theirs is None:
            print(json.dumps({"customers": size, "HiGHS": "not finished", "limit": arguments.limit}))
            break
        ours = _apart("ours", size, arguments.limit)
        gain = theirs["seconds"] / ours["seconds"]
        good &= ours["worth"] >= theirs["worth"] * (1 - GAP)
        print(json.dumps({"customers": size, "HiGHS": theirs, "ours": ours, "times faster": round(gain, 1)}))
    million = _apart("ours", arguments.customers, arguments.limit)
    gap = 1 - million["worth"] / million["bound"]
    print(json.dumps({"customers": arguments.customers, "ours": million, "gap": gap}))
    good &= gain >= LEAST_GAIN and gap <= GAP and million["megabytes"] <= MOST_MEMORY
    return 0 if good else 1


def _apart(method: str, customers: int, limit: float) -> dict[str, float] | None:
    call = [sys.executable, __file__, "--one", method, str(customers)]
    try:
        done = subprocess.run(call, check=True, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
