"""Traps in clean rows: counted and said, never removed."""

from __future__ import annotations

from collections.abc import Collection

import ibis

from crm_helpers.cleaning.converted import FATAL, code_of
from crm_helpers.cleaning.rows import middle_query
from crm_helpers.cleaning.rules import (
    EXTREME,
    IDENTICAL,
    KEPT_AS_ZERO,
    OVERHANG,
    PRICE_JUMP,
    RETURN,
    TRACE,
    ZERO,
    Rule,
)
from crm_helpers.cleaning.standardise import Standardised, clean_place
from crm_helpers.cleaning.units import price_jumps
from crm_helpers.ingest.readers import ROW
from crm_helpers.lake import quote_identifier

__all__ = ["Flag", "find_traps"]

EXTREME_TIMES = 1000  # an extreme quantity is more than this many times the median one
OVERHANG_HOUR = 6  # the last business day may run on until this hour
OVERHANG_SHARE = 0.2  # of a median day's rows: with more, the last day is a day of its own

Flag = tuple[Rule, str, int]
"""A rule, the column it is about, and how many rows it touches."""


def find_traps(connection: ibis.BaseBackend, standardised: Standardised, merged: str) -> list[Flag]:
    """Count the traps of clean transactions.

    Parameters
    ----------
    connection
        The engine, with the clean transactions in it.
    standardised
        Where they were converted; without a key, identical rows are counted.
    merged
        The engine's table of replaced rows.

    Returns
    -------
    list
        Rule, column and rows, where there are any.
    """
    columns = [column.name for column in standardised.columns]
    traces = _traces(connection, standardised, merged)
    middle = middle_query("abs(nullif(quantity, 0))", clean_place("transactions"))
    extreme = f"abs(quantity) > {EXTREME_TIMES} * {middle}"
    found = [
        (ZERO, "amount", _count(connection, "transactions", "amount = 0") - traces),
        (TRACE, "amount", traces),
        (RETURN, "amount", _count(connection, "transactions", "amount < 0")),
        (EXTREME, "quantity", _count(connection, "transactions", extreme) if "quantity" in columns else 0),
        (PRICE_JUMP, "amount, quantity", price_jumps(connection, columns)),
        (OVERHANG, "ordered_at", _overhang(connection)),
        (IDENTICAL, "", 0 if standardised.key else _identical(connection, columns)),
    ]
    return [flag for flag in found if flag[2]]


def _traces(connection: ibis.BaseBackend, standardised: Standardised, merged: str) -> int:
    rows, gone = standardised.converted.faulty, quote_identifier(merged)
    query = (
        f"SELECT count(*) FROM {rows} WHERE {FATAL} = 0 AND {code_of('amount')} = {KEPT_AS_ZERO}"
        f" AND {ROW} NOT IN (SELECT {ROW} FROM {gone})"
    )
    return int(connection.raw_sql(query).fetchone()[0])


def _overhang(connection: ibis.BaseBackend) -> int:
    rows, latest, usual = connection.raw_sql(
        "WITH days AS (SELECT CAST(ordered_at AS DATE) AS day, count(*) AS rows, max(ordered_at) AS latest"
        f" FROM {clean_place('transactions')} GROUP BY day)"
        " SELECT arg_max(rows, day), hour(max(latest)), median(rows) FROM days"
    ).fetchone()
    return int(rows) if latest < OVERHANG_HOUR and rows < OVERHANG_SHARE * usual else 0


def _identical(connection: ibis.BaseBackend, columns: Collection[str]) -> int:
    whole = ", ".join(map(quote_identifier, columns))
    query = f"SELECT count(*) - count(DISTINCT hash({whole})) FROM {clean_place('transactions')}"
    return int(connection.raw_sql(query).fetchone()[0])


def _count(connection: ibis.BaseBackend, table: str, condition: str) -> int:
    query = f"SELECT count(*) FROM {clean_place(table)} WHERE {condition}"
    return int(connection.raw_sql(query).fetchone()[0])
