"""When each customer ordered and for how much: what the models of value and churn are made of.

Orders of one day are one order, for a second visit on the same day says little about the next; an order
counts when it nets to more than zero. All of it is computed by the engine, by customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis import _

from crm_helpers.analysis.value.contract import Terms

if TYPE_CHECKING:
    from crm_helpers.profile import Contract

__all__ = [
    "DAYS_A_WEEK",
    "OrderBook",
    "engine_date",
    "histories",
    "order_book",
    "pauses",
    "repeat_orders",
    "spent",
]

DAYS_A_WEEK = 7.0  # the unit of the models' time
_MONEY = "decimal(18, 4)"


@dataclass(frozen=True)
class OrderBook:
    """Orders of a company before a day, kept in the engine.

    `orders`: `customer_id`, `order_id`, `day`, `amount` (money, exact), `lines` (count), `category` (the
    number in `categories` of the one with the most money; missing where not known). `days`, one row a
    customer and day: `ordered` (whether an order counts), `paid` (money of those that do), `net` (all
    money), `logs` (logarithm of `paid`), `baskets`, `returns`, `lines` (counts). `categories`: `category`,
    `name`. `terms` are of its contracts, if it sells by contract.
    """

    as_of: date
    orders: ibis.Table
    days: ibis.Table
    categories: ibis.Table
    terms: Terms | None = None

    @property
    def span(self) -> int:
        """Days from the first order to `as_of`; 0 without orders."""
        first = self.days.day.min().to_pandas()
        return 0 if pd.isna(first) else (pd.Timestamp(self.as_of) - pd.Timestamp(first)).days


def order_book(
    transactions: ibis.Table, products: ibis.Table, *, as_of: date, contract: Contract | None = None
) -> OrderBook:
    """Bring order lines together to orders and days.

    Parameters
    ----------
    transactions
        Canonical order lines; those without a customer take no part.
    products
        Canonical products, for the category; may be empty.
    as_of
        Lines of that day and later are not seen.
    contract
        What the profile says of contracts.

    Returns
    -------
    OrderBook
        Kept in the engine, as everything after asks it again and again.
    """
    known = transactions.filter(_.ordered_at < ibis.timestamp(as_of.year, as_of.month, as_of.day, 0, 0, 0))
    named = products.drop_null("category").select("product_id", name=_.category)
    coded = named.mutate(category=ibis.dense_rank().over(order_by=named.name).cast("int32"))
    lines = (
        known.drop_null("customer_id")
        .select("customer_id", "order_id", "ordered_at", "product_id", "amount")
        .left_join(coded.select("product_id", "category"), "product_id")
    )
    orders = _orders(lines).cache()
    weeks = (contract.period_days / DAYS_A_WEEK, contract.grace_days / DAYS_A_WEEK) if contract else None
    categories = coded.select("category", "name").distinct().cache()
    return OrderBook(as_of, orders, _days(orders).cache(), categories, Terms(*weeks) if weeks else None)


def histories(book: OrderBook, *, until: date, later: date | None = None) -> pd.DataFrame:
    """Describe each customer as the models see him on a day, and what he did after it.

    Parameters
    ----------
    book
        Result of `order_book`.
    until
        The day; orders of that day and later are not seen.
    later
        The day after the last of those looked at afterwards; without it nothing is.

    Returns
    -------
    pandas.DataFrame
        By customer who ordered before `until`: `customer_id`; `x` (repeat orders), `t_x` (weeks from
        first to last order), `T` (weeks from first order to `until`); `orders`, `mean` (money an
        order) and `log_mean` (of its logarithm), `revenue` (net of returns); `later_orders`,
        `later_revenue`, `later_days` (to the first of them, missing without).
    """
    cut, end = engine_date(until), engine_date(later or until)
    counts = (_.day < cut) & _.ordered
    after = (_.day >= cut) & (_.day < end)
    sums = book.days.group_by("customer_id").aggregate(
        orders=counts.sum(), paid=_.paid.sum(where=counts), logs=_.logs.sum(where=counts),
        first=_.day.min(where=counts), last=_.day.max(where=counts), revenue=_.net.sum(where=_.day < cut),
        later_orders=(after & _.ordered).sum(), later_revenue=_.net.sum(where=after),
        later_first=_.day.min(where=after & _.ordered),
    ).filter(_.orders > 0)  # fmt: skip
    first, last = sums["first"], sums["last"]
    table: pd.DataFrame = sums.select(
        "customer_id", "orders",
        x=_.orders - 1,
        t_x=last.delta(first, unit="day") / DAYS_A_WEEK,
        T=cut.delta(first, unit="day") / DAYS_A_WEEK,
        mean=_.paid.cast("float64") / _.orders,
        log_mean=_.logs.cast("float64") / _.orders,
        revenue=_.revenue.cast("float64"),
        later_orders=_.later_orders,
        later_revenue=_.later_revenue.cast("float64").fill_null(0.0),
        later_days=(sums.later_first.delta(cut, unit="day").cast("float64") + 1).fill_null(float("nan")),
    ).order_by("customer_id").to_pandas()  # fmt: skip
    return table


def pauses(book: OrderBook) -> pd.DataFrame:
    """Count pauses between orders by their length, ended and still open.

    Parameters
    ----------
    book
        Result of `order_book`; the last pause of each customer is open on its day.

    Returns
    -------
    pandas.DataFrame
        `days`, `ended` (pauses of that length that an order ended), `open` (customers silent for that
        long); in the order of days.
    """
    following = ibis.window(group_by="customer_id", order_by="day")
    days = book.days.filter(_.ordered).select("customer_id", "day")
    days = days.mutate(following=_.day.lead().over(following))
    length = days.following.coalesce(engine_date(book.as_of)).delta(days.day, unit="day")
    counts = days.mutate(days=length).group_by("days").aggregate(
        ended=_.following.count(), open=_.count() - _.following.count()
    )  # fmt: skip
    table: pd.DataFrame = counts.order_by("days").to_pandas()
    return table


def spent(book: OrderBook, *, until: date, windows: dict[str, int]) -> pd.DataFrame:
    """Sum what each customer paid in the days before a day, for windows of several lengths.

    Parameters
    ----------
    book
        Result of `order_book`.
    until
        The day.
    windows
        Days by name of the column.

    Returns
    -------
    pandas.DataFrame
        One column a window, indexed by customer.
    """
    end = engine_date(until)
    known = book.days.filter(_.day < end)
    back = end.delta(known.day, unit="day")
    columns = {
        name: known.net.sum(where=back <= days).cast("float64").fill_null(0.0)
        for name, days in windows.items()
    }
    table: pd.DataFrame = known.group_by("customer_id").aggregate(**columns).to_pandas()
    return table.set_index("customer_id")


def repeat_orders(book: OrderBook, *, joined_before: date) -> pd.DataFrame:
    """Count repeat orders by week, of the customers whose first order came before a day.

    Parameters
    ----------
    book
        Result of `order_book`; weeks end on the day before its day and every seven days earlier.
    joined_before
        The day.

    Returns
    -------
    pandas.DataFrame
        `week` (its last day), `orders`, in the order of weeks.
    """
    days = book.days.filter(_.ordered).select("customer_id", "day")
    days = days.mutate(first=_.day.min().over(ibis.window(group_by="customer_id")))
    days = days.filter(_.first < engine_date(joined_before))
    weeks = days.mutate(back=(engine_date(book.as_of).delta(days.day, unit="day") - 1) // 7)
    counts = weeks.group_by("back").aggregate(orders=(_.day > _.first).sum()).to_pandas().set_index("back")
    every = counts["orders"].reindex(range(int(counts.index.max()), -1, -1), fill_value=0)
    last_days = pd.Timestamp(book.as_of) - pd.to_timedelta(every.index.to_numpy() * 7 + 1, unit="D")
    return pd.DataFrame({"week": last_days, "orders": every.to_numpy()})


def engine_date(day: date) -> ibis.Value:
    """Write a date for the engine."""
    return ibis.date(day.year, day.month, day.day)


def _orders(lines: ibis.Table) -> ibis.Table:
    """Sum lines by category, numbers being shorter than names, and those by order."""
    parts = lines.group_by("customer_id", "order_id", "category").aggregate(
        amount=_.amount.sum(), day=_.ordered_at.max().date(), lines=_.count()
    )
    # the category's number breaks ties, so that equal runs give equal tables
    key = {"known": parts.category.fill_null(-1) >= 0, "amount": parts.amount, "category": parts.category}
    orders = parts.group_by("customer_id", "order_id").aggregate(
        day=_.day.max(), amount=_.amount.sum().cast(_MONEY), lines=_.lines.sum(), most=ibis.struct(key).max()
    )
    return orders.mutate(category=_.most["category"]).drop("most")


def _days(orders: ibis.Table) -> ibis.Table:
    counts = _.amount > 0
    days = orders.group_by("customer_id", "day").aggregate(
        paid=_.amount.sum(where=counts), net=_.amount.sum(), lines=_.lines.sum(), baskets=_.count(),
        returns=(_.amount <= 0).sum(),
    )  # fmt: skip
    # decimals: an engine with threads adds floating-point numbers in no fixed order
    # and short ones, as those of a sum would take the engine twice the time in every sum after
    return days.mutate(
        ordered=_.paid.fill_null(0) > 0, logs=_.paid.cast("float64").ln().round(6).cast("decimal(18, 6)"),
        paid=_.paid.cast(_MONEY), net=_.net.cast(_MONEY),
    )  # fmt: skip
