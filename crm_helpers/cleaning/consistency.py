"""Do the columns of a row agree? Relations that hold in any company's data, counted where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import pandas as pd

from crm_helpers.cleaning.flags import Flag
from crm_helpers.cleaning.rules import CONTRADICTION
from crm_helpers.cleaning.standardise import Standardised, clean_place

__all__ = ["RELATIONS", "Relation", "check_relations", "relation_flags"]


@dataclass(frozen=True)
class Relation:
    """What two or three columns of one row must keep, wherever they are given."""

    table: str
    columns: tuple[str, ...]
    words: str
    holds: str  # SQL; NULL where one of the columns is empty: nothing is asked of such a row


RELATIONS = (
    Relation("transactions", ("quantity", "amount"), "of one sign", "quantity * CAST(amount AS DOUBLE) >= 0"),
    Relation("transactions", ("cost", "amount"), "of one sign", "sign(cost) * sign(amount) >= 0"),
    Relation("campaigns", ("starts_on", "ends_on"), "in this order", "starts_on <= ends_on"),
    Relation("communications", ("occurred_at", "resolved_at"), "in this order", "occurred_at <= resolved_at"),
    Relation(
        "campaign_contacts", ("contacted_at", "responded_at"), "in this order",
        "contacted_at <= responded_at",
    ),
    Relation(
        "campaign_contacts", ("responded", "responded_at"), "a time only with an answer",
        "CASE WHEN responded_at IS NOT NULL THEN responded END",
    ),
    Relation("customers", ("birth_date", "joined_on"), "in this order", "birth_date <= joined_on"),
    Relation("relations", ("customer_id", "related_id"), "two customers", "customer_id <> related_id"),
    Relation(
        "channels", ("lost_customers", "customers_at_start", "new_customers"), "no more lost than there were",
        "lost_customers <= customers_at_start + new_customers",
    ),
)  # fmt: skip
"""Relations declared for the canonical tables."""


def check_relations(connection: ibis.BaseBackend, tables: Mapping[str, Standardised]) -> pd.DataFrame:
    """Count, for each relation whose columns a company has, the rows it is asked of and those that break it.

    Parameters
    ----------
    connection
        The engine, with the clean tables in it.
    tables
        The converted tables: which columns a company has.

    Returns
    -------
    pd.DataFrame
        `table`, `columns` (joined by commas), `words`, `rows` asked, `broken`.
    """
    found = []
    for table, converted in tables.items():
        mapped = {column.name for column in converted.columns}
        asked = [r for r in RELATIONS if r.table == table and mapped.issuperset(r.columns)]
        if asked:
            terms = ", ".join(f"count({r.holds}), count_if(NOT ({r.holds}))" for r in asked)
            counts = connection.raw_sql(f"SELECT {terms} FROM {clean_place(table)}").fetchone()
            found += [
                (table, ", ".join(r.columns), r.words, int(counts[2 * i]), int(counts[2 * i + 1]))
                for i, r in enumerate(asked)
            ]
    return pd.DataFrame(found, columns=["table", "columns", "words", "rows", "broken"])


def relation_flags(relations: pd.DataFrame) -> dict[str, list[Flag]]:
    """List, by table, the rows whose columns contradict each other."""
    flags: dict[str, list[Flag]] = {}
    for line in relations[relations["broken"] > 0].to_dict("records"):
        flags.setdefault(line["table"], []).append((CONTRADICTION, line["columns"], int(line["broken"])))
    return flags
