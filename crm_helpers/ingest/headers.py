"""Where the header of a sheet or a text is: after so many lines, or the first that holds given words."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import header_names
from crm_helpers.profile import Source

__all__ = ["LONGEST_RECORD", "bounded_lines", "csv_header", "dialect", "even_endings", "find_header"]

LONGEST_RECORD = 1 << 24  # bytes; a longer record is a quote that was never closed
SEARCHED_ROWS = 1000  # a header further down is none

Cells = Sequence[str | None]


def find_header(rows: Iterable[Cells], source: Source, *, label: str) -> tuple[int, Cells]:
    """Find the header among the first rows.

    Parameters
    ----------
    rows
        The rows from the very first, as texts.
    source
        Its `skip_rows`, or its `header`: words that all stand in the header, whatever their case.
    label
        The file's name in messages.

    Returns
    -------
    tuple of int and sequence
        Number of rows before the header, and its cells.

    Raises
    ------
    InputError
        When no row is the header.
    """
    words = {_plain(word) for word in source.header}
    for number, cells in enumerate(rows):
        if words and words <= {_plain(cell or "") for cell in cells}:
            return number, cells
        if not words and number == source.skip_rows:
            return number, cells
        if number > SEARCHED_ROWS + source.skip_rows:
            break
    if words:
        raise InputError(f"{label}: none of the first {SEARCHED_ROWS:,} rows holds all words of header")
    raise InputError(f"{label}: ends before its header; export it again")


def csv_header(text: Path, source: Source, *, label: str) -> tuple[int, list[str]]:
    """Read the header of a text in UTF-8: the number of lines before it, and the names of its columns."""
    # a block is decoded at once: wrong bytes below the header are not the header's fault
    with text.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = (_cells(line, source) for line in bounded_lines(file, label))
        before, _ = find_header(lines, source, label=label)
        file.seek(0)
        for _ in range(before):
            file.readline()
        try:
            names = next(csv.reader(bounded_lines(file, label), strict=True, **dialect(source)), [])
            "".join(names).encode("utf-8")
        except UnicodeEncodeError:
            raise InputError(
                f"{label}: row {before + 1} is not in the declared encoding; crm check guesses it"
            ) from None
        except csv.Error:
            raise InputError(
                f"{label}: row {before + 1} cannot be read as a header; look at its quotes"
            ) from None
    return before, header_names(names, row=before + 1, label=label)


def even_endings(text: Path, before: int, work: Path) -> Path:
    """Return a text whose lines above the header end as the header does: itself, or a copy in `work`.

    The engine takes the ending of the first line for that of all lines, and finds no row below others.
    """
    with text.open("rb") as file:
        above = [_ending(file.readline(LONGEST_RECORD)) for _ in range(before)]
        start = file.tell()
        own = _ending(file.readline(LONGEST_RECORD))
        if set(above) <= {own}:
            return text
        file.seek(start)
        with NamedTemporaryFile(dir=work, delete=False) as target:
            target.write((b"-" + own) * before)
            shutil.copyfileobj(file, target)
    return Path(target.name)


def dialect(source: Source) -> dict[str, Any]:
    """Say how Python's reader is to split the lines of a source."""
    quoted = {"quotechar": source.quote} if source.quote else {"quoting": csv.QUOTE_NONE}
    return {"delimiter": source.delimiter, **quoted}


def bounded_lines(file: IO[str], label: str) -> Iterable[str]:
    """Give the lines of a text; one longer than `LONGEST_RECORD` raises `InputError` and is never held."""
    while line := file.readline(LONGEST_RECORD):
        if len(line) == LONGEST_RECORD and not line.endswith("\n"):
            raise InputError(f"{label}: a row is longer than 16 MB; a quote before it is probably not closed")
        yield line


def _ending(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]


def _cells(line: str, source: Source) -> list[str]:
    quote = source.quote or '"'
    return [cell.strip().strip(quote) for cell in line.rstrip("\r\n").split(source.delimiter)]


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
