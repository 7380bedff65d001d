"""Which source column feeds which column of a table: by headers first, then by what the values look like."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import ibis
import pyarrow as pa

from crm_helpers.ingest.batches import LOCATORS
from crm_helpers.ingest.fits import Fit, fit_values
from crm_helpers.ingest.likeness import best_columns
from crm_helpers.ingest.personal import personal_columns
from crm_helpers.ingest.proposals import proposed_rules
from crm_helpers.lake import connect, quote_identifier
from crm_helpers.tables import Column, Table

__all__ = ["GuessedColumn", "GuessedTable", "guess_table"]

BY_VALUES = 0.65  # score of a guess that no header supports


@dataclass(frozen=True)
class GuessedColumn:
    """The source column that a column may come from, and how its values fit."""

    header: str
    score: float  # of the header
    fit: Fit
    by_values: bool = False

    @property
    def said(self) -> str:
        """The score, lowered by the share of values that do not convert, and where it comes from."""
        why = " by its values" if self.by_values else ""
        part = f", {self.fit.share:.0%} of the values convert" if self.fit.share < 1 else ""
        return f"score {self.score * self.fit.share:.2f}{why}{part}"


@dataclass(frozen=True)
class GuessedTable:
    """What was guessed of one table, and the conditions its rows suggest."""

    columns: dict[str, GuessedColumn]  # by canonical column
    rules: tuple[str, ...]  # comments of a profile

    @property
    def currencies(self) -> frozenset[str]:
        """Currencies whose signs stand in its amounts."""
        return frozenset(guess.fit.currency for guess in self.columns.values()) - {""}


def guess_table(table: Table, rows: pa.Table) -> GuessedTable:
    """Guess where the columns of a table come from.

    Parameters
    ----------
    table
        The canonical table.
    rows
        The source's first rows.

    Returns
    -------
    GuessedTable
        No source column is used twice; a column nobody can tell is not there.
    """
    headers = [name for name in rows.column_names if name not in LOCATORS]
    connection = connect(Path(tempfile.gettempdir()))
    try:
        sample = connection.create_table("guessed rows", rows)
        named = best_columns(headers, table)
        taken = {header for header, _ in named.values()}
        free = [header for header in headers if header not in taken]
        columns = {
            name: GuessedColumn(header, score, fit_values(connection, sample, header, table.column(name)))
            for name, (header, score) in named.items()
        }
        lacking = [column for column in table.columns if column.name not in named]
        columns |= _by_form(connection, sample, lacking, free) | _by_moments(
            connection, sample, lacking, free
        )
        origins = {name: guess.header for name, guess in columns.items()}
        return GuessedTable(columns, tuple(proposed_rules(table, headers, origins, (connection, sample))))
    finally:
        connection.disconnect()


def _by_form(
    connection: ibis.BaseBackend, sample: ibis.Table, lacking: list[Column], free: list[str]
) -> dict[str, GuessedColumn]:
    if not free or not any(column.form for column in lacking):
        return {}
    kinds = personal_columns(sample.select(*free).to_pyarrow())
    found: dict[str, GuessedColumn] = {}
    for column in lacking:
        header = next((h for h, kind in kinds.items() if column.form and kind == column.form), "")
        if header:
            fit = fit_values(connection, sample, header, column)
            found[column.name] = GuessedColumn(header, BY_VALUES, fit, by_values=True)
    return found


def _by_moments(
    connection: ibis.BaseBackend, sample: ibis.Table, lacking: list[Column], free: list[str]
) -> dict[str, GuessedColumn]:
    found: dict[str, GuessedColumn] = {}
    for column in lacking:
        if not column.required or column.type != "datetime":
            continue
        fits = {header: fit_values(connection, sample, header, column) for header in free}
        moments = [h for h, fit in fits.items() if fit.share == 1 and _is_no_number(connection, sample, h)]
        if len(moments) == 1:  # of several, nobody but a person can choose
            found[column.name] = GuessedColumn(moments[0], BY_VALUES, fits[moments[0]], by_values=True)
    return found


def _is_no_number(connection: ibis.BaseBackend, sample: ibis.Table, header: str) -> bool:
    text = f"CAST({quote_identifier(header)} AS VARCHAR)"
    query = f"SELECT count({text}), count(TRY_CAST({text} AS DOUBLE)) FROM ({connection.compile(sample)})"
    given, numbers = connection.raw_sql(query).fetchone()
    return bool(given) and not numbers
