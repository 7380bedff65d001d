"""Look at every source before a run: reachable, and each mapped column there; nothing is loaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa

from crm_helpers.errors import InputError
from crm_helpers.ingest.databases import database_columns
from crm_helpers.ingest.mapping import map_table, mapped_columns
from crm_helpers.ingest.places import locate, source_label
from crm_helpers.ingest.readers import ROW, read_file
from crm_helpers.ingest.rest import stage_rest
from crm_helpers.ingest.versions import require_columns
from crm_helpers.lake import connect
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource, Profile
from crm_helpers.sources import DatabaseSource, RestSource

__all__ = ["check"]


def check(folder: CompanyFolder, profile: Profile) -> pd.DataFrame:
    """Open each source, read its head, and try each mapping on it.

    Parameters
    ----------
    folder
        The company's places.
    profile
        Its sources and mapping.

    Returns
    -------
    pd.DataFrame
        One row a source or mapped table: `what`, `name`, `ok`, `columns`, `used`, `detail` (empty when all
        is well, else the key and the way out).
    """
    heads, rows = {}, []
    with tempfile.TemporaryDirectory(prefix="crm-check-") as work:
        for name, source in profile.sources.items():
            try:
                heads[name] = _head(folder, name, source, Path(work))
            except InputError as error:
                rows.append(_row("source", name, detail=str(error)))
            else:
                columns = _columns(heads[name])
                used = len(mapped_columns(profile, name, columns))
                rows.append(_row("source", name, columns=len(columns), used=used, detail=""))
    rows += [_checked_table(profile, table, heads) for table in profile.tables]
    return pd.DataFrame(rows)


def _head(folder: CompanyFolder, name: str, source: AnySource, work: Path) -> pa.Table:
    head = _first_batch(folder, name, source, work)
    if source.incremental:
        require_columns(name, source.incremental, _columns(head))
    return head


def _first_batch(folder: CompanyFolder, name: str, source: AnySource, work: Path) -> pa.Table:
    if isinstance(source, DatabaseSource):
        names = database_columns(folder, name, source)
        return pa.table({column: pa.array([], pa.string()) for column in [*names, ROW]})
    if isinstance(source, RestSource):
        path = stage_rest(name, source, work, pages=1) or work
    else:
        path = locate(folder, name, source)
    batches = read_file(path, source, work, label=f"{name} ({source_label(source)})")
    head = next(batches)
    batches.close()
    return head.slice(0, 0)


def _checked_table(profile: Profile, table: str, heads: dict[str, pa.Table]) -> dict[str, object]:
    mapping = profile.tables[table]
    if mapping.source not in heads:
        return _row("table", table, detail=f'its source "{mapping.source}" cannot be read')
    connection = connect(Path(tempfile.gettempdir()))
    for name, head in heads.items():
        connection.create_table(name, head)
    try:
        map_table(connection, profile, table, {name: _columns(head) for name, head in heads.items()})
    except InputError as error:
        return _row("table", table, detail=str(error))
    finally:
        connection.disconnect()
    return _row("table", table, columns=len(mapping.columns), used=len(mapping.columns), detail="")


def _columns(head: pa.Table) -> list[str]:
    return [name for name in head.column_names if name != ROW]


def _row(what: str, name: str, *, columns: int = 0, used: int = 0, detail: str) -> dict[str, object]:
    return {"what": what, "name": name, "ok": not detail, "columns": columns, "used": used, "detail": detail}
