"""Rows with the same key: the last one of the source wins, the others are merged into it and counted."""

from __future__ import annotations

import ibis

from crm_helpers.cleaning.standardise import Standardised
from crm_helpers.ingest.readers import ROW
from crm_helpers.lake import quote_identifier

__all__ = ["find_merged"]


def find_merged(connection: ibis.BaseBackend, standardised: Standardised) -> tuple[str, int]:
    """Find the rows that a later row with the same key replaces.

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
        Name of the engine's table of replaced rows (`_row`), and their count; in the converted table they are
        marked as replaced.
    """
    place = f"merged {standardised.table.name}"
    found, rows = quote_identifier(place), quote_identifier(standardised.place)
    query = _replaced(standardised) if standardised.key else f"SELECT 0 AS {ROW} LIMIT 0"
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {found} AS {query}")
    count = int(connection.raw_sql(f"SELECT count(*) FROM {found}").fetchone()[0])
    if count:
        connection.raw_sql(f"UPDATE {rows} SET replaced = true WHERE {ROW} IN (SELECT {ROW} FROM {found})")
    return place, count


def _replaced(standardised: Standardised) -> str:
    rows, names = quote_identifier(standardised.place), [quote_identifier(k) for k in standardised.key]
    keys = ", ".join(names)
    same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM l.{name}" for name in names)
    known = " OR ".join(f"{name} IS NOT NULL" for name in names)
    good = f"fatal = 0 AND ({known})"
    # equal keys have equal hashes: the keys themselves are compared of the few rows whose hash is there twice
    return (
        f"WITH twice AS (SELECT hash({keys}) AS mark FROM {rows} WHERE {good}"
        " GROUP BY mark HAVING count(*) > 1),"
        f" alike AS MATERIALIZED (SELECT {ROW}, {keys} FROM {rows}"
        f" WHERE {good} AND hash({keys}) IN (SELECT mark FROM twice)),"
        f" last AS (SELECT {keys}, max({ROW}) AS kept FROM alike GROUP BY {keys})"
        f" SELECT r.{ROW} FROM alike r JOIN last l ON {same} WHERE r.{ROW} < l.kept"
    )
