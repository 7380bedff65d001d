"""Fetch a source as it stands now: its files, a copy of its table, a download of its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from crm_helpers.errors import InputError
from crm_helpers.files import fingerprint
from crm_helpers.ingest.databases import stage_table
from crm_helpers.ingest.ledger import combined_fingerprint
from crm_helpers.ingest.parts import Part, copy_parts, distinct_parts, read_parts
from crm_helpers.ingest.places import locate_all, source_label
from crm_helpers.ingest.rest import stage_rest
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource, Source
from crm_helpers.sources import DatabaseSource

__all__ = ["Fetched", "fetch", "reading_fingerprint", "refuse_changed"]

_PLACE = frozenset({"path", "package", "url", "url_env", "auth"})  # keys that do not change what is read
_CODE = (
    "archives.py", "batches.py", "databases.py", "delimited.py", "documents.py", "headers.py", "parts.py",
    "readers.py", "rest.py", "rest_answer.py", "workbooks.py",
)  # fmt: skip


@dataclass(frozen=True)
class Fetched:
    """What a source holds now, as files."""

    name: str
    source: AnySource
    parts: tuple[Part, ...]  # none when nothing changed
    content: str  # a hash: equal for equal files
    rows: int | None = None  # of a whole table of a database

    @property
    def again(self) -> tuple[str, ...]:
        """Names of files that hold what another one does."""
        return tuple(name for part in self.parts for name in part.again)

    def batches(self, work: Path) -> Iterator[pa.Table]:
        """Read the rows, each with its locator; what a reader must put aside goes to `work`."""
        return read_parts(self.parts, self.source, work, label=self._label)

    def copied(self, work: Path, check: Callable[[Sequence[str]], None]) -> Path | None:
        """Copy the rows into a Parquet file, where that is quicker than to read them; see `copy_parts`."""
        return copy_parts(self.parts, self.source, work, label=self._label, check=check)

    @property
    def _label(self) -> str:
        return f"{self.name} ({source_label(self.source)})"


def fetch(
    folder: CompanyFolder,
    name: str,
    source: AnySource,
    work: Path,
    *,
    since: str | None = None,
    pages: int | None = None,
) -> Fetched:
    """Find the files of a source, or copy what it holds into files.

    Parameters
    ----------
    folder
        The company's places.
    name
        Name of the source.
    source
        What the profile says of it.
    work
        Folder for copies.
    since
        The cursor's last value: a database or an API is asked for what changed since.
    pages
        Ask an API for no more than these.

    Returns
    -------
    Fetched
        Its files; none when nothing changed since the cursor's last value.

    Raises
    ------
    InputError
        When the source cannot be reached or is empty.
    """
    if isinstance(source, Source):
        parts = tuple(distinct_parts(locate_all(folder, name, source)))
        return Fetched(name, source, parts, _content(parts))
    rows = None
    if isinstance(source, DatabaseSource):
        table = stage_table(folder, name, source, work, since=since)
        path, rows = table.path, table.rows
    else:
        path = stage_rest(name, source, work, since=since, pages=pages)
    parts = (Part(path, path.name),) if path else ()
    return Fetched(name, source, parts, _content(parts), rows)


def reading_fingerprint(source: AnySource) -> str:
    """Name the way a source is read: its settings, wherever it lies, and the code that reads."""
    code = [(Path(__file__).parent / name).read_bytes() for name in _CODE]
    return combined_fingerprint(source.model_dump_json(exclude=set(_PLACE)), *code)


def refuse_changed(folder: CompanyFolder, fetched: Fetched) -> None:
    """Raise `InputError` when files changed since they were found, or one came meanwhile."""
    name, source, parts = fetched.name, fetched.source, fetched.parts
    if isinstance(source, Source):
        parts = tuple(distinct_parts(locate_all(folder, name, source)))
    if _content(parts) != fetched.content:
        raise InputError(f"sources.{name}: the file changed while it was read; run again")


def _content(parts: Sequence[Part]) -> str:
    # names count where there are several: the rows keep the file they came from
    names = [part.name for part in parts] if len(parts) > 1 else []
    return combined_fingerprint(*(fingerprint(part.path) for part in parts), *names)
