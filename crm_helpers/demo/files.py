"""Write the simulated company's files so that equal contents give equal bytes."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["export", "write_database", "write_parquet", "write_workbook"]

_STAMP = (2025, 1, 2, 8, 0, 0)
_BLOCK = 200_000  # rows


def export(kept: Path, target: Path, *, query: str, form: str, encoding: str = "utf-8") -> int:
    """Write rows kept as Parquet the way the company exports them, in their order, and drop what was kept.

    DuckDB reads the Parquet file itself: fed from Python it would hold on to every batch.

    Parameters
    ----------
    kept
        Parquet file; it is removed.
    target
        The file to write.
    query
        SQL over `rows`.
    form
        `csv` or `json` (one object a line).
    encoding
        Encoding of the file; DuckDB writes UTF-8, which is transcoded.

    Returns
    -------
    int
        Rows written.
    """
    options = "FORMAT csv, HEADER" if form == "csv" else "FORMAT json"
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.from_parquet(str(kept)).create_view("rows")
        count = connection.execute(f"COPY ({query}) TO {_quoted(target)} ({options})").fetchone()
    kept.unlink()
    if encoding != "utf-8":
        _transcode(target, encoding)
    return int(count[0]) if count else 0


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _transcode(path: Path, encoding: str) -> None:
    temporary = path.with_suffix(".utf8")
    path.rename(temporary)
    with (
        temporary.open(encoding="utf-8", newline="") as old,
        path.open("w", encoding=encoding, newline="") as new,
    ):
        for text in iter(lambda: old.read(1 << 20), ""):
            new.write(text)
    temporary.unlink()


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet."""
    pq.write_table(table, path, compression="zstd", row_group_size=_BLOCK)


def write_database(path: Path, tables: dict[str, Iterable[pa.Table]]) -> None:
    """Write tables into a new SQLite database.

    Parameters
    ----------
    path
        The file.
    tables
        By name, each in one or more pieces; text and numbers only.
    """
    with sqlite3.connect(path) as connection:
        for name, pieces in tables.items():
            for number, piece in enumerate(pieces):
                if number == 0:
                    columns = (f'"{column.name}" {_sqlite_type(column.type)}' for column in piece.schema)
                    connection.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
                marks = ", ".join("?" * piece.num_columns)
                connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', _rows(piece))
    connection.close()


def _sqlite_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "INTEGER"
    return "REAL" if pa.types.is_floating(kind) else "TEXT"


def _rows(table: pa.Table) -> Iterator[tuple[object, ...]]:
    for start in range(0, table.num_rows, _BLOCK):
        block = table.slice(start, _BLOCK)
        yield from zip(*(column.to_pylist() for column in block.columns), strict=True)


def write_workbook(path: Path, sheets: dict[str, pa.Table]) -> None:
    """Write tables as the sheets of an Excel workbook, with fixed times inside.

    Parameters
    ----------
    path
        The file.
    sheets
        By the sheet's name; the first row is the header.
    """
    book = openpyxl.Workbook(write_only=True)
    for name, table in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append(table.column_names)
        for row in _rows(table):
            sheet.append(row)
    book.properties.created = datetime(*_STAMP, tzinfo=UTC)
    temporary = path.with_suffix(".tmp")
    book.save(temporary)
    _fix_times(temporary, path)
    temporary.unlink()


def _fix_times(source: Path, target: Path) -> None:
    """Copy a workbook, with the time of writing taken out of the archive and of its properties."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = old.read(item)
            if item.filename == "docProps/core.xml":
                content = _without_modified(content)
            new.writestr(zipfile.ZipInfo(item.filename, _STAMP), content, zipfile.ZIP_DEFLATED)


def _without_modified(core: bytes) -> bytes:
    before, opening, rest = core.partition(b"<dcterms:modified")
    _, closing, after = rest.partition(b"</dcterms:modified>")
    return before + after if opening and closing else core
