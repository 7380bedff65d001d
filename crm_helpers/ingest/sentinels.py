"""Texts that may stand for "not known": suggested where they are frequent, never assumed."""

from __future__ import annotations

import re

import ibis

from crm_helpers.lake import quote_identifier
from crm_helpers.tables import Column

__all__ = ["suspects"]

LEAST_SHARE = 0.005  # of the values of a column
LEAST_ROWS = 2
MOST_VALUES = 50  # the most frequent ones are looked at

_WORDS = frozenset({
    "select", "please select", "choose", "unknown", "not known", "not specified", "n/a", "na", "n.a.", "none",
    "null", "nil", "nan", "undefined", "missing", "tbd", "xxx", "test", "-", "--", "---", ".", "?", "???",
    "#n/a", "#ref!", "#value!", "未知", "无", "暂无", "不详", "空", "请选择", "未填写",
})  # fmt: skip
_NUMBER = re.compile(r"-?9{2,}(\.0+)?|-1(\.0+)?")
_DAY = re.compile(r"(0001|1899|1900|1901|1970|2099|2999|9999)-(01-01|01-02|12-30|12-31)( 00:00:00)?")


def suspects(connection: ibis.BaseBackend, values: str, column: Column) -> dict[str, float]:
    """Find values of a column that may stand for a missing one.

    Parameters
    ----------
    connection
        The engine.
    values
        SQL of a query with one column, the present values as text.
    column
        The canonical column they feed: numbers made of nines are suspect in numbers, days at the ends of
        calendars in dates.

    Returns
    -------
    dict of str to float
        Share of the values by suspect, the most frequent first; only texts of a fixed list and placeholders,
        never a customer's own value.
    """
    query = (
        f"WITH f AS ({values}), n AS (SELECT count({_V}) AS n FROM f)"
        f" SELECT {_V}, count(*) / any_value(n.n) AS share"
        f" FROM f, n WHERE {_V} IS NOT NULL GROUP BY {_V} HAVING count(*) >= {LEAST_ROWS}"
        f" AND count(*) >= {LEAST_SHARE} * any_value(n.n) ORDER BY share DESC, {_V} LIMIT {MOST_VALUES}"
    )
    rows = connection.raw_sql(query).fetchall()
    ends = connection.raw_sql(f"SELECT min({_NUMERIC}), max({_NUMERIC}) FROM ({values})").fetchone()
    return {text: share for text, share in rows if _suspect(text, column, ends)}


def _suspect(text: str, column: Column, ends: tuple[float | None, float | None]) -> bool:
    if text.casefold() in _WORDS:
        return True
    if column.type in {"date", "datetime"}:
        return bool(_DAY.fullmatch(text.replace("/", "-").replace("T", " ")))
    numeric = column.type in {"integer", "number", "money"} or column.personal == "quasi-identifier"
    # a placeholder lies beyond all real values; -1 among other negative numbers is a number
    return numeric and bool(_NUMBER.fullmatch(text)) and float(text) in ends


_V = quote_identifier("v")
_NUMERIC = f"TRY_CAST({_V} AS DOUBLE)"
