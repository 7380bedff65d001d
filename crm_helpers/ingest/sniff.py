"""How a file is written, guessed for a profile: kind, encoding, delimiter, quote, place of the header.

Each guess comes with a note that says how sure it is; a run reads what the profile records.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_helpers.errors import InputError
from crm_helpers.ingest.archives import PACKED, unpack
from crm_helpers.ingest.batches import as_text
from crm_helpers.ingest.encodings import guess_encoding

__all__ = ["KINDS", "Written", "kind_of", "written_as"]

KINDS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "excel", ".xlsm": "excel", ".json": "json",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".sqlite": "sql", ".sqlite3": "sql",
    ".db": "sql",
}  # fmt: skip
DELIMITERS = ",;\t|"
QUOTES = "\"'"
SAMPLE_CHARACTERS = 1 << 18
SAMPLE_RECORDS = 500
ONE_COLUMN = 0.3  # score of a text that no delimiter splits
HEADER_WITHIN = 50  # rows of a sheet

_MONGODB = ("$oid", "$date", "$numberDecimal", "$numberLong")


@dataclass(frozen=True)
class Written:
    """How one table of a file is written: keys of a source, and what to say of each guess."""

    keys: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Split:
    score: float
    width: int
    delimiter: str
    quote: str
    skip_rows: int
    odd: int  # records of another width below the header


def kind_of(path: Path) -> str | None:
    """Return the kind of a file by its name, of a packed one by the name within; nothing when unknown."""
    if path.suffix.lower() == ".zip":
        return "zip"
    plain = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return KINDS.get(plain.suffix.lower())


def written_as(path: Path, work: Path) -> Iterator[Written]:
    """Guess how a file is written.

    Parameters
    ----------
    path
        The file, packed or not.
    work
        Folder to unpack into.

    Yields
    ------
    Written
        One a table: a workbook has one a sheet, any other file one.

    Raises
    ------
    InputError
        When no encoding reads it, it cannot be unpacked, or a zip holds files of several kinds.
    """
    files = unpack(path, work, member=None, label=path.name)
    kinds = {kind_of(file) for file in files}
    if len(kinds) > 1 or None in kinds:
        raise InputError(f"{path.name}: holds files of several or unknown kinds; name one kind in member")
    kind = str(kinds.pop())
    if kind == "excel":
        yield from _sheets(files[0])
    elif kind == "csv":
        yield _text(files[0])
    elif kind in {"json", "jsonl"}:
        yield _documents(files[0])
    else:
        yield Written({"kind": kind})


def _text(path: Path) -> Written:
    encoding, score = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(SAMPLE_CHARACTERS)
    whole = sample if len(sample) < SAMPLE_CHARACTERS else sample[: sample.rfind("\n")]
    splits = [_split(whole, delimiter, quote) for quote in QUOTES for delimiter in DELIMITERS]
    best = max(splits, key=lambda split: split.score)
    notes = [
        f"encoding {encoding}: score {score:.2f}",
        f"delimiter {best.delimiter!r}: score {best.score:.2f}",
    ]
    if best.skip_rows:
        notes.append(f"the header is taken to be in line {best.skip_rows + 1}")
    if best.odd:
        notes.append(
            f"{best.odd} of the first records have more or fewer values: ragged = 0.01 puts such aside"
        )
    keys = {
        "kind": "csv", "encoding": "utf-8" if encoding == "utf-8-sig" else encoding,
        "delimiter": best.delimiter, "quote": best.quote, "skip_rows": best.skip_rows,
    }  # fmt: skip
    return Written(keys, tuple(notes))


def _split(text: str, delimiter: str, quote: str) -> _Split:
    widths, starts = _widths(text, delimiter, quote)
    if not widths:
        return _Split(0, 0, delimiter, quote, 0, 0)
    counts = Counter(widths)
    width = max(counts, key=lambda w: (counts[w], w))
    header = widths.index(width)
    odd = sum(1 for w in widths[header:] if w != width)
    share = 1 - odd / (len(widths) - header)
    # quotes that are not doubled inside make long records: more columns in more records win
    score = ONE_COLUMN * share if width == 1 else share * (1 - header / len(widths))
    penalty = 0.01 if quote == "'" else 0
    return _Split(round(score - penalty, 3), width, delimiter, quote, starts[header], odd)


def _widths(text: str, delimiter: str, quote: str) -> tuple[list[int], list[int]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, quotechar=quote)
    widths: list[int] = []
    starts: list[int] = []
    start = 0
    with suppress(csv.Error):  # what this way of splitting cannot read speaks against it
        for record in reader:
            if record:
                widths.append(len(record))
                starts.append(start)
            start = reader.line_num
            if len(widths) == SAMPLE_RECORDS:
                break
    return widths, starts


def _encoding(path: Path) -> tuple[str, float]:
    guess = guess_encoding(path)
    if guess is None:
        raise InputError(f"{path.name}: no encoding reads it; save it as UTF-8")
    return guess


def _documents(path: Path) -> Written:
    encoding, score = _encoding(path)
    with path.open(encoding=encoding) as file:
        start = file.read(SAMPLE_CHARACTERS).lstrip("\ufeff \r\n\t")
    kind = "json" if start.startswith("[") else "jsonl"
    if any(f'"{mark}"' in start for mark in _MONGODB):
        kind = "mongodb"
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    return Written({"kind": kind, "encoding": encoding}, (f"encoding {encoding}: score {score:.2f}",))


def _sheets(path: Path) -> Iterator[Written]:
    from openpyxl import load_workbook  # noqa: PLC0415 - half a second that only Excel files should pay

    try:
        book = load_workbook(path, read_only=True)
    except Exception:  # noqa: BLE001 - whatever is wrong with a workbook, its reader says it in one line
        yield Written({"kind": "excel"})
        return
    for sheet in book.worksheets:
        sheet.reset_dimensions()
        rows = list(sheet.iter_rows(values_only=True, max_row=HEADER_WITHIN))
        if not any(any(cell is not None for cell in row) for row in rows):
            continue  # an empty sheet is no table
        skip = _header_of(rows)
        notes = (f"the header is taken to be in row {skip + 1}",) if skip else ()
        yield Written({"kind": "excel", "sheet": sheet.title, "skip_rows": skip}, notes)
    book.close()


def _header_of(rows: Sequence[Sequence[Any]]) -> int:
    filled = [[as_text(cell) for cell in row if cell is not None] for row in rows]
    widest = max(len(row) for row in filled)
    # a column or two of the header may be unnamed, a title above it fills one cell
    return next(i for i, row in enumerate(filled) if len(row) >= max(1, widest - 1))
