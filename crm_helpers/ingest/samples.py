"""Look at the first rows of a source: how many, and what share of a column's values would convert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

from crm_helpers.ingest.batches import LOCATORS, ROW
from crm_helpers.ingest.conversion import Locale, converted, in_range, present
from crm_helpers.ingest.databases import first_rows
from crm_helpers.ingest.fetch import fetch
from crm_helpers.ingest.forms import register_phones
from crm_helpers.lake import quote_identifier
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource, ColumnMapping
from crm_helpers.sources import DatabaseSource, RestSource
from crm_helpers.tables import Column

__all__ = ["SAMPLE_ROWS", "Sample", "convertible", "sample_source", "text_of"]

SAMPLE_ROWS = 20_000  # that `crm check` looks at


@dataclass(frozen=True)
class Sample:
    """The first rows of a source."""

    rows: pa.Table
    whole: bool  # these are all its rows

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the source, without the workbook's own."""
        return tuple(name for name in self.rows.column_names if name not in LOCATORS)

    @property
    def said(self) -> str:
        """How many rows there are, as far as was looked."""
        return f"{self.rows.num_rows:,} rows{'' if self.whole else ' or more'}"


def sample_source(folder: CompanyFolder, name: str, source: AnySource, work: Path, *, most: int) -> Sample:
    """Read at most so many first rows of a source, of an API its first page, or raise `InputError`."""
    if isinstance(source, DatabaseSource):  # the one kind that may be empty and yet have columns
        rows = first_rows(folder, name, source, most=most + 1)
        rows = rows.append_column(ROW, pa.array(range(1, rows.num_rows + 1), pa.int64()))
        return Sample(rows.slice(0, most), rows.num_rows <= most)
    fetched = fetch(folder, name, source, work, pages=1)
    taken: list[pa.Table] = []
    whole = not (isinstance(source, RestSource) and source.paging)
    for batch in fetched.batches(work):
        taken.append(batch)
        if sum(item.num_rows for item in taken) > most:
            whole = False
            break
    rows = pa.concat_tables(taken)
    return Sample(rows.slice(0, most), whole)


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
