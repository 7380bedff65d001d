"""Bring every source into `raw/` as it is, through dlt; a source that did not change is not read again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from crm_helpers.errors import CrmError, InputError, RunError
from crm_helpers.files import fingerprint, work_folder
from crm_helpers.ingest.databases import stage_table
from crm_helpers.ingest.ledger import (
    SOURCES_TABLE,
    Load,
    combined_fingerprint,
    newest_loads,
    remove_half_loads,
)
from crm_helpers.ingest.mapping import mapped_columns
from crm_helpers.ingest.places import locate, source_label
from crm_helpers.ingest.readers import read_file
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import Profile, Source
from crm_helpers.record import TableRecord

__all__ = ["IngestResult", "ingest"]

READING = ("encoding", "delimiter", "sheet", "table", "kind")  # keys that change what is read
_CODE = ("delimited.py", "readers.py", "databases.py")


@dataclass(frozen=True)
class IngestResult:
    """What is in `raw/` after an ingestion."""

    sources: pd.DataFrame  # source, kind, origin, rows, columns, used, fingerprint, tables, state
    mapping: pd.DataFrame  # source, column, maps_to ("" when kept in raw/ and not used)

    @property
    def records(self) -> list[TableRecord]:
        """One record a source, for the lineage of a page."""
        rows = self.sources[["source", "rows", "fingerprint"]].itertuples(index=False)
        return [TableRecord(name=f"raw/{name}", rows=n, fingerprint=mark) for name, n, mark in rows]


@dataclass(frozen=True)
class _Arrival:
    """One source as it stands now."""

    name: str
    source: Source
    path: Path
    fingerprint: str


def ingest(folder: CompanyFolder, profile: Profile) -> IngestResult:
    """Load every source that changed since its last load, all of them in one load or none.

    Parameters
    ----------
    folder
        The company's places.
    profile
        Its sources and mapping.

    Returns
    -------
    IngestResult
        One row a source, with its rows, columns, fingerprint, and whether it was new, changed or
        unchanged (do not print that last one in a report: it differs between equal runs).

    Raises
    ------
    InputError
        When a source cannot be read or changed while it was; nothing is loaded then.
    """
    with work_folder(folder.data / ".ingest", lock="lock", prefix="work-") as work:
        before = newest_loads(folder)
        arrivals = [_arrival(folder, name, source, work) for name, source in profile.sources.items()]
        changed = [a for a in arrivals if a.name not in before or before[a.name].fingerprint != a.fingerprint]
        if changed:
            remove_half_loads(folder)
            _load(folder, changed, work)
    loads = newest_loads(folder)
    return IngestResult(_sources(profile, loads, before), _mapping(profile, loads))


def _arrival(folder: CompanyFolder, name: str, source: Source, work: Path) -> _Arrival:
    sql = source.kind == "sql"
    path = stage_table(folder, name, source, work) if sql else locate(folder, name, source)
    return _Arrival(name, source, path, _fingerprint(path, source))


def _fingerprint(path: Path, source: Source) -> str:
    settings = [str(getattr(source, key)) for key in READING]
    code = [(Path(__file__).parent / name).read_bytes() for name in _CODE]
    return combined_fingerprint(fingerprint(path), *settings, *code)


def _load(folder: CompanyFolder, arrivals: list[_Arrival], work: Path) -> None:
    with _environment(work):
        import dlt  # noqa: PLC0415 - 0.6 s, and it reads the environment when it is imported
        from dlt.pipeline.exceptions import PipelineStepFailed  # noqa: PLC0415

        place = dlt.destinations.filesystem(
            str(folder.data),
            layout="{table_name}/{load_id}.{file_id}.{ext}",
            warn_unsafe_layout_separators=False,  # names of sources hold no slash
        )
        pipeline = dlt.pipeline(
            f"crm_{folder.name}", pipelines_dir=str(work / "dlt"), destination=place, dataset_name="raw"
        )
        tables = {a.name: _batches(a, work) for a in arrivals} | {SOURCES_TABLE: _record(arrivals)}
        resources = [dlt.resource(rows, name=n, write_disposition="append") for n, rows in tables.items()]
        try:
            pipeline.extract(dlt.source(lambda: resources, name="raw")(), loader_file_format="parquet")
            _refuse_changed(arrivals)
            pipeline.normalize()
            pipeline.load()
        except PipelineStepFailed as error:
            raise _cause(error) from None


def _batches(arrival: _Arrival, work: Path) -> Iterator[pa.Table]:
    return read_file(
        arrival.path, arrival.source, work, label=f"{arrival.name} ({source_label(arrival.source)})"
    )


def _record(arrivals: list[_Arrival]) -> Iterator[pa.Table]:
    rows = {"source": [a.name for a in arrivals], "fingerprint": [a.fingerprint for a in arrivals]}
    yield pa.table(rows)


def _refuse_changed(arrivals: list[_Arrival]) -> None:
    for arrival in arrivals:
        if _fingerprint(arrival.path, arrival.source) != arrival.fingerprint:
            raise InputError(f"sources.{arrival.name}: the file changed while it was read; run again")


def _cause(error: BaseException) -> CrmError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, CrmError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, CrmError):
        return cause
    return RunError(
        f"the load failed ({type(error.__cause__ or error).__name__}); nothing was loaded, run again"
    )


@contextmanager
def _environment(work: Path) -> Iterator[None]:
    # dlt is told by environment only: no telemetry, nothing in the home folder, names as they came
    settings: Mapping[str, str] = {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DLT_DATA_DIR": str(work),
        "DLT_PROJECT_DIR": str(work),
        "SCHEMA__NAMING": "crm_helpers.ingest.naming",
        "RESTORE_FROM_DESTINATION": "false",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            _restore(name, value)


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _sources(profile: Profile, loads: dict[str, Load], before: dict[str, Load]) -> pd.DataFrame:
    return pd.DataFrame([_described(profile, loads[name], before.get(name)) for name in profile.sources])


def _described(profile: Profile, load: Load, before: Load | None) -> dict[str, Any]:
    source = profile.sources[load.source]
    used = mapped_columns(profile, load.source, load.columns)
    tables = dict.fromkeys(place.split(".")[0] for places in used.values() for place in places)
    same = before is not None and before.fingerprint == load.fingerprint
    return {
        "source": load.source,
        "kind": source.kind,
        "origin": source_label(source),
        "rows": load.rows,
        "columns": len(load.columns),
        "used": len(used),
        "fingerprint": load.fingerprint,
        "tables": ", ".join(tables),
        "state": "unchanged" if same else "new" if before is None else "changed",
    }


def _mapping(profile: Profile, loads: dict[str, Load]) -> pd.DataFrame:
    rows = []
    for name in profile.sources:
        used = mapped_columns(profile, name, loads[name].columns)
        rows += [
            {"source": name, "column": c, "maps_to": ", ".join(used.get(c, ()))} for c in loads[name].columns
        ]
    return pd.DataFrame(rows, columns=["source", "column", "maps_to"])
