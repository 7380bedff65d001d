"""What an incremental source has to say since its last load, and the state that makes with what is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import FILE
from crm_helpers.ingest.contract import require_incremental
from crm_helpers.ingest.databases import database_place
from crm_helpers.ingest.fetch import Fetched, fetch, reading_fingerprint, refuse_changed
from crm_helpers.ingest.ledger import Load, combined_fingerprint, files_by_load
from crm_helpers.ingest.versions import State, measure_state
from crm_helpers.lake import connect
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource, Source
from crm_helpers.sources import DatabaseSource, Incremental

__all__ = ["Change", "arrived_changes"]

MEMORY = "500MB"  # of the engine; a larger state spills


@dataclass(frozen=True)
class Change:
    """Rows to add to `raw/`, and what the source's state is with them."""

    incremental: Incremental
    fetched: Fetched
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
    settings = _settings(folder, name, source, source.incremental)
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


def _settings(folder: CompanyFolder, name: str, source: AnySource, incremental: Incremental) -> str:
    if isinstance(source, Source):  # older deliveries cannot be read anew: however it is written, it adds
        return combined_fingerprint(incremental.model_dump_json())
    place = database_place(folder, name, source) if isinstance(source, DatabaseSource) else source.url
    code = (Path(__file__).parent / "versions.py").read_bytes()
    return combined_fingerprint(reading_fingerprint(source), place, code)


def _everything(question: _Question) -> Change | None:
    fetched = _fetched(question, None)
    delivered = _delivered(question, fetched)
    state = _state(question, [("", delivered)])
    if fetched.rows not in {None, state.keys}:
        return None
    return _change(question, fetched, delivered, "full", state)


def _since(question: _Question, before: Load) -> Change | None:
    history = before.history
    fetched = _fetched(question, history.position if history else None)
    if not fetched.parts:
        if history is None or fetched.rows not in {None, history.keys}:
            return None
        state = State(history.rows, history.keys, history.position, "")
        same = _change(question, fetched, before.files[-1], "changes", state)
        return replace(same, fingerprint=before.fingerprint)
    delivered = _delivered(question, fetched)
    state = _state(question, [*files_by_load(before.files), ("", delivered)])
    if fetched.rows not in {None, state.keys}:
        return None
    return _change(question, fetched, delivered, "changes", state)


def _change(question: _Question, fetched: Fetched, path: Path, mode: str, state: State) -> Change:
    return Change(
        question.incremental, fetched, path, mode, question.settings, state.position, state.rows, state.keys,
        combined_fingerprint("state", state.content),
    )  # fmt: skip


def _fetched(question: _Question, since: str | None) -> Fetched:
    return fetch(question.folder, question.name, question.source, question.work, since=since)


def _delivered(question: _Question, fetched: Fetched) -> Path:
    writer, target = None, question.work / f"{question.name}.delivered.parquet"
    for batch in fetched.batches(question.work):
        # a row of the state is no row of one file: which file it came with says the number of the row
        rows = batch.drop_columns([FILE]) if FILE in batch.column_names else batch
        if writer is None:
            require_incremental(question.name, question.incremental, rows.column_names)
            writer = pq.ParquetWriter(target, rows.schema, compression="zstd")
        writer.write_table(rows)
    if writer:
        writer.close()
    refuse_changed(question.folder, fetched)
    return target


def _state(question: _Question, files: Sequence[tuple[str, Path]]) -> State:
    connection = connect(memory=MEMORY)
    try:
        return measure_state(connection, question.name, question.incremental, files)
    finally:
        connection.disconnect()
