"""The engine: DuckDB through Ibis, behind a wall, and how names, texts and types are written for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from crm_helpers.tables import Table, Type

__all__ = ["ENGINE_TYPES", "MONEY", "connect", "quote_identifier", "quote_text", "schema_of"]

MEMORY = "1GB"  # of one connection; beyond it the engine spills to the temporary folder
FETCHED = "64MB"
MONEY = dt.Decimal(18, 4)

ENGINE_TYPES: dict[Type, dt.DataType] = {
    "text": dt.string, "integer": dt.int64, "number": dt.float64, "money": MONEY,
    "boolean": dt.boolean, "date": dt.date, "datetime": dt.Timestamp(scale=6),
}  # fmt: skip
"""Canonical types as the engine keeps them; times are naive, in the company's zone."""


def connect(*folders: Path, memory: str = MEMORY, threads: int | None = None) -> ibis.BaseBackend:
    """Open an engine in memory that loads no extension and asks the network for nothing.

    Parameters
    ----------
    *folders
        When given, the only folders the engine may read and write: the wall around SQL that comes
        from a profile.
    memory
        Limit of the engine's memory; larger work spills to the temporary folder.
    threads
        Threads to use; all cores when not given.

    Returns
    -------
    ibis.BaseBackend
        DuckDB through Ibis, time zone UTC.
    """
    settings: dict[str, Any] = {"threads": threads} if threads else {}
    connection = ibis.duckdb.connect(
        memory_limit=memory,
        temp_directory=str(Path(tempfile.gettempdir()) / f"crm-spill-{os.getpid()}"),
        autoload_known_extensions=False,
        autoinstall_known_extensions=False,
        allow_community_extensions=False,
        **settings,
    )
    connection.raw_sql("SET TimeZone = 'UTC'")
    # rows that wait to be fetched: with its own 1 MB the engine's threads wait for ours
    connection.raw_sql(f"SET streaming_buffer_size = '{FETCHED}'")
    # it would print into notebooks; where it is off already, a Jupyter without widgets refuses to set it
    if connection.raw_sql("SELECT current_setting('enable_progress_bar')").fetchone()[0]:
        connection.raw_sql("SET enable_progress_bar = false")
    if folders:
        allowed = ", ".join(quote_text(str(folder)) for folder in folders)
        connection.raw_sql(f"SET allowed_directories = [{allowed}]")
        connection.raw_sql("SET enable_external_access = false")
    return connection


def quote_identifier(name: str) -> str:
    """Quote the name of a column or table for SQL.

    Examples
    --------
    >>> print(quote_identifier('a"; drop table x --'))
    "a""; drop table x --"
    """
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Quote a piece of text for SQL.

    Examples
    --------
    >>> print(quote_text("l'heure"))
    'l''heure'
    """
    return "'" + text.replace("'", "''") + "'"


def schema_of(table: Table) -> ibis.Schema:
    """Columns and engine types of a canonical or published table, in its order."""
    return ibis.schema({column.name: ENGINE_TYPES[column.type] for column in table.columns})
