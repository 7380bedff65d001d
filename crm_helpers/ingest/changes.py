"""What an incremental source has to say since its last load, and the state that makes with what is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.errors import InputError
from crm_helpers.ingest.databases import database_place, stage_table
from crm_helpers.ingest.ledger import Load, combined_fingerprint, files_by_load
from crm_helpers.ingest.places import locate, source_label
from crm_helpers.ingest.readers import ROW, read_file
from crm_helpers.ingest.rest import stage_rest
from crm_helpers.ingest.versions import State, measure_state, require_columns
from crm_helpers.lake import connect, fingerprint
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource
from crm_helpers.sources import DatabaseSource, Incremental, RestSource

__all__ = ["Change", "arrived_changes"]

MEMORY = "500MB"  # of the engine; a larger state spills
_CODE = ("databases.py", "delimited.py", "readers.py", "rest.py", "rest_answer.py", "versions.py")
_PLACE = frozenset({"auth", "path", "package", "url", "url_env"})  # where, not what


@dataclass(frozen=True)
class Change:
    """Rows to add to `raw/`, and what the source's state is with them."""

    incremental: Incremental
    path: Path  # Parquet, each row with its locator
    mode: str  # "full": what was loaded before no longer counts; "changes": it does
    settings: str
    position: str | None
    rows: int
    keys: int
    fingerprint: str

    def batches(self) -> Iterator[pa.Table]:
        """Read the rows to add."""
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches():
                yield pa.Table.from_batches([batch])

    def record(self) -> dict[str, str | int | None]:
        """Return what the ledger must know."""
        described = {name: getattr(self, name) for name in ("settings", "mode", "position", "rows", "keys")}
        return described | {"incremental": self.incremental.model_dump_json()}


@dataclass(frozen=True)
class _Question:
    """What is asked of a source."""

    folder: CompanyFolder
    name: str
    source: AnySource
    incremental: Incremental
    work: Path
    settings: str


def arrived_changes(
    folder: CompanyFolder, name: str, source: AnySource, work: Path, before: Load | None
) -> Change:
    """Fetch what changed in an incremental source since its last load, or everything where it must be.

    Everything is read at first, when the profile asks otherwise than before, after `reload_every` loads, and
    when a table has not as many rows as the changes make: then rows were deleted.

    Parameters
    ----------
    folder
        The company's places.
    name
        Name of the source.
    source
        The source; it is incremental.
    work
        Folder for what is fetched.
    before
        What is in `raw/` of it.

    Returns
    -------
    Change
        The rows to add and the state with them; its fingerprint is the old one when nothing changed.

    Raises
    ------
    InputError
        When the source cannot be read, or its key is not one.
    """
    if source.incremental is None:
        raise ValueError(f"{name} is not incremental")
    settings = _settings(folder, name, source)
    question = _Question(folder, name, source, source.incremental, work, settings)
    change = _since(question, before) if before and _continues(question, before) else None
    change = change or _everything(question)
    if change is None:
        key = ", ".join(source.incremental.key)
        raise InputError(f"sources.{name}.incremental.key: {key} is not unique in the table")
    return change


def _continues(question: _Question, before: Load) -> bool:
    history, every = before.history, question.incremental.reload_every
    if history is None or history.settings != question.settings:
        return False
    return every is None or history.changes < every


def _settings(folder: CompanyFolder, name: str, source: AnySource) -> str:
    place = ""  # a file is a delivery wherever it lies; another database or address is another source
    if isinstance(source, DatabaseSource):
        place = database_place(folder, name, source)
    elif isinstance(source, RestSource):
        place = source.url
    code = [(Path(__file__).parent / file).read_bytes() for file in _CODE]
    return combined_fingerprint(source.model_dump_json(exclude=set(_PLACE)), place, *code)


def _everything(question: _Question) -> Change | None:
    path, rows = _staged(question, None)
    if path is None:
        return None
    delivered = _numbered(question, path)
    state = _state(question, [("", delivered)])
    return None if rows not in {None, state.keys} else _change(question, delivered, "full", state)


def _since(question: _Question, before: Load) -> Change | None:
    history = before.history
    path, rows = _staged(question, history.position if history else None)
    if path is None and history and rows in {None, history.keys}:
        state = State(history.rows, history.keys, history.position, "")
        return replace(_change(question, before.files[-1], "changes", state), fingerprint=before.fingerprint)
    if path is None:
        return None
    delivered = _numbered(question, path)
    state = _state(question, [*files_by_load(before.files), ("", delivered)])
    return None if rows not in {None, state.keys} else _change(question, delivered, "changes", state)


def _change(question: _Question, path: Path, mode: str, state: State) -> Change:
    return Change(
        question.incremental, path, mode, question.settings, state.position, state.rows, state.keys,
        combined_fingerprint("state", state.content),
    )  # fmt: skip


def _staged(question: _Question, since: str | None) -> tuple[Path | None, int | None]:
    source, name = question.source, question.name
    if isinstance(source, DatabaseSource):
        table = stage_table(question.folder, name, source, question.work, since=since)
        return table.path, table.rows
    if isinstance(source, RestSource):
        return stage_rest(name, source, question.work, since=since), None
    return locate(question.folder, name, source), None


def _numbered(question: _Question, path: Path) -> Path:
    name, mark, writer = question.name, fingerprint(path), None
    target = question.work / f"{name}.delivered.parquet"
    label = f"{name} ({source_label(question.source)})"
    for batch in read_file(path, question.source, question.work, label=label):
        if writer is None:
            require_columns(name, question.incremental, [c for c in batch.column_names if c != ROW])
            writer = pq.ParquetWriter(target, batch.schema, compression="zstd")
        writer.write_table(batch)
    if writer:
        writer.close()
    if fingerprint(path) != mark:
        raise InputError(f"sources.{name}: the file changed while it was read; run again")
    return target


def _state(question: _Question, files: Sequence[tuple[str, Path]]) -> State:
    connection = connect(memory=MEMORY)
    try:
        return measure_state(connection, question.name, question.incremental, files)
    finally:
        connection.disconnect()
