"""Do the tables fit together? References looked up in both directions, and what is nearly a known one.

A reference that leads nowhere is a fault. A row that nobody refers to (a product never sold, a customer
without an order) is none, but an analyst must know of it. An unknown reference that equals a known one but
for case, blanks, width, signs between letters or leading zeros is most likely that one written otherwise: it
is said and never repaired in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import ibis
import pandas as pd

from crm_helpers.cleaning.flags import Flag
from crm_helpers.cleaning.rules import NEAR_MISS, ORPHAN
from crm_helpers.cleaning.standardise import clean_place
from crm_helpers.ingest.forms import folded
from crm_helpers.lake import quote_identifier, quote_text
from crm_helpers.tables import TABLES

__all__ = ["check_references", "orphan_flags"]

REFERENCE, WORDS = "reference", "shared words"
# two tables that use one set of words; a word that the other lacks is worth knowing and no fault
_SHARED = {
    ("transactions", "channel"): ("channels", "channel"),
    ("communications", "channel"): ("channels", "channel"),
    ("service_plans", "channel"): ("channels", "channel"),
    ("sales_plans", "category"): ("products", "category"),
    ("sales_plans", "region"): ("customers", "region"),
}
_COLUMNS = [
    "table", "column", "refers_to", "kind", "rows", "unknown_rows", "unknown_values", "near_rows",
    "near_values", "example", "known_values", "unused_values",
]  # fmt: skip
_NOT_ASCII, _BETWEEN, _LOST = r"[^\x00-\x7F]", r"[^\p{L}\p{M}\p{N}]+", r"\.0+$|^0+"


def check_references(connection: ibis.BaseBackend, mapped: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Look up every reference between the clean tables, from both ends.

    Parameters
    ----------
    connection
        The engine, with the clean tables in it.
    mapped
        Columns a company has, by table; a derived table has its key.

    Returns
    -------
    pd.DataFrame
        One row a reference: `table`, `column`, `refers_to`, `kind` (`reference`, or `shared words`), `rows`
        with a value, `unknown_rows` and `unknown_values` that lead nowhere, of these `near_rows` and
        `near_values` that are known in another writing, an `example` where it is nobody's personal data,
        `known_values` on the other side, and `unused_values` nobody refers to.
    """
    found = [
        _checked(connection, table, column, *target, kind=kind)
        for table, column, target, kind in _declared()
        if column in mapped.get(table, ()) and target[1] in mapped.get(target[0], ())
    ]
    return pd.DataFrame(found, columns=_COLUMNS)


def orphan_flags(references: pd.DataFrame) -> dict[str, list[Flag]]:
    """List, by table, the rows that refer to nothing, those apart that nearly refer to something."""
    flags: dict[str, list[Flag]] = {}
    for line in references[references["kind"] == REFERENCE].to_dict("records"):
        near, unknown = int(line["near_rows"]), int(line["unknown_rows"])
        pairs = ((ORPHAN, unknown - near), (NEAR_MISS, near))
        flags.setdefault(line["table"], []).extend(
            (rule, line["column"], rows) for rule, rows in pairs if rows
        )
    return flags


def _declared() -> list[tuple[str, str, tuple[str, str], str]]:
    true = [(t.name, column, to, REFERENCE) for t in TABLES.values() for column, to in t.references.items()]
    return true + [(table, column, to, WORDS) for (table, column), to in _SHARED.items()]


def _checked(
    connection: ibis.BaseBackend, table: str, column: str, target: str, key: str, *, kind: str
) -> dict[str, object]:
    both = f"({_both_ends(table, column, target, key)})"
    names = ("rows", "unknown_rows", "unknown_values", "known_values", "unused_values")
    counts = connection.raw_sql(
        "SELECT coalesce(sum(rows), 0), coalesce(sum(rows) FILTER (known IS NULL), 0),"
        " count(*) FILTER (known IS NULL), count(known), count(*) FILTER (ours IS NULL)"
        f" FROM {both}"
    ).fetchone()
    line = dict(zip(names, map(int, counts), strict=True))
    near = (0, 0, None)
    if line["unknown_rows"]:
        near = connection.raw_sql(_near(both)).fetchone()
    secret = TABLES[table].column(column).personal != "none"
    return line | {
        "table": table, "column": column, "refers_to": f"{target}.{key}", "kind": kind,
        "near_rows": int(near[0]), "near_values": int(near[1]), "example": None if secret else near[2],
    }  # fmt: skip


def _both_ends(table: str, column: str, target: str, key: str) -> str:
    ours, theirs = quote_identifier(column), quote_identifier(key)
    return (
        f"SELECT ours, rows, known FROM (SELECT {ours} AS ours, count(*) AS rows FROM {clean_place(table)}"
        f" WHERE {ours} IS NOT NULL GROUP BY ours)"
        f" FULL JOIN (SELECT DISTINCT {theirs} AS known FROM {clean_place(target)}"
        f" WHERE {theirs} IS NOT NULL) ON ours = known"
    )


def _near(both: str) -> str:
    arrow = quote_text(" → ")
    return (
        f"WITH ends AS MATERIALIZED {both},"
        f" lost AS (SELECT ours, rows, {_bare('ours')} AS bare FROM ends WHERE known IS NULL),"
        f" there AS (SELECT {_bare('known')} AS bare, min(known) AS known FROM ends WHERE known IS NOT NULL"
        " GROUP BY bare)"
        f" SELECT coalesce(sum(rows), 0), count(*), arg_max(ours || {arrow} || known, (rows, ours))"
        " FROM lost JOIN there USING (bare) WHERE bare <> ''"
    )


def _bare(text: str) -> str:
    # folding by translate is slow, and letters beyond ASCII are rare in references
    wide = f"regexp_matches({text}, {quote_text(_NOT_ASCII)})"
    plain = f"lower(strip_accents(CASE WHEN {wide} THEN {folded(text)} ELSE {text} END))"
    whole = f"regexp_replace({plain}, {quote_text(_LOST)}, '', 'g')"
    return f"regexp_replace({whole}, {quote_text(_BETWEEN)}, '', 'g')"
