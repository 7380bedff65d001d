"""Judge targeted campaigns one after the other: doubly robust effect, placebo, balance, second opinions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import ibis
import pandas as pd
from ibis import _
from scipy import stats

from crm_helpers.analysis.campaigns.doubly_robust import BY_RHYTHM, EXPECTED, Comparison, compare
from crm_helpers.analysis.campaigns.grades import PARTS
from crm_helpers.analysis.campaigns.past_value import look_past
from crm_helpers.analysis.campaigns.sensitivity import known_strength, robustness_value
from crm_helpers.analysis.estimates import LEVEL
from crm_helpers.analysis.regression import Regression

__all__ = ["SECOND_OPINIONS", "compare_targeted", "one_campaign"]

SECOND_OPINIONS = ("trimmed", "imbalance_left", "hidden_needed", "hidden_known")
"""Columns that only targeted campaigns have."""

_MOST = 300_000  # customers of one campaign held at once; of more every k-th is taken


def one_campaign(rows: ibis.Table, campaign: str, *, size: int) -> pd.DataFrame:
    """Fetch the customers of one campaign, sorted; of very many a fixed part."""
    chosen = rows.filter(_.campaign_id == campaign)
    step = math.ceil(size / _MOST)
    kept = chosen.filter(_.customer_id.hash() % step == 0) if step > 1 else chosen
    frame: pd.DataFrame = kept.order_by("customer_id").to_pandas()
    return frame


def compare_targeted(
    rows: ibis.Table,
    campaigns: Sequence[str],
    regressions: dict[str, Regression],
    *,
    plan: pd.DataFrame,
    days: ibis.Table,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare those contacted with their likes, campaign by campaign.

    Parameters
    ----------
    rows
        From `panel.panel`.
    campaigns
        The targeted campaigns that can be judged.
    regressions
        The engine's regression of each, for the robustness value.
    plan, days
        From `panel.windows` and `panel.customer_days`, for what the past makes expect of each customer.

    Returns
    -------
    tuple of DataFrame
        By campaign the columns of effect and placebo and `SECOND_OPINIONS`; and the balance table, one row
        a campaign and covariate.
    """
    spans = {str(row["campaign_id"]): row for _i, row in plan.iterrows()}
    records: dict[str, dict[str, float]] = {}
    balances = []
    for campaign in campaigns:
        frame = one_campaign(rows, campaign, size=regressions[campaign].rows)
        frame = _with_expected(frame, spans[campaign], days)
        found = compare(frame, outcomes=("spend", "spend_placebo"))
        if not found:
            continue
        fitted, effect = regressions[campaign], found["spend"]
        t = fitted.coefficient("treated") / fitted.error("treated")
        needed = robustness_value(t, fitted.degrees("treated"), alpha=1 - LEVEL)
        own = {"hidden_needed": needed, "hidden_known": known_strength(frame)}
        own |= {"trimmed": effect.trimmed, "imbalance_left": effect.imbalance}
        records[campaign] = own | _columns("effect", effect) | _columns("placebo", found["spend_placebo"])
        balances.append(effect.balance.assign(campaign_id=campaign))
    empty = pd.DataFrame(columns=["covariate", "before", "after", "campaign_id"])
    table = pd.DataFrame.from_dict(records, orient="index", columns=_COLUMNS, dtype=float)
    return table, pd.concat(balances, ignore_index=True) if balances else empty


def _with_expected(frame: pd.DataFrame, span: pd.Series, days: ibis.Table) -> pd.DataFrame:
    past = look_past(days, start=span["starts_on"].date())
    if past is None:
        return frame
    window, customers = (span["outcome_until"] - span["starts_on"]).days, frame["customer_id"]
    alone = frame[~frame["treated"].astype(bool)].set_index("customer_id")
    rhythm = past.by_rhythm(customers, days=window, silent=alone["orders"] == 0)
    return frame.assign(
        **{EXPECTED: past.spend(customers, days=window)}, **dict(zip(BY_RHYTHM, rhythm, strict=True))
    )


def _columns(kind: str, found: Comparison) -> dict[str, Any]:
    estimate = found.effect
    half = (estimate.high - estimate.low) / 2
    return {
        kind: estimate.value,
        f"{kind}_low": estimate.low,
        f"{kind}_high": estimate.high,
        f"{kind}_error": half / _NORMAL,
        f"{kind}_p": found.p_value,
    }


_NORMAL = float(stats.norm.ppf(0.5 + LEVEL / 2))
_COLUMNS = [*SECOND_OPINIONS, *(f"{kind}{part}" for kind in ("effect", "placebo") for part in PARTS)]
