"""From `raw/` to a clean version: map, convert, hold against the rules, merge, derive, count, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from importlib import metadata
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from crm_helpers.cleaning.duplicates import drop_merged
from crm_helpers.cleaning.flags import Flag
from crm_helpers.cleaning.households import group_customers
from crm_helpers.cleaning.limits import refuse_exceeded
from crm_helpers.cleaning.measures import find_flags, measure
from crm_helpers.cleaning.quality import (
    Line,
    census,
    derived_table,
    missing_values,
    quality_rows,
    quarantine_query,
    sales_bridge,
)
from crm_helpers.cleaning.result import CleanResult, read_result
from crm_helpers.cleaning.rows import (
    Cleaned,
    create_views,
    derives_customers,
    kept_query,
    last_day,
    ordered_rows,
    sold_query,
)
from crm_helpers.cleaning.same_person import (
    gone_query,
    join_customers,
    link_customers,
    refer_to_people,
)
from crm_helpers.cleaning.standardise import clean_place, standardise
from crm_helpers.cleaning.versions import made_before, previous_people, with_people, with_the_past
from crm_helpers.cleaning.what_if import keep_pairs
from crm_helpers.files import work_folder
from crm_helpers.ingest.conversion import Locale
from crm_helpers.ingest.ledger import Load, combined_fingerprint, newest_loads, read_raw, require_load
from crm_helpers.ingest.mapping import map_table
from crm_helpers.lake import (
    CleanVersion,
    clean_version,
    connect,
    point_to,
    publish_clean,
)
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import Profile
from crm_helpers.tables import DATED, TABLES, Table

__all__ = ["clean"]

MEMORY = "1GB"  # of the engine; larger tables spill
_CODE = (
    "cleaning/*.py",
    "cleaning/people/*",
    "ingest/mapping.py",
    "ingest/batches.py",
    "ingest/versions.py",
    "ingest/conversion.py",
    "ingest/forms.py",
    "ingest/numbers.py",
    "engine.py",
    "files.py",
    "row_groups.py",
    "lake.py",
    "quality_results.py",
    "tables.py",
)


def clean(folder: CompanyFolder, profile: Profile) -> CleanResult:
    """Make the clean version of what is in `raw/`, or return it when it is already there.

    Parameters
    ----------
    folder
        The company's places.
    profile
        Its mapping, formats and zone.

    Returns
    -------
    CleanResult
        The version, now current, and its quality tables.

    Raises
    ------
    InputError
        When a source was not loaded, a column or expression is wrong, a date is ambiguous, most of a
        column cannot be read, a limit of the profile is exceeded, or a table has no usable row; the version
        before stays current.
    """
    loads = newest_loads(folder)
    needed = {name: require_load(loads, name) for name in profile.sources}
    inputs = with_people(_version_name(profile, needed), profile)
    previous = previous_people(folder) if profile.merges_people else None
    made = made_before(folder, inputs, alone=previous is None)
    if made:
        point_to(folder, made)
        return read_result(clean_version(folder, made), needed, profile)
    connection = connect(folder.data, memory=MEMORY)
    try:
        with work_folder(folder.data / ".cleaning", lock="lock", prefix="work-") as work:
            version = _make(connection, folder, profile, needed, inputs=inputs, previous=previous, work=work)
        return read_result(version, needed, profile)
    finally:
        connection.disconnect()


def _version_name(profile: Profile, loads: Mapping[str, Load]) -> str:
    package = Path(__file__).parent.parent
    code = [file.read_bytes() for pattern in _CODE for file in sorted(package.glob(pattern))]
    sources = [f"{name} {loads[name].fingerprint}" for name in sorted(loads)]
    mapping = profile.model_dump_json(
        include={"tables", "timezone", "currency", "country", "limits", "outliers"}
    )
    made_with = (duckdb.__version__, metadata.version("phonenumbers"))  # numbering plans change with releases
    return combined_fingerprint(mapping, *made_with, *sources, *code)


def _make(
    connection: ibis.BaseBackend,
    folder: CompanyFolder,
    profile: Profile,
    loads: Mapping[str, Load],
    *,
    inputs: str,
    previous: pa.Table | None,
    work: Path,
) -> CleanVersion:
    for load in loads.values():
        read_raw(connection, load)
    cleaned, latest, quarantine = _clean_tables(connection, profile, loads, work)
    cleaned, of_people, history = _as_people(connection, profile, cleaned, previous)
    quarantine += [gone_query(item.standardised) for item in cleaned.values() if item.same_person]
    derived = create_views(connection, cleaned, derive=derives_customers(profile))
    tables: dict[str, ibis.Table | pd.DataFrame | Path] = {
        **of_people,
        **_measured(connection, profile, cleaned, derived),
        **_rows_to_write(connection, cleaned),
    }
    if "relations" in cleaned:
        tables |= group_customers(connection)
    tables["quarantine"] = connection.sql(
        f'SELECT * FROM ({" UNION ALL ".join(quarantine)}) ORDER BY "table", source, "row", "column", rule',
        dialect="duckdb",
    )
    version = with_the_past(inputs, history)
    return publish_clean(folder, version, latest + timedelta(days=1), tables)


def _rows_to_write(
    connection: ibis.BaseBackend, cleaned: Mapping[str, Cleaned]
) -> dict[str, ibis.Table | Path]:
    """Give each clean table as its file, where that stands as it is, or else as rows to write."""
    written = {name for name, item in cleaned.items() if item.written and name != "customers"}
    return {
        name: cleaned[name].standardised.converted.kept_file
        if name in written
        else ordered_rows(connection, table)
        for name, table in TABLES.items()
        if name in {"customers", *cleaned}
    }


def _clean_tables(
    connection: ibis.BaseBackend, profile: Profile, loads: Mapping[str, Load], work: Path
) -> tuple[dict[str, Cleaned], date, list[str]]:
    """Clean every mapped table; return them, the company's last day, and SQL of what was put aside."""
    quarantine: list[str] = []
    # transactions first: the day of the last one bounds the dates of all other tables
    leading = profile.dated[0]
    first = _clean_table(connection, profile, TABLES[leading], loads, quarantine, work=work)
    latest = last_day(connection, first, DATED[leading])
    others = {
        name: _clean_table(connection, profile, table, loads, quarantine, work=work, latest=latest)
        for name, table in TABLES.items()
        if name in profile.tables and name != leading
    }
    found = {leading: first} | others
    return {name: found[name] for name in TABLES if name in found}, latest, quarantine


def _clean_table(
    connection: ibis.BaseBackend,
    profile: Profile,
    table: Table,
    loads: Mapping[str, Load],
    quarantine: list[str],
    *,
    work: Path,
    latest: date | None = None,
) -> Cleaned:
    mapped = map_table(connection, profile, table.name, {name: load.columns for name, load in loads.items()})
    mapping = profile.tables[table.name]
    locale = Locale(profile.timezone, profile.currency, profile.country)
    standardised = standardise(
        connection, mapped, table, mapping, folder=work,
        locale=locale, latest=latest, repeated=loads[mapping.source].repeated,
    )  # fmt: skip
    merged, rows = drop_merged(connection, standardised)
    quarantine.append(quarantine_query(connection, standardised, mapped, merged))
    return Cleaned(standardised, merged, rows, clean=kept_query(standardised))


def _as_people(
    connection: ibis.BaseBackend,
    profile: Profile,
    cleaned: dict[str, Cleaned],
    previous: pa.Table | None,
) -> tuple[dict[str, Cleaned], dict[str, ibis.Table | pd.DataFrame], str]:
    """Make one row of each person; return the tables, what is said of people, and what older ids explain."""
    if not profile.merges_people:
        return cleaned, keep_pairs(connection, None, ""), ""
    own = cleaned["customers"]
    linked = link_customers(connection, own.clean, profile, previous=previous)
    tables = linked.tables | keep_pairs(connection, linked.pairs, sold_query(cleaned))
    if not linked.moved:
        return cleaned, tables, linked.history
    query, gone, provenance = join_customers(connection, own.clean, profile, own.standardised)
    found = {"customers": replace(own, clean=query, same_person=gone)}
    for name in [name for name in cleaned if name != "customers"]:
        query, gone = refer_to_people(connection, cleaned[name].clean, cleaned[name].standardised)
        found[name] = replace(cleaned[name], clean=query, same_person=gone)
    ordered = {name: found[name] for name in cleaned}
    return ordered, tables | {"people_provenance": provenance}, linked.history


def _measured(
    connection: ibis.BaseBackend, profile: Profile, cleaned: Mapping[str, Cleaned], derived: int
) -> dict[str, pd.DataFrame]:
    """Count what became of the rows and how good those are that stay, or raise at a limit of the profile."""
    converted = {name: item.standardised for name, item in cleaned.items()}
    merged = {name: item.merged for name, item in cleaned.items()}
    found = find_flags(connection, converted, profile, merged=merged)
    lines = [
        line
        for name, item in cleaned.items()
        for line in _described(connection, item, found.flags[name], derived if name == "customers" else 0)
    ]
    if "customers" not in cleaned:
        lines.append(derived_table("customers", derived))
    quality = pd.DataFrame(lines)
    refuse_exceeded(quality, profile.limits)
    missing = pd.concat([missing_values(connection, table) for table in converted.values()])
    tables = {
        "quality": quality,
        "missing_values": missing,
        **measure(connection, converted, found, quality=quality, missing=missing),
        "census": census(connection, cleaned),
    }
    if "transactions" in converted:
        tables["sales_bridge"] = sales_bridge(connection, converted["transactions"], merged["transactions"])
    return tables


def _described(connection: ibis.BaseBackend, item: Cleaned, flags: list[Flag], derived: int) -> list[Line]:
    query = f"SELECT count(*) FROM {clean_place(item.standardised.table.name)}"
    rows = int(connection.raw_sql(query).fetchone()[0])
    return quality_rows(
        item.standardised,
        clean=rows - derived,
        merged=item.merged_rows,
        derived=derived,
        flags=flags,
        same_person=item.same_person,
    )
