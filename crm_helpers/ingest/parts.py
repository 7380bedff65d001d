"""Read a source of one file or many as one: packed or plain, each column held against the first file's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from crm_helpers.errors import InputError
from crm_helpers.files import fingerprint
from crm_helpers.ingest.archives import unpack
from crm_helpers.ingest.batches import FILE, PART_ROWS, ROW
from crm_helpers.ingest.delimited import copy_csv
from crm_helpers.ingest.readers import read_file
from crm_helpers.profile import AnySource, Source

__all__ = ["Part", "copy_parts", "distinct_parts", "read_parts"]

_PlainFiles = list[tuple["Part", Path]]


@dataclass(frozen=True)
class Part:
    """One file of a source, as it was delivered."""

    path: Path
    name: str  # of the file, without any folder of this machine
    again: tuple[str, ...] = ()  # names of files that hold the same bytes: read once


def distinct_parts(paths: Sequence[Path]) -> list[Part]:
    """List files in the order given, each content once: a file delivered twice is one delivery.

    Parameters
    ----------
    paths
        The files of a source.

    Returns
    -------
    list of Part
        The first file of each content, with the names of its repetitions.
    """
    found: dict[str, Part] = {}
    for path in paths:
        mark = fingerprint(path) if len(paths) > 1 else ""
        first = found.get(mark)
        found[mark] = (
            Part(first.path, first.name, (*first.again, path.name)) if first else Part(path, path.name)
        )
    return list(found.values())


def read_parts(parts: Sequence[Part], source: AnySource, work: Path, *, label: str) -> Iterator[pa.Table]:
    """Read the files of a source in batches, one after another, each row with its locator.

    Parameters
    ----------
    parts
        The files, in order.
    source
        How to read them.
    work
        Folder to unpack and rewrite in.
    label
        The source in messages.

    Yields
    ------
    pa.Table
        The columns of the first file, `_row`, and where there are several files `_file`: then the numbers of
        the n-th file start at n times `PART_ROWS`.

    Raises
    ------
    InputError
        When a file cannot be read, or its columns are not those of the first.
    """
    plain = _plain(parts, source, work, label)
    several = len(plain) > 1
    schema, first = None, ""
    for number, (part, file) in enumerate(plain, start=1):
        name = part.name if file == part.path else f"{part.name}/{file.name}" if several else part.name
        place = f"{label}, file {name}" if several else label
        for batch in read_file(file, source, work, label=place):
            schema, first = schema or batch.schema, first or name
            same = _like_the_first(batch, schema, place, first)
            yield _located(same, number, name) if several else same


def copy_parts(
    parts: Sequence[Part],
    source: AnySource,
    work: Path,
    *,
    label: str,
    check: Callable[[Sequence[str]], None],
) -> Path | None:
    """Copy a source of one delimited file into Parquet without a detour over batches.

    Parameters
    ----------
    parts
        The files.
    source
        How to read them.
    work
        Folder to unpack, rewrite and copy in.
    label
        The source in messages.
    check
        Is given the names of the columns, and may refuse them.

    Returns
    -------
    Path or None
        The copy, as `delimited.copy_csv` makes it; nothing where `read_parts` must read the source.

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    if not isinstance(source, Source) or source.kind != "csv" or len(parts) > 1:
        return None
    plain = _plain(parts, source, work, label)
    return copy_csv(plain[0][1], source, work, label=label, check=check) if len(plain) == 1 else None


def _plain(parts: Sequence[Part], source: AnySource, work: Path, label: str) -> _PlainFiles:
    member = source.member if isinstance(source, Source) else None
    return [
        (part, file)
        for part in parts
        for file in unpack(part.path, work, member=member, label=_place(label, part, several=len(parts) > 1))
    ]


def _place(label: str, part: Part, *, several: bool) -> str:
    return f"{label}, file {part.name}" if several else label


def _located(batch: pa.Table, number: int, name: str) -> pa.Table:
    rows = pc.add(batch.column(ROW), number * PART_ROWS)
    batch = batch.set_column(batch.column_names.index(ROW), ROW, rows)
    return batch.append_column(FILE, pa.array([name] * batch.num_rows, pa.string()))


def _like_the_first(batch: pa.Table, schema: pa.Schema, place: str, first: str) -> pa.Table:
    if batch.schema == schema:
        return batch
    ours, theirs = set(batch.column_names), set(schema.names)
    differences = [f'lacks "{name}"' for name in schema.names if name not in ours]
    differences += [f'has "{name}" besides' for name in batch.column_names if name not in theirs]
    differences += [
        f'holds "{name}" as {batch.schema.field(name).type} instead of {schema.field(name).type}'
        for name in schema.names
        if name in ours and not _fits(batch.schema.field(name).type, schema.field(name).type)
    ]
    if differences:
        raise InputError(f"{place}: unlike {first} it {'; it '.join(differences)}; make the files alike")
    try:
        return batch.select(schema.names).cast(schema)
    except pa.ArrowInvalid:
        raise InputError(f"{place}: holds numbers too large for the type that {first} has") from None


def _fits(kind: pa.DataType, other: pa.DataType) -> bool:
    alike = (kinds.is_integer, kinds.is_floating, _is_text)
    return bool(kind == other or kinds.is_null(kind) or any(test(kind) and test(other) for test in alike))


def _is_text(kind: pa.DataType) -> bool:
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind))
