"""Read delimited text and JSON lines as they are: every value stays text, `007`, `NA` and `None` too.

The engine reads UTF-8 only (its other encodings are an extension that must be downloaded), so that other
encodings are rewritten as a stream by Python's codecs first.
"""

from __future__ import annotations

import codecs
import csv
import encodings.aliases
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

import duckdb
import pyarrow as pa

from crm_helpers.errors import InputError, suggest
from crm_helpers.lake import connect, quote_text
from crm_helpers.profile import Source

__all__ = ["read_csv", "read_jsonl"]

BATCH_ROWS = 100_000
CHUNK_BYTES = 1 << 20
LONGEST_RECORD = 1 << 24  # bytes; a longer record is a quote that was never closed

_LINE = re.compile(r"(?:on Line:|in line) (\d+)")
_FAULTS = (
    ("not utf-8", 'is not in the declared encoding; state it in encoding, as "gb18030" or "cp1252"'),
    ("Invalid unicode", 'is not in the declared encoding; state it in encoding, as "gb18030" or "cp1252"'),
    ("Expected Number of Columns", "has more or fewer values than the header has columns"),
    ("unterminated quote", "holds a quote that is not closed or not doubled"),
    ("Maximum line size", "is longer than 16 MB; a quote before it is probably not closed"),
    ("duplicate key", "names a key twice"),
)


def read_csv(path: Path, source: Source, work: Path, *, label: str) -> Iterator[pa.Table]:
    """Read a delimited file in batches; columns are text, named as the header names them.

    Parameters
    ----------
    path
        The file.
    source
        Its encoding and delimiter.
    work
        Folder for a UTF-8 copy, where one is needed.
    label
        The file's name in messages.

    Yields
    ------
    pa.Table
        At most `BATCH_ROWS` rows; a value between quotes is text even when empty.

    Raises
    ------
    InputError
        On a ragged row, a wrong encoding or an open quote, with the row.
    """
    text = _as_utf8(path, source.encoding, work, label)
    names = _header(text, source.delimiter, label)
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in names)
    yield from _stream(
        f"SELECT * FROM read_csv({quote_text(str(text))}, auto_detect = false, header = true,"
        f" columns = {{{columns}}}, delim = {quote_text(source.delimiter)}, quote = '\"', escape = '\"',"
        " allow_quoted_nulls = false, null_padding = false, strict_mode = true, compression = 'none',"
        f" max_line_size = {LONGEST_RECORD})",
        text.parent,
        label,
    )


def read_jsonl(path: Path, source: Source, work: Path, *, label: str) -> Iterator[pa.Table]:
    """Read JSON lines in batches; a value comes as its text, what is nested as JSON text.

    Parameters and errors are those of `read_csv`; a key that some lines lack is missing there.
    """
    text = _as_utf8(path, source.encoding, work, label)
    # depth 1 keeps each value as written: the engine would make dates and numbers of text otherwise
    yield from _stream(
        f"SELECT COLUMNS(*) ->> '$' FROM read_json({quote_text(str(text))}, format = 'newline_delimited',"
        " records = true, maximum_depth = 1, sample_size = -1, compression = 'uncompressed',"
        f" maximum_object_size = {LONGEST_RECORD})",
        text.parent,
        label,
    )


def unique_names(names: Sequence[str]) -> list[str]:
    """Name each column once: a name met again gets its position, an empty one becomes `column_N`.

    Examples
    --------
    >>> unique_names(["id", "Name", "name", ""])
    ['id', 'Name', 'name_3', 'column_4']
    """
    seen: set[str] = set()
    result = []
    for position, name in enumerate(names, start=1):
        own = name.strip() or f"column_{position}"
        while own.casefold() in seen:  # the engine does not tell cases apart
            own = f"{own}_{position}"
        seen.add(own.casefold())
        result.append(own)
    return result


def _stream(query: str, folder: Path, label: str) -> Iterator[pa.Table]:
    connection = connect(folder)
    try:
        for batch in connection.raw_sql(query).to_arrow_reader(BATCH_ROWS):
            yield pa.Table.from_batches([batch])
    except duckdb.Error as error:
        raise InputError(_fault(str(error), label)) from None
    finally:
        connection.disconnect()


def _fault(message: str, label: str) -> str:
    # the engine's own message prints the row with the customer's values
    line = _LINE.search(message)
    what = next((text for mark, text in _FAULTS if mark in message), None)
    where = f"row {line[1]}" if line else "the file"
    return f"{label}: {where} {what or 'cannot be read; look at its quotes, delimiter and line endings'}"


def _header(text: Path, delimiter: str, label: str) -> list[str]:
    if len(delimiter) != 1:
        raise InputError(f"{label}: delimiter must be one character")
    # a block is decoded at once: wrong bytes below the header are not the header's fault
    with text.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        try:
            names = next(csv.reader(file, delimiter=delimiter, strict=True), [])
            "".join(names).encode("utf-8")
        except UnicodeEncodeError:
            raise InputError(_fault("not utf-8 on Line: 1", label)) from None
        except csv.Error:
            raise InputError(f"{label}: row 1 cannot be read as a header; look at its quotes") from None
    if not any(name.strip() for name in names):
        raise InputError(f"{label}: row 1 is empty; the header must be the first row")
    return unique_names(names)


def _as_utf8(path: Path, encoding: str, work: Path, label: str) -> Path:
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
