"""How good is each table? Five dimensions, each a share of cases that are right, with its cases counted.

completeness  cells that are filled / cells of mapped columns where a value is expected
validity      values read and within their bounds / values the source gives
uniqueness    rows left / rows that are usable, before equal keys, equal rows and equal people went together
consistency   references that resolve and relations that hold / those asked of the rows
timeliness    months with records / months from the table's first record to the day the numbers stand for
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import pandas as pd

from crm_helpers.cleaning.references import REFERENCE
from crm_helpers.cleaning.rules import ALL_ROWS, IDENTICAL
from crm_helpers.cleaning.standardise import Standardised, clean_place
from crm_helpers.lake import quote_text

__all__ = ["DIMENSIONS", "arrivals", "inner_dimensions", "timeliness"]

DIMENSIONS = ("completeness", "validity", "uniqueness", "consistency", "timeliness")

# when a record of a table that grows from month to month came to be
_TIMES = {
    "transactions": "ordered_at", "communications": "occurred_at", "channels": "period",
    "sales_plans": "period", "service_plans": "period",
}  # fmt: skip
_COLUMNS = ["table", "dimension", "good", "cases", "cases_of"]


def inner_dimensions(
    tables: Mapping[str, Standardised],
    *,
    quality: pd.DataFrame,
    missing: pd.DataFrame,
    references: pd.DataFrame,
    relations: pd.DataFrame,
) -> pd.DataFrame:
    """Measure all dimensions but timeliness, which depends on the day the numbers stand for.

    Parameters
    ----------
    tables
        The converted tables.
    quality, missing, references, relations
        What was counted of rows, empty cells, references and relations.

    Returns
    -------
    pd.DataFrame
        `table`, `dimension`, `good`, `cases`, `cases_of`; a dimension that asks nothing of a table is left
        out.
    """
    found = []
    for name, table in tables.items():
        cells = missing[missing["table"] == name]
        asked = references[(references["table"] == name) & (references["kind"] == REFERENCE)]
        held = relations[relations["table"] == name]
        rows = int(cells["rows"].sum())
        found += [
            (name, "completeness", rows - int(cells["missing"].sum()), rows, "cells"),
            (name, "validity", table.valid, table.valid + table.invalid, "values given"),
            (name, "uniqueness", *_unique(quality[quality["table"] == name]), "rows"),
            (
                name, "consistency",
                int((asked["rows"] - asked["unknown_rows"]).sum() + (held["rows"] - held["broken"]).sum()),
                int(asked["rows"].sum() + held["rows"].sum()), "references and relations",
            ),
        ]  # fmt: skip
    frame = pd.DataFrame(found, columns=_COLUMNS)
    return frame[frame["cases"] > 0].reset_index(drop=True)


def arrivals(connection: ibis.BaseBackend, tables: Mapping[str, Standardised]) -> pd.DataFrame:
    """Count the records of each month, of the tables that grow from month to month.

    Returns
    -------
    pd.DataFrame
        `table`, `month` (its first day), `rows`, `newest` (day of the month's last record).
    """
    parts = [
        f"SELECT {quote_text(name)} AS \"table\", CAST(date_trunc('month', {time}) AS DATE) AS month,"
        f" count(*) AS rows, CAST(max({time}) AS DATE) AS newest FROM {clean_place(name)}"
        f" WHERE {time} IS NOT NULL GROUP BY ALL"
        for name, time in _TIMES.items()
        if name in tables
    ]
    query = f'SELECT * FROM ({" UNION ALL ".join(parts)}) ORDER BY "table", month'
    frame: pd.DataFrame = connection.sql(query, dialect="duckdb").to_pandas()
    return frame


def timeliness(arrived: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Measure, for each table, the share of months with records, up to the day the numbers stand for.

    Parameters
    ----------
    arrived
        Result of `arrivals`.
    as_of
        That day; what is planned for later months is not asked for.

    Returns
    -------
    pd.DataFrame
        The columns of `inner_dimensions`, and `newest`, `age_days`: the last record before `as_of`, and how
        many days before.

    Examples
    --------
    >>> months = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-04-01"])
    >>> arrived = pd.DataFrame({"table": "t", "month": months, "rows": 9, "newest": months})
    >>> timeliness(arrived, date(2024, 7, 1))[["good", "cases", "age_days"]].values.tolist()
    [[3, 6, 91]]
    """
    limit = pd.Timestamp(as_of)
    past = arrived.assign(
        month=pd.to_datetime(arrived["month"]), newest=pd.to_datetime(arrived["newest"])
    ).loc[lambda frame: frame["month"] < limit]
    grouped = past.groupby("table", sort=False)
    first, good = grouped["month"].min(), grouped["month"].nunique()
    last = limit - pd.Timedelta(days=1)
    cases = (last.year - first.dt.year) * 12 + last.month - first.dt.month + 1
    newest = grouped["newest"].max().where(lambda day: day < limit, last)
    return pd.DataFrame({
        "table": good.index.astype("str"), "dimension": "timeliness", "good": good.to_numpy(),
        "cases": cases.to_numpy(), "cases_of": "months", "newest": newest.dt.date.to_numpy(),
        "age_days": (limit - newest).dt.days.to_numpy(),
    })  # fmt: skip


def _unique(quality: pd.DataFrame) -> tuple[int, int]:
    (whole,) = quality[quality["rule"] == ALL_ROWS].to_dict("records")
    equal = int(quality.loc[quality["rule"] == IDENTICAL.name, "flagged"].sum())
    return int(whole["clean"]) - equal, int(whole["clean"] + whole["merged"])
