"""Parquet files in groups of rows of one size, whatever batches the rows come in: equal rows, equal bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Self, TypeVar

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.engine import quote_identifier

__all__ = ["GROUP_ROWS", "RowGroups", "in_order", "stream", "write_stream"]

Result = TypeVar("Result")

GROUP_ROWS = 122_880
"""Rows of a group: what the engine itself writes, and reads at a time on each of its threads."""

_FEW_BATCHES = 2  # of GROUP_ROWS: rows out of order are sorted in memory, without asking the engine again

_FORM = {
    "compression": "zstd",
    # bytes: a column with a longer list of values is written as it comes, which is quicker and smaller
    "dictionary_pagesize_limit": 100_000,
    "store_decimal_as_integer": True,
}


class RowGroups:
    """Writes a Parquet file, one group of rows while the next one is made.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.parquet"
    >>> with RowGroups(path, pa.schema({"n": pa.int64()})) as file:
    ...     for first in range(0, 200_000, 1_000):
    ...         file.write(pa.table({"n": range(first, first + 1_000)}))
    >>> [pq.read_metadata(path).row_group(i).num_rows for i in range(2)]
    [122880, 77120]
    """

    def __init__(self, path: Path, schema: pa.Schema, *, rising: Collection[str] = ()) -> None:
        self.rows = 0
        self._schema = schema
        # pandas' own metadata names library versions: without it the bytes depend on the rows alone
        self._file = pq.ParquetWriter(
            path,
            schema.remove_metadata(),
            use_dictionary=[name for name in schema.names if name not in rising],
            column_encoding=dict.fromkeys(rising, "DELTA_BINARY_PACKED"),  # rising numbers, as differences
            **_FORM,
        )
        self._thread = ThreadPoolExecutor(1)
        self._written: Future[None] | None = None
        self._kept: list[pa.Table] = []
        self._kept_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._put(pa.concat_tables(self._kept) if self._kept else self._schema.empty_table())
                self._wait()
        finally:
            self._thread.shutdown()
            self._file.close()

    def write(self, rows: pa.Table) -> None:
        """Take rows, in the columns and types of the file's schema."""
        self._kept.append(rows)
        self._kept_rows += rows.num_rows
        while self._kept_rows >= GROUP_ROWS:
            waiting = pa.concat_tables(self._kept)
            self._put(waiting.slice(0, GROUP_ROWS))
            self._kept = [waiting.slice(GROUP_ROWS)]
            self._kept_rows -= GROUP_ROWS

    def _put(self, group: pa.Table) -> None:
        self._wait()
        self.rows += group.num_rows
        # one chunk a column: where chunks end, pages end too, and the bytes would differ
        whole = group.combine_chunks().replace_schema_metadata(None)
        self._written = self._thread.submit(self._file.write_table, whole, GROUP_ROWS)

    def _wait(self) -> None:
        if self._written:
            self._written.result()


def stream(connection: ibis.BaseBackend, query: str) -> Iterator[pa.Table]:
    """Ask the engine for rows: first none of them, which shows the columns, then all as they come."""
    reader = connection.raw_sql(query).to_arrow_reader(GROUP_ROWS)
    yield reader.schema.empty_table()
    for batch in reader:
        yield pa.Table.from_batches([batch])


def write_stream(rows: Iterable[pa.Table], path: Path, schema: pa.Schema) -> int:
    """Write the schema's columns of rows as they come, and return how many rows there are."""
    with RowGroups(path, schema) as file:
        for part in rows:
            file.write(part.select(schema.names).cast(schema))
    return file.rows


class _OutOfOrderError(Exception):
    """Rows came in another order than that of their numbers."""


def in_order(
    connection: ibis.BaseBackend, query: str, number: str, use: Callable[[Iterator[pa.Table]], Result]
) -> Result:
    """Use the rows of a query in the order of a column of numbers.

    They mostly stand in that order, and looking costs a hundredth of sorting. Where they do not, few rows
    are sorted here; of many, `use` is called again with those that the engine sorts, and must begin anew.

    Parameters
    ----------
    connection
        The engine.
    query
        SQL of the rows.
    number
        The column of numbers, none of them twice.
    use
        What to do with the rows, as `stream` gives them.

    Returns
    -------
    object
        What `use` gave.
    """
    batches = stream(connection, query)
    first = list(islice(batches, 1 + _FEW_BATCHES))
    rest = next(batches, None)
    if rest is None:
        return use(_sorted(first, number))
    try:
        return use(_watched(chain(first, [rest], batches), number))
    except _OutOfOrderError:
        return use(stream(connection, f"SELECT * FROM ({query}) ORDER BY {quote_identifier(number)}"))


def _sorted(batches: list[pa.Table], number: str) -> Iterator[pa.Table]:
    yield batches[0]
    rows = pa.concat_tables(batches)
    numbers = rows[number].to_numpy()
    if not (numbers[1:] > numbers[:-1]).all():
        rows = rows.take(np.argsort(numbers))
    if len(batches) > 1:
        yield rows


def _watched(batches: Iterator[pa.Table], number: str) -> Iterator[pa.Table]:
    last = np.array([np.iinfo(np.int64).min])
    for batch in batches:
        numbers = np.concatenate([last, batch[number].to_numpy()])
        if not (numbers[1:] > numbers[:-1]).all():
            raise _OutOfOrderError
        last = numbers[-1:]
        yield batch
