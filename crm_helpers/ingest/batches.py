"""Rows of values become batches of text columns; the workbook's own columns beside those of a source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import pyarrow as pa

from crm_helpers.errors import InputError

__all__ = [
    "FAULT",
    "FILE",
    "FILE_ROW",
    "FIRST_ROW",
    "LOCATORS",
    "NO_ROWS",
    "PART_ROWS",
    "ROW",
    "SET_ASIDE",
    "as_text",
    "header_names",
    "refuse_own_names",
    "said_row",
    "text_batches",
]

ROW = "_row"
"""Row locator: the number of the record in the source; a header at the top of a file is row 1."""

FILE = "_file"
"""The file a row came from, where a source has several."""

FAULT = "_fault"
"""What is wrong with a row that does not fit the header; empty for a good row."""

LOCATORS = (ROW, FILE, FAULT)

SET_ASIDE = "_set_aside"
"""Of a mapped row: a bit for each condition of `set_aside` in the profile that it meets."""

FILE_ROW = "file_row_number"
"""The engine's name for the place of a row in a Parquet file, from 0 on; it refuses a column of that name."""

FIRST_ROW = "first_row"
"""Metadata of a Parquet file in `raw/` whose rows come without `_row`: the number of the first one."""

NO_ROWS = "no rows below the header; export it again"
"""What is wrong with a file that ends after its header."""

PART_ROWS = 10**10
"""Rows of the n-th file of a source are numbered from n times this."""

BATCH_ROWS = 50_000


def said_row(number: int) -> str:
    """Say where a row is.

    Examples
    --------
    >>> said_row(17), said_row(3 * PART_ROWS + 17)
    ('row 17', 'row 17 of file 3')
    """
    part, row = divmod(number, PART_ROWS)
    return f"row {row} of file {part}" if part else f"row {row}"


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


def text_batches(names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> Iterator[pa.Table]:
    """Gather rows of values into batches of text columns; the column `_row` stays a number."""
    rows = iter(rows)
    while part := list(islice(rows, BATCH_ROWS)):
        columns = zip(*part, strict=True)
        arrays = [
            pa.array(column, pa.int64()) if name == ROW else pa.array(map(as_text, column), pa.string())
            for name, column in zip(names, columns, strict=True)
        ]
        yield pa.table(arrays, names=list(names))


def header_names(cells: Sequence[str], *, row: int, label: str) -> list[str]:
    """Name each column once, or raise `InputError` when the header is empty or takes a name of ours."""
    if not any(cell.strip() for cell in cells):
        raise InputError(f"{label}: row {row} is empty; say where the header is in skip_rows or header")
    names = _unique(cells)
    refuse_own_names(names, label=label)
    return names


def refuse_own_names(names: Iterable[str], *, label: str) -> None:
    """Raise `InputError` when a source's column has a name of the workbook's own."""
    for name in sorted(set(LOCATORS) & set(names)):
        raise InputError(f"{label}: the column name {name} is the workbook's own; rename the column")


def _unique(names: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    result = []
    for position, name in enumerate(names, start=1):
        own = name.strip() or f"column_{position}"
        while own.casefold() in seen:  # the engine does not tell cases apart
            own = f"{own}_{position}"
        seen.add(own.casefold())
        result.append(own)
    return result


def _moment_text(value: datetime) -> str:
    midnight = value.time() == time() and value.tzinfo is None
    return value.date().isoformat() if midnight else value.isoformat(sep=" ")


# in this order: bool is an int, datetime is a date
_TEXT_OF: dict[type | tuple[type, ...], Callable[[Any], str]] = {
    bool: lambda value: str(value).lower(),
    float: lambda value: str(int(value)) if value.is_integer() else repr(value),
    datetime: _moment_text,
    date: date.isoformat,
    bytes: lambda value: value.decode("utf-8", errors="backslashreplace"),
    (dict, list): lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=as_text),
}
