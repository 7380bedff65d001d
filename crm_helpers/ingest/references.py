"""Which references of a sample lead nowhere, and which of them differ from a key by their writing only."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from crm_helpers.lake import quote_identifier, quote_text
from crm_helpers.tables import Table

__all__ = ["lost_references"]

MOST_NAMED = 3  # pairs of writings in one line
_LETTERS = r"[\s_.\-/]+"


def lost_references(
    connection: ibis.BaseBackend, table: Table, mapped: Mapping[str, ibis.Table], *, whole: Mapping[str, bool]
) -> list[str]:
    """Describe the references of a table that its targets do not hold.

    Parameters
    ----------
    connection
        The engine.
    table
        The table that refers.
    mapped
        The mapped tables by name.
    whole
        Whether a table's sample holds all its rows: of a part nothing is said, the rest may hold the key.

    Returns
    -------
    list of str
        A line a reference: rows, and where a key differs by case, blanks or dashes only, both writings; never
        those of a customer.
    """
    found = []
    for column, (target, key) in table.references.items():
        ours, theirs = mapped[table.name], mapped.get(target)
        if theirs is None or column not in ours.columns or not whole[target]:
            continue
        lost = _lost(connection, ours, column, theirs, key)
        rows = sum(count for _, count, _ in lost)
        if not rows:
            continue
        line = f"tables.{table.name}.columns.{column}: {rows:,} sampled rows refer to no row of {target}"
        pairs = [f'"{given}" is "{meant}" there' for given, _, meant in lost if meant]
        personal = table.column(column).personal != "none"
        also = f"; {len(pairs)} differ in writing only" if personal else f"; {', '.join(pairs[:MOST_NAMED])}"
        found.append(line + (also if pairs else ""))
    return found


def _lost(
    connection: ibis.BaseBackend, ours: ibis.Table, column: str, theirs: ibis.Table, key: str
) -> list[tuple[str, int, str | None]]:
    given, known = _texts(connection, ours, column), _texts(connection, theirs, key)
    plain = f"lower(regexp_replace(v, {quote_text(_LETTERS)}, '', 'g'))"
    query = (
        f"WITH g AS (SELECT v, count(*) AS n FROM ({given}) WHERE v IS NOT NULL GROUP BY v),"
        f" k AS (SELECT DISTINCT v FROM ({known}) WHERE v IS NOT NULL),"
        f" p AS (SELECT {plain} AS plain, min(v) AS v FROM k GROUP BY plain),"
        f" l AS (SELECT *, {plain} AS plain FROM g WHERE v NOT IN (SELECT v FROM k))"
        " SELECT l.v, l.n, p.v FROM l LEFT JOIN p USING (plain) ORDER BY l.n DESC, l.v"
    )
    found: list[tuple[str, int, str | None]] = connection.raw_sql(query).fetchall()
    return found


def _texts(connection: ibis.BaseBackend, table: ibis.Table, column: str) -> str:
    value = f"nullif(trim(CAST({quote_identifier(column)} AS VARCHAR)), '')"
    return f"SELECT {value} AS v FROM ({connection.compile(table)})"
