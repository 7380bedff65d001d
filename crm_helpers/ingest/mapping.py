"""Map sources to canonical columns by name or SQL expression, executed by the engine.

An expression sees its source's columns, may correlate a subquery over any other source by its name, and
nothing else: it is one expression, parsed and written anew, and cannot name a file or a table function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import duckdb
import ibis
import sqlglot
from ibis.common.exceptions import IbisError
from sqlglot import exp

from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.batches import FAULT, ROW, SET_ASIDE
from crm_helpers.lake import quote_identifier
from crm_helpers.profile import ColumnMapping, Profile, TableMapping

__all__ = ["map_table", "mapped_columns", "mapped_names", "safe_expression"]

_COMPARISONS = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.EQ, exp.NEQ, exp.Between, exp.In)
_REFUSED = frozenset({"current_setting", "getenv", "getvariable", "glob", "query", "query_table"})


def map_table(
    connection: ibis.BaseBackend, profile: Profile, table: str, columns: Mapping[str, Collection[str]]
) -> ibis.Table:
    """Select a canonical table's columns from its source, still unconverted.

    Parameters
    ----------
    connection
        The engine, with each source registered under its name.
    profile
        Holds the mapping.
    table
        Name of the canonical table.
    columns
        Columns of each source.

    Returns
    -------
    ibis.Table
        `_row`, the mapped columns, `_fault` where some rows of the source could not be split, and
        `_set_aside` where the profile sets rows aside: a bit for each of its conditions that a row meets.

    Raises
    ------
    InputError
        When a source column does not exist or an expression is refused or wrong, by key.
    """
    mapping = profile.tables[table]
    source = quote_identifier(mapping.source)
    texts: dict[str, str] = {}
    for name, origin in mapping.columns.items():
        key = f"tables.{table}.columns.{name}"
        text = _expression(key, origin, mapping, columns)
        if origin.sql is not None:
            _refuse_texts_as_numbers(connection, key, text, mapping.source)
        texts[key] = text
    _try_all(connection, texts, source)
    named = zip(texts.values(), mapping.columns, strict=True)
    chosen = [
        f"{source}.{quote_identifier(ROW)}",
        *(f"{text} AS {quote_identifier(name)}" for text, name in named),
    ]
    if mapping.set_aside:
        chosen.append(f"{_set_aside(connection, table, mapping, columns)} AS {SET_ASIDE}")
    if FAULT in connection.table(mapping.source).columns:
        chosen.append(f"{source}.{quote_identifier(FAULT)}")
    return connection.sql(f"SELECT {', '.join(chosen)} FROM {source}", dialect="duckdb")


def mapped_columns(profile: Profile, source: str, columns: Iterable[str]) -> dict[str, list[str]]:
    """Say which canonical columns each column of a source feeds, by name or within an expression."""
    by_name = {column.casefold(): column for column in columns}
    used: dict[str, list[str]] = {}
    for table, mapping in profile.tables.items():
        for name, origin in mapping.columns.items():
            for column in _named(origin, source, own=mapping.source == source):
                if column.casefold() in by_name:
                    used.setdefault(by_name[column.casefold()], []).append(f"{table}.{name}")
        for column in _conditions(mapping, source):
            if column.casefold() in by_name:
                used.setdefault(by_name[column.casefold()], []).append(f"{table}.set_aside")
    return used


def mapped_names(profile: Profile, source: str) -> dict[str, list[str]]:
    """Name the columns a source must have, with the canonical columns each feeds by name."""
    names: dict[str, list[str]] = {}
    for table, mapping in profile.tables.items():
        for name, origin in mapping.columns.items():
            if origin.column is not None and mapping.source == source:
                names.setdefault(origin.column, []).append(f"{table}.{name}")
    return names


def safe_expression(key: str, text: str, sources: Collection[str]) -> str:
    """Check that text is one SQL expression over the sources, and write it anew.

    Parameters
    ----------
    key
        The profile's key, for messages.
    text
        The expression, in DuckDB's dialect.
    sources
        Names a subquery may read.

    Returns
    -------
    str
        The expression, without comments.

    Raises
    ------
    InputError
        When it is not SQL, a statement, or reads anything but the sources.

    Examples
    --------
    >>> safe_expression("k", "upper(name) -- ha", ["people"])
    '(UPPER(name))'
    """
    tree = _parsed(key, text)
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or table.db or table.name not in sources:
            known = suggest(table.name, sources)
            raise InputError(f"{key}: an expression reads sources of this profile only; {known}")
    for function in tree.find_all(exp.Func):
        if function.name.lower() in _REFUSED:
            raise InputError(f"{key}: the function {function.name.lower()} is not for profiles")
    return f"({tree.sql('duckdb', comments=False)})"


def _expression(
    key: str, origin: ColumnMapping, mapping: TableMapping, columns: Mapping[str, Collection[str]]
) -> str:
    if origin.sql is not None:
        return safe_expression(key, origin.sql, columns)
    if origin.column not in columns[mapping.source]:
        hint = suggest(str(origin.column), columns[mapping.source])
        raise InputError(f'{key}: source "{mapping.source}" has no column "{origin.column}"; {hint}')
    return f"{quote_identifier(mapping.source)}.{quote_identifier(str(origin.column))}"


def _set_aside(
    connection: ibis.BaseBackend, table: str, mapping: TableMapping, columns: Mapping[str, Collection[str]]
) -> str:
    bits = []
    for place, (name, condition) in enumerate(mapping.set_aside.items()):
        key = f"tables.{table}.set_aside.{name}"
        text = safe_expression(key, condition, columns)
        source = quote_identifier(mapping.source)
        _refuse_texts_as_numbers(connection, key, text, mapping.source)
        kind = _try(connection, key, f"SELECT {text} AS met FROM {source}").schema()["met"]
        if not kind.is_boolean():
            raise InputError(f"{key}: must be a condition, as state = 'lost'; it gives {kind}")
        bits.append(f"CASE WHEN {text} THEN {1 << place} ELSE 0 END")
    return f"CAST({' + '.join(bits)} AS UINTEGER)"


def _refuse_texts_as_numbers(connection: ibis.BaseBackend, key: str, text: str, source: str) -> None:
    # where the engine compares them at all, it makes whole numbers of the texts: 0.4 = 0 is true then
    schema = connection.table(source).schema()
    texts = {name.casefold() for name, kind in schema.items() if kind.is_string()}
    for comparison in _parsed(key, text).find_all(*_COMPARISONS):
        sides = [comparison.this, *comparison.expressions]
        sides += [comparison.args.get(part) for part in ("expression", "low", "high")]
        columns = [side.name for side in sides if isinstance(side, exp.Column)]
        named = [name for name in columns if name.casefold() in texts]
        if named and any(_is_number(side) for side in sides):
            cast = f"TRY_CAST({quote_identifier(named[0])} AS DECIMAL(18, 4))"
            raise InputError(f'{key}: "{named[0]}" is text and is compared with a number; write {cast}')


def _is_number(side: exp.Expression | None) -> bool:
    plain = side.this if isinstance(side, exp.Neg) else side
    return isinstance(plain, exp.Literal) and not plain.is_string


def _conditions(mapping: TableMapping, source: str) -> list[str]:
    own = mapping.source == source
    texts = (ColumnMapping(sql=condition) for condition in mapping.set_aside.values())
    return sorted({column for text in texts for column in _named(text, source, own=own)})


def _parsed(key: str, text: str) -> exp.Expression:
    try:
        trees = sqlglot.parse(text, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        raise InputError(f"{key}: not an SQL expression; look at its quotes and brackets") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Condition | exp.Subquery):
        raise InputError(f"{key}: sql must be one expression, not a statement or a list")
    return trees[0]


def _try_all(connection: ibis.BaseBackend, texts: Mapping[str, str], source: str) -> None:
    """Try expressions by key at once, and one by one only where that fails, to say which is wrong."""
    try:
        connection.raw_sql(f"DESCRIBE SELECT {', '.join(texts.values())} FROM {source}")
    except duckdb.Error:
        for key, text in texts.items():
            _try(connection, key, f"SELECT {text} FROM {source}")


def _try(connection: ibis.BaseBackend, key: str, query: str) -> ibis.Table:
    try:
        return connection.sql(query, dialect="duckdb")
    except (duckdb.Error, IbisError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"{key}: {first}") from None


def _named(origin: ColumnMapping, source: str, *, own: bool) -> list[str]:
    if origin.sql is None:
        return [str(origin.column)] if own else []
    try:
        tree = sqlglot.parse_one(origin.sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError:  # `map_table` says so, by key
        return []
    aliases = {table.alias_or_name for table in tree.find_all(exp.Table) if table.name == source}
    aliases |= {source, ""} if own else set()
    return sorted({c.name for c in tree.find_all(exp.Column) if c.table in aliases})
