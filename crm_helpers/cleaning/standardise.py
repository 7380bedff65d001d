"""Convert a mapped table in the engine, in named steps, with a code beside each value that breaks a rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import ibis

from crm_helpers.cleaning.converted import CODES_OF, FATAL, TOUCHED, Converted, code_of, write_converted
from crm_helpers.cleaning.rules import CODES, DECLARED, KEPT_AS_ZERO, RAGGED_ROW, fatal_codes
from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import FAULT, ROW, SET_ASIDE, said_row
from crm_helpers.ingest.conversion import MOSTLY, UNDECLARED_DATE, Locale, converted, in_range, present
from crm_helpers.ingest.fits import both_orders, declaration
from crm_helpers.ingest.forms import register_phones
from crm_helpers.lake import quote_identifier, quote_text
from crm_helpers.profile import TableMapping
from crm_helpers.tables import Column, Table

__all__ = ["FIRST_RULE", "Standardised", "clean_place", "code_of", "standardise"]

FIRST_RULE = 100  # what `fatal` holds of a row that the first condition of the profile sets aside
LOOKED_AT = 10_000  # rows that say how a refused column is written
RAGGED = 255  # what `fatal` holds where a row could not be split into columns


@dataclass(frozen=True)
class Standardised:
    """A converted table in the engine, and how many values broke which rule."""

    table: Table
    source: str
    converted: Converted  # where the rows are
    columns: tuple[Column, ...]  # the mapped ones, in the vocabulary's order
    key: tuple[str, ...]  # empty when rows cannot be told apart
    rows: int
    quarantined: Mapping[tuple[str, int], int]  # rows by first fatal column and code
    set_missing: Mapping[tuple[str, int], int]  # values of rows that were kept
    rules: tuple[str, ...] = ()  # names of the profile's own conditions, in their order
    valid: int = 0  # values given that were read and are within their bounds
    invalid: int = 0  # values given that were not


def standardise(
    connection: ibis.BaseBackend,
    mapped: ibis.Table,
    table: Table,
    mapping: TableMapping,
    *,
    folder: Path,
    locale: Locale,
    latest: date | None = None,
    repeated: Collection[str] = (),
) -> Standardised:
    """Convert a mapped table's columns to their types, in the engine.

    Parameters
    ----------
    connection
        The engine; views of the converted rows are made in it.
    mapped
        `_row` and the mapped columns.
    table
        The canonical table.
    mapping
        Date formats, missing texts and key of the profile.
    folder
        Where the converted rows are written.
    locale
        The company's zone, currency and country.
    latest
        Day of the last transaction or contact, once known: no date of the past lies after it.
    repeated
        Columns of the source that hold few values.

    Returns
    -------
    Standardised
        Where the converted rows are, and counts by rule.

    Raises
    ------
    InputError
        When a date's day and month could be swapped and no format says which is which, when most
        values of a column cannot be read, or no row is left.
    """
    columns = tuple(column for column in table.columns if column.name in mapping.columns)
    _read_phones(connection, mapped, columns, locale)
    few = {name for name, origin in mapping.columns.items() if origin.column in repeated}
    query = _query(
        connection, mapped, table, mapping, columns=columns, locale=locale, latest=latest, repeated=few
    )
    key = tuple(name for name in mapping.key or table.key if name in mapping.columns)
    try:
        converted_rows = write_converted(
            connection, query, table, folder, coded=[c.name for c in columns], key=key
        )
    except duckdb.InvalidInputException as error:
        what = (
            str(error).splitlines()[0]
            if "strptime" in str(error).lower()
            else "a mapped value cannot be computed"
        )
        raise InputError(f"tables.{table.name}.columns: {what}") from None
    rules = tuple(mapping.set_aside)
    counts = _counts(connection, converted_rows, columns, rules)
    _refuse(connection, converted_rows, mapping, counts, mapped=mapped.limit(LOOKED_AT))
    return Standardised(
        table, mapping.source, converted_rows, columns, key, counts["rows"],
        _ragged(counts) | _declared(counts, rules) | _by_rule(counts, "quarantined", columns),
        _by_rule(counts, "set_missing", columns), rules,
        valid=sum(counts[f"good {column.name}"] for column in columns),
        invalid=sum(counts[f"invalid {column.name}"] for column in columns),
    )  # fmt: skip


def clean_place(table: str) -> str:
    """Name the engine's view of a clean table, quoted; the blank keeps it apart from any source's name."""
    return quote_identifier(f"clean {table}")


def _query(
    connection: ibis.BaseBackend,
    mapped: ibis.Table,
    table: Table,
    mapping: TableMapping,
    *,
    columns: tuple[Column, ...],
    locale: Locale,
    latest: date | None,
    repeated: Collection[str],
) -> str:
    raw = mapped.schema()
    carried = [name for name in (FAULT, SET_ASIDE) if name in raw]
    found, typed, judged = [ROW, *carried], [ROW, *carried], [ROW, *carried]
    final = [ROW, *(name for name in carried if name == SET_ASIDE)]
    for column in columns:
        name, origin = quote_identifier(column.name), mapping.columns[column.name]
        given, kind = quote_identifier(f"given {column.name}"), raw[column.name]
        few = column.name in repeated
        found.append(f"{present(name, kind, origin.missing, repeated=few)} AS {given}")
        value = converted(given, kind, column, origin=origin, locale=locale)
        typed += [given, f"{value} AS {name}"]
        dates = column.type in {"date", "datetime"} and kind.is_string() and not origin.formats
        code = _code(given, name, column, undeclared=dates, latest=latest)
        judged += [name, f"{code} AS {code_of(column.name)}"]
        final.append(f"{_kept_value(column, latest)} AS {name}")
    codes = [code_of(column.name) for column in columns]
    return (
        f"WITH mapped AS ({connection.compile(mapped)}),"
        f" found AS (SELECT {', '.join(found)} FROM mapped),"
        f" typed AS (SELECT {', '.join(typed)} FROM found),"
        f" judged AS (SELECT {', '.join(judged)} FROM typed),"
        # not greatest: it costs a third of the whole conversion
        f" weighed AS (SELECT *, {' | '.join(codes)} AS bits FROM judged),"
        # one column, mostly empty: a column each costs as much as the values
        f" parted AS (SELECT {', '.join(final)}, bits,"
        f" CASE WHEN bits > 0 THEN [{', '.join(codes)}] END AS {CODES_OF},"
        f" {_fatal(table, mapping, columns, ragged=FAULT in raw)} AS {FATAL} FROM weighed)"
        f" SELECT * EXCLUDE (bits), bits > 0 OR {FATAL} > 0 AS {TOUCHED} FROM parted"
    )


def _kept_value(column: Column, latest: date | None) -> str:
    """Write SQL for a converted value, or NULL where it is beyond its bounds."""
    name = quote_identifier(column.name)
    if in_range(name, column, latest=latest) == "true":
        return name
    zero = f" OR {code_of(column.name)} = {KEPT_AS_ZERO}" if column.type == "money" else ""
    return f"CASE WHEN {code_of(column.name)} = 0{zero} THEN {name} END"


def _fatal(table: Table, mapping: TableMapping, columns: tuple[Column, ...], *, ragged: bool) -> str:
    """Write SQL for what costs the whole row: a fault of the reader, a rule of the profile, or a column."""
    cases = [
        f"WHEN {code_of(column.name)} BETWEEN {min(codes)} AND {max(codes)} THEN {i}"
        for i, column in enumerate(columns, start=1)
        if (codes := fatal_codes(table, column))
    ]
    torn = [f"WHEN {FAULT} IS NOT NULL THEN {RAGGED}"] if ragged else []
    aside = [f"WHEN {SET_ASIDE} & {1 << i} <> 0 THEN {FIRST_RULE + i}" for i in range(len(mapping.set_aside))]
    # most rows have no fault: the engine asks the rest of few
    return f"CAST(CASE {' '.join([*torn, *aside, 'WHEN bits = 0 THEN 0', *cases])} ELSE 0 END AS UTINYINT)"


def _code(given: str, value: str, column: Column, *, undeclared: bool, latest: date | None) -> str:
    beyond = 5 if column.choices else 3
    swapped = f"regexp_full_match({given}, {quote_text(UNDECLARED_DATE)})" if undeclared else "false"
    within = in_range(value, column, latest=latest)
    usual, trace = f"{value} IS NOT NULL" if within == "true" else within, ""
    if column.type == "money":
        usual = f"{usual} AND {value} <> 0"
        trace = f" WHEN {value} = 0 AND TRY_CAST({given} AS DOUBLE) <> 0 THEN {KEPT_AS_ZERO}"
    # most values are good: the engine asks the rest of few
    return (
        f"CAST(CASE WHEN {usual} THEN 0 WHEN {given} IS NULL THEN {int(column.required)}"
        f" WHEN {value} IS NULL THEN CASE WHEN {swapped} THEN 4 ELSE 2 END{trace}"
        f" WHEN {within} THEN 0 ELSE {beyond} END AS UTINYINT)"
    )


def _counts(
    connection: ibis.BaseBackend, rows: Converted, columns: tuple[Column, ...], rules: tuple[str, ...]
) -> Counter[str]:
    given = {"rows": "count(*)", "good": "count(*)"}
    given |= {f"good {column.name}": f"count({quote_identifier(column.name)})" for column in columns}
    stay = _row_of(connection, rows.kept, given)
    heard = f"fatal NOT BETWEEN {FIRST_RULE} AND {RAGGED - 1}"  # what is set aside answers to no other rule
    lost = f"{FATAL} <> 0"
    terms = {"rows": f"count_if({lost})", "ragged": f"count_if({FATAL} = {RAGGED})"}
    terms |= {f"declared {i}": f"count_if(fatal = {FIRST_RULE + i})" for i in range(len(rules))}
    for position, column in enumerate(columns, start=1):
        name = quote_identifier(column.name)
        terms[f"good {column.name}"] = f"count({name}) FILTER ({lost} AND {heard})"
        terms |= _by_code(column.name, position, heard)
    return stay + _row_of(connection, rows.faulty, terms)


def _by_code(column: str, position: int, heard: str) -> dict[str, str]:
    code = code_of(column)
    terms = {
        f"unreadable {column}": f"count_if({code} IN (2, 4) AND {heard})",
        f"invalid {column}": f"count_if({code} BETWEEN 2 AND 5 AND {heard})",
    }
    for number in CODES:
        terms[f"quarantined {column} {number}"] = f"count_if(fatal = {position} AND {code} = {number})"
        terms[f"set_missing {column} {number}"] = f"count_if(fatal = 0 AND {code} = {number})"
    return terms


def _row_of(connection: ibis.BaseBackend, rows: str, terms: Mapping[str, str]) -> Counter[str]:
    query = f"SELECT {', '.join(terms.values())} FROM {rows}"
    values = connection.raw_sql(query).fetchone()
    return Counter(dict(zip(terms, (int(value or 0) for value in values), strict=True)))


def _read_phones(
    connection: ibis.BaseBackend, mapped: ibis.Table, columns: tuple[Column, ...], locale: Locale
) -> None:
    query, raw = connection.compile(mapped), mapped.schema()
    phones = [present(quote_identifier(c.name), raw[c.name], ()) for c in columns if c.form == "phone"]
    values = [f"SELECT CAST({phone} AS VARCHAR) FROM ({query})" for phone in phones]
    if values:
        register_phones(connection, " UNION ALL ".join(values), country=locale.country)


def _ragged(counts: Mapping[str, int]) -> dict[tuple[str, int], int]:
    return {("", RAGGED_ROW): counts["ragged"]} if counts["ragged"] else {}


def _declared(counts: Mapping[str, int], rules: tuple[str, ...]) -> dict[tuple[str, int], int]:
    found = {(name, DECLARED): counts[f"declared {i}"] for i, name in enumerate(rules)}
    return {pair: count for pair, count in found.items() if count}


def _by_rule(
    counts: Mapping[str, int], effect: str, columns: tuple[Column, ...]
) -> dict[tuple[str, int], int]:
    pairs = {(c.name, code): counts[f"{effect} {c.name} {code}"] for c in columns for code in CODES}
    return {pair: count for pair, count in pairs.items() if count}


def _refuse(
    connection: ibis.BaseBackend,
    rows: Converted,
    mapping: TableMapping,
    counts: Mapping[str, int],
    *,
    mapped: ibis.Table,
) -> None:
    table = rows.table
    for name in mapping.columns:
        key = f"tables.{table.name}.columns.{name}"
        unreadable, good = counts[f"unreadable {name}"], counts[f"good {name}"]
        if counts[f"quarantined {name} 4"] + counts[f"set_missing {name} 4"]:
            where = _first_row(connection, rows, f"{code_of(name)} = 4")
            raise InputError(
                f'{key}: {where} of source "{mapping.source}" can be read day first or month first;'
                f" declare which, as {both_orders(declaration(connection, mapped, name, table.column(name)))}"
            )
        if unreadable > MOSTLY * (unreadable + good):
            where = _first_row(connection, rows, f"{code_of(name)} IN (2, 4)")
            kind = table.column(name).type
            way = declaration(connection, mapped, name, table.column(name)) or "declare formats or decimals"
            raise InputError(
                f"{key}: {unreadable:,} of {unreadable + good:,} values cannot be read as {kind}, first in"
                f' {where} of source "{mapping.source}"; correct the mapping or {way}'
            )
    if counts["good"] == 0:
        raise InputError(
            f'tables.{table.name}: no row of source "{mapping.source}" is usable; correct the mapping'
            f"{' or set_aside' if mapping.set_aside else ''}"
        )


def _first_row(connection: ibis.BaseBackend, rows: Converted, condition: str) -> str:
    query = f"SELECT min({ROW}) FROM {rows.faulty} WHERE {condition}"
    return said_row(connection.raw_sql(query).fetchone()[0])
