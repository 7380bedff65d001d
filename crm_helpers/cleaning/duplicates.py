"""Rows with the same key: the last one of the source wins, the others are merged into it and counted."""

from __future__ import annotations

import ibis

from crm_helpers.cleaning.converted import PLACE
from crm_helpers.cleaning.standardise import Standardised
from crm_helpers.lake import quote_identifier

__all__ = ["drop_merged"]


def drop_merged(connection: ibis.BaseBackend, standardised: Standardised) -> tuple[str, int]:
    """Take out the rows that a later row with the same key replaces.

    Rows without any key value are never merged: empty is not equal to empty.

    Parameters
    ----------
    connection
        The engine; a temporary table is made in it.
    standardised
        The converted table.

    Returns
    -------
    tuple of str and int
        Name of the engine's table of replaced rows (all columns, and `_row`, their number in the source),
        and their count.
    """
    place = f"merged {standardised.table.name}"
    found, rows = quote_identifier(place), standardised.converted
    alone = rows.rising or not standardised.key
    query = f"SELECT 0 AS {PLACE} LIMIT 0" if alone else _replaced(standardised)
    # a table of its own, mostly empty: only of its size does the engine know not to join everything
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE replaced AS {query}")
    connection.raw_sql(
        f"CREATE OR REPLACE TEMP TABLE {found} AS SELECT * FROM replaced"
        f" JOIN {rows.numbers} USING ({PLACE}) JOIN {rows.kept} USING ({PLACE})"
    )
    count = int(connection.raw_sql(f"SELECT count(*) FROM {found}").fetchone()[0])
    if count:
        rows.drop(connection, f"SELECT {PLACE} FROM {found}")
    return place, count


def _replaced(standardised: Standardised) -> str:
    rows, names = standardised.converted.kept, [quote_identifier(k) for k in standardised.key]
    keys = ", ".join(names)
    same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM l.{name}" for name in names)
    known = " OR ".join(f"{name} IS NOT NULL" for name in names)
    # equal keys have equal hashes: the keys themselves are compared of the few rows whose hash is there twice
    return (
        f"WITH twice AS (SELECT hash({keys}) AS mark FROM {rows} WHERE {known}"
        " GROUP BY mark HAVING count(*) > 1),"
        f" alike AS MATERIALIZED (SELECT {PLACE}, {keys} FROM {rows}"
        f" WHERE ({known}) AND hash({keys}) IN (SELECT mark FROM twice)),"
        f" last AS (SELECT {keys}, max({PLACE}) AS kept FROM alike GROUP BY {keys})"
        f" SELECT r.{PLACE} FROM alike r JOIN last l ON {same} WHERE r.{PLACE} < l.kept"
    )
