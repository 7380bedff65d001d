"""Convert what came into canonical types: one converter a type, written as SQL for the engine.

A converter gives NULL for what it cannot read, and never guesses: a day and month whose order is not
declared is not read at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import ibis.expr.datatypes as dt

from crm_helpers.ingest.forms import formed
from crm_helpers.ingest.numbers import decimal_text, money_text
from crm_helpers.lake import quote_text
from crm_helpers.profile import ColumnMapping
from crm_helpers.tables import Column, Type

__all__ = ["FALSE_WORDS", "MOSTLY", "UNDECLARED_DATE", "Locale", "converted", "in_range", "present"]

UNDECLARED_DATE = r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}.*"
"""Day or month first: which of the two, only the company knows."""

MOSTLY = 0.5
"""Share of a column's values: when more cannot be read, the mapping is wrong, not the rows."""

EARLIEST, LATEST = 1900, 2100  # years: what lies beyond is a slip or a placeholder
TRUE_WORDS = ("true", "t", "yes", "y", "1", "1.0", "是")
FALSE_WORDS = ("false", "f", "no", "n", "0", "0.0", "否")

_BLANKS = ("' '", "chr(9)", "chr(10)", "chr(13)", "chr(160)", "chr(12288)")
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?"
_ISO_ZONED = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|[+-]\d{2}(:?\d{2})?)"


def present(value: str, raw: dt.DataType, missing: tuple[str, ...], *, repeated: bool = False) -> str:
    """Write SQL for a value, or NULL where it is blank, NaN, or one of the declared missing texts.

    Parameters
    ----------
    value
        SQL of the mapped value.
    raw
        Its type.
    missing
        Texts that stand for a missing value; nothing is assumed, `NA` stays text.
    repeated
        The engine computes a function once for each of a few values.

    Returns
    -------
    str
        SQL; text comes without the blanks around it.
    """
    if raw.is_string():
        # a look at both ends costs a fifth of trimming, and few values have a blank there; no letter is -1
        start = " OR ".join(f"unicode({value}) {code}" for code in ("<= 32", "= 160", "= 12288"))
        ends = " OR ".join([start, *(f"suffix({value}, {blank})" for blank in _BLANKS)])
        trimmed = f"nullif(trim({value}, {' || '.join(_BLANKS)}), '')"
        value = trimmed if repeated else f"CASE WHEN {ends} THEN {trimmed} ELSE {value} END"
    elif raw.is_floating():
        value = f"CASE WHEN isnan({value}) THEN NULL ELSE {value} END"
    if missing:
        # not IN: of more than a few words the engine makes a join, which loses the order of the rows
        absent = " OR ".join(f"CAST({value} AS VARCHAR) = {quote_text(word)}" for word in missing)
        value = f"CASE WHEN {absent} THEN NULL ELSE {value} END"
    return value


@dataclass(frozen=True)
class Locale:
    """What a company's profile says of all its values."""

    zone: str = "UTC"  # times that state an offset are moved into it
    currency: str = "XXX"
    country: str | None = None  # of phone numbers without +


def converted(value: str, raw: dt.DataType, column: Column, *, origin: ColumnMapping, locale: Locale) -> str:
    """Write SQL that converts a present value to a column's type, or gives NULL.

    Parameters
    ----------
    value
        SQL of the present value.
    raw
        Its type.
    column
        The canonical column.
    origin
        What the profile declares of the source column: date formats (tried in order before ISO), the way
        decimals are written, the zone of its times, whether its identifiers came from a column of floats.
    locale
        The company's zone, currency and country.

    Returns
    -------
    str
        SQL.
    """
    if column.type in {"date", "datetime"}:
        moment = _moment(value, raw, origin, locale.zone)
        return f"CAST({moment} AS {'DATE' if column.type == 'date' else 'TIMESTAMP'})"
    if column.type in {"integer", "number", "money"}:
        return _NUMBERS[column.type](value, raw, column, origin, locale)
    if column.type == "boolean":
        return _boolean(value, raw, origin)
    text = _text(value, raw, whole=origin.whole)
    if column.form:
        text = formed(text, column.form)
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


def _text(value: str, raw: dt.DataType, *, whole: bool) -> str:
    if raw.is_floating():  # identifiers of a column that had gaps: 17850.0 is 17850
        integer = f"CAST(TRY_CAST({value} AS HUGEINT) AS VARCHAR)"
        return f"CASE WHEN {value} = trunc({value}) THEN {integer} ELSE CAST({value} AS VARCHAR) END"
    text = f"CAST({value} AS VARCHAR)"
    return f"regexp_replace({text}, '^(\\d+)\\.0+$', '\\1')" if whole else text


def _number(value: str, raw: dt.DataType, column: Column, origin: ColumnMapping, _locale: Locale) -> str:
    if not raw.is_numeric():
        value = f"TRY_CAST({decimal_text(value, origin.decimals, share=column.unit == 'share')} AS DOUBLE)"
    return f"CASE WHEN isfinite(CAST({value} AS DOUBLE)) THEN CAST({value} AS DOUBLE) END"


def _money(value: str, raw: dt.DataType, _column: Column, origin: ColumnMapping, locale: Locale) -> str:
    number = value if raw.is_numeric() else money_text(value, origin.decimals, locale.currency)
    return f"TRY_CAST({number} AS DECIMAL(18, 4))"


def _integer(value: str, raw: dt.DataType, _column: Column, origin: ColumnMapping, _locale: Locale) -> str:
    if raw.is_integer():
        return f"TRY_CAST({value} AS BIGINT)"
    number = value
    if not raw.is_numeric():
        number = f"TRY_CAST({decimal_text(value, origin.decimals)} AS DECIMAL(38, 10))"
    whole = f"WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS BIGINT)"
    if raw.is_numeric():
        return f"CASE {whole} END"
    # digits alone, as most are written: a decimal of 38 digits costs a hundred times as much
    text = f"CAST({value} AS VARCHAR)"
    return (
        f"CASE WHEN regexp_full_match({text}, '-?[0-9]{{1,18}}') THEN TRY_CAST({text} AS BIGINT) {whole} END"
    )


def _boolean(value: str, raw: dt.DataType, origin: ColumnMapping) -> str:
    if raw.is_boolean():
        return value
    word = f"lower(CAST({value} AS VARCHAR))"
    spoken = ((*TRUE_WORDS, *origin.yes), (*FALSE_WORDS, *origin.no))
    yes, no = (", ".join(quote_text(word.lower()) for word in words) for words in spoken)
    return f"CASE WHEN {word} IN ({yes}) THEN true WHEN {word} IN ({no}) THEN false END"


def _moment(value: str, raw: dt.DataType, origin: ColumnMapping, zone: str) -> str:
    if raw.is_timestamp() and raw.timezone is not None:
        return f"timezone({quote_text(zone)}, {value})"
    if raw.is_temporal() and not raw.is_time():
        return _moved(value, origin.timezone, zone)
    text = value if raw.is_string() else f"CAST({value} AS VARCHAR)"
    numbered = [
        _NUMBERED[f].format(text=text, zone=quote_text(zone)) for f in origin.formats if f in _NUMBERED
    ]
    local = [f for f in origin.formats if "%z" not in f and f not in _NUMBERED]
    zoned = [f for f in origin.formats if "%z" in f]
    readings = [*numbered]
    if local:
        reading = f"try_strptime({text}, [{', '.join(map(quote_text, local))}])"
        readings.append(_moved(reading, origin.timezone, zone))
    if zoned:
        instant = f"try_strptime({text}, [{', '.join(map(quote_text, zoned))}])"
        readings.append(f"timezone({quote_text(zone)}, {instant})")
    return f"coalesce({', '.join([*readings, *_iso(text, origin.timezone, zone)])})"


def _moved(value: str, origin: str | None, zone: str) -> str:
    if origin is None or origin == zone:
        return value
    return f"timezone({quote_text(zone)}, timezone({quote_text(origin)}, CAST({value} AS TIMESTAMP)))"


def _iso(text: str, origin: str | None, zone: str) -> list[str]:
    # the engine's own cast accepts much more than ISO: the pattern comes first
    moment = f"TRY_CAST({text} AS TIMESTAMP)"
    local = _moved(moment, origin, zone)
    instant = f"timezone({quote_text(zone)}, TRY_CAST({text} AS TIMESTAMPTZ))"
    # what the engine would write itself needs no pattern, which costs twice as much; infinity is such a text
    plain = f"unicode({text}) < 58 AND CAST({moment} AS VARCHAR) = {text}"
    return [
        f"CASE WHEN {plain} OR regexp_full_match({text}, {quote_text(_ISO)}) THEN {local} END",
        f"CASE WHEN regexp_full_match({text}, {quote_text(_ISO_ZONED)}) THEN {instant} END",
    ]


_NUMBERED = {  # days since 1899-12-30 without a zone, and instants
    "excel": (
        "CASE WHEN regexp_full_match({text}, '\\d{{1,6}}(\\.\\d+)?') THEN TIMESTAMP '1899-12-30'"
        " + to_seconds(CAST(round(TRY_CAST({text} AS DOUBLE) * 86400) AS BIGINT)) END"
    ),
    "unix": (
        "CASE WHEN regexp_full_match({text}, '-?\\d{{1,11}}(\\.\\d+)?')"
        " THEN timezone({zone}, to_timestamp(TRY_CAST({text} AS DOUBLE))) END"
    ),
    "unix ms": (
        "CASE WHEN regexp_full_match({text}, '-?\\d{{1,14}}')"
        " THEN timezone({zone}, to_timestamp(TRY_CAST({text} AS DOUBLE) / 1000)) END"
    ),
}
_NUMBERS: dict[Type, Callable[[str, dt.DataType, Column, ColumnMapping, Locale], str]] = {
    "integer": _integer, "number": _number, "money": _money,
}  # fmt: skip
