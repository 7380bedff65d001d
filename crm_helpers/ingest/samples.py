"""Look at the first rows of a source: how many, and what share of a column's values would convert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import ROW
from crm_helpers.ingest.conversion import Locale, converted, in_range, present
from crm_helpers.ingest.databases import database_columns
from crm_helpers.ingest.forms import register_phones
from crm_helpers.ingest.parts import distinct_parts, read_parts
from crm_helpers.ingest.places import locate_all, source_label
from crm_helpers.lake import quote_identifier
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import ColumnMapping, Source
from crm_helpers.tables import Column

__all__ = ["SAMPLE_ROWS", "Sample", "convertible", "sample_source", "text_of"]

SAMPLE_ROWS = 20_000


@dataclass(frozen=True)
class Sample:
    """The first rows of a source."""

    rows: pa.Table
    whole: bool  # these are all its rows
    parts: int = 1

    @property
    def said(self) -> str:
        """How many rows there are, as far as was looked."""
        return f"{self.rows.num_rows:,} rows" if self.whole else f"more than {self.rows.num_rows:,} rows"


def sample_source(folder: CompanyFolder, name: str, source: Source, work: Path) -> Sample:
    """Read the first rows of a source, or raise `InputError`; of a database its columns only."""
    if source.kind == "sql":
        names = [*database_columns(folder, name, source), ROW]
        return Sample(pa.table({column: pa.array([], pa.string()) for column in names}), whole=False)
    parts = distinct_parts(locate_all(folder, name, source))
    batches = read_parts(parts, source, work, label=f"{name} ({source_label(source)})")
    taken: list[pa.Table] = []
    whole = True
    for batch in batches:
        taken.append(batch)
        if sum(item.num_rows for item in taken) > SAMPLE_ROWS:
            whole = False
            break
    if not taken:
        raise InputError(f"sources.{name}: no rows")
    rows = pa.concat_tables(taken)
    return Sample(rows if whole else rows.slice(0, SAMPLE_ROWS), whole, len(parts))


def text_of(column: str, kind: dt.DataType, origin: ColumnMapping) -> str:
    """Write SQL for the present values of a sample's column, as text."""
    return f"CAST({present(quote_identifier(column), kind, origin.missing)} AS VARCHAR)"


def convertible(
    connection: ibis.BaseBackend,
    mapped: ibis.Table,
    name: str,
    column: Column,
    *,
    origin: ColumnMapping,
    locale: Locale,
) -> tuple[int, int]:
    """Count the present values of a mapped column, and those of them that convert and are in range.

    Parameters
    ----------
    connection
        The engine.
    mapped
        A table with the values as they came.
    name
        Their column in it.
    column
        The canonical column they would feed.
    origin
        What is declared of them.
    locale
        The company's zone, currency and country.

    Returns
    -------
    tuple of int and int
        Present values, and good ones.
    """
    query, kind = connection.compile(mapped), mapped.schema()[name]
    given = present(quote_identifier(name), kind, origin.missing)
    if column.form == "phone":
        register_phones(connection, f"SELECT CAST({given} AS VARCHAR) FROM ({query})", country=locale.country)
    value = converted("given", kind, column, origin=origin, locale=locale)
    steps = (
        f"WITH found AS (SELECT {given} AS given FROM ({query})),"
        f" typed AS (SELECT given, {value} AS value FROM found)"
    )
    good = f"count_if(given IS NOT NULL AND value IS NOT NULL AND {in_range('value', column)})"
    counts: Sequence[int] = connection.raw_sql(f"{steps} SELECT count(given), {good} FROM typed").fetchone()
    return int(counts[0]), int(counts[1] or 0)  # over no row at all it is empty
