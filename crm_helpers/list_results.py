"""Columns of lists that wait for their score, and of lists scored: shared by pages 06 and 07."""

from __future__ import annotations

from crm_helpers.tables import Column
from crm_helpers.value_results import interval

__all__ = ["open_columns", "scored_columns"]


def open_columns(by: Column) -> tuple[Column, ...]:
    """List the columns of a list whose window is not over; `by` says what the list is for."""
    return (
        Column("customer_id", "text", "the customer", required=True, personal="identifier"),
        by,
        Column("band", "text", "group in which contacted and held out are compared", required=True),
        Column("arm", "text", "contact, or held out by lot", required=True, choices=("contact", "holdout")),
        Column("listed_on", "date", "day of the list", required=True),
        Column("closes_on", "date", "day on which the list can be scored", required=True),
        Column("expected_sales", "number", "sales a contact is expected to add", "money"),
        Column("error", "number", "standard error of that", "money"),
    )


def scored_columns(by: Column) -> tuple[Column, ...]:
    """List the columns of an earlier list: what it promised, what came, and whether both agree."""
    return (
        Column("listed_on", "date", "day of the list", required=True),
        Column("closes_on", "date", "day on which its window ends", required=True),
        by,
        Column("contacts", "integer", "customers to contact", "count", required=True),
        Column("held_out", "integer", "customers held out by lot", "count", required=True),
        Column("contacted", "number", "of those to contact, recorded as contacted", "share"),
        Column("held_out_contacted", "number", "of those held out, contacted all the same", "share"),
        *interval("promised", "number", "sales a contact was promised to add", "money"),
        *interval("happened", "number", "sales of those to contact less those held out", "money"),
        Column("outcome", "text", "hit, miss, or why not scored", required=True),
    )
