"""Segments over many seeds: planted groups found again, and none found where customers are of one kind.

Run: python tests/peers/seeds_segments.py [--seeds 20] [--customers 2000]

Each seed makes, loads and cleans a simulated company of its own. Prints one JSON line a seed; returns 1 when
planted segments are not recovered (adjusted Rand index of at least 0.85) or one kind of customers is divided.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import pandas as pd
from sklearn.metrics import adjusted_rand_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from analysis.test_segment_controls import judged, one_kind
from recovery.made import cleaned

from crm_helpers import lake
from crm_helpers.analysis.segments.clusters import find_clusters
from crm_helpers.analysis.segments.features import customer_features
from crm_helpers.analysis.segments.summary import judge

AGREEMENT = 0.85


def main() -> int:
    """Print one JSON line a seed; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--customers", type=int, default=2_000)
    arguments = parser.parse_args()
    good = True
    for seed in range(1, arguments.seeds + 1):
        found = _planted(arguments.customers, seed) | _one_kind(arguments.customers, seed)
        good &= found["good"]
        print(json.dumps({"seed": seed, **found}), flush=True)
    return 0 if good else 1


def _planted(customers: int, seed: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as root:
        folder = cleaned(Path(root), customers=customers, seed=seed)
        version, connection = lake.current_clean(folder), lake.connect()
        tables = (lake.read_clean(connection, version, name) for name in ("customers", "transactions"))
        table = customer_features(*tables, as_of=version.as_of).order_by("customer_id").to_pandas()
        truth = pd.read_parquet(folder.data / "truth" / "segments.parquet")
    known = table.merge(truth, on="customer_id")
    known = known[known["orders"] > 0].reset_index(drop=True)
    groups = find_clusters(known, draws=10, seed=seed)
    index = adjusted_rand_score(known["segment"], groups.labels)
    return {"groups": groups.k, "market": groups.market, "adjusted_rand": round(index, 3),
            "good": index >= AGREEMENT and groups.market == "natural"}  # fmt: skip


def _one_kind(customers: int, seed: int) -> dict[str, object]:
    _, groups, _, _, judgement = judged(*one_kind(customers, seed=seed), seed=seed)
    verdict = judge(judgement)
    none = {"none_supported": groups.supported, "none_market": groups.market, "none_verdict": verdict}
    return none if verdict == "not enough data" and groups.supported == 1 else {**none, "good": False}


if __name__ == "__main__":
    sys.exit(main())
