"""Value and churn of simulated companies against what was planted, over twenty of them.

Run: python tests/peers/bench_value_truth.py [--seeds 20] [--customers 6000]

Intervals: half a year before the end, orders and money of the next half year are foreseen as page 04 does,
and held against what came. Churn: the best model beside an oracle who knows each customer's planted rate.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from recovery.made import cleaned  # noqa: E402 - found beside this file
from recovery.truth import Made, foreseen, oracle, studied  # noqa: E402

from crm_helpers.analysis.churn.models import areas  # noqa: E402
from crm_helpers.analysis.estimates import Estimate, quantile_estimate  # noqa: E402

LEAST_COVERED, MOST_COVERED = 0.9, 0.98  # share of 95 % intervals that hold what came
MOST_BEHIND = 0.02  # area under the curve below the oracle's
DRAWS = 400  # resamples behind an interval
AHEAD = timedelta(days=182)


def main() -> int:
    """Print one JSON line a company and one for all; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--customers", type=int, default=6_000)
    arguments = parser.parse_args()
    held, behind, sure = [], [], 0
    for seed in range(1, arguments.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            company = cleaned(Path(folder), customers=arguments.customers, seed=seed)
            made = studied(company, customers=arguments.customers, seed=seed)
            inside = {
                name: bool(estimate.low <= came <= estimate.high)
                for name, (estimate, came) in foreseen(made, ahead=AHEAD).items()
            }
            held += inside.values()
            gap = _behind(made)
            behind.append(gap.value)
            sure += gap.low > MOST_BEHIND
        near = [round(end, 4) for end in (gap.value, gap.low, gap.high)]
        print(json.dumps({"seed": seed, "held": inside, "behind_oracle": near}), flush=True)
    covered, worst = float(np.mean(held)), max(behind)
    good = LEAST_COVERED <= covered <= MOST_COVERED and float(np.mean(behind)) <= MOST_BEHIND
    print(json.dumps({
        "companies": arguments.seeds, "covered": round(covered, 3), "worst_behind": round(worst, 4),
        "behind_oracle": round(float(np.mean(behind)), 4),
        "companies_above": sum(gap > MOST_BEHIND for gap in behind), "surely_above": sure, "good": good,
    }))  # fmt: skip
    return 0 if good else 1


def _behind(made: Made) -> Estimate:
    """By how much the best model's area is below the oracle's on the same customers, resampled together."""
    customers, score, label = oracle(made)
    models = made.churn.scores.set_index("customer_id").loc[customers]
    weights = np.random.default_rng(1).poisson(1.0, (1 + DRAWS, len(label))).astype(float)
    weights[0] = 1.0
    best = max(
        (areas(models[name].to_numpy(), label, weights) for name in models),
        key=lambda drawn: float(drawn[0]),
    )
    gap = areas(score, label, weights) - best
    return quantile_estimate(float(gap[0]), gap[1:], level=0.95)


if __name__ == "__main__":
    sys.exit(main())
