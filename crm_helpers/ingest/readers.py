"""Read any file source in batches of Arrow rows, as it is: one small reader a kind."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.delimited import read_csv, read_jsonl, unique_names
from crm_helpers.profile import AnySource, Source
from crm_helpers.sources import RestSource

__all__ = ["ROW", "as_text", "read_file", "text_batches"]

ROW = "_row"
"""Row locator: the number of the record in the source; the header of a file is row 1."""

BATCH_ROWS = 50_000
LARGEST_SHEET = 2 << 30  # bytes unpacked: a larger workbook is not one a person made

Reader = Callable[[Path, Any, Path, str], Iterator[pa.Table]]


def read_file(path: Path, source: AnySource, work: Path, *, label: str) -> Generator[pa.Table, None, None]:
    """Read a source in batches, each row with its locator.

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
    row = _FIRST_ROW[source.kind]
    for batch in _READERS[source.kind](path, source, work, label):
        if ROW in batch.column_names:
            raise InputError(f"{label}: the column name {ROW} is the workbook's own; rename the column")
        numbers = pa.array(range(row, row + batch.num_rows), pa.int64())
        yield batch.append_column(ROW, numbers)
        row += batch.num_rows
    if row == _FIRST_ROW[source.kind]:
        raise InputError(f"{label}: no rows below the header; export it again")


def as_text(value: Any) -> str | None:
    """Write a cell as its exact text: whole numbers without `.0`, dates as ISO.

    Examples
    --------
    >>> [as_text(value) for value in (17850.0, 7, True, datetime(2024, 1, 5), ["a"], None)]
    ['17850', '7', 'true', '2024-01-05', '["a"]', None]
    """
    if value is None or isinstance(value, str):
        return value
    for kind, write in _TEXT_OF.items():
        if isinstance(value, kind):
            return write(value)
    return str(value)


def text_batches(names: list[str], rows: Iterable[tuple[Any, ...]]) -> Iterator[pa.Table]:
    """Gather rows of values into batches of text columns."""
    rows = iter(rows)
    while part := list(islice(rows, BATCH_ROWS)):
        columns = zip(*part, strict=True)
        yield pa.table([pa.array(map(as_text, column), pa.string()) for column in columns], names=names)


def _moment_text(value: datetime) -> str:
    midnight = value.time() == time() and value.tzinfo is None
    return value.date().isoformat() if midnight else value.isoformat(sep=" ")


def _read_excel(path: Path, source: Source, _work: Path, label: str) -> Iterator[pa.Table]:
    book = _open_workbook(path, label)
    try:
        sheet = _sheet(book, source.sheet, label)
        rows = sheet.iter_rows(values_only=True)
        header = next(rows, ())
        width = max((i for i, cell in enumerate(header, start=1) if cell is not None), default=0)
        if width == 0:
            raise InputError(f"{label}: row 1 is empty; the header must be the first row")
        names = unique_names([as_text(cell) or "" for cell in header[:width]])
        yield from text_batches(names, _filled(rows, width, label))
    finally:
        book.close()


def _open_workbook(path: Path, label: str) -> Any:
    from openpyxl import load_workbook  # noqa: PLC0415 - half a second that only Excel sources should pay

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_SHEET:
            raise InputError(f"{label}: unpacks to {unpacked >> 20} MB; export it as CSV")
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # styles it does not know
            return load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError):
        raise InputError(f"{label}: not a whole .xlsx workbook; export it again") from None


def _sheet(book: Any, name: str | None, label: str) -> Any:
    if name is not None and name not in book.sheetnames:
        raise InputError(f'{label}: no sheet "{name}"; {suggest(name, book.sheetnames)}')
    sheet = book[name] if name else book.worksheets[0]
    sheet.reset_dimensions()  # the stated size of a sheet may be wrong
    return sheet


def _filled(rows: Iterator[tuple[Any, ...]], width: int, label: str) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(rows, start=2):
        if any(cell is not None for cell in row[width:]):
            raise InputError(f"{label}: row {number} has more values than the header has columns")
        if any(cell is not None for cell in row):
            yield (*row[:width], *(None,) * (width - len(row)))


def _read_parquet(path: Path, _source: Source, _work: Path, label: str) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError):
        raise InputError(f"{label}: not a whole Parquet file; export it again") from None


def _read_csv(path: Path, source: Source, work: Path, label: str) -> Iterator[pa.Table]:
    return read_csv(path, source, work, label=label)


def _read_jsonl(path: Path, source: Source, work: Path, label: str) -> Iterator[pa.Table]:
    return read_jsonl(path, source, work, label=label)


def _read_download(path: Path, _source: RestSource, work: Path, label: str) -> Iterator[pa.Table]:
    return read_jsonl(path, Source(kind="jsonl", path=path.name), work, label=label)


_READERS: dict[str, Reader] = {
    "csv": _read_csv,
    "excel": _read_excel,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
    "rest": _read_download,  # of the copy that `rest.stage_rest` made
    "sql": _read_parquet,  # of the copy that `databases.stage_table` made
}
_FIRST_ROW = {"csv": 2, "excel": 2, "jsonl": 1, "parquet": 1, "rest": 1, "sql": 1}
_TEXT_OF: dict[
    type | tuple[type, ...], Callable[[Any], str]
] = {  # in this order: bool is an int, datetime is a date
    bool: lambda value: str(value).lower(),
    float: lambda value: str(int(value)) if value.is_integer() else repr(value),
    datetime: _moment_text,
    date: date.isoformat,
    bytes: lambda value: value.decode("utf-8", errors="backslashreplace"),
    (dict, list): lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=as_text),
}
