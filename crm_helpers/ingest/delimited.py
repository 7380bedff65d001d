"""Read delimited text as it is: every value stays text, `007`, `NA` and `None` too.

The engine reads UTF-8 only (its other encodings are an extension that must be downloaded), so that other
encodings are rewritten as a stream by Python's codecs first.
"""

from __future__ import annotations

import codecs
import csv
import encodings.aliases
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa

from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.batches import FAULT, FILE_ROW, FIRST_ROW, NO_ROWS, ROW, text_batches
from crm_helpers.ingest.headers import LONGEST_RECORD, bounded_lines, csv_header, dialect, even_endings
from crm_helpers.lake import connect, quote_text
from crm_helpers.profile import Source

__all__ = ["LONGEST_RECORD", "as_utf8", "copy_csv", "read_csv", "stream"]

BATCH_ROWS = 100_000
CHUNK_BYTES = 1 << 20
COPY_MEMORY = "1GB"
FEW = 8192  # values a row group: a column of more is written as it comes, which costs less than a list
USUAL_RECORD = 2_000_000  # bytes, the engine's own limit

_LINE = re.compile(r"(?:on Line:|in line) (\d+)")
_ENCODING = 'is not in the declared encoding; crm check guesses it, state it in encoding, as "gb18030"'
_RAGGED = (
    "has more or fewer values than the header has columns; correct it, or let ragged = 0.01 put it aside"
)
_FAULTS = (
    ("not utf-8", _ENCODING),
    ("Invalid unicode", _ENCODING),
    ("Expected Number of Columns", _RAGGED),
    ("unterminated quote", "holds a quote that is not closed or not doubled"),
    ("Maximum line size", "is longer than 16 MB; a quote before it is probably not closed"),
    ("maximum_object_size", "holds a document longer than 16 MB"),
    ("duplicate key", "names a key twice"),
    ("expected records", "holds something else than documents with keys"),
    ("top-level JSON array", 'is no JSON array; where it has a document a line its kind is "jsonl"'),
)


def read_csv(path: Path, source: Source, work: Path, label: str) -> Iterator[pa.Table]:
    """Read a delimited file in batches; columns are text, named as the header names them.

    Parameters
    ----------
    path
        The file.
    source
        Its encoding, delimiter, quote, place of the header, and the share of ragged rows it may have.
    work
        Folder for a UTF-8 copy, where one is needed.
    label
        The file's name in messages.

    Yields
    ------
    pa.Table
        At most `BATCH_ROWS` rows with `_row`; a value between quotes is text even when empty. Where ragged
        rows are allowed, `_fault` says what is wrong with one, and its values are empty.

    Raises
    ------
    InputError
        On a wrong encoding, an open quote, or more ragged rows than allowed, with the row.
    """
    text, before, names = _opened(path, source, work, label)
    if source.ragged:
        yield from _read_tolerant(text, source, before, names, label=label)
        return
    row = before + 2
    for batch in stream(_scan(text, source, before, names), text.parent, label):
        yield batch.append_column(ROW, pa.array(np.arange(row, row + batch.num_rows)))
        row += batch.num_rows


def copy_csv(
    path: Path, source: Source, work: Path, *, label: str, check: Callable[[Sequence[str]], None]
) -> Path | None:
    """Copy a delimited file into Parquet within the engine, as `read_csv` reads it.

    The rows come without `_row`, which would keep the engine from using all cores: the file says the number
    of its first row, in its metadata, and its rows are in order.

    Parameters
    ----------
    path
        The file.
    source
        Its encoding, delimiter, quote and place of the header.
    work
        Folder for the copy.
    label
        The file's name in messages.
    check
        Is given the names of the columns, and may refuse them.

    Returns
    -------
    Path or None
        The copy; nothing where the file must be read in batches.

    Raises
    ------
    InputError
        On a wrong encoding, an open quote, or a ragged row, with the row; when there is no row.
    """
    if source.ragged:
        return None
    text, before, names = _opened(path, source, work, label)
    if any(name.casefold() == FILE_ROW for name in names):
        return None
    check(names)
    target = work / f"{uuid4().hex}.parquet"
    to = (
        f" TO {quote_text(str(target))}"
        f" (FORMAT parquet, DICTIONARY_SIZE_LIMIT {FEW}, KV_METADATA {{{FIRST_ROW}: '{before + 2}'}})"
    )
    connection = connect(text.parent, work, memory=COPY_MEMORY)
    try:
        # the engine reserves room for the longest record many times over, which doubles the time
        usual, any_ = (_scan(text, source, before, names, longest=n) for n in (USUAL_RECORD, LONGEST_RECORD))
        try:
            (rows,) = connection.raw_sql(f"COPY ({usual}){to}").fetchone()
        except duckdb.InvalidInputException as error:
            if "Maximum line size" not in str(error):
                raise
            (rows,) = connection.raw_sql(f"COPY ({any_}){to}").fetchone()
    except duckdb.Error as error:
        raise InputError(_fault(str(error), label)) from None
    finally:
        connection.disconnect()
    if not rows:
        raise InputError(f"{label}: {NO_ROWS}")
    return target


def stream(query: str, folder: Path, label: str) -> Iterator[pa.Table]:
    """Run a query that reads files of a folder, in batches; what cannot be read is an `InputError`."""
    connection = connect(folder)
    try:
        for batch in connection.raw_sql(query).to_arrow_reader(BATCH_ROWS):
            yield pa.Table.from_batches([batch])
    except duckdb.Error as error:
        raise InputError(_fault(str(error), label)) from None
    finally:
        connection.disconnect()


def as_utf8(path: Path, encoding: str, work: Path, label: str) -> Path:
    """Return a text in UTF-8 whose path the engine takes as it is: the file itself, or a copy in `work`."""
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        hint = suggest(encoding, set(encodings.aliases.aliases.values()))
        raise InputError(f'{label}: no encoding "{encoding}"; {hint}') from None
    plain = not set("*?[]{}") & set(str(path))  # the engine takes these in a path for wildcards
    if codec.name in {"utf-8", "utf-8-sig"} and plain:
        return path
    with path.open("rb") as source, NamedTemporaryFile(dir=work, delete=False) as target:
        if codec.name in {"utf-8", "utf-8-sig"}:
            shutil.copyfileobj(source, target)
        else:
            _transcode(source, target, codec, label)
    return Path(target.name)


def _opened(path: Path, source: Source, work: Path, label: str) -> tuple[Path, int, list[str]]:
    if len(source.delimiter) != 1 or len(source.quote) > 1:
        raise InputError(f"{label}: delimiter must be one character, quote one or none")
    text = as_utf8(path, source.encoding, work, label)
    before, names = csv_header(text, source, label=label)
    return even_endings(text, before, work), before, names


def _scan(
    text: Path, source: Source, before: int, names: Sequence[str], *, longest: int = LONGEST_RECORD
) -> str:
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in names)
    quote = quote_text(source.quote)
    return (
        f"SELECT * FROM read_csv({quote_text(str(text))}, auto_detect = false, header = true,"
        f" skip = {before}, columns = {{{columns}}}, delim = {quote_text(source.delimiter)},"
        f" quote = {quote}, escape = {quote},"
        " allow_quoted_nulls = false, null_padding = false, strict_mode = true, compression = 'none',"
        f" max_line_size = {longest})"
    )


def _read_tolerant(
    text: Path, source: Source, before: int, names: list[str], *, label: str
) -> Iterator[pa.Table]:
    csv.field_size_limit(LONGEST_RECORD)
    seen = {"rows": 0, "bad": 0}
    with text.open(encoding="utf-8-sig", newline="") as file:
        lines = iter(bounded_lines(file, label))
        for _ in range(before):
            next(lines)
        records = csv.reader(lines, strict=True, **dialect(source))
        try:
            next(records)
            yield from text_batches([*names, FAULT, ROW], _judged(records, len(names), before + 2, seen))
        except UnicodeDecodeError:
            raise InputError(_fault("not utf-8", label)) from None
        except csv.Error:
            raise InputError(_fault("unterminated quote", label)) from None
    if seen["bad"] > source.ragged * seen["rows"]:
        raise InputError(
            f"{label}: {seen['bad']:,} of {seen['rows']:,} rows have more or fewer values than the header has"
            f" columns, more than the {source.ragged:.2%} that ragged allows"
        )


def _judged(
    records: Iterator[list[str]], width: int, row: int, seen: dict[str, int]
) -> Iterator[tuple[Any, ...]]:
    for number, values in enumerate(records, start=row):
        if not values and width > 1:
            continue  # an empty line is no record
        good = len(values) == width
        seen["rows"] += 1
        seen["bad"] += not good
        fault = None if good else f"{len(values)} values instead of {width}"
        yield (*(value or None for value in (values if good else [None] * width)), fault, number)


def _fault(message: str, label: str) -> str:
    # the engine's own message prints the row with the customer's values
    line = _LINE.search(message)
    what = next((text for mark, text in _FAULTS if mark in message), None)
    where = f"row {line[1]}" if line else "the file"
    return f"{label}: {where} {what or 'cannot be read; look at its quotes, delimiter and line endings'}"


def _transcode(source: IO[bytes], target: IO[bytes], codec: codecs.CodecInfo, label: str) -> None:
    decoder = codec.incrementaldecoder("strict")
    row, last = 1, False
    while not last:
        chunk = source.read(CHUNK_BYTES)
        last = not chunk
        try:
            text = decoder.decode(chunk, last)
        except UnicodeDecodeError as error:
            row += error.object[: error.start].count(b"\n")
            raise InputError(_fault(f"not utf-8 on Line: {row}", label)) from None
        row += text.count("\n")
        target.write(text.encode("utf-8"))
