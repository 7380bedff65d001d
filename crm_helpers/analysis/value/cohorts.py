"""Whether newer customers stay as older ones did, and how few customers bring how much of the money."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.estimates import wilson_estimate
from crm_helpers.analysis.segments.summary import drawn_intervals
from crm_helpers.analysis.value.purchases import OrderBook

__all__ = ["cohort_retention", "concentration", "retained", "share_of_top", "value_by_segment"]

MOST_DAYS = 430  # of data counted in months; longer is counted in quarters
FEWEST = 30  # customers of a cohort that is shown
_SHARES = (0.0, 0.01, 0.02, 0.05, *np.round(np.arange(0.1, 1.01, 0.1), 1))


def cohort_retention(book: OrderBook) -> pd.DataFrame:
    """Count which share of the customers who began in a period ordered in it and in later ones.

    Parameters
    ----------
    book
        From `purchases.order_book`; periods that its day cuts short are left out.

    Returns
    -------
    pandas.DataFrame
        `cohort` (2024-Q1, or 2024-03 where there is up to a year of data), `period` (0 is the first),
        `customers` (of the cohort), `ordering`, `share` with Wilson interval `share_low`, `share_high`.
        Cohorts of fewer than 30 customers are left out.
    """
    days = book.days.filter(_.ordered).select("customer_id", "day")
    days = days.mutate(first=_.day.min().over(ibis.window(group_by="customer_id")))
    first, day = (days[name].year() * 12 + days[name].month() - 1 for name in ("first", "day"))
    table = days.select("customer_id", day=day, first=first).distinct()
    last = book.as_of.year * 12 + book.as_of.month - 1
    length = 1 if book.span <= MOST_DAYS else 3
    counted = table.filter(_.day // length < last // length).mutate(
        cohort=_["first"] // length, period=_.day // length - _["first"] // length
    )
    counts = counted.group_by("cohort", "period").aggregate(ordering=_.customer_id.nunique()).to_pandas()
    return _shares(counts, end=last // length, length=length)


def retained(table: pd.DataFrame, period: int) -> pd.DataFrame:
    """Pick what share of each cohort ordered in a later period, the oldest cohort first."""
    chosen = table[table["period"] == period]
    return chosen[["cohort", "customers", "share", "share_low", "share_high"]].reset_index(drop=True)


def concentration(money: pd.Series) -> pd.DataFrame:
    """Add up money from the customer who brings most, and say what share so many of them bring.

    Parameters
    ----------
    money
        Of each customer; what returns leave below zero counts as it is.

    Returns
    -------
    pandas.DataFrame
        `share_of_customers`, `share_of_revenue`; empty when nothing was sold.

    Examples
    --------
    >>> curve = concentration(pd.Series([60.0, 20.0, 10.0, 10.0, 0.0]))
    >>> curve.set_index("share_of_customers")["share_of_revenue"].loc[[0.2, 0.4, 1.0]].tolist()
    [0.6, 0.8, 1.0]
    """
    if not len(money) or money.sum() <= 0:
        return pd.DataFrame({"share_of_customers": [], "share_of_revenue": []})
    added = np.concatenate([[0.0], np.cumsum(np.sort(money.to_numpy(float))[::-1])])
    places = np.array(_SHARES) * len(money)
    shares = np.interp(places, np.arange(len(added)), added) / added[-1]
    return pd.DataFrame({"share_of_customers": _SHARES, "share_of_revenue": shares})


def share_of_top(curve: pd.DataFrame, share: float) -> float:
    """Read from the curve what the top share of customers brings; not a number when nothing was sold."""
    at = curve.loc[np.isclose(curve["share_of_customers"], share), "share_of_revenue"]
    return float(at.iloc[0]) if len(at) else float("nan")


def value_by_segment(
    customers: pd.DataFrame, segments: pd.DataFrame, *, order: Sequence[str], draws: int = 1000,
    seed: int = 1, level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Add up what is expected of the customers of each segment.

    The intervals draw the customers again and take what is expected of each as known: they say how far
    segments of customers like these differ, not how far the model may be wrong.

    Parameters
    ----------
    customers
        `customer_id`, `p_alive`, `value`, `orders_12m`.
    segments
        `customer_id`, `segment`.
    order
        Names of segments as they are to be listed.
    draws, seed, level
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        `segment`, `customers`, `share_of_customers`, `p_alive` (mean), `orders_each`, `value_each`
        (means), `share_of_value`, the last two with `_low` and `_high`; only segments whose customers
        ordered. A mean of fewer than ten customers has no interval.
    """
    both = customers.merge(segments[["customer_id", "segment"]], on="customer_id", validate="one_to_one")
    both = both.sort_values("customer_id", ignore_index=True)
    table = both.groupby("segment", as_index=False).agg(
        customers=("value", "size"), p_alive=("p_alive", "mean"), orders_each=("orders_12m", "mean"),
        value_each=("value", "mean"), value=("value", "sum"),
    )  # fmt: skip
    table["share_of_customers"] = table["customers"] / max(len(both), 1)
    total = table["value"].sum()
    table["share_of_value"] = table["value"] / total if total > 0 else np.nan
    groups = both.groupby("segment").ngroup().to_numpy()
    drawn = drawn_intervals(both["value"].to_numpy(float), groups, draws=draws, seed=seed, level=level)
    drawn.columns = ["share_of_value_low", "share_of_value_high", "value_each_low", "value_each_high"]
    places = {name: place for place, name in enumerate(order)}
    columns = ["segment", "customers", "share_of_customers", "p_alive", "orders_each", "value_each",
               "value_each_low", "value_each_high", "share_of_value", "share_of_value_low",
               "share_of_value_high"]  # fmt: skip
    table = pd.concat([table, drawn], axis=1)
    return table.sort_values("segment", key=lambda names: names.map(places), ignore_index=True)[columns]


def _shares(counts: pd.DataFrame, *, end: int, length: int) -> pd.DataFrame:
    sizes = counts.loc[counts["period"] == 0].set_index("cohort")["ordering"]
    sizes = sizes[sizes >= FEWEST].sort_index()
    every = [(cohort, period) for cohort in sizes.index for period in range(end - cohort)]
    table = pd.DataFrame(every, columns=["cohort", "period"], dtype="int64")
    table = table.merge(counts, on=["cohort", "period"], how="left").fillna({"ordering": 0})
    table["ordering"], table["customers"] = table["ordering"].astype("int64"), table["cohort"].map(sizes)
    shares = [wilson_estimate(o, n) for o, n in zip(table["ordering"], table["customers"], strict=True)]
    table["share"] = [share.value for share in shares]
    table["share_low"], table["share_high"] = [s.low for s in shares], [s.high for s in shares]
    table["cohort"] = [_named(cohort, length) for cohort in table["cohort"]]
    return table[["cohort", "period", "customers", "ordering", "share", "share_low", "share_high"]]


def _named(cohort: int, length: int) -> str:
    year, part = divmod(cohort * length, 12)
    return f"{year}-Q{part // 3 + 1}" if length == 3 else f"{year}-{part + 1:02d}"
