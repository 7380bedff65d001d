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

import ibis
import pyarrow.parquet as pq

from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import LOCATORS
from crm_helpers.layout import CompanyFolder

__all__ = [
    "SOURCES_TABLE",
    "Load",
    "combined_fingerprint",
    "newest_loads",
    "read_raw",
    "remove_half_loads",
    "require_load",
]

SOURCES_TABLE = "_sources"
"""Table in `raw/` with one row a source and load: its fingerprint, written in the same load."""


@dataclass(frozen=True)
class Load:
    """The newest whole load of one source."""

    source: str
    fingerprint: str
    load_id: str
    files: tuple[Path, ...]

    @property
    def rows(self) -> int:
        """Rows of the load."""
        return sum(pq.read_metadata(file).num_rows for file in self.files)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns as the source named them, without our row locators."""
        return tuple(name for name in pq.read_schema(self.files[0]).names if name not in LOCATORS)


def newest_loads(folder: CompanyFolder) -> dict[str, Load]:
    """Find the newest whole load of each source.

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
                found[record["source"]] = Load(record["source"], record["fingerprint"], load_id, files)
    return found


def read_raw(connection: ibis.BaseBackend, load: Load) -> ibis.Table:
    """Register the newest load of a source as a view under the source's name, `_dlt_load_id` included."""
    rows = connection.read_parquet([str(file) for file in load.files], union_by_name=True)
    return connection.create_view(load.source, rows.mutate(_dlt_load_id=ibis.literal(load.load_id)))


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


def _records(raw: Path, load_id: str) -> list[dict[str, str]]:
    files = sorted((raw / SOURCES_TABLE).glob(f"{load_id}.*.parquet"))
    return [record for file in files for record in pq.read_table(file).to_pylist()]
