"""What a contact through each channel brings, by what customers spent before: from campaigns with a holdout.

Only customers drawn at random show what a contact changes, so campaigns without a holdout take no part, and
groups are made of what was known before the campaign: a group by later spend would hold its effect.
"""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.estimates import rounded

__all__ = ["BANDS", "BEFORE_DAYS", "contact_effects", "spend_before"]

BEFORE_DAYS = 180
"""Days of spend that make the groups."""

BANDS = ("nothing spent lately", "low spend", "middle spend", "high spend")
"""Groups: no spend in those days, and thirds of those who spent, by limits of the day of the report."""

_COLUMNS = ["channel", "band", "effect", "error", "customers", "campaigns"]


def spend_before(transactions: ibis.Table, *, as_of: date) -> ibis.Table:
    """Add up each customer's spend of the last days: `customer_id`, `before`."""
    until = ibis.date(as_of)
    day = transactions.ordered_at.date()
    recent = transactions.filter(day < until, day >= until - ibis.interval(days=BEFORE_DAYS))
    return recent.group_by("customer_id").aggregate(before=_.amount.sum().cast("float64"))


def contact_effects(
    campaigns: ibis.Table,
    contacts: ibis.Table,
    transactions: ibis.Table,
    *,
    as_of: date,
    limits: tuple[float, float],
    window_days: int = 28,
) -> pd.DataFrame:
    """Estimate what a contact adds to a customer's spend, by channel and group.

    Within a campaign and group: mean spend of those contacted less that of those held out. Campaigns of a
    channel are weighed by what they know; groups are drawn to their channel's mean as far as their
    differences are noise (DerSimonian & Laird 1986); where campaigns of a channel disagree the error grows.

    Parameters
    ----------
    campaigns, contacts, transactions
        Canonical tables; any may be empty.
    as_of
        The day the numbers stand for; campaigns whose window is not over are left out.
    limits
        Spend that parts low from middle and middle from high.
    window_days
        Days from a campaign's start in which spend counts.

    Returns
    -------
    pandas.DataFrame
        `channel`, `band`, `effect` and its standard `error` (money a contact), `customers` compared,
        `campaigns` of the channel.
    """
    sums = _sums(campaigns, contacts, transactions, as_of=as_of, limits=limits, window_days=window_days)
    if sums.empty:
        return pd.DataFrame(columns=_COLUMNS)
    cells = _differences(sums)
    parts = [_shrunk(str(channel), own) for channel, own in cells.groupby("channel")]
    return rounded(pd.concat(parts, ignore_index=True)) if parts else pd.DataFrame(columns=_COLUMNS)


def _sums(
    campaigns: ibis.Table,
    contacts: ibis.Table,
    transactions: ibis.Table,
    *,
    as_of: date,
    limits: tuple[float, float],
    window_days: int,
) -> pd.DataFrame:
    until = ibis.date(as_of) - ibis.interval(days=window_days)
    over = campaigns.filter(_.starts_on <= until, _.design.fill_null("") != "targeted").drop_null("channel")
    drawn = contacts.filter(contacts.campaign_id.isin(_with_holdout(contacts)))
    chosen = drawn.group_by("campaign_id", "customer_id").aggregate(
        treated=(_.arm.fill_null("treated") != "holdout").max()
    )
    chosen = chosen.inner_join(over.select("campaign_id", "channel", "starts_on"), "campaign_id")
    lines = transactions.select("customer_id", "ordered_at", amount=_.amount.cast("float64"))
    near = chosen.inner_join(
        lines,
        [
            chosen.customer_id == lines.customer_id,
            lines.ordered_at >= chosen.starts_on - ibis.interval(days=BEFORE_DAYS),
            lines.ordered_at < chosen.starts_on + ibis.interval(days=window_days),
        ],
    )
    spent = near.group_by("campaign_id", "customer_id").aggregate(
        after=_.amount.sum(where=_.ordered_at >= _.starts_on),
        before=_.amount.sum(where=_.ordered_at < _.starts_on),
    )
    people = chosen.left_join(spent, ["campaign_id", "customer_id"])
    people = people.mutate(y=_.after.fill_null(0.0), band=_band(people.before.fill_null(0.0), limits))
    table: pd.DataFrame = (
        people.group_by("channel", "campaign_id", "band", "treated")
        .aggregate(n=_.count(), mean=_.y.mean(), variance=_.y.var())
        .order_by("channel", "campaign_id", "band", "treated")
        .to_pandas()
    )
    return table[table["n"] >= 2]


def _with_holdout(contacts: ibis.Table) -> ibis.Column:
    return contacts.filter(_.arm == "holdout").campaign_id


def _band(before: ibis.Column, limits: tuple[float, float]) -> ibis.Column:
    low, high = limits
    return ibis.cases((before <= 0, 0), (before <= low, 1), (before <= high, 2), else_=3)


def _differences(sums: pd.DataFrame) -> pd.DataFrame:
    keys = ["channel", "campaign_id", "band"]
    treated = sums["treated"].astype(bool)
    arms = sums[treated].merge(sums[~treated], on=keys, suffixes=("", "_held"))
    arms["difference"] = arms["mean"] - arms["mean_held"]
    arms["variance"] = arms["variance"] / arms["n"] + arms["variance_held"] / arms["n_held"]
    arms["customers"] = arms["n"] + arms["n_held"]
    arms["weight"] = arms["n"] * arms["n_held"] / arms["customers"]
    return arms[[*keys, "difference", "variance", "customers", "weight"]]


def _shrunk(channel: str, cells: pd.DataFrame) -> pd.DataFrame:
    bands = _pooled(cells, "band")
    effect, variance = (
        bands["difference"].to_numpy(float),
        np.maximum(bands["variance"].to_numpy(float), 1e-9),
    )
    between, mean, of_mean = _spread(effect, variance)
    by_campaign = _pooled(cells, "campaign_id")
    moved = _spread(by_campaign["difference"].to_numpy(float), by_campaign["variance"].to_numpy(float))[0]
    of_mean += moved / len(by_campaign)
    keep = between / (between + variance)
    error = np.sqrt(keep * variance + (1 - keep) ** 2 * of_mean + keep**2 * moved / len(by_campaign))
    return pd.DataFrame({
        "channel": channel, "band": bands.index.to_numpy(int), "effect": mean + keep * (effect - mean),
        "error": error, "customers": bands["customers"].to_numpy(int), "campaigns": len(by_campaign),
    })  # fmt: skip


def _pooled(cells: pd.DataFrame, by: str) -> pd.DataFrame:
    """Average the differences within each group, by what each knows."""
    share = cells["weight"] / cells.groupby(by)["weight"].transform("sum")
    parts = cells[[by, "customers"]].assign(
        difference=share * cells["difference"], variance=share**2 * cells["variance"]
    )
    return parts.groupby(by).sum()


def _spread(effect: np.ndarray, variance: np.ndarray) -> tuple[float, float, float]:
    """Part the differences into noise and true spread: its variance, the mean, and the mean's variance."""
    weight = 1 / np.maximum(variance, 1e-9)
    centre = (weight * effect).sum() / weight.sum()
    excess = (weight * (effect - centre) ** 2).sum() - (len(effect) - 1)
    room = weight.sum() - (weight**2).sum() / weight.sum()
    between = max(0.0, float(excess / room)) if room > 1e-12 else 0.0
    weight = 1 / (variance + between)
    return between, float((weight * effect).sum() / weight.sum()), float(1 / weight.sum())
