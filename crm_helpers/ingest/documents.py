"""Read documents as they are, every value as text: JSON lines, a JSON array, MongoDB's extended JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from crm_helpers.engine import quote_text
from crm_helpers.errors import InputError
from crm_helpers.ingest.delimited import LONGEST_RECORD, as_utf8, stream
from crm_helpers.profile import Source

__all__ = ["DEEPEST", "deepest_nesting", "read_documents"]

DEEPEST = 200  # objects and lists within each other: the engine's parser dies of some ten thousand
CHUNK_BYTES = 1 << 22

# MongoDB writes what JSON has no type for as an object of one such key
_MARKS = ("$oid", "$numberDecimal", "$numberLong", "$numberInt", "$numberDouble", "$uuid", "$symbol")


def read_documents(path: Path, source: Source, work: Path, label: str) -> Iterator[pa.Table]:
    """Read documents in batches; a value comes as its text, what is nested as JSON text.

    Parameters
    ----------
    path
        The file.
    source
        Its kind and encoding: `jsonl` has a document a line, `json` one array of them, `mongodb` either, with
        identifiers, dates and numbers of MongoDB's extended JSON unwrapped.
    work
        Folder for a UTF-8 copy, where one is needed.
    label
        The file's name in messages.

    Yields
    ------
    pa.Table
        Text columns; a key that some documents lack is missing there.

    Raises
    ------
    InputError
        When a document is broken, names a key twice, or is nested deeper than `DEEPEST`.
    """
    text = as_utf8(path, source.encoding, work, label)
    if deepest_nesting(text) > DEEPEST:
        raise InputError(f"{label}: nested deeper than {DEEPEST} levels; such a file is not an export")
    value = _unwrapped() if source.kind == "mongodb" else "COLUMNS(*) ->> '$'"
    # depth 1 keeps each value as written: the engine would make dates and numbers of text otherwise
    yield from stream(
        f"SELECT {value} FROM read_json({quote_text(str(text))}, format = '{_form(source, text)}',"
        " records = true, maximum_depth = 1, sample_size = -1, compression = 'uncompressed',"
        f" maximum_object_size = {LONGEST_RECORD})",
        text.parent,
        label,
    )


def deepest_nesting(path: Path) -> int:
    """Return the largest number of objects and lists that stand within each other in a JSON file."""
    deepest = depth = 0
    inside, rest = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            content = rest + chunk
            cut = len(content) - (len(content) - len(content.rstrip(b"\\"))) % 2  # an escape is never cut
            content, rest = content[:cut], content[cut:]
            characters = np.frombuffer(content.replace(b"\\\\", b"").replace(b'\\"', b""), np.uint8)
            quoted = (np.cumsum(characters == ord('"')) + inside) % 2
            opened = np.isin(characters, (ord("["), ord("{"))).astype(np.int64)
            closed = np.isin(characters, (ord("]"), ord("}"))).astype(np.int64)
            levels = depth + np.cumsum((opened - closed) * (1 - quoted))
            if len(levels):
                deepest, depth, inside = max(deepest, int(levels.max())), int(levels[-1]), int(quoted[-1])
    return deepest


def _form(source: Source, text: Path) -> str:
    if source.kind != "mongodb":
        return "array" if source.kind == "json" else "newline_delimited"
    with text.open("rb") as file:
        start = file.read(CHUNK_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    return "array" if start.startswith(b"[") else "newline_delimited"


def _unwrapped() -> str:
    plain = [f"COLUMNS(*) ->> '$.\"{mark}\"'" for mark in _MARKS]
    # a date before 1970 or after 9999 comes as milliseconds, which older exports use for every date
    milliseconds = [f"COLUMNS(*) ->> '$.\"$date\"{inner}'" for inner in ('."$numberLong"', "")]
    dates = [
        f"strftime(make_timestamp_ms(TRY_CAST({text} AS BIGINT)), '%Y-%m-%d %H:%M:%S.%g+00')"
        for text in milliseconds
    ]
    readings = [*plain, *dates, milliseconds[1], "COLUMNS(*) ->> '$'"]
    return f"coalesce({', '.join(readings)})"
