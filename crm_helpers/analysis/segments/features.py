"""What each customer did before a date: one row a customer, computed by the engine.

Recency, frequency and monetary value as a segmentation needs them: orders and not lines, returns
netted, a stated window, and nothing that happened on or after the date the numbers stand for.
"""

from __future__ import annotations

from datetime import date, timedelta

import ibis
from ibis import _

from crm_helpers.conditions import WORDS

__all__ = ["customer_features", "days_before", "revenue_between", "total_revenue", "with_attributes"]


def customer_features(
    customers: ibis.Table, transactions: ibis.Table, *, as_of: date, window_days: int = 0
) -> ibis.Table:
    """Describe every customer by what was ordered in the window that ends the day before `as_of`.

    An order counts when its lines net to more than zero, so that a zero-value basket or a return
    booked as an order of its own is not a purchase; its money still counts in `revenue`. Amounts are
    summed as decimals, exactly, and become floating point only at the end.

    Parameters
    ----------
    customers
        Canonical customers; those without orders are kept.
    transactions
        Canonical order lines.
    as_of
        The day the numbers stand for; lines of that day and later are not seen.
    window_days
        Days before `as_of` that are looked at; 0 looks at everything.

    Returns
    -------
    ibis.Table
        `customer_id`; `orders` (count); `revenue` (money, net of returns); `mean_order` (money, over
        the orders that count); `first_order`, `last_order` (dates); `recency_days` and `tenure_days`
        (days from the last and the first order to `as_of`); `gap_days` (mean days between orders,
        from the second order on). Dates and days are missing where there was no order.

    Examples
    --------
    >>> lines = ibis.memtable({
    ...     "customer_id": ["a", "a", "a"], "order_id": ["1", "1", "2"], "amount": [30.0, -10.0, 40.0],
    ...     "ordered_at": ["2024-03-01 10:00:00"] * 2 + ["2024-03-11 09:30:00"],
    ... }).mutate(ordered_at=_.ordered_at.cast("timestamp"))
    >>> people = ibis.memtable({"customer_id": ["a", "b"]})
    >>> table = customer_features(people, lines, as_of=date(2024, 3, 21)).order_by("customer_id")
    >>> table.to_pandas()[["customer_id", "orders", "revenue", "recency_days"]].values.tolist()
    [['a', 2, 60.0, 10.0], ['b', 0, 0.0, nan]]
    """
    orders = _orders(_lines(transactions, since=_first_day(as_of, window_days), until=as_of))
    nothing = {name: ibis.null(orders[name].type()) for name in ("amount", "paid", "day")}
    everybody = ibis.union(orders, customers.select("customer_id", **nothing))  # cheaper than an outer join
    return _describe(_customer_sums(everybody), as_of)


def with_attributes(table: ibis.Table, customers: ibis.Table, *, as_of: date) -> ibis.Table:
    """Add what is known of customers besides their orders.

    Parameters
    ----------
    table
        One row a customer, from `customer_features`.
    customers
        Canonical customers.
    as_of
        The day ages stand for.

    Returns
    -------
    ibis.Table
        The table with `age` (whole years; missing where the birth date is) and the columns `WORDS`.
    """
    born = customers.birth_date
    had_birthday = (born.month() * 100 + born.day()) <= as_of.month * 100 + as_of.day
    age = as_of.year - born.year() - ibis.ifelse(had_birthday, 0, 1)
    known = customers.select("customer_id", *WORDS, age=age.cast("float64"))
    return table.left_join(known, "customer_id").drop("customer_id_right")


def revenue_between(transactions: ibis.Table, *, since: date, until: date) -> ibis.Table:
    """Sum what each customer paid from `since` up to but not including `until`.

    Parameters
    ----------
    transactions
        Canonical order lines.
    since, until
        First day, and the day after the last.

    Returns
    -------
    ibis.Table
        `customer_id`, `orders` (count), `revenue` (money, net of returns); only customers with lines.
    """
    sums = _customer_sums(_orders(_lines(transactions, since=since, until=until)))
    return sums.select("customer_id", "orders", revenue=_.revenue.cast("float64"))


def days_before(day: date, days: int) -> date:
    """Return the day so many days before another.

    Examples
    --------
    >>> days_before(date(2024, 3, 1), 1)
    datetime.date(2024, 2, 29)
    """
    return day - timedelta(days=days)


def total_revenue(transactions: ibis.Table, *, as_of: date, window_days: int = 0) -> float:
    """Sum all money of the window, customer or not: what the segments' sales must add up to.

    Parameters
    ----------
    transactions
        Canonical order lines.
    as_of, window_days
        As for `customer_features`.

    Returns
    -------
    float
        Money, net of returns.
    """
    lines = _lines(transactions, since=_first_day(as_of, window_days), until=as_of)
    return float(lines.amount.sum().execute() or 0)


def _first_day(as_of: date, window_days: int) -> date | None:
    return as_of - timedelta(days=window_days) if window_days else None


def _lines(transactions: ibis.Table, *, since: date | None, until: date) -> ibis.Table:
    lines = transactions.filter(_.ordered_at < _midnight(until))
    return lines.filter(_.ordered_at >= _midnight(since)) if since else lines


def _midnight(day: date) -> ibis.Value:
    return ibis.timestamp(f"{day} 00:00:00")  # written out: Ibis makes none from numbers on Spark


def _orders(lines: ibis.Table) -> ibis.Table:
    """Sum lines by order; `paid` and `day` are missing where the order does not count."""
    sums = lines.group_by("customer_id", "order_id").aggregate(
        # an order has room in the type of its lines, and sums of narrow decimals are a tenth faster
        amount=_.amount.sum().cast(lines.amount.type()),
        day=_.ordered_at.max().date(),
    )
    paid, day = (ibis.ifelse(_.amount > 0, column, None) for column in (_.amount, _.day))
    return sums.select("customer_id", "amount", paid=paid, day=day)


def _customer_sums(orders: ibis.Table) -> ibis.Table:
    return orders.group_by("customer_id").aggregate(
        orders=_.day.count(),
        revenue=_.amount.sum(),
        paid=_.paid.sum(),
        first_order=_.day.min(),
        last_order=_.day.max(),
    )


def _describe(sums: ibis.Table, as_of: date) -> ibis.Table:
    today = ibis.date(as_of.year, as_of.month, as_of.day)
    first, last, orders = sums.first_order, sums.last_order, sums.orders
    return sums.select(
        "customer_id",
        orders=orders,
        revenue=sums.revenue.cast("float64").fill_null(0.0),
        mean_order=sums.paid.cast("float64") / orders.nullif(0),
        first_order=first,
        last_order=last,
        recency_days=today.delta(last, unit="day").cast("float64"),
        tenure_days=today.delta(first, unit="day").cast("float64"),
        gap_days=last.delta(first, unit="day") / (orders - 1).nullif(0),
    )
