"""The pieces a page is made of, as plain data: what notebooks emit and the report is rendered from.

A block is a JSON object with a `kind`. It holds words and numbers already written for people, never
HTML; only the drawing of a chart is markup, and `report.svg` lets nothing but drawing pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from crm_helpers.errors import RunError, suggest
from crm_helpers.report.format import (
    column_decimals,
    currency_sign,
    is_missing,
    visible,
    write_date,
    write_interval,
    write_value,
)
from crm_helpers.results import RESULTS
from crm_helpers.tables import TABLES, Column

__all__ = ["MIME", "Block", "chart_block", "table_block"]

MIME = "application/vnd.crm.block+json"
Block = dict[str, Any]

Cell = tuple[str, str]  # the words, and what is written small under them

MOST_ROWS = 50
_WIDE = 6  # columns beyond which a table is wide
_LONG, _SHORT = 28, 16  # characters of a long text, and of one that is not broken
_IN_HEADER = ("days", "hours", "months", "years")


@dataclass(frozen=True)
class _Column:
    label: str
    numeric: bool
    cells: list[Cell]

    @property
    def kind(self) -> str:
        """How it is set: number, long text, short text that is not broken, or plain."""
        longest = max((len(words) for words, _ in self.cells), default=0)
        return "n" if self.numeric else "t" if longest > _LONG else "s" if longest <= _SHORT else ""


class _Bounds:
    """Value and interval of one cell, read from three columns."""

    def __init__(self, value: Any, low: Any, high: Any) -> None:
        self.value, self.low, self.high = value, low, high


def chart_block(chart: Any, *, alt: str, caption: str) -> Block:
    """Make a block of a chart.

    Parameters
    ----------
    chart
        A `crm_helpers.report.figures.Chart`.
    alt
        What the chart shows, for whom it cannot be seen.
    caption
        What to look at, the period and the number of cases.

    Returns
    -------
    Block
        The block; an empty `alt` or `caption` raises `RunError`.
    """
    for name, words in (("alt", alt), ("caption", caption)):
        if not words.strip():
            raise RunError(f"page.show of a chart needs {name}: say what the chart shows")
    return {
        "kind": "chart",
        "alt": visible(alt),
        "caption": visible(caption),
        "wide": chart.wide,
        "narrow": chart.narrow,
        "note": visible(chart.note),
    }


def table_block(
    frame: pd.DataFrame,
    *,
    caption: str,
    of: str | None = None,
    labels: dict[str, str] | None = None,
    units: dict[str, str] | None = None,
    currency: str = "",
    limit: int = MOST_ROWS,
) -> Block:
    """Make a block of a table; `x`, `x_low`, `x_high` become one column with its interval.

    Parameters
    ----------
    frame
        The rows, in the order to be read; the first column names the row.
    caption
        What to see in it.
    of
        Published or canonical table whose columns give labels and units.
    labels, units
        Labels and units of further columns.
    currency
        Code of the company's currency.
    limit
        Rows shown; how many there are is stated.

    Returns
    -------
    Block
        Column heads and cells, as words.
    """
    if not caption.strip():
        raise RunError("page.show of a table needs a caption: say what to see in it")
    known = _columns_of(of)
    shown = frame.reset_index(drop=True).head(limit)
    columns = []
    for name in _shown_names(list(frame.columns)):
        column = known.get(str(name))
        unit = (units or {}).get(name) or (column.unit if column else "")
        label = (labels or {}).get(name) or (column.label if column else _label(str(name)))
        numeric = bool(unit) or pd.api.types.is_numeric_dtype(frame[name])
        label = visible(label + _unit_words(unit, currency))
        columns.append(_Column(label, numeric=numeric, cells=_cells(shown, name, unit)))
    columns, blank = _without_blanks(columns)
    columns = _turned(columns) if len(shown) == 1 else _with_long_texts_folded(columns)
    return {
        "kind": "table",
        "caption": visible(caption),
        "heads": [{"label": column.label, "kind": column.kind} for column in columns],
        "rows": [list(row) for row in zip(*(column.cells for column in columns), strict=True)],
        "total": len(frame),
        "blank": blank,
    }


def _without_blanks(columns: list[_Column]) -> tuple[list[_Column], list[str]]:
    """Leave out columns without a single value, and name them instead."""
    empty = [column for column in columns[1:] if column.cells and set(column.cells) == {("–", "")}]
    kept = [column for column in columns if column not in empty]
    return kept, [column.label.partition(",")[0] for column in empty]


def _turned(columns: list[_Column]) -> list[_Column]:
    """Write the single row of a wide table downwards."""
    if len(columns) <= _WIDE:
        return columns
    labels: list[Cell] = [(column.label, "") for column in columns]
    cells = [column.cells[0] for column in columns]
    return [_Column("", numeric=False, cells=labels), _Column("", numeric=True, cells=cells)]


def _with_long_texts_folded(columns: list[_Column]) -> list[_Column]:
    """In a wide table, put long texts under the row's name: as columns they would push the numbers away."""
    if len(columns) <= _WIDE:
        return columns
    first, *others = columns
    for long in [column for column in others if column.kind == "t"]:
        cells = [
            (name, "; ".join(filter(None, [under, f"{long.label}: {words}" if words.strip("–") else ""])))
            for (name, under), (words, _) in zip(first.cells, long.cells, strict=True)
        ]
        first = _Column(first.label, numeric=first.numeric, cells=cells)
    return [first, *(column for column in others if column.kind != "t")]


def _columns_of(of: str | None) -> dict[str, Column]:
    if of is None:
        return {}
    known = RESULTS | TABLES
    if of not in known:
        raise RunError(f'page.show: no table "{of}": {suggest(of, known)}')
    return {column.name: column for column in known[of].columns}


def _shown_names(names: Sequence[Any]) -> list[Any]:
    folded = set()
    for name in names:
        low, high = _bound_names(str(name))
        if low in names and high in names:
            folded |= {low, high}
    return [name for name in names if name not in folded]


def _bound_names(name: str) -> tuple[str, str]:
    return ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")


def _cells(frame: pd.DataFrame, name: Any, unit: str) -> list[Cell]:
    values = frame[name].tolist()
    decimals = column_decimals(values, unit)
    words = [_cell(value, unit, decimals) for value in values]
    low, high = _bound_names(str(name))
    if low not in frame or high not in frame:
        return [(word, "") for word in words]
    bounds = map(_Bounds, values, frame[low].tolist(), frame[high].tolist())
    return [
        (word, "" if is_missing(bound.value) else write_interval(bound, unit))
        for word, bound in zip(words, bounds, strict=True)
    ]


def _cell(value: Any, unit: str, decimals: int | None) -> str:
    if hasattr(value, "low") and hasattr(value, "high"):
        return _cell(value.value, unit, decimals)
    if isinstance(value, date) and not is_missing(value):
        return write_date(value, short=True)
    return write_value(value, unit, decimals=decimals)


def _unit_words(unit: str, currency: str) -> str:
    if unit in ("money", "rounded money") and currency:
        return f", {currency_sign(currency).strip()}"
    return f", {unit}" if unit in _IN_HEADER else ""


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
