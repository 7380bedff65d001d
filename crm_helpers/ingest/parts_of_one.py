"""Files with the same columns, as one export a year, are parts of one source where a pattern names them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path, PurePosixPath

from crm_helpers.ingest.draft import FoundSource
from crm_helpers.ingest.sniff import kind_of
from crm_helpers.profile import Source

__all__ = ["parts_joined"]

_PLAIN = re.compile(r"[^*?\[\]]*")  # a name that can stand in a pattern


def parts_joined(sources: Iterable[FoundSource]) -> list[FoundSource]:
    """Make one source of files that have the same columns and are written alike.

    Parameters
    ----------
    sources
        What was found in each file, in the order the files were named.

    Returns
    -------
    list of FoundSource
        The first of such files stands for all, with a pattern that no other file's name meets; files
        that no pattern tells from the others stay apart.
    """
    every = list(sources)
    groups: dict[str, list[FoundSource]] = {}
    for item in every:
        groups.setdefault(_alike(item), []).append(item)
    joined = [_joined(group, every) for group in groups.values()]
    return [item for group in joined for item in group]


def _alike(item: FoundSource) -> str:
    written = item.source.model_dump(exclude={"path"})
    if not isinstance(item.source, Source) or item.source.kind == "excel":
        written |= {"title": item.title}  # a sheet or a table is named, and no pattern finds it
    return repr((item.columns, written))


def _joined(group: list[FoundSource], every: list[FoundSource]) -> list[FoundSource]:
    first = group[0]
    if len(group) == 1 or not isinstance(first.source, Source):
        return group
    names = [_file(item) for item in group]
    start = _common(names).rstrip("0123456789")  # the next year's file is a part too
    end = _common([name[len(start) :][::-1] for name in names])[::-1]
    pattern = f"{start}*{end}"
    others = [_file(item) for item in every if item not in group]
    # a pattern finds files only: what has no known ending is a folder
    apart = any(kind_of(Path(name)) is None for name in names) or not _PLAIN.fullmatch(start + end)
    if apart or any(fnmatchcase(name, pattern) for name in others):
        return group
    note = f"{len(group)} files with the same columns are parts of this source"
    source = first.source.model_copy(update={"path": f"source/{pattern}"})
    title = start.strip(" _-.") or first.title
    return [replace(first, title=title, source=source, notes=(*first.notes, note))]


def _common(names: list[str]) -> str:
    return "".join(letters[0] for letters in takewhile(lambda at: len({*at}) == 1, zip(*names, strict=False)))


def _file(item: FoundSource) -> str:
    return PurePosixPath(item.source.path).name if isinstance(item.source, Source) else ""
