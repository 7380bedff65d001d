"""Values far from the others, found by declared rules and flagged: none is changed, none removed.

On a logarithmic scale, as money and quantities spread by factors and not by sums: a value x is far when its
robust z = |ln|x| − median| / (1.4826 × MAD) lies above the profile's `robust_z` (Iglewicz & Hoaglin 1993).
Where more than half of the values are equal there is no such scale, and only declared bounds are held.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import pandas as pd

from crm_helpers.cleaning.converted import PLACE
from crm_helpers.cleaning.flags import Flag
from crm_helpers.cleaning.rules import IMPLAUSIBLE, OUTLIER
from crm_helpers.cleaning.standardise import Standardised, clean_place
from crm_helpers.lake import quote_identifier
from crm_helpers.profile import Bounds, Outliers
from crm_helpers.tables import Column

__all__ = ["find_outliers", "outlier_flags"]

FEWEST = 30  # values that make a scale
SAMPLE = 200_000  # rows, evenly taken, that median and MAD are learnt from; every row is held against them
NORMAL = 1.4826  # MAD to standard deviation, for normal values

ROBUST, DECLARED = "robust z", "declared bounds"
_COLUMNS = ["table", "column", "rule", "values", "low", "high", "below", "above", "share", "median"]


@dataclass(frozen=True)
class _Span:
    """What a column's values should lie within, by size."""

    rule: str
    low: float
    high: float
    median: float


def find_outliers(
    connection: ibis.BaseBackend, tables: Mapping[str, Standardised], outliers: Outliers
) -> pd.DataFrame:
    """Hold every number of the clean tables against its declared bounds, else against its robust z.

    Parameters
    ----------
    connection
        The engine, with the clean tables in it.
    tables
        The converted tables: which columns a company has.
    outliers
        Threshold and bounds of the profile.

    Returns
    -------
    pd.DataFrame
        One row a column that has a scale or bounds: `table`, `column`, `rule`, `values` (given, zeros
        apart where the scale is logarithmic), `low` and `high` (for `robust z` of the size, whatever its
        sign), `below`, `above`, `share` of the values outside, `median` of their size.
    """
    lines = [
        line
        for name, table in tables.items()
        if (columns := _numbers(table))
        for line in _of_table(connection, name, columns, outliers)
    ]
    return pd.DataFrame(lines, columns=_COLUMNS)


def outlier_flags(found: pd.DataFrame) -> dict[str, list[Flag]]:
    """List, by table, how many rows hold a value outside."""
    flags: dict[str, list[Flag]] = {}
    for line in found.to_dict("records"):
        rows = int(line["below"] + line["above"])
        rule = OUTLIER if line["rule"] == ROBUST else IMPLAUSIBLE
        if rows:
            flags.setdefault(line["table"], []).append((rule, line["column"], rows))
    return flags


def _numbers(table: Standardised) -> list[Column]:
    # a score or a share has both bounds in the vocabulary already
    return [
        column
        for column in table.columns
        if column.type in {"number", "integer", "money"} and None in (column.minimum, column.maximum)
    ]


def _of_table(
    connection: ibis.BaseBackend, table: str, columns: list[Column], outliers: Outliers
) -> list[dict[str, object]]:
    bounds = outliers.bounds.get(table, {})
    learnt = _scales(connection, table, [c.name for c in columns if c.name not in bounds], outliers.robust_z)
    spans = {name: _declared(limit) for name, limit in bounds.items()} | learnt
    held = [column.name for column in columns if column.name in spans]
    return _held(connection, table, {name: spans[name] for name in held}) if held else []


def _declared(bounds: Bounds) -> _Span:
    low, high = bounds.low, bounds.high
    return _Span(
        DECLARED, -math.inf if low is None else low, math.inf if high is None else high, median=math.nan
    )


def _scales(
    connection: ibis.BaseBackend, table: str, columns: list[str], robust_z: float
) -> dict[str, _Span]:
    if not columns:
        return {}
    sizes = ", ".join(
        f"ln(abs(nullif(CAST({q} AS DOUBLE), 0))) AS {q}" for q in map(quote_identifier, columns)
    )
    middle = ", ".join(f"median({q}) AS {q}" for q in map(quote_identifier, columns))
    spread = ", ".join(
        f"count(s.{q}), any_value(m.{q}), median(abs(s.{q} - m.{q}))" for q in map(quote_identifier, columns)
    )
    place = clean_place(table)
    step = f"(SELECT greatest(count(*) // {SAMPLE}, 1) FROM {place})"
    found = connection.raw_sql(
        f"WITH sizes AS MATERIALIZED (SELECT {sizes} FROM {place} WHERE coalesce({PLACE}, 0) % {step} = 0),"
        f" middle AS (SELECT {middle} FROM sizes) SELECT {spread} FROM sizes s, middle m"
    ).fetchone()
    scales = {}
    for number, name in enumerate(columns):
        values, median, deviation = found[3 * number : 3 * number + 3]
        if values >= FEWEST and deviation:
            reach = robust_z * NORMAL * deviation
            scales[name] = _Span(ROBUST, math.exp(median - reach), math.exp(median + reach), math.exp(median))
    return scales


def _held(connection: ibis.BaseBackend, table: str, spans: Mapping[str, _Span]) -> list[dict[str, object]]:
    terms = []
    for name, span in spans.items():
        value = f"CAST({quote_identifier(name)} AS DOUBLE)"
        size = f"abs(nullif({value}, 0))" if span.rule == ROBUST else value
        low, high = _written(span.low), _written(span.high)
        terms.append(f"count({size}), count_if({size} < {low}), count_if({size} > {high})")
    counts = connection.raw_sql(f"SELECT {', '.join(terms)} FROM {clean_place(table)}").fetchone()
    lines = []
    for number, (name, span) in enumerate(spans.items()):
        values, below, above = map(int, counts[3 * number : 3 * number + 3])
        lines.append({
            "table": table, "column": name, "rule": span.rule, "values": values, "below": below,
            "above": above, "share": (below + above) / max(values, 1), "low": _known(span.low),
            "high": _known(span.high), "median": _known(span.median),
        })  # fmt: skip
    return lines


def _written(bound: float) -> str:
    return repr(bound) if math.isfinite(bound) else f"CAST('{bound}' AS DOUBLE)"


def _known(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None
