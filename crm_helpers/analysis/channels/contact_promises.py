"""What an earlier list of contacts promised, and what happened to those contacted beside those held out."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd

from crm_helpers.analysis.channels.contact_plan import ContactPlan
from crm_helpers.analysis.channels.findings import Said
from crm_helpers.analysis.promise_scores import (
    list_sentences,
    open_rows,
    score_rows,
    standard_error,
    still_open,
)

__all__ = ["open_lists", "promise_sentences", "resting", "score_lists"]

_SAID = {
    "hit": "channels.promise_hit",
    "miss": "channels.promise_miss",
    "not yet": "channels.promise_open",
    "not used": "channels.promise_unused",
    "nobody to compare": "channels.promise_alone",
}


def open_lists(
    plan: ContactPlan, before: pd.DataFrame, *, scored: pd.DataFrame, as_of: date, window_days: int
) -> pd.DataFrame:
    """Keep the lists not scored yet, and today's: what later reports score.

    Parameters
    ----------
    plan
        Today's contacts.
    before
        The same table of an earlier report.
    scored
        What `score_lists` makes of it today.
    as_of
        The day today's list stands for.
    window_days
        Days from that day in which spend counts.

    Returns
    -------
    pandas.DataFrame
        A row a list, customer and channel: `arm`, `expected_sales` of a contact and its standard `error`.
    """
    chosen = plan.people.dropna(subset=["channel"])
    cells = plan.cells[["channel", "band", "effect", "effect_high"]]
    joined = chosen.merge(cells, on=["channel", "band"], how="left")
    error = standard_error((joined["effect_high"] - joined["effect"]).astype(float))
    today = joined.assign(error=error)
    return open_rows(today, before, scored=scored, by="channel", as_of=as_of, window_days=window_days)


def resting(before: pd.DataFrame, *, as_of: date) -> list[str]:
    """List the customers held out of a list that is still open: a contact now would spoil its score."""
    rows = still_open(before, as_of=as_of)
    return sorted(set(rows.loc[rows["arm"] == "holdout", "customer_id"].astype(str)))


def score_lists(
    before: pd.DataFrame, transactions: ibis.Table, contacts: ibis.Table, *, as_of: date
) -> pd.DataFrame:
    """Hold every earlier list against what its customers spent: see `promise_scores.score_rows`."""
    return score_rows(before, transactions, contacts, by="channel", as_of=as_of)


def promise_sentences(scored: pd.DataFrame) -> list[Said]:
    """Say of every earlier list what it promised and what came; nothing where there was none."""
    return list_sentences(scored, _SAID, by="channel")
