"""The rows of a table that stay, as SQL and as views of the engine: clean ones, and derived customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
from ibis.backends.sql.datatypes import DuckDBType

from crm_helpers.cleaning.converted import PLACE
from crm_helpers.cleaning.standardise import Standardised, clean_place
from crm_helpers.lake import (
    quote_identifier,
    schema_of,
)
from crm_helpers.profile import Profile
from crm_helpers.tables import DATED, TABLES, Table

__all__ = [
    "Cleaned",
    "create_views",
    "derives_customers",
    "kept_query",
    "last_day",
    "middle_query",
    "ordered_rows",
    "sold_query",
]

_OWN_CUSTOMERS = quote_identifier("own customers")  # those of the source, before derived ones join them
_DERIVED_CUSTOMERS = quote_identifier("derived customers")


@dataclass(frozen=True)
class Cleaned:
    """One table on its way: converted, and its replaced rows found."""

    standardised: Standardised
    merged: str
    merged_rows: int
    clean: str  # SQL of the rows that are left
    same_person: int = 0  # rows that another row of the same person stands for

    @property
    def written(self) -> bool:
        """Whether the rows lie in a file already, as they will be published."""
        return self.clean == kept_query(self.standardised)


def derives_customers(profile: Profile) -> bool:
    """Say whether customers that only other tables know are added."""
    return "customers" not in profile.tables or profile.tables["customers"].derive_missing


def create_views(connection: ibis.BaseBackend, cleaned: Mapping[str, Cleaned], *, derive: bool) -> int:
    """Make the view of every clean table, derived customers with theirs; return how many were derived."""
    for name, item in cleaned.items():
        view = _OWN_CUSTOMERS if name == "customers" else clean_place(name)
        connection.raw_sql(f"CREATE TEMP VIEW {view} AS {item.clean}")
    if "transactions" not in cleaned:
        connection.raw_sql(f"CREATE TEMP VIEW {clean_place('transactions')} AS {sold_query(cleaned)}")
    own = [f"SELECT * FROM {_OWN_CUSTOMERS}"] if "customers" in cleaned else []
    dated = [name for name in DATED if name in cleaned]
    extra = [_derived_customers(connection, own, dated)] if derive else []
    connection.raw_sql(f"CREATE TEMP VIEW {clean_place('customers')} AS {' UNION ALL '.join(own + extra)}")
    query = f"SELECT count(*) FROM {clean_place('customers')} WHERE {PLACE} IS NULL"
    return int(connection.raw_sql(query).fetchone()[0])


def sold_query(cleaned: Mapping[str, Cleaned]) -> str:
    """Write SQL of the clean transactions; of no row where the company has none."""
    if "transactions" in cleaned:
        return cleaned["transactions"].clean
    return f"SELECT CAST(NULL AS BIGINT) AS {PLACE}, {_all_columns(TABLES['transactions'], {})} WHERE false"


def kept_query(standardised: Standardised) -> str:
    """Write SQL of the rows that are neither set aside nor replaced, in all columns of the vocabulary."""
    return f"SELECT * FROM {standardised.converted.kept}"


def _derived_customers(connection: ibis.BaseBackend, own: list[str], dated: list[str]) -> str:
    chosen = _all_columns(TABLES["customers"], {"customer_id": "customer_id"})
    unknown = f"WHERE customer_id NOT IN (SELECT customer_id FROM {_OWN_CUSTOMERS})" if own else ""
    known = " UNION ALL ".join(f"SELECT customer_id FROM {clean_place(name)}" for name in dated)
    ids = f"SELECT DISTINCT customer_id FROM ({known}) {unknown}"
    # a table: a view would look through all transactions at each use
    connection.raw_sql(f"CREATE TEMP TABLE {_DERIVED_CUSTOMERS} AS {ids}")
    return f"SELECT CAST(NULL AS BIGINT) AS {PLACE}, {chosen} FROM {_DERIVED_CUSTOMERS}"


def _all_columns(table: Table, mapped: Mapping[str, str]) -> str:
    # NULL by a cast of the engine's own type names: Ibis' names are not SQL
    return ", ".join(
        f"{mapped[name]} AS {quote_identifier(name)}"
        if name in mapped
        else f"CAST(NULL AS {DuckDBType.to_string(kind)}) AS {quote_identifier(name)}"
        for name, kind in schema_of(table).items()
    )


def ordered_rows(connection: ibis.BaseBackend, table: Table) -> ibis.Table:
    """Return the rows of a clean view as they are written, in the order of the source."""
    names = ", ".join(quote_identifier(column.name) for column in table.columns)
    # rows of derived customers have no place
    first = f"NULLS LAST, {quote_identifier(table.columns[0].name)}" if table.name == "customers" else ""
    query = f"SELECT {names} FROM {clean_place(table.name)} ORDER BY {PLACE} {first}"
    return connection.sql(query, dialect="duckdb")


def middle_query(value: str, place: str) -> str:
    """Write SQL of the lower median of a value that repeats: counting it costs less than sorting."""
    counted = f"SELECT {value} AS v, count(*) AS n FROM {place} WHERE {value} IS NOT NULL GROUP BY v"
    summed = f"SELECT v, sum(n) OVER (ORDER BY v) AS upto, sum(n) OVER () AS total FROM ({counted})"
    return f"(SELECT min(v) FROM ({summed}) WHERE 2 * upto >= total)"


def last_day(connection: ibis.BaseBackend, first: Cleaned, moment: str) -> date:
    """Return the day of the last usable row of the table that dates the company."""
    query = f"SELECT CAST(max({moment}) AS DATE) FROM {first.standardised.converted.kept}"
    last: date = connection.raw_sql(query).fetchone()[0]
    return last
