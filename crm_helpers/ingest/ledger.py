"""Which loads in `raw/` are whole, and the newest of each source: dlt's own record decides.

A load counts once its line stands in `raw/_dlt_loads/`, which dlt writes after the last file of the load;
files of a load that died are never read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.engine import quote_text
from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import FILE_ROW, FIRST_ROW, LOCATORS, ROW
from crm_helpers.ingest.versions import state_query
from crm_helpers.layout import CompanyFolder
from crm_helpers.sources import Incremental

__all__ = [
    "RECORD",
    "SOURCES_TABLE",
    "History",
    "Load",
    "combined_fingerprint",
    "files_by_load",
    "newest_loads",
    "read_raw",
    "remove_half_loads",
    "require_load",
]

SOURCES_TABLE = "_sources"
"""Table in `raw/` with one row a source and load: its fingerprint, written in the same load."""

RECORD = pa.schema({
    "source": pa.string(), "fingerprint": pa.string(),
    "incremental": pa.string(), "settings": pa.string(), "mode": pa.string(), "position": pa.string(),
    "rows": pa.int64(), "keys": pa.int64(),
})  # fmt: skip
"""Its columns; from the third on they are of incremental sources only."""


@dataclass(frozen=True)
class History:
    """How the loads of an incremental source make its state: a full load, and changes since."""

    incremental: Incremental
    settings: str  # a hash of what was asked for; asked otherwise, the source is read anew
    position: str | None  # the cursor's last value
    rows: int  # rows of the state
    keys: int  # keys of the state, deleted ones too
    changes: int  # loads since the full one


@dataclass(frozen=True)
class Load:
    """What one source holds: its newest whole load; an incremental one, its loads since a full one."""

    source: str
    fingerprint: str
    load_id: str
    files: tuple[Path, ...]  # oldest load first
    history: History | None = None  # of an incremental source only

    @property
    def rows(self) -> int:
        """Rows the source has."""
        return self.history.rows if self.history else sum(pq.read_metadata(f).num_rows for f in self.files)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns as the source named them, without our row locators."""
        names = dict.fromkeys(name for file in self.files for name in pq.read_schema(file).names)
        return tuple(name for name in names if name not in LOCATORS)

    @property
    def repeated(self) -> frozenset[str]:
        """Columns of few values, which the engine reads as a list of values and computes once each."""
        found: set[str] = set()
        for place, file in enumerate(self.files):
            metadata = pq.read_metadata(file)
            if FIRST_ROW.encode() not in (metadata.metadata or {}):  # not the engine's own copy
                return frozenset()
            groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
            chunks = [group.column(i) for group in groups for i in range(metadata.num_columns)]
            plain = {chunk.path_in_schema for chunk in chunks if not chunk.has_dictionary_page}
            listed = {chunk.path_in_schema for chunk in chunks} - plain
            found = listed if place == 0 else found & listed
        return frozenset(found)


def newest_loads(folder: CompanyFolder) -> dict[str, Load]:
    """Find what is whole in `raw/` of each source.

    Parameters
    ----------
    folder
        The company's places.

    Returns
    -------
    dict of str to Load
        By source; empty before the first load.
    """
    found: dict[str, Load] = {}
    for load_id in _whole_loads(folder.raw):
        for record in _records(folder.raw, load_id):
            files = tuple(sorted((folder.raw / record["source"]).glob(f"{load_id}.*.parquet")))
            if files:
                found[record["source"]] = _load(record, load_id, files, found.get(record["source"]))
    return found


def read_raw(connection: ibis.BaseBackend, load: Load) -> ibis.Table:
    """Register what a source holds under the source's name, `_dlt_load_id` included."""
    if load.history:  # a table: a view would look for the newest versions at each use
        query = state_query(load.history.incremental, files_by_load(load.files))
        return connection.create_table(load.source, connection.sql(query, dialect="duckdb"), temp=True)
    rows = f"({' UNION ALL BY NAME '.join(map(_rows, load.files))})"
    query = f"SELECT *, {quote_text(load.load_id)} AS _dlt_load_id FROM {rows}"
    return connection.create_view(load.source, connection.sql(query, dialect="duckdb"))


def require_load(loads: dict[str, Load], source: str) -> Load:
    """Return a source's load, or raise `InputError` when it was never loaded."""
    if source not in loads:
        raise InputError(f'source "{source}" is not in raw/ yet: run 01_ingestion first')
    return loads[source]


def remove_half_loads(folder: CompanyFolder) -> None:
    """Delete what loads that never ended left behind; call it under the ingestion's lock."""
    whole = set(_whole_loads(folder.raw))
    if not whole:  # dlt refuses a folder whose first load died before it was marked as its own
        shutil.rmtree(folder.raw, ignore_errors=True)
    for file in folder.raw.glob("*/*.parquet"):
        if file.name.rsplit(".", 2)[0] not in whole:
            file.unlink()


def combined_fingerprint(*parts: str | bytes) -> str:
    """First 16 hexadecimal digits of the SHA-256 over parts, each with its length before it.

    Examples
    --------
    >>> combined_fingerprint("ab", "c") == combined_fingerprint("a", "bc")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(content)}:".encode() + content)
    return digest.hexdigest()[:16]


def _load(record: dict[str, Any], load_id: str, files: tuple[Path, ...], previous: Load | None) -> Load:
    name, fingerprint = record["source"], record["fingerprint"]
    if not record.get("incremental"):
        return Load(name, fingerprint, load_id, files)
    changes = 0
    if record["mode"] == "changes" and previous and previous.history:
        files, changes = previous.files + files, previous.history.changes + 1
    history = History(
        Incremental.model_validate_json(record["incremental"]),
        record["settings"], record["position"], record["rows"], record["keys"], changes,
    )  # fmt: skip
    return Load(name, fingerprint, load_id, files, history)


def files_by_load(files: tuple[Path, ...]) -> list[tuple[str, Path]]:
    """Say of each file which load it came with."""
    return [(file.name.rsplit(".", 2)[0], file) for file in files]


def _rows(file: Path) -> str:
    first = (pq.read_metadata(file).metadata or {}).get(FIRST_ROW.encode())
    if first is None:
        return f"SELECT * FROM read_parquet({quote_text(str(file))})"
    return (
        f"SELECT * EXCLUDE ({FILE_ROW}), {FILE_ROW} + {int(first)} AS {ROW}"
        f" FROM read_parquet({quote_text(str(file))}, {FILE_ROW} = true)"
    )


def _whole_loads(raw: Path) -> list[str]:
    loads = []
    for file in (raw / "_dlt_loads").glob("*.jsonl"):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:  # the line itself was cut: the load did not end
            continue
        if record.get("status") == 0:
            loads.append(record["load_id"])
    return sorted(loads, key=float)


def _records(raw: Path, load_id: str) -> list[dict[str, Any]]:
    files = sorted((raw / SOURCES_TABLE).glob(f"{load_id}.*.parquet"))
    return [record for file in files for record in pq.read_table(file).to_pylist()]
