"""Read the file, copy or download of a source in batches of Arrow rows, as it is: one small reader a kind."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import BATCH_ROWS, NO_ROWS, ROW, as_text, refuse_own_names, text_batches
from crm_helpers.ingest.delimited import read_csv
from crm_helpers.ingest.documents import read_documents
from crm_helpers.ingest.workbooks import read_excel
from crm_helpers.profile import AnySource, Source
from crm_helpers.sources import RestSource

__all__ = ["ROW", "as_text", "read_file", "text_batches"]

Reader = Callable[[Path, Any, Path, str], Iterator[pa.Table]]


def read_file(path: Path, source: AnySource, work: Path, *, label: str) -> Generator[pa.Table, None, None]:
    """Read one file in batches, each row with its locator.

    Parameters
    ----------
    path
        The file.
    source
        Its kind, encoding, delimiter, sheet.
    work
        Folder for what a reader must put aside.
    label
        The file's name in messages.

    Yields
    ------
    pa.Table
        A batch in the source's order: the source's columns and `_row`.

    Raises
    ------
    InputError
        When the file cannot be read, or holds no row.
    """
    batches = _READERS[source.kind](path, source, work, label)
    rows = 0
    for batch in batches if source.kind in _NUMBERED else _numbered(batches, label):
        rows += batch.num_rows
        yield batch
    if not rows:
        raise InputError(f"{label}: {NO_ROWS}")


def _numbered(batches: Iterator[pa.Table], label: str) -> Iterator[pa.Table]:
    row = 1
    for batch in batches:
        refuse_own_names(batch.column_names, label=label)
        yield batch.append_column(ROW, pa.array(np.arange(row, row + batch.num_rows)))
        row += batch.num_rows


def _read_parquet(path: Path, _source: Source, _work: Path, label: str) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError):
        raise InputError(f"{label}: not a whole Parquet file; export it again") from None


def _read_download(path: Path, _source: RestSource, work: Path, label: str) -> Iterator[pa.Table]:
    return read_documents(path, Source(kind="jsonl", path=path.name), work, label)


_NUMBERED = {"csv", "excel"}  # their readers know the row of each record
_READERS: dict[str, Reader] = {
    "csv": read_csv,
    "excel": read_excel,
    "json": read_documents,
    "jsonl": read_documents,
    "mongodb": read_documents,
    "parquet": _read_parquet,
    "rest": _read_download,  # of the copy that `rest.stage_rest` made
    "sql": _read_parquet,  # of the copy that `databases.stage_table` made
}
