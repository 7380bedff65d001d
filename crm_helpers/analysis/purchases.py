"""When each customer ordered and for how much: what the models of value and churn are made of.

Orders of one day are one order, for a second visit on the same day says little about the next; an order
counts when it nets to more than zero. All of it is computed by the engine, by customer.
"""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
from ibis import _

__all__ = ["DAYS_A_WEEK", "histories", "in_days", "order_table", "pauses", "repeat_orders", "spent"]

DAYS_A_WEEK = 7.0  # the unit of the models' time


def order_table(transactions: ibis.Table, products: ibis.Table, *, as_of: date) -> ibis.Table:
    """Bring order lines together to orders, kept in the engine.

    Parameters
    ----------
    transactions
        Canonical order lines; those without a customer take no part.
    products
        Canonical products, for the category; may be empty.
    as_of
        Lines of that day and later are not seen.

    Returns
    -------
    ibis.Table
        `customer_id`, `order_id`, `day`, `amount` (money, exact), `lines` (count), `category` (the one
        with the most money of the order; missing where not known).
    """
    known = transactions.filter(_.ordered_at < ibis.timestamp(as_of.year, as_of.month, as_of.day, 0, 0, 0))
    known = known.filter(_.customer_id.notnull())
    names = products.select("product_id", "category")
    lines = known.select("customer_id", "order_id", "ordered_at", "product_id", "amount").left_join(
        names, "product_id"
    )
    parts = lines.group_by("customer_id", "order_id", "category").aggregate(
        amount=_.amount.sum(), day=_.ordered_at.max().date(), lines=_.count()
    )
    # the category breaks ties, so that equal runs give equal tables
    most = ibis.struct({"amount": parts.amount, "category": parts.category}).max(
        where=parts.category.notnull()
    )
    orders = parts.group_by("customer_id", "order_id").aggregate(
        day=_.day.max(), amount=_.amount.sum(), lines=_.lines.sum(), most=most
    )
    return orders.mutate(category=_.most["category"]).drop("most").cache()


def in_days(orders: ibis.Table) -> ibis.Table:
    """Bring the orders of one customer and day together.

    Parameters
    ----------
    orders
        Result of `order_table`, or a part of it.

    Returns
    -------
    ibis.Table
        `customer_id`, `day`, `amount` of the orders that count.
    """
    counted = orders.filter(_.amount > 0)
    return counted.group_by("customer_id", "day").aggregate(amount=_.amount.sum())


def histories(orders: ibis.Table, *, until: date, later: date | None = None) -> pd.DataFrame:
    """Describe each customer as the models see him on a day, and what he did after it.

    Parameters
    ----------
    orders
        Result of `order_table`.
    until
        The day; orders of that day and later are not seen.
    later
        The day after the last of those looked at afterwards; without it nothing is.

    Returns
    -------
    pandas.DataFrame
        By customer who ordered before `until`: `customer_id`; `x` (repeat orders), `t_x` (weeks from
        first to last order), `T` (weeks from first order to `until`); `orders`, `mean` (money an
        order) and `log_mean` (of its logarithm), `revenue` (net of returns); `first`, `last` (dates); `later_orders`, `later_revenue`.
    """
    until_day = ibis.date(until.year, until.month, until.day)
    before = orders.filter(_.day < until_day)
    # exact sums: an engine with threads adds floating-point numbers in no fixed order
    each = in_days(before).mutate(logs=_.amount.cast("float64").ln().round(6).cast("decimal(18, 6)"))
    days = each.group_by("customer_id").aggregate(
        orders=_.count(), paid=_.amount.sum(), logs=_.logs.sum(), first=_.day.min(), last=_.day.max()
    )  # fmt: skip
    money = before.group_by("customer_id").aggregate(revenue=_.amount.sum())
    table = days.left_join(money, "customer_id").drop("customer_id_right")
    ahead = _ahead(orders, until=until, later=later or until)
    table = table.left_join(ahead, "customer_id").drop("customer_id_right")
    first, last = table["first"], table["last"]
    return table.select(
        "customer_id", "orders", "first", "last",
        x=_.orders - 1,
        t_x=last.delta(first, unit="day") / DAYS_A_WEEK,
        T=until_day.delta(first, unit="day") / DAYS_A_WEEK,
        mean=_.paid.cast("float64") / _.orders,
        log_mean=_.logs.cast("float64") / _.orders,
        revenue=_.revenue.cast("float64"),
        later_orders=_.later_orders.fill_null(0),
        later_revenue=_.later_revenue.cast("float64").fill_null(0.0),
    ).order_by("customer_id").to_pandas()  # fmt: skip


def pauses(orders: ibis.Table, *, as_of: date) -> pd.DataFrame:
    """Count pauses between orders by their length, ended and still open.

    Parameters
    ----------
    orders
        Result of `order_table`.
    as_of
        The day on which the last pause of each customer is still open.

    Returns
    -------
    pandas.DataFrame
        `days`, `ended` (pauses of that length that an order ended), `open` (customers silent for that
        long); in the order of days.
    """
    today = ibis.date(as_of.year, as_of.month, as_of.day)
    following = ibis.window(group_by="customer_id", order_by="day")
    days = in_days(orders).mutate(following=_.day.lead().over(following))
    length = days.following.coalesce(today).delta(days.day, unit="day")
    counts = days.mutate(days=length).group_by("days").aggregate(
        ended=_.following.notnull().sum(), open=_.following.isnull().sum()
    )  # fmt: skip
    return counts.order_by("days").to_pandas()


def spent(orders: ibis.Table, *, since: date, until: date) -> pd.Series:
    """Sum what each customer paid from `since` up to but not including `until`, by customer."""
    first, end = (ibis.date(day.year, day.month, day.day) for day in (since, until))
    chosen = orders.filter((_.day >= first) & (_.day < end))
    sums = chosen.group_by("customer_id").aggregate(revenue=_.amount.sum().cast("float64"))
    return sums.to_pandas().set_index("customer_id")["revenue"]


def repeat_orders(orders: ibis.Table, *, joined_before: date, as_of: date) -> pd.DataFrame:
    """Count repeat orders by week, of the customers whose first order came before a day.

    Parameters
    ----------
    orders
        Result of `order_table`.
    joined_before
        The day.
    as_of
        Weeks end on the day before it and every seven days earlier; an incomplete first week is left out.

    Returns
    -------
    pandas.DataFrame
        `week` (its last day), `orders`, in the order of weeks.
    """
    joined, today = (ibis.date(day.year, day.month, day.day) for day in (joined_before, as_of))
    days = in_days(orders).mutate(first=_.day.min().over(ibis.window(group_by="customer_id")))
    days = days.filter(_.first < joined)
    weeks = days.mutate(back=(today.delta(days.day, unit="day") - 1) // 7)
    counts = weeks.group_by("back").aggregate(orders=(_.day > _.first).sum()).to_pandas().set_index("back")
    every = counts["orders"].reindex(range(int(counts.index.max()), -1, -1), fill_value=0)
    last_days = pd.Timestamp(as_of) - pd.to_timedelta(every.index.to_numpy() * 7 + 1, unit="D")
    return pd.DataFrame({"week": last_days, "orders": every.to_numpy()})


def _ahead(orders: ibis.Table, *, until: date, later: date) -> ibis.Table:
    since, end = (ibis.date(day.year, day.month, day.day) for day in (until, later))
    after = orders.filter((_.day >= since) & (_.day < end))
    money = after.group_by("customer_id").aggregate(later_revenue=_.amount.sum())
    days = in_days(after).group_by("customer_id").aggregate(later_orders=_.count())
    return money.left_join(days, "customer_id").drop("customer_id_right")
