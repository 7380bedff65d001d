"""What each channel does for the company: satisfaction, conversion, value, cost and churn, with intervals.

Every number comes with the cases it stands on; the counting is done by the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import ibis
import pandas as pd
from ibis import _

from crm_helpers.analysis.channels.measures import MeasureRow, ranked, ratio_rows
from crm_helpers.analysis.estimates import Estimate, mean_estimate, ratio_estimate, wilson_estimate

__all__ = ["complete_months", "evaluate", "orders_without"]

_SUMMED = ("visits", "orders", "cost", "new_customers", "lost_customers")
_AVERAGED = ("product_satisfaction", "service_satisfaction", "delivery_satisfaction")


def evaluate(
    months: pd.DataFrame,
    communications: ibis.Table,
    transactions: ibis.Table,
    *,
    as_of: date,
    minimum: int = 30,
) -> pd.DataFrame:
    """Evaluate every channel by what is recorded of it.

    Churn is `lost / customers at the start` of each month, added up: customer-months are its cases.
    Satisfaction and values are ratios over customers (delta method), because one customer's contacts and
    orders are alike; conversion and churn have Wilson's interval; cost per order is a ratio over months.

    Parameters
    ----------
    months
        Channel data by month, from `complete_months`.
    communications, transactions
        Canonical tables; any may be empty.
    as_of
        The day the numbers stand for; nothing from that day on is seen.
    minimum
        Cases below which a channel gets no rank in a measure.

    Returns
    -------
    pandas.DataFrame
        `channel`, `measure` (see `MEASURES`), `value`, `low`, `high`, `cases`, `cases_of`, `rank`
        (1 is best; missing with few cases). Only measures with data are there.
    """
    rows = [
        *_contact_rows(communications.filter(_.occurred_at.date() < ibis.date(as_of))),
        *_order_rows(transactions.filter(_.ordered_at.date() < ibis.date(as_of))),
        *_month_rows(months),
    ]
    return ranked(rows, minimum=minimum)


def complete_months(channels: ibis.Table, *, as_of: date) -> pd.DataFrame:
    """Take the months of channel data that were over by a date, by channel and month; weeks are added up.

    Parameters
    ----------
    channels
        Canonical channels.
    as_of
        The day the numbers stand for.

    Returns
    -------
    pandas.DataFrame
        The canonical columns, money as floating point.
    """
    monthly = channels.mutate(month=_.period.truncate("M"), cost=_.cost.cast("float64"))
    over = monthly.filter(_.month + ibis.interval(months=1) <= ibis.date(as_of))
    sums = {name: over[name].sum() for name in _SUMMED}
    means = {name: over[name].mean() for name in _AVERAGED}
    start = over.customers_at_start.first(order_by=over.period)
    table = over.group_by("channel", period=over.month).aggregate(**sums, **means, customers_at_start=start)
    months: pd.DataFrame = table.select(channels.columns).order_by("channel", "period").to_pandas()
    return months


def orders_without(transactions: ibis.Table, *, as_of: date) -> tuple[int, int]:
    """Count the orders that name no channel, and all orders."""
    seen = transactions.filter(_.ordered_at.date() < ibis.date(as_of))
    counts = seen.aggregate(
        without=_.order_id.nunique(where=_.channel.fill_null("") == ""), orders=_.order_id.nunique()
    ).to_pandas()
    return int(counts["without"][0]), int(counts["orders"][0])


def _contact_rows(communications: ibis.Table) -> list[MeasureRow]:
    people = communications.group_by("channel", "customer_id").aggregate(
        total=_.satisfaction.sum(), scores=_.satisfaction.count(), contacts=_.count()
    )
    return ratio_rows(people, {"satisfaction": ("total", "scores"), "answer share": ("scores", "contacts")})


def _order_rows(transactions: ibis.Table) -> list[MeasureRow]:
    people = transactions.group_by("channel", "customer_id").aggregate(
        revenue=_.amount.sum(), orders=_.order_id.nunique(), one=ibis.literal(1)
    )
    return ratio_rows(people, {"order value": ("revenue", "orders"), "customer value": ("revenue", "one")})


def _month_rows(months: pd.DataFrame) -> list[MeasureRow]:
    return [
        (str(channel), name, *estimated)
        for channel, own in months.groupby("channel")
        for name, make in _MONTHLY.items()
        if (estimated := make(own)) is not None
    ]


def _share(above: str, below: str) -> Callable[[pd.DataFrame], tuple[Estimate, float] | None]:
    def estimate(own: pd.DataFrame) -> tuple[Estimate, float] | None:
        known = own[[above, below]].dropna().astype("float64")
        known = known[known[above] <= known[below]]
        return (wilson_estimate(*known.sum()), float(known[below].sum())) if known[below].sum() > 0 else None

    return estimate


def _cost_per_order(own: pd.DataFrame) -> tuple[Estimate, float] | None:
    known = own[["cost", "orders"]].dropna().astype("float64")
    orders = float(known["orders"].sum())
    return (ratio_estimate(known["cost"].to_numpy(), known["orders"].to_numpy()), orders) if orders else None


def _mean(column: str) -> Callable[[pd.DataFrame], tuple[Estimate, float] | None]:
    def estimate(own: pd.DataFrame) -> tuple[Estimate, float] | None:
        known = own[column].dropna().astype("float64")
        return (
            (mean_estimate(known.mean(), known.std(), len(known)), float(len(known))) if len(known) else None
        )

    return estimate


_MONTHLY: dict[str, Callable[[pd.DataFrame], tuple[Estimate, float] | None]] = {
    "conversion": _share("orders", "visits"),
    "cost per order": _cost_per_order,
    "churn": _share("lost_customers", "customers_at_start"),
    "product score": _mean("product_satisfaction"),
    "service score": _mean("service_satisfaction"),
    "delivery score": _mean("delivery_satisfaction"),
}
