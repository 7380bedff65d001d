"""Look at every source before a run: reachable, mapped, and its first values readable; nothing is loaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa

from crm_helpers.errors import InputError
from crm_helpers.ingest.databases import database_columns
from crm_helpers.ingest.mapping import map_table, mapped_columns
from crm_helpers.ingest.places import locate, source_label
from crm_helpers.ingest.readers import ROW, read_file
from crm_helpers.lake import connect
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import Profile, Source, TableMapping
from crm_helpers.tables import TABLES

__all__ = ["check"]

HEAD_ROWS = 1_000  # rows of a file whose values are tried


def check(folder: CompanyFolder, profile: Profile) -> pd.DataFrame:
    """Open each source, read its head, and try each mapping and conversion on it.

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
        rows += _checked_tables(profile, heads)
    return pd.DataFrame(rows)


def _head(folder: CompanyFolder, name: str, source: Source, work: Path) -> pa.Table:
    if source.kind == "sql":
        names = database_columns(folder, name, source)
        return pa.table(
            {column: pa.array([], pa.string()) for column in names} | {ROW: pa.array([], pa.int64())}
        )
    path = locate(folder, name, source)
    batches = read_file(path, source, work, label=f"{name} ({source_label(source)})")
    head = next(batches)
    batches.close()
    return head.slice(0, HEAD_ROWS)


def _checked_tables(profile: Profile, heads: dict[str, pa.Table]) -> list[dict[str, object]]:
    connection = connect(Path(tempfile.gettempdir()))
    try:
        for name, head in heads.items():
            connection.create_table(name, head)
        return [_checked_table(connection, profile, table, heads) for table in profile.tables]
    finally:
        connection.disconnect()


def _checked_table(
    connection: ibis.BaseBackend, profile: Profile, table: str, heads: dict[str, pa.Table]
) -> dict[str, object]:
    # cleaning stands on ingestion: this one look ahead must not make the two import each other
    from crm_helpers.cleaning.standardise import standardise  # noqa: PLC0415

    mapping = profile.tables[table]
    if mapping.source not in heads:
        return _row("table", table, detail=f'its source "{mapping.source}" cannot be read')
    try:
        mapped = map_table(connection, profile, table, {name: _columns(head) for name, head in heads.items()})
        if heads[mapping.source].num_rows and not _looks_elsewhere(mapping):
            standardise(connection, mapped, TABLES[table], mapping, zone=profile.timezone)
    except InputError as error:
        return _row("table", table, detail=str(error))
    return _row("table", table, columns=len(mapping.columns), used=len(mapping.columns), detail="")


def _looks_elsewhere(mapping: TableMapping) -> bool:
    """Whether an expression looks things up in other sources, whose heads need not hold them."""
    return any("select" in column.sql.lower() for column in mapping.columns.values() if column.sql)


def _columns(head: pa.Table) -> list[str]:
    return [name for name in head.column_names if name != ROW]


def _row(what: str, name: str, *, columns: int = 0, used: int = 0, detail: str) -> dict[str, object]:
    return {"what": what, "name": name, "ok": not detail, "columns": columns, "used": used, "detail": detail}
