"""What the list for the next campaign promised, and what came: the contacted beside the tenth kept back."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.campaigns.findings import Said
from crm_helpers.analysis.campaigns.targeting import Targets
from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.promise_scores import list_sentences, open_rows, score_rows, standard_error

__all__ = ["list_findings", "open_targets", "score_targets"]

_THIRDS = np.array(["first third", "second third", "last third"])
_FEWEST = 300  # customers, below which a third of the list would keep back too few to compare
_SAID = {
    "hit": "campaigns.list_hit",
    "miss": "campaigns.list_miss",
    "not yet": "campaigns.list_open",
    "not used": "campaigns.list_unused",
    "nobody to compare": "campaigns.list_alone",
}


def open_targets(
    targets: Targets, before: pd.DataFrame, *, scored: pd.DataFrame, as_of: date, window_days: int
) -> pd.DataFrame:
    """Keep the lists not scored yet, and today's: what later reports score.

    What a customer is promised to add is the predicted gain times what came of such predictions when they
    were tried on customers they were not learnt from; that factor errs for all customers together.

    Parameters
    ----------
    targets
        From `targeting.find_targets`.
    before
        The same table of an earlier report.
    scored
        What `score_targets` makes of it today.
    as_of
        The day today's list stands for.
    window_days
        Days from that day in which spend counts.

    Returns
    -------
    pandas.DataFrame
        A row a list and customer: `arm`, `expected_sales` and its standard `error`.
    """
    listed, ratio = targets.listed, targets.borne_out or Estimate(0.0, 0.0, 0.0)
    gain = listed["gain"].astype(float)
    today = listed.assign(
        campaign=targets.campaign, arm=listed["group"], band=_bands(len(listed)),
        expected_sales=gain * ratio.value, error=standard_error(gain * (ratio.high - ratio.value)),
    )  # fmt: skip
    return open_rows(today, before, scored=scored, by="campaign", as_of=as_of, window_days=window_days)


def score_targets(before: pd.DataFrame, tables: dict[str, ibis.Table], *, as_of: date) -> pd.DataFrame:
    """Hold every earlier list against what its customers spent: see `promise_scores.score_rows`.

    Parameters
    ----------
    before
        `open_targets` of an earlier report.
    tables
        Canonical `campaigns`, `transactions` and, as `contacts`, `campaign_contacts`; a contact without a
        time counts from the start of its campaign.
    as_of
        The day the numbers stand for.

    Returns
    -------
    pandas.DataFrame
        A row a list: promised and happened, with 95 % intervals, and the outcome.
    """
    starts = tables["campaigns"].select("campaign_id", start=_.starts_on.cast("timestamp"))
    made = tables["contacts"].left_join(starts, "campaign_id")
    contacts = made.select("customer_id", "arm", contacted_at=ibis.coalesce(_.contacted_at, _.start))
    return score_rows(before, tables["transactions"], contacts, by="campaign", as_of=as_of)


def list_findings(scored: pd.DataFrame) -> list[Said]:
    """Say of every earlier list what it promised and what came; nothing where there was none."""
    return list_sentences(scored, _SAID, by="campaign")


def _bands(size: int) -> np.ndarray:
    """Cut a list, best first, in three: alike are compared with alike, and the interval is narrower."""
    if size < _FEWEST:
        return np.full(size, "whole list")
    return np.asarray(_THIRDS[np.arange(size) * 3 // size])
