"""The tables that pages publish: the same vocabulary for results as `tables.py` keeps for inputs."""

from __future__ import annotations

from crm_helpers.tables import Column, Table

__all__ = ["RESULTS"]

_RESULTS: tuple[Table, ...] = (
    Table(
        "segments",
        "one row a customer: where the customer stands as of the date",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("segment", "text", "name of the segment by rule", required=True),
        ),
        key=("customer_id",),
    ),
)

RESULTS: dict[str, Table] = {table.name: table for table in _RESULTS}
"""Published tables by name."""
