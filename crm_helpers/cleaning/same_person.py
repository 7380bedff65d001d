"""Customers who are one person become one row, and whatever refers to any of them refers to that row."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import pandas as pd
import pyarrow as pa

from crm_helpers.cleaning.converted import PLACE
from crm_helpers.cleaning.people import PeopleResult, PeopleSettings, golden_records, link_people
from crm_helpers.cleaning.rules import SAME_PERSON
from crm_helpers.cleaning.standardise import Standardised
from crm_helpers.ingest.batches import ROW
from crm_helpers.ingest.ledger import combined_fingerprint
from crm_helpers.lake import quote_identifier, quote_text
from crm_helpers.profile import Profile
from crm_helpers.tables import Table

__all__ = [
    "PEOPLE_TABLES",
    "Linked",
    "gone_query",
    "join_customers",
    "link_customers",
    "refer_to_people",
]

PEOPLE_TABLES = (
    "people", "people_review", "people_rules", "people_log", "people_curve", "people_provenance",
)  # fmt: skip
"""What a clean version holds of people, beside its customers."""

_LINKED, _MOVED = quote_identifier("linked people"), quote_identifier("moved customers")
# what a contact with either id of a person says of the person; of any other column, the last that is known
_TOGETHER = {
    "arm": "max({0})",  # treated, when either was
    "contacted_at": "min({0})", "responded": "bool_or({0})", "responded_at": "min({0})",
}  # fmt: skip


@dataclass(frozen=True)
class Linked:
    """Who is one person, for the tables that refer to customers."""

    tables: dict[str, ibis.Table | pd.DataFrame]  # of `PEOPLE_TABLES`, all but the provenance
    moved: int  # customers who go by another customer's id now
    pairs: pd.DataFrame  # that only the threshold decides about, with the people they are now
    history: str  # fingerprint of what only the version before explains; empty when nothing is


def link_customers(
    connection: ibis.BaseBackend, customers: str, profile: Profile, *, previous: pa.Table | None
) -> Linked:
    """Find the customers who are one person.

    Parameters
    ----------
    connection
        The engine; tables of who is whom are made in it.
    customers
        SQL of the clean customers, one row an id.
    profile
        Thresholds and country.
    previous
        `customer_id` and `person_id` of the version before: people keep their ids.

    Returns
    -------
    Linked
        The people, as tables to publish, and how many customers go by another's id.
    """
    settings = _settings(profile)
    found = link_people(connection.sql(customers, dialect="duckdb"), settings, previous=previous)
    connection.con.register("linked", found.people)
    connection.raw_sql(f"CREATE TEMP TABLE {_LINKED} AS SELECT * FROM linked")
    connection.con.unregister("linked")
    connection.raw_sql(
        f"CREATE TEMP TABLE {_MOVED} AS SELECT * FROM {_LINKED} WHERE customer_id <> person_id"
    )
    tables = {
        "people": found.people, "people_review": found.review, "people_rules": found.rules,
        "people_log": found.log, "people_curve": found.curve,
    }  # fmt: skip
    moved = int((found.people["customer_id"] != found.people["person_id"]).sum())
    return Linked(tables, moved, _with_people(found), _history(found))


def _with_people(found: PeopleResult) -> pd.DataFrame:
    person = found.people.set_index("customer_id")["person_id"]
    pairs = found.open_pairs[["customer_id", "other_id", "probability"]]
    return pairs.assign(
        person_id=pairs["customer_id"].map(person), other_person_id=pairs["other_id"].map(person)
    )


def _settings(profile: Profile) -> PeopleSettings:
    people = profile.people
    return PeopleSettings(
        automatic=people.automatic,
        review=people.review,
        country=profile.country or "",
        identifiers=("document_id",),
        survivorship=dict(people.survivorship),
    )


def _history(found: PeopleResult) -> str:
    ids = found.people.assign(length=found.people["customer_id"].str.len())
    first = ids.sort_values(["length", "customer_id"]).groupby("person_id")["customer_id"].first()
    kept = first[first != first.index]
    if kept.empty and found.log.empty:
        return ""
    return combined_fingerprint(kept.to_csv(), found.log.to_csv(index=False))


def join_customers(
    connection: ibis.BaseBackend, customers: str, profile: Profile, standardised: Standardised
) -> tuple[str, int, ibis.Table]:
    """Make one row of each person's customers, every value chosen by its rule of survivorship.

    Parameters
    ----------
    connection
        The engine, after `link_customers`.
    customers
        SQL of the clean customers with `_place`; the person's row is that of the id that is kept.
    profile
        Rules of survivorship.
    standardised
        The converted customers; the table of rows that went is named after them.

    Returns
    -------
    tuple of str, int and ibis.Table
        SQL of one row a person, how many rows went, and where each value of a merged person comes from.
    """
    rows = connection.sql(customers, dialect="duckdb").drop(PLACE)
    people = connection.sql(f"SELECT * FROM {_LINKED}", dialect="duckdb")
    golden = golden_records(rows, people, _settings(profile))
    names = ", ".join(f"g.{quote_identifier(n)}" for n in rows.columns if n != "customer_id")
    query = (
        f"SELECT r.{PLACE}, r.customer_id, {names} FROM ({customers}) r"
        f" JOIN ({connection.compile(golden.records)}) g ON g.person_id = r.customer_id"
    )
    order = ["person_id", "column"]
    return *_kept_apart(connection, customers, standardised, query), golden.provenance.order_by(order)


def refer_to_people(connection: ibis.BaseBackend, query: str, standardised: Standardised) -> tuple[str, int]:
    """Let the rows of a table refer to people by the ids that are kept.

    Where the customer is part of what tells rows apart, rows that two ids of one person had become one,
    and a relation of a person to themselves goes.

    Parameters
    ----------
    connection
        The engine, after `link_customers`.
    query
        SQL of the table's clean rows with `_place`.
    standardised
        The converted table; unless rows can become one, its references are changed for good.

    Returns
    -------
    tuple of str and int
        SQL of the rows afterwards, and how many went.
    """
    references = _references(standardised.table)
    if not set(references) & set(standardised.table.key) & set(standardised.key):
        # for good: many queries run on a large table, and a join in each would cost more than the rest
        if references:
            moved = connection.raw_sql(f"SELECT customer_id, person_id FROM {_MOVED}").to_arrow_table()
            standardised.converted.rename(connection, references, moved)
        return query, 0
    renamed = _not_to_themselves(query, references)
    return _kept_apart(connection, query, standardised, _together(renamed, standardised))


def gone_query(standardised: Standardised) -> str:
    """Write SQL of the rows that another row of the same person stands for, for the quarantine."""
    place = f'{quote_text(standardised.table.name)} AS "table", {quote_text(standardised.source)} AS source'
    what = f"'customer_id' AS \"column\", {quote_text(SAME_PERSON.name)} AS rule, 'merged' AS outcome"
    return (
        f'SELECT {place}, {ROW} AS "row", {what}, CAST(NULL AS VARCHAR) AS masked_value'
        f" FROM {_gone(standardised)} JOIN {standardised.converted.numbers} USING ({PLACE})"
    )


def _references(table: Table) -> list[str]:
    return [name for name, target in table.references.items() if target == ("customers", "customer_id")]


def _renamed(query: str, references: list[str]) -> str:
    kept = {name: f"coalesce(m{i}.person_id, r.{name})" for i, name in enumerate(references)}
    joins = "".join(f" LEFT JOIN {_MOVED} m{i} ON m{i}.customer_id = r.{n}" for i, n in enumerate(references))
    new = ", ".join(f"{value} AS {name}" for name, value in kept.items())
    return f"SELECT r.* REPLACE ({new}) FROM ({query}) r{joins}"


def _not_to_themselves(query: str, references: list[str]) -> str:
    """Leave out the rows that relate two ids of one person, given SQL of them before and after."""
    if len(references) < 2:
        return _renamed(query, references)
    one, other = references
    return (
        f"SELECT n.* FROM ({_renamed(query, references)}) n JOIN ({query}) r USING ({PLACE})"
        f" WHERE n.{one} <> n.{other} OR r.{one} = r.{other}"
    )


def _together(query: str, standardised: Standardised) -> str:
    chosen = [f"max({PLACE}) AS {PLACE}"]
    for name in map(quote_identifier, (column.name for column in standardised.table.columns)):
        plain = name.strip('"')
        value = _TOGETHER.get(plain, f"arg_max({{0}}, {PLACE})").format(name)
        chosen.append(name if plain in standardised.key else f"{value} AS {name}")
    keys = ", ".join(map(quote_identifier, standardised.key))
    return f"SELECT {', '.join(chosen)} FROM ({query}) GROUP BY {keys}"


def _kept_apart(
    connection: ibis.BaseBackend, before: str, standardised: Standardised, query: str
) -> tuple[str, int]:
    """Write the rows as a table, and the numbers of those that went as another; count these."""
    place = quote_identifier(f"people's {standardised.table.name}")
    connection.raw_sql(f"CREATE TEMP TABLE {place} AS {query}")
    connection.raw_sql(
        f"CREATE TEMP TABLE {_gone(standardised)} AS"
        f" SELECT {PLACE} FROM ({before}) WHERE {PLACE} NOT IN (SELECT {PLACE} FROM {place})"
    )
    gone = int(connection.raw_sql(f"SELECT count(*) FROM {_gone(standardised)}").fetchone()[0])
    return f"SELECT * FROM {place}", gone


def _gone(standardised: Standardised) -> str:
    return quote_identifier(f"same person {standardised.table.name}")
