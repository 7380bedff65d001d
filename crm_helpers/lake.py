"""The clean versions of a company: written as a whole, pointed to last, read by every page.

`clean/<version>/` is written aside, renamed into place and pointed to by `clean/current.json` last, so a
reader sees the old version or the new one. The name of a version is a hash of what went into it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import ibis

from crm_helpers.engine import ENGINE_TYPES, connect, quote_identifier, quote_text, schema_of
from crm_helpers.errors import InputError, suggest
from crm_helpers.files import fingerprint, take_over, work_folder, write_table, write_text
from crm_helpers.record import TableRecord
from crm_helpers.results import RESULTS
from crm_helpers.tables import TABLES, Table

if TYPE_CHECKING:
    import pandas as pd

    from crm_helpers.layout import CompanyFolder

__all__ = [
    "ENGINE_TYPES",
    "CleanVersion",
    "clean_version",
    "connect",
    "current_clean",
    "fingerprint",
    "point_to",
    "publish_clean",
    "quote_identifier",
    "quote_text",
    "read_clean",
    "schema_of",
    "write_table",
    "write_text",
]


@dataclass(frozen=True)
class CleanVersion:
    """One version of a company's canonical tables, as its manifest says."""

    version: str
    path: Path
    as_of: date  # the day after the last transaction or, without any, the last contact, in the company's zone
    tables: dict[str, TableRecord]


def current_clean(folder: CompanyFolder) -> CleanVersion:
    """Return the newest clean version of a company.

    Parameters
    ----------
    folder
        The company's places.

    Returns
    -------
    CleanVersion
        The version `clean/current.json` points to.

    Raises
    ------
    InputError
        When there is none yet.
    """
    pointer = folder.clean / "current.json"
    if not pointer.is_file():
        raise InputError(f'company "{folder.name}" has no clean tables yet: run 02_cleaning first')
    return clean_version(folder, json.loads(pointer.read_text(encoding="utf-8"))["version"])


def clean_version(folder: CompanyFolder, version: str) -> CleanVersion:
    """Return one clean version by name, or raise `InputError` when it is not there as a whole."""
    path = folder.clean / version
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f'clean version "{version}" of "{folder.name}" is gone: run 02_cleaning again'
        ) from None
    tables = {name: TableRecord(name=name, **record) for name, record in manifest["tables"].items()}
    return CleanVersion(version, path, date.fromisoformat(manifest["as_of"]), tables)


def read_clean(connection: ibis.BaseBackend, version: CleanVersion, table: str) -> ibis.Table:
    """Read a table of a clean version; an optional table the company lacks comes empty, with its columns.

    Parameters
    ----------
    connection
        The engine.
    version
        The version to read.
    table
        Name of a canonical table, or of what cleaning publishes beside them (`quality`).

    Returns
    -------
    ibis.Table
        All columns of the vocabulary in its order; columns the company does not map are empty.

    Raises
    ------
    InputError
        When no table has that name.
    """
    schema = schema_of(_known(table))
    if table not in version.tables:
        return connection.create_table(ibis.util.gen_name(f"empty_{table}"), schema=schema, temp=True)
    return connection.read_parquet(version.path / f"{table}.parquet")


def publish_clean(
    folder: CompanyFolder, version: str, as_of: date, tables: Mapping[str, ibis.Table | pd.DataFrame | Path]
) -> CleanVersion:
    """Write a clean version as a whole and make it the current one.

    Parameters
    ----------
    folder
        The company's places.
    version
        Name of the version: equal inputs must have equal names.
    as_of
        The day after the last transaction, of a company without any after the last contact.
    tables
        Tables by name, rows in the order to be written; a path is a file to take over as it is.

    Returns
    -------
    CleanVersion
        The version, now current.
    """
    with work_folder(folder.clean, lock=".lock", prefix=".staging-") as staging:
        records = {
            name: take_over(table, staging / f"{name}.parquet")
            if isinstance(table, Path)
            else write_table(table, staging / f"{name}.parquet", schema=schema_of(_known(name)))
            for name, table in tables.items()
        }
        described = {name: record.model_dump(exclude={"name"}) for name, record in sorted(records.items())}
        manifest = {"version": version, "as_of": as_of.isoformat(), "tables": described}
        write_text(json.dumps(manifest, indent=1) + "\n", staging / "manifest.json")
        if not (folder.clean / version).exists():
            staging.chmod(0o755)  # mkdtemp makes it private
            staging.rename(folder.clean / version)
    point_to(folder, version)
    return clean_version(folder, version)


def point_to(folder: CompanyFolder, version: str) -> None:
    """Make a version that is already there the current one."""
    write_text(json.dumps({"version": version}) + "\n", folder.clean / "current.json")


def _known(name: str) -> Table:
    known = TABLES | RESULTS
    if name not in known:
        raise InputError(f'no table "{name}": {suggest(name, known)}')
    return known[name]
