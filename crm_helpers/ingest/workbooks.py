"""Read a sheet of an Excel workbook as it is: formulas by their values, merged cells filled, nothing run."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.batches import ROW, as_text, header_names, text_batches
from crm_helpers.ingest.headers import SEARCHED_ROWS, find_header
from crm_helpers.profile import Source

__all__ = ["read_excel"]

LARGEST_BOOK = 2 << 30  # bytes unpacked: a larger workbook is not one a person made
CHUNK_BYTES = 1 << 20
OVERLAP = 1 << 16  # bytes: longer than any one cell's formula, so that none is cut by a border of chunks

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_NEVER_CALCULATED = re.compile(
    rb'<(?:\w+:)?c\s(?![^>]*t="str")[^>]*?r="[A-Z]+(\d+)"[^>]*>\s*<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)'
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)

Area = tuple[int, int, int, int]
"""First column, first row, last column, last row; from 1."""

Numbered = tuple[int, tuple[Any, ...]]


def read_excel(path: Path, source: Source, _work: Path, label: str) -> Iterator[pa.Table]:
    """Read a sheet in batches of text columns; `_row` is the row's number in the sheet.

    Parameters
    ----------
    path
        The workbook.
    source
        Its sheet (the first when not named) and where the header is.
    label
        The file's name in messages.

    Yields
    ------
    pa.Table
        Rows that are not empty. A merged area has the value of its first cell in every cell.

    Raises
    ------
    InputError
        When the workbook is not whole, has no such sheet or header, holds values right of the header, or
        formulas that no program ever calculated.
    """
    with path.open("rb") as file, _opened(file, label) as book:
        sheet = _sheet(book, source.sheet, label)
        areas = _areas(book, sheet, label)
        before, header = _header(sheet, areas, source, label)
        width = max((i for i, cell in enumerate(header, start=1) if cell), default=0)
        names = header_names([cell or "" for cell in header[:width]], row=before + 1, label=label)
        rows = _filled(enumerate(sheet.iter_rows(values_only=True), start=1), areas)
        yield from text_batches([*names, ROW], _fitted(rows, before + 1, width, label))


@contextmanager
def _opened(file: BinaryIO, label: str) -> Iterator[Any]:
    book = _workbook(file, label)
    try:
        yield book
    finally:
        book.close()


def _workbook(file: BinaryIO, label: str) -> Any:
    from openpyxl import load_workbook  # noqa: PLC0415 - half a second that only Excel sources should pay

    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_BOOK:
            raise InputError(f"{label}: unpacks to {unpacked >> 20} MB; export it as CSV")
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # styles it does not know
            return load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError):
        raise InputError(f"{label}: not a whole .xlsx workbook; export it again") from None


def _sheet(book: Any, name: str | None, label: str) -> Any:
    if name is not None and name not in book.sheetnames:
        raise InputError(f'{label}: no sheet "{name}"; {suggest(name, book.sheetnames)}')
    sheet = book[name] if name else book.worksheets[0]
    sheet.reset_dimensions()  # the stated size of a sheet may be wrong
    return sheet


def _areas(book: Any, sheet: Any, label: str) -> list[Area]:
    # a streamed sheet knows neither merged areas nor formulas: both are looked up in its own text
    found: set[Area] = set()
    with book._archive.open(sheet._worksheet_path) as file:  # noqa: SLF001 - openpyxl offers no other way
        content = b""
        while chunk := file.read(CHUNK_BYTES):
            content = content[-OVERLAP:] + chunk
            if formula := _NEVER_CALCULATED.search(content):
                raise InputError(
                    f"{label}: row {formula[1].decode()} holds a formula that was never calculated; open the"
                    " workbook in Excel and save it"
                )
            found.update(map(_area, _MERGED.findall(content)))
    return sorted(found, key=lambda area: area[1])


def _area(groups: tuple[bytes, bytes, bytes, bytes]) -> Area:
    from openpyxl.utils import column_index_from_string  # noqa: PLC0415 - as above

    first, top, last, bottom = (group.decode() for group in groups)
    return column_index_from_string(first), int(top), column_index_from_string(last), int(bottom)


def _header(sheet: Any, areas: list[Area], source: Source, label: str) -> tuple[int, tuple[str | None, ...]]:
    last = SEARCHED_ROWS + source.skip_rows + 2
    rows = _filled(enumerate(sheet.iter_rows(values_only=True, max_row=last), start=1), areas)
    before, cells = find_header((tuple(map(as_text, row)) for _, row in rows), source, label=label)
    return before, tuple(cells)


def _filled(rows: Iterator[Numbered], areas: list[Area]) -> Iterator[Numbered]:
    waiting, open_areas = list(areas), []
    for number, row in rows:
        while waiting and waiting[0][1] <= number:
            first, _, last, bottom = waiting.pop(0)
            value = row[first - 1] if first <= len(row) else None
            open_areas.append((first, last, bottom, value))
        open_areas = [area for area in open_areas if area[2] >= number]
        # a row that is empty but for merged cells stays empty: it has nothing of its own
        if not open_areas or all(cell is None for cell in row):
            yield number, row
            continue
        cells = [*row, *[None] * (max(area[1] for area in open_areas) - len(row))]
        for first, last, _, value in open_areas:
            cells[first - 1 : last] = [value] * (last - first + 1)
        yield number, tuple(cells)


def _fitted(rows: Iterator[Numbered], header: int, width: int, label: str) -> Iterator[tuple[Any, ...]]:
    for number, row in islice(rows, header, None):
        if any(cell is not None for cell in row[width:]):
            raise InputError(f"{label}: row {number} has more values than the header has columns")
        if any(cell is not None for cell in row):
            yield (*row[:width], *(None,) * (width - len(row)), number)
