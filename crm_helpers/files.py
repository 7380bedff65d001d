"""Files that are whole or absent: written aside, brought to the disk, renamed into place."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from crm_helpers.record import TableRecord
from crm_helpers.row_groups import stream, write_stream

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fingerprint", "take_over", "work_folder", "write_table", "write_text"]

WAIT_SECONDS = 600  # for another process that does the same for the same company
SETTLED_SECONDS = 3.0  # a file system may give two changes within this time the same date


def fingerprint(path: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a file's bytes.

    A file whose inode, size and dates are as before is not read again, unless it changed so shortly before it
    was read that another change could have left them as they were.
    """
    state = path.stat()
    if time.time() - max(state.st_mtime, state.st_ctime) < SETTLED_SECONDS:
        return _digest(path)
    return _settled(path, (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))


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
    return _record(path)


def take_over(file: Path, path: Path) -> TableRecord:
    """Give a whole Parquet file its place, and describe it."""
    with _replacing(path) as aside:
        file.rename(aside)
    return _record(path)


def _record(path: Path) -> TableRecord:
    return TableRecord(name=path.stem, rows=pq.read_metadata(path).num_rows, fingerprint=fingerprint(path))


@lru_cache(maxsize=256)
def _settled(path: Path, _state: tuple[int, ...]) -> str:
    return _digest(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _copy(table: ibis.Table, path: Path) -> None:
    backend = table._find_backend()  # noqa: SLF001 - Ibis offers no public way to ask
    backend._run_pre_execute_hooks(table)  # noqa: SLF001 - registers frames the expression holds
    write_stream(stream(backend, backend.compile(table)), path, table.schema().to_pyarrow())


@contextmanager
def work_folder(place: Path, *, lock: str, prefix: str) -> Iterator[Path]:
    """Lend a new folder to one process at a time; it is gone afterwards, and so are those of killed ones.

    Parameters
    ----------
    place
        Where the folder is made; made itself when it is not there.
    lock
        Name of the lock file in it.
    prefix
        What the names of such folders begin with.

    Yields
    ------
    Path
        The empty folder.
    """
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / lock, timeout=WAIT_SECONDS):
        for left in place.glob(f"{prefix}*"):  # of a killed process: we hold the lock, so it is gone
            shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


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
