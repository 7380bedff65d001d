"""Which topics are spoken of more and more? A trend test that allows for months that differ anyway."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from crm_helpers.analysis.estimates import LEVEL, benjamini_hochberg
from crm_helpers.analysis.needs.topics import OTHER

__all__ = ["FEWEST_MONTHS", "monthly_shares", "trends"]

FEWEST_MONTHS = 6


def monthly_shares(comments: pd.DataFrame, *, as_of: date, months: int) -> pd.DataFrame:
    """Count each topic in each of the last whole months.

    Parameters
    ----------
    comments
        `topic`, `occurred_at`.
    as_of
        The day the numbers stand for; its month is left out unless it is the first day of the next.
    months
        How many months to look at.

    Returns
    -------
    pandas.DataFrame
        `month` (first day), `topic`, `comments`, `all_comments`, `share`.
    """
    last = pd.Timestamp(as_of).to_period("M")
    month = pd.to_datetime(comments["occurred_at"]).dt.to_period("M")
    recent = comments.assign(month=month)[(month < last) & (month >= last - months)]
    if recent.empty:
        return pd.DataFrame(columns=["month", "topic", "comments", "all_comments", "share"])
    every = pd.MultiIndex.from_product([sorted(set(recent["month"])), sorted(set(recent["topic"]))])
    counts = (
        recent.groupby(["month", "topic"]).size().reindex(every.set_names(["month", "topic"]), fill_value=0)
    )
    long = counts.rename("comments").reset_index()
    long["all_comments"] = long.groupby("month")["comments"].transform("sum")
    long["share"] = long["comments"] / long["all_comments"]
    long = long.sort_values(["month", "topic"], ignore_index=True)
    return long.assign(month=long["month"].dt.start_time)


def trends(shares: pd.DataFrame, *, level: float = LEVEL) -> pd.DataFrame:
    """Test whether a topic's share of the comments goes up or down over the months.

    `b = Σ n(t)(t − t̄)(p(t) − p) / Σ n(t)(t − t̄)²`, the slope of Cochran and Armitage's test, with its
    variance multiplied by the dispersion `φ = max(1, X²/(T − 2))` of the months around the line, and
    Student's t with T − 2 degrees of freedom; p-values adjusted for the number of topics.

    Parameters
    ----------
    shares
        From `monthly_shares`.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    pandas.DataFrame
        `topic`, `change` (share points from the first to the last month), `change_low`, `change_high`,
        `p_adjusted`, `trend` (rising, falling, steady); no rows with fewer than six months.
    """
    columns = ["topic", "change", "change_low", "change_high", "p_adjusted", "trend"]
    named = shares[shares["topic"] != OTHER]
    if named["month"].nunique() < FEWEST_MONTHS:
        return pd.DataFrame(columns=columns)
    rows = [(str(topic), *_slope(of, level)) for topic, of in named.groupby("topic")]
    table = pd.DataFrame(rows, columns=[*columns[:4], "p_value"])
    table["p_adjusted"] = benjamini_hochberg(table["p_value"].to_numpy())
    sure = table["p_adjusted"] < 1 - level
    table["trend"] = np.select(
        [sure & (table["change"] > 0), sure & (table["change"] < 0)], ["rising", "falling"], "steady"
    )
    return table[columns].sort_values(["change", "topic"], ascending=[False, True]).reset_index(drop=True)


def _slope(months: pd.DataFrame, level: float) -> tuple[float, float, float, float]:
    n, p = months["all_comments"].to_numpy(float), months["share"].to_numpy(float)
    t = months["month"].rank().to_numpy(float)
    centred, overall = t - (n * t).sum() / n.sum(), (n * p).sum() / n.sum()
    spread, noise = (n * centred**2).sum(), overall * (1 - overall)
    slope, free = (n * centred * (p - overall)).sum() / spread, len(t) - 2
    fitted = overall + slope * centred
    dispersion = max(1.0, float((n * (p - fitted) ** 2).sum() / noise / free)) if noise > 0 else 1.0
    error = float(np.sqrt(dispersion * noise / spread))
    length = t.max() - t.min()
    half = float(stats.t.ppf(0.5 + level / 2, free)) * error
    p_value = float(2 * stats.t.sf(abs(slope) / error, free)) if error > 0 else 1.0
    return float(slope * length), float((slope - half) * length), float((slope + half) * length), p_value
