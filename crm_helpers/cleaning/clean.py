"""From `raw/` to a clean version: map, convert, hold against the rules, merge, derive, count, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import metadata
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
from ibis.backends.sql.datatypes import DuckDBType

from crm_helpers.cleaning.duplicates import find_merged
from crm_helpers.cleaning.flags import Flag
from crm_helpers.cleaning.households import HOUSEHOLD_TABLES, group_customers
from crm_helpers.cleaning.limits import exceeded, refuse_exceeded
from crm_helpers.cleaning.measures import MEASURES, find_flags, measure
from crm_helpers.cleaning.quality import (
    Line,
    census,
    derived_table,
    missing_values,
    problems,
    quality_rows,
    quarantine_query,
    reconciliation,
    sales_bridge,
)
from crm_helpers.cleaning.same_person import (
    PEOPLE_TABLES,
    gone_query,
    join_customers,
    link_customers,
    refer_to_people,
)
from crm_helpers.cleaning.standardise import Standardised, clean_place, standardise
from crm_helpers.cleaning.versions import made_before, previous_people, with_people, with_the_past
from crm_helpers.cleaning.what_if import keep_pairs
from crm_helpers.ingest.conversion import Locale
from crm_helpers.ingest.ledger import Load, combined_fingerprint, newest_loads, read_raw, require_load
from crm_helpers.ingest.mapping import map_table
from crm_helpers.ingest.readers import ROW
from crm_helpers.lake import (
    CleanVersion,
    clean_version,
    connect,
    point_to,
    publish_clean,
    quote_identifier,
    read_clean,
    schema_of,
)
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import Profile
from crm_helpers.record import TableRecord
from crm_helpers.tables import DATED, TABLES, Table

__all__ = ["CleanResult", "clean"]

MEMORY = "1GB"  # of the engine; larger tables spill
_QUALITY = ("census", "quality", "missing_values", "sales_bridge", "quarantine")
_OWN_CUSTOMERS = quote_identifier("own customers")  # those of the source, before derived ones join them
_DERIVED_CUSTOMERS = quote_identifier("derived customers")
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
    "lake.py",
    "quality_results.py",
    "tables.py",
)


@dataclass(frozen=True)
class CleanResult:
    """A clean version and what became of every row on the way to it."""

    version: CleanVersion
    reads: tuple[TableRecord, ...]  # the loads it was made of
    quality: pd.DataFrame  # one row a table and rule, as published
    reconciliation: pd.DataFrame  # one row a table: read = clean + quarantined + merged
    people: Mapping[str, pd.DataFrame]  # by name of `PEOPLE_TABLES`; empty where nobody was compared
    households: Mapping[str, pd.DataFrame]  # by name of `HOUSEHOLD_TABLES`; empty where nobody is related
    problems: pd.DataFrame  # ranked, each with what to do
    missing: pd.DataFrame  # one row a mapped column
    census: pd.DataFrame  # one row: customers, orders, lines, sales, campaigns
    sales: pd.DataFrame  # step, rows, amount: from the source to the clean table
    quarantine: pd.DataFrame  # one row a value or row that did not become clean, masked
    measures: Mapping[str, pd.DataFrame]  # by name of `MEASURES`: dimensions, references, outliers, returns
    exceeded: pd.DataFrame  # one row a rule that broke a limit of the profile: table, column, rule, rows, ...

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is published of all this, by name."""
        own = {
            "quality": self.quality, "problems": self.problems, "missing_values": self.missing,
            "census": self.census, "sales_bridge": self.sales, "quarantine": self.quarantine,
        }  # fmt: skip
        return own | dict(self.people) | dict(self.households) | dict(self.measures)


@dataclass(frozen=True)
class _Cleaned:
    """One table on its way: converted, and its replaced rows found."""

    standardised: Standardised
    merged: str
    merged_rows: int
    clean: str  # SQL of the rows that are left
    same_person: int = 0  # rows that another row of the same person stands for


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
        return _result(clean_version(folder, made), needed, profile)
    connection = connect(folder.data, memory=MEMORY)
    try:
        version = _make(connection, folder, profile, needed, inputs=inputs, previous=previous)
        return _result(version, needed, profile)
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
) -> CleanVersion:
    for load in loads.values():
        read_raw(connection, load)
    quarantine: list[str] = []
    # transactions first: the day of the last one bounds the dates of all other tables
    leading = profile.dated[0]
    first = _clean_table(connection, profile, TABLES[leading], loads, quarantine)
    latest = _last_day(connection, first, DATED[leading])
    cleaned = {
        name: first
        if name == leading
        else _clean_table(connection, profile, table, loads, quarantine, latest=latest)
        for name, table in TABLES.items()
        if name in profile.tables
    }
    cleaned, of_people, history = _as_people(connection, profile, cleaned, previous)
    quarantine += [gone_query(item.standardised) for item in cleaned.values() if item.same_person]
    derived = _create_views(connection, cleaned, derive=_derives(profile))
    tables: dict[str, ibis.Table | pd.DataFrame] = of_people | _measured(
        connection, profile, cleaned, derived
    )
    tables |= {
        name: _ordered(connection, table) for name, table in TABLES.items() if name in {"customers", *cleaned}
    }
    if "relations" in cleaned:
        tables |= group_customers(connection)
    tables["quarantine"] = connection.sql(
        f'SELECT * FROM ({" UNION ALL ".join(quarantine)}) ORDER BY "table", source, "row", "column", rule',
        dialect="duckdb",
    )
    version = with_the_past(inputs, history)
    return publish_clean(folder, version, latest + timedelta(days=1), tables)


def _clean_table(
    connection: ibis.BaseBackend,
    profile: Profile,
    table: Table,
    loads: Mapping[str, Load],
    quarantine: list[str],
    *,
    latest: date | None = None,
) -> _Cleaned:
    mapped = map_table(connection, profile, table.name, {name: load.columns for name, load in loads.items()})
    mapping = profile.tables[table.name]
    locale = Locale(profile.timezone, profile.currency, profile.country)
    standardised = standardise(
        connection, mapped, table, mapping,
        locale=locale, latest=latest, repeated=loads[mapping.source].repeated,
    )  # fmt: skip
    merged, rows = find_merged(connection, standardised)
    quarantine.append(quarantine_query(connection, standardised, mapped, merged))
    return _Cleaned(standardised, merged, rows, clean=_kept(standardised))


def _as_people(
    connection: ibis.BaseBackend,
    profile: Profile,
    cleaned: dict[str, _Cleaned],
    previous: pa.Table | None,
) -> tuple[dict[str, _Cleaned], dict[str, ibis.Table | pd.DataFrame], str]:
    """Make one row of each person; return the tables, what is said of people, and what older ids explain."""
    if not profile.merges_people:
        return cleaned, keep_pairs(connection, None, ""), ""
    own = cleaned["customers"]
    linked = link_customers(connection, own.clean, profile, previous=previous)
    tables = linked.tables | keep_pairs(connection, linked.pairs, _sold(cleaned))
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
    connection: ibis.BaseBackend, profile: Profile, cleaned: Mapping[str, _Cleaned], derived: int
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


def _derives(profile: Profile) -> bool:
    return "customers" not in profile.tables or profile.tables["customers"].derive_missing


def _create_views(connection: ibis.BaseBackend, cleaned: Mapping[str, _Cleaned], *, derive: bool) -> int:
    for name, item in cleaned.items():
        view = _OWN_CUSTOMERS if name == "customers" else clean_place(name)
        connection.raw_sql(f"CREATE TEMP VIEW {view} AS {item.clean}")
    if "transactions" not in cleaned:
        connection.raw_sql(f"CREATE TEMP VIEW {clean_place('transactions')} AS {_sold(cleaned)}")
    own = [f"SELECT * FROM {_OWN_CUSTOMERS}"] if "customers" in cleaned else []
    dated = [name for name in DATED if name in cleaned]
    extra = [_derived_customers(connection, own, dated)] if derive else []
    connection.raw_sql(f"CREATE TEMP VIEW {clean_place('customers')} AS {' UNION ALL '.join(own + extra)}")
    query = f"SELECT count(*) FROM {clean_place('customers')} WHERE {ROW} IS NULL"
    return int(connection.raw_sql(query).fetchone()[0])


def _sold(cleaned: Mapping[str, _Cleaned]) -> str:
    """Write SQL of the clean transactions; of no row where the company has none."""
    if "transactions" in cleaned:
        return cleaned["transactions"].clean
    return f"SELECT CAST(NULL AS BIGINT) AS {ROW}, {_all_columns(TABLES['transactions'], {})} WHERE false"


def _kept(standardised: Standardised) -> str:
    mapped = {column.name: quote_identifier(column.name) for column in standardised.columns}
    chosen = _all_columns(standardised.table, mapped)
    rows = quote_identifier(standardised.place)
    return f"SELECT {ROW}, {chosen} FROM {rows} WHERE fatal = 0 AND NOT replaced"


def _derived_customers(connection: ibis.BaseBackend, own: list[str], dated: list[str]) -> str:
    chosen = _all_columns(TABLES["customers"], {"customer_id": "customer_id"})
    unknown = f"WHERE customer_id NOT IN (SELECT customer_id FROM {_OWN_CUSTOMERS})" if own else ""
    known = " UNION ALL ".join(f"SELECT customer_id FROM {clean_place(name)}" for name in dated)
    ids = f"SELECT DISTINCT customer_id FROM ({known}) {unknown}"
    # a table: a view would look through all transactions at each use
    connection.raw_sql(f"CREATE TEMP TABLE {_DERIVED_CUSTOMERS} AS {ids}")
    return f"SELECT CAST(NULL AS BIGINT) AS {ROW}, {chosen} FROM {_DERIVED_CUSTOMERS}"


def _all_columns(table: Table, mapped: Mapping[str, str]) -> str:
    # NULL by a cast of the engine's own type names: Ibis' names are not SQL
    return ", ".join(
        f"{mapped[name]} AS {quote_identifier(name)}"
        if name in mapped
        else f"CAST(NULL AS {DuckDBType.to_string(kind)}) AS {quote_identifier(name)}"
        for name, kind in schema_of(table).items()
    )


def _described(connection: ibis.BaseBackend, item: _Cleaned, flags: list[Flag], derived: int) -> list[Line]:
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


def _ordered(connection: ibis.BaseBackend, table: Table) -> ibis.Table:
    names = ", ".join(quote_identifier(column.name) for column in table.columns)
    # rows of derived customers have no number. Rows that stand in order are sorted too: only then are the
    # groups of rows in the file the same whatever the number of threads
    first = f"NULLS LAST, {quote_identifier(table.columns[0].name)}" if table.name == "customers" else ""
    query = f"SELECT {names} FROM {clean_place(table.name)} ORDER BY {ROW} {first}"
    return connection.sql(query, dialect="duckdb")


def _last_day(connection: ibis.BaseBackend, first: _Cleaned, moment: str) -> date:
    place = quote_identifier(first.standardised.place)
    query = f"SELECT CAST(max({moment}) AS DATE) FROM {place} WHERE fatal = 0"
    last: date = connection.raw_sql(query).fetchone()[0]
    return last


def _result(version: CleanVersion, loads: Mapping[str, Load], profile: Profile) -> CleanResult:
    connection = connect(version.path)
    try:
        frames = {
            name: read_clean(connection, version, name).to_pandas()
            for name in (*_QUALITY, *PEOPLE_TABLES, *HOUSEHOLD_TABLES, *MEASURES)
        }
    finally:
        connection.disconnect()
    quality = frames["quality"]
    return CleanResult(
        version=version,
        reads=tuple(
            TableRecord(name=f"raw/{load.source}", rows=load.rows, fingerprint=load.fingerprint)
            for load in loads.values()
        ),
        quality=quality,
        reconciliation=reconciliation(quality),
        people={name: frames[name] for name in PEOPLE_TABLES},
        households={name: frames[name] for name in HOUSEHOLD_TABLES},
        problems=problems(quality),
        missing=frames["missing_values"],
        census=frames["census"],
        sales=frames["sales_bridge"],
        quarantine=frames["quarantine"],
        measures={name: frames[name] for name in MEASURES},
        exceeded=exceeded(quality, profile.limits),
    )
