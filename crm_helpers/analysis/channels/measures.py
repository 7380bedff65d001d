"""What is measured of a channel, and how channels are ranked: one row a channel and measure.

Every measure keeps its own denominator, interval and rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import ibis
import pandas as pd

from crm_helpers.analysis.estimates import Estimate, RatioSums, rounded
from crm_helpers.tables import Unit

__all__ = ["MEASURES", "SEPARATOR", "Measure", "MeasureRow", "measure", "ranked", "ratio_rows"]

MeasureRow: TypeAlias = tuple[str, str, Estimate, float]
"""Channel, measure, estimate and how many cases it stands on."""


SEPARATOR = "\x1f"
"""Stands between a channel and what parts it; in no channel's name."""


@dataclass(frozen=True)
class Measure:
    """How a measure is read: its unit, what its cases are, and whether more is better."""

    unit: Unit
    cases_of: str
    better: str = "more"


MEASURES = {
    "satisfaction": Measure("score", "contacts with a score"),
    "answer share": Measure("share", "contacts", ""),
    "product score": Measure("score", "months"),
    "service score": Measure("score", "months"),
    "delivery score": Measure("score", "months"),
    "conversion": Measure("share", "visits"),
    "order value": Measure("money", "orders"),
    "customer value": Measure("money", "customers"),
    "cost per order": Measure("money", "orders", "less"),
    "orders a month": Measure("count", "months"),
    "cost a month": Measure("money", "months", ""),
    "return": Measure("number", "months"),
    "churn": Measure("share", "customer-months at start", "less"),
    "response": Measure("share", "campaign contacts"),
    "spend after contact": Measure("money", "campaign contacts", ""),
    "cost per response": Measure("money", "campaign responses", "less"),
}
"""The measures, in the order of the page. `return` is the margin on sales over cost; `answer share` is how
many contacts left a score; what customers spend after a contact has no rank, for those contacted were chosen
because they buy."""

FEWEST_MONTHS = 3
"""Months a mean over months needs for a rank."""

_COLUMNS = ["channel", "measure", "value", "low", "high", "cases", "cases_of", "rank"]


def measure(evaluation: pd.DataFrame, name: str) -> pd.DataFrame:
    """Pick one measure, best channel first; without rows where there are no data for it.

    Parameters
    ----------
    evaluation
        From `evaluate` or `evaluate_campaigns`.
    name
        A key of `MEASURES`.

    Returns
    -------
    pandas.DataFrame
        `channel`, `value`, `low`, `high`, `cases`, `rank`.
    """
    rows = evaluation[evaluation["measure"] == name]
    down = MEASURES[name].better == "less"
    rows = rows.sort_values(["value", "channel"], ascending=[down, True])
    return rows[["channel", "value", "low", "high", "cases", "rank"]].reset_index(drop=True)


def ratio_rows(
    people: ibis.Table, ratios: dict[str, tuple[str, str]], *, within: str = ""
) -> list[MeasureRow]:
    """Estimate `Σ above / Σ below` by channel for several measures in one query, customers being the units.

    Parameters
    ----------
    people
        One row a channel and customer; rows without channel are left out.
    ratios
        By key of `MEASURES`, the columns of the numerator and the denominator; customers with a denominator
        of 0 take no part.
    within
        A further column to part by; it then follows the channel, after `SEPARATOR`.

    Returns
    -------
    list of MeasureRow
        By measure and channel.
    """
    keys = ["channel", within] if within else ["channel"]
    sums = [
        one.name(f"{kind}{place}")
        for place, (above, below) in enumerate(ratios.values())
        for kind, one in _sums(people[above].cast("float64"), people[below].cast("float64")).items()
    ]
    table = people.drop_null(keys).group_by(*keys).aggregate(*sums).order_by(*keys).to_pandas()
    names = table[keys].astype("str").agg(SEPARATOR.join, axis=1) if len(table) else []
    rows: list[MeasureRow] = []
    for place, name in enumerate(ratios):
        columns = table[[f"{kind}{place}" for kind in ("n", "y", "x", "yy", "xy", "xx")]]
        for channel, (n, *moments) in zip(names, columns.itertuples(index=False), strict=True):
            if n > 0:
                rows.append((channel, name, RatioSums(n, *moments).estimate(), moments[1]))
    return rows


def _sums(y: ibis.Column, x: ibis.Column) -> dict[str, ibis.Scalar]:
    known = x > 0
    products = {"y": y, "x": x, "yy": y * y, "xy": x * y, "xx": x * x}
    totals = {kind: one.sum(where=known) for kind, one in products.items()}
    return {"n": known.sum(), **totals}


def ranked(rows: list[MeasureRow], *, minimum: int) -> pd.DataFrame:
    """Make the table of measures and rank the channels in each.

    Parameters
    ----------
    rows
        Estimates by channel and measure.
    minimum
        Cases below which a channel gets no rank; for means over months it is `FEWEST_MONTHS`.

    Returns
    -------
    pandas.DataFrame
        `channel`, `measure`, `value`, `low`, `high`, `cases`, `cases_of`, `rank` (1 is best).
    """
    records = [
        (channel, name, one.value, one.low, one.high, int(cases), MEASURES[name].cases_of)
        for channel, name, one, cases in rows
    ]
    table = pd.DataFrame(records, columns=_COLUMNS[:-1])
    enough = table["cases"] >= table["cases_of"].map({"months": FEWEST_MONTHS}).fillna(minimum)
    upward = table["measure"].map({name: one.better == "less" for name, one in MEASURES.items()})
    judged = table["value"].where(upward, -table["value"]).where(enough & table["measure"].map(_has_rank))
    table["rank"] = judged.groupby(table["measure"]).rank(method="min").astype("Int64")
    order = {name: place for place, name in enumerate(MEASURES)}
    table["place"] = table["measure"].map(order)
    return rounded(table.sort_values(["place", "channel"], ignore_index=True).drop(columns="place"))


def _has_rank(name: str) -> bool:
    return MEASURES[name].better != ""
