"""The two arms of each campaign: how many, how alike, and whom another campaign reached as well."""

from __future__ import annotations

import math
from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import _
from scipy import stats

from crm_helpers.analysis.campaigns.adjusted import Arms
from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.estimates import normal_estimate

__all__ = ["by_campaign", "describe_arms", "overlaps", "ratio_p"]


def describe_arms(arms: Mapping[str, Arms]) -> pd.DataFrame:
    """Count and describe the arms: the plain difference with Welch's interval, and the balance."""
    return by_campaign({campaign: _two_arms(pair) for campaign, pair in arms.items()}, _ARM_COLUMNS)


def by_campaign(records: dict[str, list[object]], columns: list[str]) -> pd.DataFrame:
    """Make one row a campaign from what was found of each."""
    # without rows pandas would make an index of numbers, and no text would find its campaign in it
    return pd.DataFrame(list(records.values()), index=pd.Index(list(records), dtype="str"), columns=columns)


_ARM_COLUMNS = [
    "treated", "compared", "held_out", "spend_compared", "difference", "difference_low", "difference_high",
    "difference_error", "imbalance",
]  # fmt: skip


def _two_arms(pair: Arms) -> list[object]:
    sizes = [0 if arm is None else arm.rows for arm in (pair.treated, pair.others)]
    spend = math.nan if pair.others is None else pair.others.mean("spend")
    if pair.treated is None or pair.others is None:
        return [*sizes, pair.held_out, spend, *[math.nan] * 5]
    one, none = pair.treated, pair.others
    spread = np.sqrt([(one.variance(c) + none.variance(c)) / 2 for c in COVARIATES])
    apart = np.abs([one.mean(c) - none.mean(c) for c in COVARIATES])[spread > 0] / spread[spread > 0]
    error = math.sqrt(one.variance("spend") / one.rows + none.variance("spend") / none.rows)
    plain = normal_estimate(one.mean("spend") - spend, error)
    return [
        *sizes, pair.held_out, spend, plain.value, plain.low, plain.high, error,
        apart.max() if len(apart) else math.nan,
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
