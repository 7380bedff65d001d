"""The two arms of each campaign: how many, how alike, and whom another campaign reached as well."""

from __future__ import annotations

import math

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import _
from scipy import stats

from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.estimates import normal_estimate

__all__ = ["by_campaign", "describe_arms", "overlaps", "ratio_p"]


def describe_arms(rows: ibis.Table) -> pd.DataFrame:
    """Count and describe the arms: the plain difference with Welch's interval, and the balance."""
    described = {f"mean_{c}": rows[c].mean() for c in ("spend", *COVARIATES)}
    described |= {f"var_{c}": rows[c].var(how="sample") for c in ("spend", *COVARIATES)}
    arms = rows.group_by("campaign_id", "treated").aggregate(
        n=rows.count(), held_out=rows.held_out.any(), **described
    )
    frame: pd.DataFrame = arms.order_by("campaign_id", "treated").to_pandas()
    each = {
        str(campaign): _two_arms(arm.set_index("treated")) for campaign, arm in frame.groupby("campaign_id")
    }
    return by_campaign(each, _ARM_COLUMNS)


def by_campaign(records: dict[str, list[object]], columns: list[str]) -> pd.DataFrame:
    """Make one row a campaign from what was found of each."""
    # without rows pandas would make an index of numbers, and no text would find its campaign in it
    return pd.DataFrame(list(records.values()), index=pd.Index(list(records), dtype="str"), columns=columns)


_ARM_COLUMNS = [
    "treated", "compared", "held_out", "spend_compared", "difference", "difference_low", "difference_high",
    "difference_error", "imbalance",
]  # fmt: skip


def _two_arms(arms: pd.DataFrame) -> list[object]:
    arm = arms.reindex([0, 1])
    means = arm[[f"mean_{c}" for c in COVARIATES]].to_numpy(float)
    deviation = np.sqrt(arm[[f"var_{c}" for c in COVARIATES]].to_numpy(float).mean(axis=0))
    apart = np.abs(means[1] - means[0])[deviation > 0] / deviation[deviation > 0]
    error = math.sqrt((arm["var_spend"] / arm["n"]).sum(skipna=False))
    plain = normal_estimate(arm["mean_spend"][1] - arm["mean_spend"][0], error)
    treated, compared = arm["n"].fillna(0).astype(int)[[1, 0]]
    return [
        treated, compared, bool(arms["held_out"].any()), arm["mean_spend"][0],
        plain.value, plain.low, plain.high, error, apart.max() if len(apart) else math.nan,
    ]  # fmt: skip


def ratio_p(treated: int, compared: int, holdout_share: float) -> float:
    """Test the sizes of the arms against the planned share, exactly."""
    if not 0 < holdout_share < 1 or treated + compared == 0:
        return math.nan
    return float(stats.binomtest(compared, treated + compared, holdout_share).pvalue)


def overlaps(contacts: ibis.Table, plan: pd.DataFrame, window_days: int) -> pd.DataFrame:
    """Share of a campaign's contacted whom another campaign reached within the window."""
    reached = contacts.filter(_.arm.fill_null("treated") != "holdout").select("campaign_id", "customer_id")
    near = _near(plan, window_days).inner_join(reached.view(), [("other_id", "campaign_id")])
    both = reached.semi_join(near, ["campaign_id", "customer_id"]).mutate(twice=1)
    counts = reached.left_join(both, ["campaign_id", "customer_id"]).group_by("campaign_id")
    frame: pd.DataFrame = counts.aggregate(contacted=_.count(), twice=_.twice.count()).to_pandas()
    frame["overlap"] = frame.pop("twice") / frame["contacted"]
    return frame.set_index("campaign_id")


def _near(plan: pd.DataFrame, window_days: int) -> ibis.Table:
    """Pair the campaigns that start within the window of each other."""
    starts = plan[["campaign_id", "starts_on"]]
    pairs = starts.merge(starts.set_axis(["other_id", "other_start"], axis=1), how="cross")
    close = (pairs["starts_on"] - pairs["other_start"]).abs() < pd.Timedelta(days=window_days)
    near = pairs.loc[close & (pairs["campaign_id"] != pairs["other_id"]), ["campaign_id", "other_id"]]
    text = pa.schema([("campaign_id", pa.string()), ("other_id", pa.string())])
    return ibis.memtable(pa.Table.from_pandas(near, schema=text, preserve_index=False))
