"""The state of an incremental source, computed at read: of each key its newest version, deleted ones away.

`raw/` only ever grows: a load holds the rows that changed. Which version is the newest is decided by the
cursor, so that a file delivered twice or late changes nothing; without one, or where it is equal, by the
order of loads. The rows of a state are numbered in the order of their keys: however they were delivered, it
is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis

from crm_helpers.engine import quote_identifier, quote_text
from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import ROW, said_row
from crm_helpers.ingest.conversion import FALSE_WORDS, UNDECLARED_DATE
from crm_helpers.sources import Incremental

__all__ = ["State", "measure_state", "state_query"]

_FILE, _LOAD, _ORDER = map(quote_identifier, ("its file", "its load", "its order"))  # no source's own names
_NUMBER = r"[+-]?[0-9]+(\.[0-9]+)?"
_TIME = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"
Files = Sequence[tuple[str, Path]]  # load and file, oldest load first


@dataclass(frozen=True)
class State:
    """What is known of a state without keeping it."""

    rows: int
    keys: int  # deleted ones too
    position: str | None  # the newest value of the cursor, as it came
    content: str  # equal for equal rows, in whatever order and pieces they came


def state_query(incremental: Incremental, files: Files) -> str:
    """Write SQL for the rows that stand: `_row`, the source's columns, and the load each row came with.

    Parameters
    ----------
    incremental
        Key, cursor and flag of deleted rows.
    files
        The loads since the last full one.

    Returns
    -------
    str
        SQL for the engine.
    """
    keys = _names(incremental.key)
    return (
        f"SELECT * EXCLUDE ({ROW}, {_LOAD}, {_ORDER}), {_LOAD} AS _dlt_load_id,"
        f" row_number() OVER (ORDER BY {keys}) AS {ROW}"
        f" FROM ({_newest(incremental, files)}) WHERE {_standing(incremental)}"
    )


def measure_state(connection: ibis.BaseBackend, source: str, incremental: Incremental, files: Files) -> State:
    """Count and summarise the state that loads make.

    Parameters
    ----------
    connection
        The engine.
    source
        Name of the source, for messages.
    incremental
        Key, cursor and flag of deleted rows.
    files
        The loads since the last full one, and the one to come.

    Returns
    -------
    State
        Rows, keys, position and content.

    Raises
    ------
    InputError
        When a row has no key, or dates of the cursor could be read in two ways.
    """
    _refuse(connection, source, incremental, files)
    newest, standing = _newest(incremental, files), _standing(incremental)
    own = {ROW, "its load", "its order"}
    columns = [name for name in connection.sql(newest, dialect="duckdb").columns if name not in own]
    position = _position(incremental)
    rows, keys, last, mark = connection.raw_sql(
        f"SELECT count(*) FILTER ({standing}), count(*), {position},"
        f" CAST(bit_xor(md5_number({_content(columns)})) FILTER ({standing}) AS VARCHAR) FROM ({newest})"
    ).fetchone()
    return State(rows, keys, last, f"{incremental.key} {rows} {mark}")


def _newest(incremental: Incremental, files: Files) -> str:
    keys = _names(incremental.key)
    order = ", ".join(f"{term} DESC NULLS LAST" for term in (*_cursor(incremental), _ORDER, ROW))
    return (
        f"SELECT * FROM ({_versions(files)})"
        f" QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"
    )


def _versions(files: Files) -> str:
    places = ", ".join(quote_text(str(file)) for _, file in files)
    loads = list(dict.fromkeys(load for load, _ in files))
    order = ", ".join(
        f"({quote_text(str(file))}, {quote_text(load)}, {loads.index(load)})" for load, file in files
    )
    return (
        f"SELECT rows.* EXCLUDE ({_FILE}), loads.{_LOAD}, loads.{_ORDER}"
        f" FROM read_parquet([{places}], union_by_name = true, filename = 'its file') AS rows"
        f" JOIN (VALUES {order}) AS loads ({_FILE}, {_LOAD}, {_ORDER}) ON rows.{_FILE} = loads.{_FILE}"
    )


def _cursor(incremental: Incremental) -> list[str]:
    if incremental.cursor is None:
        return []
    text = f"CAST({quote_identifier(incremental.cursor)} AS VARCHAR)"
    # casts that fail cost the engine a hundred times as much as others, hence the patterns; a decimal of 38
    # digits costs as much, hence a double first and, where two are equal, the whole number
    shapes = ((_NUMBER, "DOUBLE"), (_NUMBER, "HUGEINT"), (_TIME, "TIMESTAMPTZ"))
    return [
        *(f"CASE WHEN regexp_full_match({text}, '{p}') THEN TRY_CAST({text} AS {t}) END" for p, t in shapes),
        text,
    ]


def _position(incremental: Incremental) -> str:
    if incremental.cursor is None:
        return "NULL"
    text = f"CAST({quote_identifier(incremental.cursor)} AS VARCHAR)"
    return f"first({text} ORDER BY {', '.join(f'{t} DESC NULLS LAST' for t in _cursor(incremental))})"


def _standing(incremental: Incremental) -> str:
    if incremental.deleted is None:
        return "true"
    flag = f"lower(trim(coalesce(CAST({quote_identifier(incremental.deleted)} AS VARCHAR), '')))"
    return f"{flag} IN ({', '.join(map(quote_text, ('', *FALSE_WORDS)))})"


def _content(columns: Sequence[str]) -> str:
    # names and lengths before values, missing ones left out: no two rows give the same text, and a column
    # that only older versions had gives none
    terms = [
        f"coalesce({quote_text(f'{len(name)}:{name}')} || length({text}) || ':' || {text}, '')"
        for name, text in ((name, f"CAST({quote_identifier(name)} AS VARCHAR)") for name in sorted(columns))
    ]
    return " || ".join(terms)


def _refuse(connection: ibis.BaseBackend, source: str, incremental: Incremental, files: Files) -> None:
    missing = " OR ".join(f"{quote_identifier(name)} IS NULL" for name in incremental.key)
    cursor = _cursor(incremental)[-1:] or ["NULL"]
    two_ways = f"regexp_full_match({cursor[0]}, {quote_text(UNDECLARED_DATE)})"
    last = f"read_parquet({quote_text(str(files[-1][1]))})"
    no_key, unclear = connection.raw_sql(
        f"SELECT min({ROW}) FILTER ({missing}), min({ROW}) FILTER ({two_ways}) FROM {last}"
    ).fetchone()
    place = f"sources.{source}.incremental"
    if no_key is not None:
        names = " or ".join(incremental.key)
        raise InputError(f"{place}.key: {said_row(no_key)} has no {names}; name another key")
    if unclear is not None:
        row = said_row(unclear)
        raise InputError(f"{place}.cursor: {row} can be read day first or month first; use ISO times")


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(quote_identifier, names))
