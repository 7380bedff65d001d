"""What else is known of each customer before a date: margin, breadth, channels, service, campaigns.

The companion of `features`: the same window, and nothing that happened on or after the date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import ibis
from ibis import _

__all__ = [
    "COMPLAINT",
    "buying_features",
    "campaign_features",
    "channel_shares",
    "described",
    "service_features",
]

COMPLAINT = "complaint"


def buying_features(
    transactions: ibis.Table, products: ibis.Table, *, as_of: date, window_days: int = 0
) -> ibis.Table:
    """Describe what each customer bought: how many products and categories, and what was left of it.

    Parameters
    ----------
    transactions, products
        Canonical order lines and products; products may be empty.
    as_of
        The day the numbers stand for; lines of that day and later are not seen.
    window_days
        Days before `as_of` that are looked at; 0 looks at everything.

    Returns
    -------
    ibis.Table
        `customer_id`; `products` and `categories` (different ones, on lines above zero); `margin` (money
        less the cost of goods, over lines whose cost is known; missing where none is) and `margin_known`
        (share of lines whose cost is known).
    """
    lines = _window(transactions, "ordered_at", as_of=as_of, window_days=window_days)
    known = products.select("product_id", "category").distinct(on="product_id")
    named = lines.left_join(known, "product_id")
    bought = named.amount > 0
    return named.group_by("customer_id").aggregate(
        products=_.product_id.nunique(where=bought),
        categories=_.category.nunique(where=bought),
        margin=(_.amount - _.cost).sum(where=_.cost.notnull()).cast("float64"),
        margin_known=_.cost.notnull().cast("float64").mean(),
    )


def channel_shares(transactions: ibis.Table, *, as_of: date, window_days: int = 0) -> ibis.Table:
    """Compute the share of each customer's orders that came through each channel.

    An order counts when its lines net to more than zero; its channel is the first by name of its lines'.

    Parameters
    ----------
    transactions
        Canonical order lines.
    as_of, window_days
        As for `buying_features`.

    Returns
    -------
    ibis.Table
        One row a customer and channel: `customer_id`, `channel` (missing where none is recorded),
        `orders` (count), `share` of the customer's orders.
    """
    lines = _window(transactions, "ordered_at", as_of=as_of, window_days=window_days)
    orders = lines.group_by("customer_id", "order_id").aggregate(
        amount=_.amount.sum(), channel=_.channel.min()
    )
    counted = orders.filter(_.amount > 0).group_by("customer_id", "channel").aggregate(orders=_.count())
    return counted.mutate(share=_.orders / _.orders.sum().over(group_by="customer_id"))


def service_features(communications: ibis.Table, *, as_of: date, window_days: int = 0) -> ibis.Table:
    """Count each customer's contacts with service and complaints, and how content they were.

    Parameters
    ----------
    communications
        Canonical communications; may be empty.
    as_of, window_days
        As for `buying_features`.

    Returns
    -------
    ibis.Table
        `customer_id`, `contacts`, `complaints` (counts), `satisfaction` (mean score, missing without one);
        only customers with contacts.
    """
    times = _window(communications, "occurred_at", as_of=as_of, window_days=window_days)
    return times.group_by("customer_id").aggregate(
        contacts=_.count(),
        complaints=_.count(where=_.kind == COMPLAINT),
        satisfaction=_.satisfaction.mean(),
    )


def campaign_features(
    contacts: ibis.Table, campaigns: ibis.Table, *, as_of: date, window_days: int = 0
) -> ibis.Table:
    """Count the campaigns that reached each customer before the date, and those answered by then.

    A contact counts by its own day, and where that is not known by the first day of its campaign. An
    answer whose day is known counts when it came before the date; one without a day counts.

    Parameters
    ----------
    contacts, campaigns
        Canonical campaign contacts and campaigns; may be empty. Customers held out were not reached.
    as_of, window_days
        As for `buying_features`, by the day of the contact.

    Returns
    -------
    ibis.Table
        `customer_id`, `campaigns` (count), `responses` (count), `response_rate`; only customers reached.
    """
    reached = contacts.filter((_.arm != "holdout") | _.arm.isnull())
    started = campaigns.select("campaign_id", "starts_on")
    dated = reached.inner_join(started, "campaign_id").mutate(
        day=ibis.coalesce(_.contacted_at.date(), _.starts_on)
    )
    joined = _window(dated, "day", as_of=as_of, window_days=window_days)
    in_time = joined.responded_at.isnull() | (joined.responded_at.date() < _day(as_of))
    answered = joined.responded & in_time
    counted = joined.group_by("customer_id").aggregate(campaigns=_.count(), responses=_.count(where=answered))
    return counted.mutate(response_rate=_.responses / _.campaigns)


def described(
    table: ibis.Table, tables: Mapping[str, ibis.Table], *, as_of: date, window_days: int = 0
) -> ibis.Table:
    """Add to each customer's orders what was bought, through which channel, and what service met.

    Parameters
    ----------
    table
        One row a customer, from `features.customer_features`.
    tables
        Canonical `transactions`, `products`, `communications`, `campaign_contacts` and `campaigns`; all but
        the first may be empty.
    as_of, window_days
        As for `buying_features`.

    Returns
    -------
    ibis.Table
        The table with the columns of `buying_features`, `service_features` and `campaign_features`, and
        `main_channel` with `main_channel_share`: that of most orders, of equal ones the first by name.
        What nothing is known of is missing.
    """
    lines = tables["transactions"]
    shares = channel_shares(lines, as_of=as_of, window_days=window_days).filter(_.channel.notnull())
    most = shares.order_by([_.share.desc(), _.channel]).distinct(on="customer_id", keep="first")
    parts = (
        buying_features(lines, tables["products"], as_of=as_of, window_days=window_days),
        most.select("customer_id", main_channel=_.channel, main_channel_share=_.share),
        service_features(tables["communications"], as_of=as_of, window_days=window_days),
        campaign_features(
            tables["campaign_contacts"], tables["campaigns"], as_of=as_of, window_days=window_days
        ),
    )
    for part in parts:
        table = table.left_join(part, "customer_id").drop("customer_id_right")
    return table


def _window(table: ibis.Table, time: str, *, as_of: date, window_days: int) -> ibis.Table:
    day = table[time].date() if table[time].type().is_timestamp() else table[time]
    seen = table.filter(day < _day(as_of))
    return seen.filter(day >= _day(as_of - timedelta(days=window_days))) if window_days else seen


def _day(day: date) -> ibis.Value:
    return ibis.date(day.year, day.month, day.day)
