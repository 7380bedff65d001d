"""Channels month by month, and which of their measures rise or fall."""

from __future__ import annotations

import math
from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis import _
from scipy import stats

from crm_helpers.analysis.channels.measures import SEPARATOR, MeasureRow, ratio_rows
from crm_helpers.analysis.estimates import (
    benjamini_hochberg,
    mean_estimate,
    normal_estimate,
    ratio_estimate,
    rounded,
    wilson_estimate,
)

__all__ = ["FEWEST_MONTHS", "by_month", "month_rows", "trends"]

FEWEST_MONTHS = 12
"""Months a trend needs; with fewer, a season looks like one."""

_COLUMNS = ["channel", "period", "measure", "value", "low", "high", "cases"]
_TREND = ["channel", "measure", "months", "level", "change", "change_low", "change_high", "p_adjusted"]


def by_month(
    months: pd.DataFrame,
    communications: ibis.Table,
    transactions: ibis.Table,
    *,
    as_of: date,
    margin: float | None = None,
) -> pd.DataFrame:
    """Measure every channel in every month that is over.

    Parameters
    ----------
    months
        Channel data by month, from `complete_months`.
    communications, transactions
        Canonical tables; any may be empty.
    as_of
        The day the numbers stand for.
    margin
        Share of sales left after the cost of goods; None takes sales as they are.

    Returns
    -------
    pandas.DataFrame
        `channel`, `period`, `measure` (satisfaction, conversion, orders, order value, cost, return, churn),
        `value`, `low`, `high`, `cases`. The return is the margin on the channel's sales over its cost.
    """
    first = ibis.date(as_of.replace(day=1))
    scored = communications.filter(_.occurred_at.date() < first)
    bought = transactions.filter(_.ordered_at.date() < first).drop_null("channel")
    # months as numbers: as dates or words they cost the engine several times as much
    people = scored.group_by("channel", "customer_id", month=_number(scored.occurred_at)).aggregate(
        total=_.satisfaction.sum(), scores=_.satisfaction.count()
    )
    spent = bought.group_by("channel", "customer_id", month=_number(bought.ordered_at)).aggregate(
        revenue=_.amount.sum(), orders=_.order_id.nunique()
    )
    rows = [
        *ratio_rows(people, {"satisfaction": ("total", "scores")}, within="month"),
        *ratio_rows(spent, {"order value": ("revenue", "orders")}, within="month"),
    ]
    records = [(*_split(key), name, e.value, e.low, e.high, int(n)) for key, name, e, n in rows]
    table = pd.DataFrame([*records, *_recorded(months)], columns=_COLUMNS)
    table = pd.concat([table, _returns(table, months, margin)], ignore_index=True)
    return rounded(table.sort_values(["channel", "measure", "period"], ignore_index=True))


def month_rows(periods: pd.DataFrame) -> list[MeasureRow]:
    """Sum the months up: orders and cost a month, and the return over all months with a cost."""
    rows: list[MeasureRow] = []
    for (channel, name), own in periods.groupby(["channel", "measure"]):
        values, count = own["value"].to_numpy(float), len(own)
        if name in ("orders", "cost"):
            deviation = float(values.std(ddof=1)) if count > 1 else math.nan
            mean = mean_estimate(float(values.mean()), deviation, count)
            rows.append((str(channel), f"{name} a month", mean, count))
        if name == "return":
            cost = own["cases"].to_numpy(float)
            rows.append((str(channel), "return", ratio_estimate(values * cost, cost), count))
    return rows


def trends(periods: pd.DataFrame) -> pd.DataFrame:
    """Fit a straight line through the months of each channel and measure.

    Parameters
    ----------
    periods
        From `by_month`.

    Returns
    -------
    pandas.DataFrame
        `channel`, `measure`, `months`, `level` (mean), `change` a year as a share of it, and `p_adjusted`,
        the chance of such a line by luck for the number of lines looked at (Benjamini & Hochberg 1995).
    """
    records = []
    for (channel, name), own in periods.groupby(["channel", "measure"]):
        values = own["value"].to_numpy(float)
        if len(own) < FEWEST_MONTHS or np.ptp(values) == 0 or values.mean() == 0:
            continue
        line = stats.linregress(_months_since(own["period"]), values)
        t = float(stats.t.ppf(0.975, len(own) - 2))
        scale = 12 / abs(values.mean())
        change = normal_estimate(scale * line.slope, scale * line.stderr, quantile=t)
        known = (channel, name, len(own), values.mean())
        records.append((*known, change.value, change.low, change.high, line.pvalue))
    table = pd.DataFrame(records, columns=_TREND)
    return rounded(table.assign(p_adjusted=benjamini_hochberg(table["p_adjusted"].to_numpy(float))))


def _number(at: ibis.Column) -> ibis.Column:
    """Count months from January of the year 0."""
    return at.year() * 12 + at.month() - 1


def _split(key: str) -> tuple[str, pd.Timestamp]:
    channel, _separator, month = key.rpartition(SEPARATOR)
    return channel, pd.Timestamp(int(month) // 12, int(month) % 12 + 1, 1)


def _recorded(months: pd.DataFrame) -> list[tuple[object, ...]]:
    rows = _shares(months, "conversion", "orders", "visits")
    rows += _shares(months, "churn", "lost_customers", "customers_at_start")
    for place, count in _known(months, "orders"):
        e = normal_estimate(count, math.sqrt(max(count, 1.0)))  # as far as orders come by chance
        rows.append((*place, "orders", count, max(0.0, e.low), e.high, int(count)))
    rows += [(*place, "cost", cost, math.nan, math.nan, 1) for place, cost in _known(months, "cost")]
    return rows


def _shares(months: pd.DataFrame, name: str, above: str, below: str) -> list[tuple[object, ...]]:
    both = months.dropna(subset=[above, below])
    rows: list[tuple[object, ...]] = []
    for (place, y), (_place, n) in zip(_known(both, above), _known(both, below), strict=True):
        if 0 < n >= y:
            e = wilson_estimate(y, n)
            rows.append((*place, name, e.value, e.low, e.high, int(n)))
    return rows


def _known(months: pd.DataFrame, column: str) -> list[tuple[tuple[str, pd.Timestamp], float]]:
    own = months.dropna(subset=[column])
    places = zip(own["channel"].astype(str), pd.to_datetime(own["period"]), strict=True)
    return list(zip(places, own[column].astype(float).tolist(), strict=True))


def _returns(table: pd.DataFrame, months: pd.DataFrame, margin: float | None) -> pd.DataFrame:
    """Set the margin on a month's sales against its cost; the cases are the units of money spent."""
    values = table[table["measure"] == "order value"]
    cost = months.loc[months["cost"] > 0, ["channel", "period", "cost"]]
    cost = cost.assign(
        period=pd.to_datetime(cost["period"]).astype("datetime64[s]"), cost=cost["cost"].astype(float)
    )
    both = values.astype({"period": "datetime64[s]"}).merge(cost, on=["channel", "period"])
    share = (1.0 if margin is None else margin) * both["cases"] / both["cost"]
    ends = {name: both[name] * share for name in ("value", "low", "high")}
    return both.assign(**ends, measure="return", cases=both["cost"].round().astype("int64"))[_COLUMNS]


def _months_since(period: pd.Series) -> np.ndarray:
    days = pd.to_datetime(period)
    return np.asarray(days.dt.year * 12 + days.dt.month, float)
