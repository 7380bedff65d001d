"""What the channels (or types) of campaigns bring: answers and spend of those contacted."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
from ibis import _

from crm_helpers.analysis.channels.measures import MeasureRow, ranked, ratio_rows
from crm_helpers.analysis.estimates import Estimate

__all__ = ["evaluate_campaigns"]


def evaluate_campaigns(
    campaigns: ibis.Table,
    contacts: ibis.Table,
    transactions: ibis.Table,
    *,
    as_of: date,
    window_days: int = 28,
    cost_per_contact: float = 0.0,
    minimum: int = 30,
) -> pd.DataFrame:
    """Evaluate the channels (or types) of campaigns by how those contacted answered and what they bought.

    Parameters
    ----------
    campaigns, contacts, transactions
        Canonical tables; any may be empty. Campaigns whose window is not over by `as_of` are left out.
    as_of
        The day the numbers stand for.
    window_days
        Days from a campaign's start in which spend counts.
    cost_per_contact
        Money one contact costs, where the company's tables do not say; 0 is not known.
    minimum
        Cases below which a channel gets no rank.

    Returns
    -------
    pandas.DataFrame
        As `evaluate`, with `response`, `spend after contact` and `cost per response`.
    """
    until = ibis.date(as_of) - ibis.interval(days=window_days)
    over = (
        campaigns.filter(_.starts_on <= until)
        .drop_null("channel")
        .select("campaign_id", "channel", "starts_on")
    )
    reached = contacts.filter(_.arm.fill_null("treated") != "holdout").inner_join(over, "campaign_id")
    lines = transactions.select("customer_id", "ordered_at", "amount")
    inside = [
        reached.customer_id == lines.customer_id,
        lines.ordered_at >= reached.starts_on,
        lines.ordered_at < reached.starts_on + ibis.interval(days=window_days),
    ]
    spend = (
        reached.inner_join(lines, inside)
        .group_by("campaign_id", "customer_id")
        .aggregate(spend=_.amount.sum())
    )
    each = reached.left_join(spend, ["campaign_id", "customer_id"]).group_by("channel", "customer_id")
    people = each.aggregate(
        contacts=_.count(),
        responses=_.responded.sum(),
        spend=_.spend.sum().fill_null(0),
        known=_.responded.count(),
    )
    ratios = {"response": ("responses", "known"), "spend after contact": ("spend", "contacts")}
    rows = ratio_rows(people, ratios)
    return ranked([*rows, *_response_costs(rows, cost_per_contact)], minimum=minimum)


def _response_costs(rows: list[MeasureRow], cost_per_contact: float) -> list[MeasureRow]:
    """Divide what a contact costs by the share of contacts that answer."""
    return [
        (channel, "cost per response", _cost_over(cost_per_contact, rate), cases * rate.value)
        for channel, name, rate, cases in rows
        if name == "response" and cost_per_contact > 0 and rate.known and rate.low > 0
    ]


def _cost_over(cost: float, rate: Estimate) -> Estimate:
    return Estimate(cost / rate.value, cost / rate.high, cost / rate.low)
