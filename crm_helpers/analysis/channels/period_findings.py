"""What months and groups come to: which sentences to say, and the numbers in them."""

from __future__ import annotations

import pandas as pd

from crm_helpers.analysis.channels.findings import Said
from crm_helpers.analysis.estimates import Estimate

__all__ = ["group_sentences", "trend_sentences"]

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
