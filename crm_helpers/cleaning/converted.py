"""Where the converted rows of a table are: those that stay, their numbers in the source, all with a fault.

They lie in files, not in the engine's memory. The file of those that stay is in the form of a clean version:
where nothing changes them later, it becomes the clean table as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crm_helpers.cleaning.rising import RisingKey
from crm_helpers.ingest.batches import FILE_ROW, ROW
from crm_helpers.lake import quote_identifier, quote_text, schema_of
from crm_helpers.row_groups import RowGroups, in_order, write_stream
from crm_helpers.tables import Table

__all__ = ["CODES_OF", "FATAL", "PLACE", "TOUCHED", "Converted", "code_of", "write_converted"]

PLACE = "_place"
"""Of a row that stays: its place among those, from 0 on."""

FATAL = "fatal"
"""What costs a row: 0 for one that stays."""

TOUCHED = "touched"
"""Whether a row, or a value of it, breaks a rule."""

CODES_OF = "codes"
"""The codes of a row's values, in the order of its columns; empty where all are 0."""

_NUMBERS = pa.schema({ROW: pa.int64()})


@dataclass(frozen=True)
class Converted:
    """The converted rows of a table; `kept`, `numbers` and `faulty` are views of the engine, quoted."""

    table: Table
    folder: Path
    rising: bool = False  # the keys of those that stay rise from row to row

    @property
    def kept(self) -> str:
        """Rows that stay: `_place` and all columns of the vocabulary."""
        return quote_identifier(f"kept {self.table.name}")

    @property
    def numbers(self) -> str:
        """The same rows: `_place`, and `_row`, their numbers in the source."""
        return quote_identifier(f"numbers {self.table.name}")

    @property
    def faulty(self) -> str:
        """Rows that break a rule, staying or not: `_row`, mapped columns, a code beside each, `fatal`."""
        return quote_identifier(f"faulty {self.table.name}")

    @property
    def kept_file(self) -> Path:
        """The file of the rows that stay."""
        return next(self.folder.glob(f"{self.table.name}.kept.*.parquet"))

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of the clean table."""
        return schema_of(self.table).to_pyarrow()

    def drop(self, connection: ibis.BaseBackend, places: str) -> None:
        """Take rows out of those that stay, given SQL of their places; all places are new then."""
        gone = np.sort(connection.raw_sql(places).fetchnumpy()[PLACE])
        for name, schema in (("numbers", _NUMBERS), ("kept", self.schema)):
            self._rewrite(connection, name, schema, lambda rows: _without(rows, gone))

    def rename(self, connection: ibis.BaseBackend, columns: Sequence[str], ids: pa.Table) -> None:
        """Write other ids into columns of the rows that stay, given the old and the new ones."""
        self._rewrite(connection, "kept", self.schema, lambda rows: _renamed(rows, columns, ids))

    def _rewrite(
        self,
        connection: ibis.BaseBackend,
        name: str,
        schema: pa.Schema,
        change: Callable[[pa.Table], pa.Table],
    ) -> None:
        """Change the rows of a file as they come: a join in the engine would bring them out of order."""
        query = f"SELECT * FROM {quote_identifier(f'{name} {self.table.name}')}"
        (old,) = self.folder.glob(f"{self.table.name}.{name}.*.parquet")
        new = old.with_name(f"{self.table.name}.{name}.{int(old.suffixes[-2][1:]) + 1}.parquet")
        in_order(connection, query, PLACE, lambda rows: write_stream(map(change, rows), new, schema))
        self._show(connection, name, new)
        old.unlink()

    def show(self, connection: ibis.BaseBackend, files: Mapping[str, Path], coded: Sequence[str]) -> None:
        """Make the views of the files; the codes of the coded columns get a column each."""
        for name in ("kept", "numbers"):
            self._show(connection, name, files[name])
        codes = [f"coalesce({CODES_OF}[{i}], 0) AS {code_of(name)}" for i, name in enumerate(coded, start=1)]
        rows = f"read_parquet({quote_text(str(files['faulty']))})"
        connection.raw_sql(
            f"CREATE TEMP VIEW {self.faulty} AS SELECT * EXCLUDE ({CODES_OF}), {', '.join(codes)} FROM {rows}"
        )

    def _show(self, connection: ibis.BaseBackend, name: str, file: Path) -> None:
        view = quote_identifier(f"{name} {self.table.name}")
        connection.raw_sql(
            f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {FILE_ROW} AS {PLACE}, * EXCLUDE ({FILE_ROW})"
            f" FROM read_parquet({quote_text(str(file))}, {FILE_ROW} = true)"
        )


def code_of(column: str) -> str:
    """Name the column that holds a value's code, quoted."""
    return quote_identifier(f"{column}?")


def write_converted(
    connection: ibis.BaseBackend,
    query: str,
    table: Table,
    folder: Path,
    *,
    coded: Sequence[str],
    key: Sequence[str],
) -> Converted:
    """Convert the rows of a table and part them.

    Parameters
    ----------
    connection
        The engine; the three views are made in it.
    query
        SQL of the converted rows: `_row`, mapped columns, `codes`, `fatal`, `touched`.
    table
        The canonical table.
    folder
        Where the files go.
    coded
        The mapped columns, in the order of their codes.
    key
        The columns that tell rows apart.

    Returns
    -------
    Converted
        Where the rows are.
    """
    files = {name: folder / f"{table.name}.{name}.0.parquet" for name in ("kept", "numbers", "faulty")}
    schema = schema_of(table).to_pyarrow()
    rising = in_order(connection, query, ROW, lambda rows: _part(rows, schema, files, key=RisingKey(key)))
    converted = Converted(table, folder, rising)
    converted.show(connection, files, coded)
    return converted


def _part(rows: Iterator[pa.Table], schema: pa.Schema, files: dict[str, Path], *, key: RisingKey) -> bool:
    judged = next(rows).drop_columns(TOUCHED).schema
    with (
        RowGroups(files["kept"], schema) as kept,
        RowGroups(files["numbers"], _NUMBERS, rising=[ROW]) as numbers,
        RowGroups(files["faulty"], judged) as faulty,
    ):
        for part in rows:
            good = part
            if pc.any(part[TOUCHED]).as_py():
                faulty.write(part.filter(part[TOUCHED]).select(judged.names))
                good = part.filter(pc.equal(part[FATAL], 0))
            whole = _whole(good, schema)
            kept.write(whole)
            key.look(whole)
            numbers.write(good.select([ROW]).cast(_NUMBERS))
    return key.rises


def _without(rows: pa.Table, gone: np.ndarray) -> pa.Table:
    places = rows[PLACE].to_numpy()
    if not len(places):
        return rows
    first, last = np.searchsorted(gone, (places[0], places[-1] + 1))
    return rows.filter(pa.array(~np.isin(places, gone[first:last], assume_unique=True)))


def _renamed(rows: pa.Table, columns: Sequence[str], ids: pa.Table) -> pa.Table:
    old, new = (column.combine_chunks() for column in ids.columns)
    for name in columns:
        now = pc.coalesce(new.take(pc.index_in(rows[name].combine_chunks(), value_set=old)), rows[name])
        rows = rows.set_column(rows.schema.get_field_index(name), name, now)
    return rows


def _whole(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Add the columns the company lacks, empty."""
    columns = [
        rows[name] if name in rows.column_names else pa.nulls(rows.num_rows, kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    return pa.table(columns, names=schema.names).cast(schema)
