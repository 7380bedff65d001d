"""Read and write tables on the engine: clean versions of a company, and files that are whole or absent.

`clean/<version>/` is written aside, renamed into place and pointed to by `clean/current.json` last, so a
reader sees the old version or the new one. The name of a version is a hash of what went into it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.errors import InputError, suggest
from crm_helpers.record import TableRecord
from crm_helpers.results import RESULTS
from crm_helpers.tables import TABLES, Table, Type

if TYPE_CHECKING:
    import pandas as pd

    from crm_helpers.layout import CompanyFolder

__all__ = [
    "ENGINE_TYPES",
    "CleanVersion",
    "clean_version",
    "connect",
    "current_clean",
    "fingerprint",
    "point_to",
    "publish_clean",
    "quote_identifier",
    "quote_text",
    "read_clean",
    "schema_of",
    "write_table",
    "write_text",
]

MEMORY = "1GB"  # of one connection; beyond it the engine spills to the temporary folder
MONEY = dt.Decimal(18, 4)

ENGINE_TYPES: dict[Type, dt.DataType] = {
    "text": dt.string, "integer": dt.int64, "number": dt.float64, "money": MONEY,
    "boolean": dt.boolean, "date": dt.date, "datetime": dt.Timestamp(scale=6),
}  # fmt: skip
"""Canonical types as the engine keeps them; times are naive, in the company's zone."""


@dataclass(frozen=True)
class CleanVersion:
    """One version of a company's canonical tables, as its manifest says."""

    version: str
    path: Path
    as_of: date  # the day after the last transaction, in the company's zone
    tables: dict[str, TableRecord]


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


def fingerprint(path: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def write_text(text: str, path: Path) -> None:
    """Write a text file so that a reader sees the old bytes or the new ones, even after a power cut."""
    with _replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_table(
    table: ibis.Table | pd.DataFrame | pa.Table, path: Path, *, schema: ibis.Schema | None = None
) -> TableRecord:
    """Write one Parquet file, whole or not at all; equal rows in equal order give equal bytes.

    Parameters
    ----------
    table
        An expression of the engine (order its rows, or they come as they come), a frame or an Arrow table.
    path
        The file; its folder is made when it is not there.
    schema
        Columns and types to write; those of the table when not given.

    Returns
    -------
    TableRecord
        Name (the file's stem), rows and fingerprint.
    """
    with _replacing(path) as aside:
        if isinstance(table, ibis.Table):
            _copy(table.cast(schema).select(*schema) if schema else table, aside)
        else:
            arrow = (
                table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
            )
            if schema:
                arrow = arrow.select(schema.names).cast(schema.to_pyarrow())
            # pandas' own metadata names library versions: without it the bytes depend on the rows alone
            pq.write_table(arrow.replace_schema_metadata(None), aside, compression="zstd")
    return TableRecord(name=path.stem, rows=pq.read_metadata(path).num_rows, fingerprint=fingerprint(path))


def current_clean(folder: CompanyFolder) -> CleanVersion:
    """Return the newest clean version of a company.

    Parameters
    ----------
    folder
        The company's places.

    Returns
    -------
    CleanVersion
        The version `clean/current.json` points to.

    Raises
    ------
    InputError
        When there is none yet.
    """
    pointer = folder.clean / "current.json"
    if not pointer.is_file():
        raise InputError(f'company "{folder.name}" has no clean tables yet: run 02_cleaning first')
    return clean_version(folder, json.loads(pointer.read_text(encoding="utf-8"))["version"])


def clean_version(folder: CompanyFolder, version: str) -> CleanVersion:
    """Return one clean version by name, or raise `InputError` when it is not there as a whole."""
    path = folder.clean / version
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f'clean version "{version}" of "{folder.name}" is gone: run 02_cleaning again'
        ) from None
    tables = {name: TableRecord(name=name, **record) for name, record in manifest["tables"].items()}
    return CleanVersion(version, path, date.fromisoformat(manifest["as_of"]), tables)


def read_clean(connection: ibis.BaseBackend, version: CleanVersion, table: str) -> ibis.Table:
    """Read a table of a clean version; an optional table the company lacks comes empty, with its columns.

    Parameters
    ----------
    connection
        The engine.
    version
        The version to read.
    table
        Name of a canonical table, or of what cleaning publishes beside them (`quality`).

    Returns
    -------
    ibis.Table
        All columns of the vocabulary in its order; columns the company does not map are empty.

    Raises
    ------
    InputError
        When no table has that name.
    """
    schema = schema_of(_known(table))
    if table not in version.tables:
        return connection.create_table(ibis.util.gen_name(f"empty_{table}"), schema=schema, temp=True)
    return connection.read_parquet(version.path / f"{table}.parquet")


def publish_clean(
    folder: CompanyFolder, version: str, as_of: date, tables: Mapping[str, ibis.Table | pd.DataFrame]
) -> CleanVersion:
    """Write a clean version as a whole and make it the current one.

    Parameters
    ----------
    folder
        The company's places.
    version
        Name of the version: equal inputs must have equal names.
    as_of
        The day after the last transaction.
    tables
        Tables by name, rows in the order to be written.

    Returns
    -------
    CleanVersion
        The version, now current.
    """
    folder.clean.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=folder.clean))
    try:
        records = {
            name: write_table(table, staging / f"{name}.parquet", schema=schema_of(_known(name)))
            for name, table in tables.items()
        }
        described = {name: record.model_dump(exclude={"name"}) for name, record in sorted(records.items())}
        manifest = {"version": version, "as_of": as_of.isoformat(), "tables": described}
        write_text(json.dumps(manifest, indent=1) + "\n", staging / "manifest.json")
        if not (folder.clean / version).exists():
            staging.chmod(0o755)  # mkdtemp makes it private
            staging.rename(folder.clean / version)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    point_to(folder, version)
    return clean_version(folder, version)


def point_to(folder: CompanyFolder, version: str) -> None:
    """Make a version that is already there the current one."""
    write_text(json.dumps({"version": version}) + "\n", folder.clean / "current.json")


def _known(name: str) -> Table:
    known = TABLES | RESULTS
    if name not in known:
        raise InputError(f'no table "{name}": {suggest(name, known)}')
    return known[name]


def _copy(table: ibis.Table, path: Path) -> None:
    # not Ibis' own to_parquet: it writes the path as a Python literal, which breaks on an apostrophe
    backend = table._find_backend()  # noqa: SLF001 - Ibis offers no public way to ask
    backend._run_pre_execute_hooks(table)  # noqa: SLF001 - registers frames the expression holds
    query = f"COPY ({backend.compile(table)}) TO {quote_text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    backend.raw_sql(query)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield aside
        _to_disk(aside)
        aside.replace(path)
        _to_disk(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder, and renames are durable there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
