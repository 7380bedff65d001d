"""Bring every source into `raw/` as it is, through dlt; a source that did not change is not read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.errors import CrmError, RunError
from crm_helpers.files import work_folder
from crm_helpers.ingest.changes import Change, arrived_changes
from crm_helpers.ingest.contract import require_columns
from crm_helpers.ingest.fetch import Fetched, fetch, reading_fingerprint, refuse_changed
from crm_helpers.ingest.ledger import (
    RECORD,
    SOURCES_TABLE,
    Load,
    combined_fingerprint,
    newest_loads,
    remove_half_loads,
)
from crm_helpers.ingest.mapping import mapped_columns
from crm_helpers.ingest.places import source_label
from crm_helpers.ingest.quiet import quiet_dlt
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource, Profile
from crm_helpers.record import TableRecord

__all__ = ["IngestResult", "ingest"]


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

    fetched: Fetched
    fingerprint: str
    change: Change | None = None  # of an incremental source only

    @property
    def name(self) -> str:
        return self.fetched.name


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
        arrivals = [
            _arrival(folder, name, source, work, before.get(name)) for name, source in profile.sources.items()
        ]
        changed = [a for a in arrivals if _is_new(a, before.get(a.name))]
        if changed:
            remove_half_loads(folder)
            _load(folder, profile, changed, before, work)
    loads = newest_loads(folder)
    again = {a.name: a.fetched.again for a in arrivals}
    return IngestResult(_sources(profile, loads, before, again), _mapping(profile, loads))


def _arrival(
    folder: CompanyFolder, name: str, source: AnySource, work: Path, before: Load | None
) -> _Arrival:
    if source.incremental:
        change = arrived_changes(folder, name, source, work, before)
        return _Arrival(change.fetched, change.fingerprint, change)
    fetched = fetch(folder, name, source, work)
    return _Arrival(fetched, combined_fingerprint(fetched.content, reading_fingerprint(source)))


def _is_new(arrival: _Arrival, before: Load | None) -> bool:
    if before is None or before.fingerprint != arrival.fingerprint:
        return True
    asked = before.history.settings if before.history else None
    return asked != (arrival.change.settings if arrival.change else None)


def _load(
    folder: CompanyFolder, profile: Profile, arrivals: list[_Arrival], before: dict[str, Load], work: Path
) -> None:
    with quiet_dlt(work):
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
        tables = {a.name: _rows(a, profile, before.get(a.name), work) for a in arrivals}
        tables[SOURCES_TABLE] = _record(arrivals)
        resources = [dlt.resource(rows, name=n, write_disposition="append") for n, rows in tables.items()]
        try:
            pipeline.extract(dlt.source(lambda: resources, name="raw")(), loader_file_format="parquet")
            for arrival in arrivals:
                if arrival.change is None:  # changes were copied before
                    refuse_changed(folder, arrival.fetched)
            pipeline.normalize()
            pipeline.load()
        except PipelineStepFailed as error:
            raise _cause(error) from None


def _rows(arrival: _Arrival, profile: Profile, before: Load | None, work: Path) -> Iterator[Any]:
    """Give dlt a file to take over as it is, or else batches."""
    known = before.columns if before else ()

    def check(names: Sequence[str]) -> None:
        require_columns(profile, arrival.name, names, before=known)

    copy = None if arrival.change else arrival.fetched.copied(work, check)
    if copy:
        yield _imported(copy)
        return
    rows = arrival.change.batches() if arrival.change else arrival.fetched.batches(work)
    for i, batch in enumerate(rows):
        if i == 0:
            check(batch.column_names)
        yield batch


def _imported(path: Path) -> Any:
    import dlt  # noqa: PLC0415 - see `_load`

    with pq.ParquetFile(path) as file:
        rows, names = file.metadata.num_rows, file.schema_arrow.empty_table()
    return dlt.mark.with_file_import(str(path), "parquet", rows, hints=names)


def _record(arrivals: list[_Arrival]) -> Iterator[pa.Table]:
    yield pa.Table.from_pylist([_described_load(arrival) for arrival in arrivals], schema=RECORD)


def _described_load(arrival: _Arrival) -> dict[str, Any]:
    change = arrival.change.record() if arrival.change else {}
    return {"source": arrival.name, "fingerprint": arrival.fingerprint} | change


def _cause(error: BaseException) -> CrmError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, CrmError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, CrmError):
        return cause
    return RunError(
        f"the load failed ({type(error.__cause__ or error).__name__}); nothing was loaded, run again"
    )


def _sources(
    profile: Profile, loads: dict[str, Load], before: dict[str, Load], again: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    return pd.DataFrame(
        [_described(profile, loads[name], before.get(name), again[name]) for name in profile.sources]
    )


def _described(profile: Profile, load: Load, before: Load | None, again: Sequence[str]) -> dict[str, Any]:
    source = profile.sources[load.source]
    used = mapped_columns(profile, load.source, load.columns)
    tables = dict.fromkeys(place.split(".")[0] for places in used.values() for place in places)
    same = before is not None and before.fingerprint == load.fingerprint
    return {
        "source": load.source,
        "kind": source.kind,
        "origin": source_label(source) + (f" ({len(again)} delivered twice, read once)" if again else ""),
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
