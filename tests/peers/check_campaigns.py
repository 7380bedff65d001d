"""Are campaign effects unbiased, and do their intervals hold the truth? Over many simulated companies.

Run: python tests/peers/check_campaigns.py [--seeds 20] [--customers 6000] [--tests 200]

Each seed makes a company with planted effects, brings it in, cleans it and judges its campaigns. Prints one
JSON line a measurement: randomised campaigns (bias, coverage), targeted ones beside the naive difference,
and A/A tests, in which nobody was contacted at all. Ends with 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recovery.made import cleaned

from crm_helpers import lake
from crm_helpers.analysis.campaigns.effects import evaluate
from crm_helpers.tables import TABLES

COVERED = (0.92, 0.98)
WAYS = {
    "doubly robust": "effect",
    "regression": "regression",
    "naive": "difference",
    "differences in differences": "change",
}
NAMES = ("campaigns", "campaign_contacts", "customers", "transactions")


def main() -> int:
    """Print the measurements; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--customers", type=int, default=6_000)
    parser.add_argument("--tests", type=int, default=200)
    arguments = parser.parse_args()
    found, p_values = [], []
    for seed in range(1, arguments.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            effects, aa = _company(Path(folder), arguments, seed)
            found.append(effects.assign(seed=seed))
            p_values.extend(aa)
    table = pd.concat(found, ignore_index=True)
    good = _randomised(table[table["grade"] == "A"])
    good &= _targeted(table[(table["planted"] == "targeted") & (table["grade"] != "")])
    good &= _nothing(np.array(p_values))
    return 0 if good else 1


def _company(root: Path, arguments: argparse.Namespace, seed: int) -> tuple[pd.DataFrame, list[float]]:
    folder = cleaned(root, customers=arguments.customers, seed=seed)
    version, connection = lake.current_clean(folder), lake.connect()
    tables = [lake.read_clean(connection, version, name) for name in NAMES]
    truth = pd.read_parquet(folder.data / "truth" / "effects.parquet")
    effects = evaluate(*tables, as_of=version.as_of)
    joined = effects.merge(truth.rename(columns={"design": "planted"}), on="campaign_id")
    count = -(-arguments.tests // arguments.seeds)
    drawn = _drawn(tables[2], version.as_of, count, seed)
    return joined, evaluate(*drawn, *tables[2:], as_of=version.as_of)["p_value"].dropna().tolist()


def _drawn(customers: ibis.Table, as_of, count: int, seed: int) -> list[ibis.Table]:  # type: ignore[no-untyped-def]
    """Draw campaigns that contact nobody: arms on paper only."""
    random = np.random.default_rng(seed)
    ids = np.sort(customers.select("customer_id").to_pandas()["customer_id"].to_numpy(str))
    starts = [as_of - timedelta(days=int(days)) for days in random.integers(60, 500, count)]
    plans, contacts = [], []
    for number, start in enumerate(starts):
        own = random.choice(ids, 1_000, replace=False)
        plans.append(
            {"campaign_id": f"T{number}", "starts_on": start, "ends_on": start, "design": "randomised"}
        )
        arm = np.repeat(["treated", "holdout"], 500)
        contacts.append(pd.DataFrame({"campaign_id": f"T{number}", "customer_id": own, "arm": arm}))
    return [_table("campaigns", pd.DataFrame(plans)), _table("campaign_contacts", pd.concat(contacts))]


def _table(name: str, frame: pd.DataFrame) -> ibis.Table:
    schema = lake.schema_of(TABLES[name]).to_pyarrow()
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    columns = [
        arrow[field.name].cast(field.type) if field.name in frame else pa.nulls(len(frame), field.type)
        for field in schema
    ]
    return ibis.memtable(pa.table(columns, schema=schema))


def _randomised(table: pd.DataFrame) -> bool:
    truth, error = table["effect_per_customer"], (table["effect_high"] - table["effect_low"]) / 3.92
    away = (table["effect"] - truth) / error
    inside = truth.between(table["effect_low"], table["effect_high"])
    unbiased = abs(away.mean()) < 3 / np.sqrt(len(table))
    good = bool(unbiased and COVERED[0] <= inside.mean() <= COVERED[1])
    said = {"measure": "randomised", "estimates": len(table), "covered": round(inside.mean(), 4)}
    said |= {"mean error in standard errors": round(away.mean(), 3)}
    said |= {"mean error": round((table["effect"] - truth).mean(), 2), "good": good}
    print(json.dumps(said), flush=True)
    return good


def _targeted(table: pd.DataFrame) -> bool:
    truth = table["effect_per_customer"]
    errors = {
        name: round(float(np.sqrt(((table[column] - truth) ** 2).mean())), 1) for name, column in WAYS.items()
    }
    inside = truth.between(table["effect_low"], table["effect_high"]).mean()
    better = float(((table["effect"] - truth).abs() < (table["difference"] - truth).abs()).mean())
    good = better == 1.0 and errors["doubly robust"] < errors["naive"] / 3
    said = {"measure": "targeted", "estimates": len(table), "root mean square error": errors}
    said |= {"nearer than naive": better, "covered": round(float(inside), 4)}
    said |= {"mean error": round(float((table["effect"] - truth).mean()), 2)}
    print(json.dumps(said | {"grades": table["grade"].value_counts().to_dict(), "good": good}), flush=True)
    return good


def _nothing(p_values: np.ndarray) -> bool:
    rejected = int((p_values < 0.05).sum())
    chance = stats.binomtest(rejected, len(p_values), 0.05)
    good = bool(chance.pvalue > 0.01)
    said = {"measure": "A/A", "tests": len(p_values), "rejected": round(rejected / len(p_values), 4)}
    print(json.dumps(said | {"interval": [round(end, 3) for end in chance.proportion_ci()], "good": good}))
    return good


if __name__ == "__main__":
    sys.exit(main())
