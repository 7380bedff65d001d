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
        Name of the engine's table of replaced rows (`_row`), and their count.
    """
    place = f"merged {standardised.table.name}"
    target = f"CREATE OR REPLACE TEMP TABLE {quote_identifier(place)} AS "
    connection.raw_sql(
        target + (_replaced(standardised) if standardised.key else f"SELECT 0 AS {ROW} LIMIT 0")
    )
    return place, int(connection.raw_sql(f"SELECT count(*) FROM {quote_identifier(place)}").fetchone()[0])


def _replaced(standardised: Standardised) -> str:
    rows, names = quote_identifier(standardised.place), [quote_identifier(k) for k in standardised.key]
    keys = ", ".join(names)
    same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM l.{name}" for name in names)
    return (
        f"WITH last AS (SELECT {keys}, max({ROW}) AS kept FROM {rows}"
        f" WHERE fatal = 0 AND coalesce({', '.join(f'CAST({n} AS VARCHAR)' for n in names)}) IS NOT NULL"
        f" GROUP BY {keys} HAVING count(*) > 1)"
        f" SELECT r.{ROW} FROM {rows} r JOIN last l ON {same} WHERE r.fatal = 0 AND r.{ROW} < l.kept"
    )
