"""Convert what came into canonical types: one converter a type, written as SQL for the engine.

A converter gives NULL for what it cannot read, and never guesses: a day and month whose order is not
declared is not read at all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import ibis.expr.datatypes as dt

from crm_helpers.lake import quote_text
from crm_helpers.tables import Column, Type

__all__ = ["UNDECLARED_DATE", "converted", "in_range", "present"]

UNDECLARED_DATE = r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}.*"
"""Day or month first: which of the two, only the company knows."""

EARLIEST, LATEST = 1900, 2100  # years: what lies beyond is a slip or a placeholder
TRUE_WORDS = ("true", "t", "yes", "y", "1", "1.0", "是")
FALSE_WORDS = ("false", "f", "no", "n", "0", "0.0", "否")

_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"
_PLAIN = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_GROUPED = r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?"
_ISO_ZONED = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|[+-]\d{2}(:?\d{2})?)"


def present(value: str, raw: dt.DataType, missing: tuple[str, ...]) -> str:
    """Write SQL for a value, or NULL where it is blank, NaN, or one of the declared missing texts.

    Parameters
    ----------
    value
        SQL of the mapped value.
    raw
        Its type.
    missing
        Texts that stand for a missing value; nothing is assumed, `NA` stays text.

    Returns
    -------
    str
        SQL; text comes without the blanks around it.
    """
    if raw.is_string():
        value = f"nullif(trim({value}, {_BLANKS}), '')"
    elif raw.is_floating():
        value = f"CASE WHEN isnan({value}) THEN NULL ELSE {value} END"
    if missing:
        words = ", ".join(map(quote_text, missing))
        value = f"CASE WHEN CAST({value} AS VARCHAR) IN ({words}) THEN NULL ELSE {value} END"
    return value


def converted(value: str, raw: dt.DataType, column: Column, *, formats: tuple[str, ...], zone: str) -> str:
    """Write SQL that converts a present value to a column's type, or gives NULL.

    Parameters
    ----------
    value
        SQL of the present value.
    raw
        Its type.
    column
        The canonical column.
    formats
        Declared date formats, tried in order before ISO.
    zone
        The company's time zone: times that state an offset are moved into it.

    Returns
    -------
    str
        SQL.
    """
    if column.type in {"date", "datetime"}:
        moment = _moment(value, raw, formats, zone)
        return f"CAST({moment} AS {'DATE' if column.type == 'date' else 'TIMESTAMP'})"
    text = _CONVERTERS[column.type](value, raw)
    return f"lower({text})" if column.choices else text


def in_range(value: str, column: Column, *, latest: date | None = None) -> str:
    """Write SQL that is true when a converted value is one the column can hold.

    `latest` is the last day a date of the past may have.

    Examples
    --------
    >>> from crm_helpers.tables import TABLES
    >>> in_range("v", TABLES["communications"].column("satisfaction"))
    'v >= 1 AND v <= 5'
    """
    tests = []
    if column.minimum is not None:
        tests.append(f"{value} >= {column.minimum}")
    if column.maximum is not None:
        tests.append(f"{value} <= {column.maximum}")
    if column.choices:
        tests.append(f"{value} IN ({', '.join(map(quote_text, column.choices))})")
    if column.type in {"date", "datetime"}:
        tests.append(f"year({value}) BETWEEN {EARLIEST} AND {LATEST}")
    if column.past and latest:
        tests.append(f"{value} <= DATE {quote_text(latest.isoformat())}")
    return " AND ".join(tests) or "true"


def _text(value: str, raw: dt.DataType) -> str:
    if raw.is_floating():  # identifiers of a column that had gaps: 17850.0 is 17850
        whole = f"CAST(TRY_CAST({value} AS HUGEINT) AS VARCHAR)"
        return f"CASE WHEN {value} = trunc({value}) THEN {whole} ELSE CAST({value} AS VARCHAR) END"
    return f"CAST({value} AS VARCHAR)"


def _number(value: str, raw: dt.DataType) -> str:
    number = value if raw.is_numeric() else f"TRY_CAST({_digits(value, raw)} AS DOUBLE)"
    return f"CASE WHEN isfinite(CAST({number} AS DOUBLE)) THEN CAST({number} AS DOUBLE) END"


def _money(value: str, raw: dt.DataType) -> str:
    number = value if raw.is_numeric() else _digits(value, raw)
    return f"TRY_CAST({number} AS DECIMAL(18, 4))"


def _integer(value: str, raw: dt.DataType) -> str:
    number = value if raw.is_numeric() else f"TRY_CAST({_digits(value, raw)} AS DECIMAL(38, 10))"
    if raw.is_integer():
        return f"TRY_CAST({number} AS BIGINT)"
    return f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS BIGINT) END"


def _boolean(value: str, raw: dt.DataType) -> str:
    if raw.is_boolean():
        return value
    word = f"lower(CAST({value} AS VARCHAR))"
    yes, no = (", ".join(map(quote_text, words)) for words in (TRUE_WORDS, FALSE_WORDS))
    return f"CASE WHEN {word} IN ({yes}) THEN true WHEN {word} IN ({no}) THEN false END"


def _digits(value: str, raw: dt.DataType) -> str:
    text = value if raw.is_string() else f"CAST({value} AS VARCHAR)"
    return (
        f"CASE WHEN regexp_full_match({text}, {quote_text(_PLAIN)}) THEN {text}"
        f" WHEN regexp_full_match({text}, {quote_text(_GROUPED)}) THEN replace({text}, ',', '') END"
    )


def _moment(value: str, raw: dt.DataType, formats: tuple[str, ...], zone: str) -> str:
    if raw.is_timestamp() and raw.timezone is not None:
        return f"timezone({quote_text(zone)}, {value})"
    if raw.is_temporal() and not raw.is_time():
        return value
    text = value if raw.is_string() else f"CAST({value} AS VARCHAR)"
    local = [f for f in formats if "%z" not in f]
    zoned = [f for f in formats if "%z" in f]
    readings = [f"try_strptime({text}, [{', '.join(map(quote_text, local))}])"] if local else []
    if zoned:
        instant = f"try_strptime({text}, [{', '.join(map(quote_text, zoned))}])"
        readings.append(f"timezone({quote_text(zone)}, {instant})")
    return f"coalesce({', '.join([*readings, *_iso(text, zone)])})"


def _iso(text: str, zone: str) -> list[str]:
    # the engine's own cast accepts much more than ISO: the pattern comes first
    local = f"TRY_CAST(replace({text}, '/', '-') AS TIMESTAMP)"
    instant = f"timezone({quote_text(zone)}, TRY_CAST({text} AS TIMESTAMPTZ))"
    return [
        f"CASE WHEN regexp_full_match({text}, {quote_text(_ISO)}) THEN {local} END",
        f"CASE WHEN regexp_full_match({text}, {quote_text(_ISO_ZONED)}) THEN {instant} END",
    ]


_CONVERTERS: dict[Type, Callable[[str, dt.DataType], str]] = {
    "text": _text, "integer": _integer, "number": _number, "money": _money, "boolean": _boolean,
}  # fmt: skip
