"""What months and groups come to: which sentences to say, and the numbers in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from crm_helpers.analysis.channels.findings import Said
from crm_helpers.analysis.estimates import Estimate

__all__ = ["group_sentences", "need_evidence", "need_sentences", "trend_sentences"]

LEVEL = 0.05
"""Chance of a trend by luck, for the number looked at, below which it is taken as one."""


def trend_sentences(trend: pd.DataFrame) -> list[Said]:
    """Say how many measures rise or fall for sure, and which the most."""
    if trend.empty:
        return [("channels.no_trend_known", {})]
    sure = trend[trend["p_adjusted"] < LEVEL]
    counts = {"found": len(sure), "all": len(trend)}
    if sure.empty:
        return [("channels.no_trend", {"all": len(trend)})]
    row = sure.iloc[int(sure["change"].abs().to_numpy().argmax())]
    change = Estimate(*(float(row[name]) for name in ("change", "change_low", "change_high")))
    place = {"channel": row["channel"], "measure": row["measure"]}
    return [("channels.trend", {**counts, **place, "change": change})]


def group_sentences(groups: pd.DataFrame) -> list[Said]:
    """Say whether one channel's orders are worth most in every segment; nothing where none has a rank."""
    worth = groups[(groups["kind"] == "segment") & (groups["measure"] == "order value")]
    best = worth[worth["rank"] == 1]
    if best.empty:
        return []
    counts = best["channel"].value_counts()
    first = sorted(counts[counts == counts.max()].index)[0]
    values = {"best": first, "same": int(counts.max()), "all": best["group"].nunique()}
    return [("channels.by_segment", values)]


def need_evidence(groups: pd.DataFrame) -> pd.DataFrame:
    """Take the channels of the need and measure in which best and worst differ most, where that is sure.

    The difference counts as a share of their mean, and is sure when it passes the number of pairs of channels
    that could have been picked (Bonferroni).

    Parameters
    ----------
    groups
        From `groups.by_group`.

    Returns
    -------
    pandas.DataFrame
        `channel`, `group`, `measure`, `value`, `low`, `high`, `cases`, `rank`, best first; no rows where no
        need tells channels apart.
    """
    known = groups[(groups["kind"] == "need") & groups["rank"].notna()].sort_values("rank", kind="stable")
    pairs = sum(len(own) * (len(own) - 1) // 2 for _, own in known.groupby(["group", "measure"]))
    sure = stats.norm.ppf(1 - LEVEL / 2 / max(pairs, 1))
    found = [(_apart(own, sure), own) for _, own in known.groupby(["group", "measure"], sort=True)]
    best = max(found, key=lambda one: one[0], default=(0.0, known.head(0)))
    return (best[1] if best[0] > 0 else known.head(0)).drop(columns="kind")


def need_sentences(groups: pd.DataFrame) -> list[Said]:
    """Say for which need channels differ most; nothing where needs are not known."""
    if not len(groups[(groups["kind"] == "need") & groups["rank"].notna()]):
        return []
    rows = need_evidence(groups)
    if rows.empty:
        return [("channels.by_need_alike", {})]
    best, worst = rows.iloc[0], rows.iloc[-1]
    return [
        (
            "channels.by_need_score" if best["measure"] == "satisfaction" else "channels.by_need",
            {
                "need": best["group"], "best": best["channel"], "worst": worst["channel"],
                "most": _interval(best), "least": _interval(worst),
            },
        )
    ]  # fmt: skip


def _apart(own: pd.DataFrame, sure: float) -> float:
    """Share of their mean by which the first and the last differ; 0 where that may be luck."""
    first, last = (own.iloc[place] for place in (0, -1))
    error = np.hypot(*((row["high"] - row["low"]) / (2 * 1.959964) for row in (first, last)))
    difference = abs(float(first["value"] - last["value"]))
    return difference / abs(float(own["value"].mean())) if difference > sure * error else 0.0


def _interval(row: pd.Series) -> Estimate:
    return Estimate(*(float(row[name]) for name in ("value", "low", "high")))
