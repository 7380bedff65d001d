"""Tables that pages publish: checked against `results.py`, written as Parquet and as CSV.

A CSV cell of text that a spreadsheet would take for a formula gets a leading apostrophe; numbers stay
numbers.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from crm_helpers import lake
from crm_helpers.errors import RunError, suggest
from crm_helpers.record import TableRecord
from crm_helpers.results import RESULTS
from crm_helpers.tables import Table

__all__ = ["publish_frame", "typed"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def publish_frame(name: str, frame: pd.DataFrame, folder: Path) -> TableRecord:
    """Write a published table as `<name>.parquet` and `<name>.csv`.

    Parameters
    ----------
    name
        A table of `results.py`.
    frame
        Its rows, in the order they are written.
    folder
        The run's `tables/`.

    Returns
    -------
    TableRecord
        Name, rows and fingerprint of the Parquet file.

    Raises
    ------
    RunError
        When no such table is known, a column is missing, unknown, or not of its type.
    """
    if name not in RESULTS:
        raise RunError(f'page.publish: no table "{name}" in results.py: {suggest(name, RESULTS)}')
    arrow = typed(frame, RESULTS[name])
    record = lake.write_table(arrow, folder / f"{name}.parquet")
    lake.write_text(_as_csv(arrow), folder / f"{name}.csv")
    return record


def typed(frame: pd.DataFrame, table: Table) -> pa.Table:
    """Bring a frame to a table's columns, order and types.

    Parameters
    ----------
    frame
        The rows; optional columns may be absent and are then empty.
    table
        What they must be.

    Returns
    -------
    pyarrow.Table
        The rows in the table's own types.

    Raises
    ------
    RunError
        When a column is missing, unknown, empty where required, out of its range, or not of its type.
    """
    names = [column.name for column in table.columns]
    for name in frame.columns:
        if name not in names:
            raise RunError(f'table "{table.name}": unknown column "{name}"; {suggest(str(name), names)}')
    absent = [name for name in table.required_columns if name not in frame]
    if absent:
        raise RunError(
            f'table "{table.name}": column "{absent[0]}" is missing; have {", ".join(frame.columns)}'
        )
    schema = lake.schema_of(table).to_pyarrow()
    columns = [_typed_column(frame, table, name, schema.field(name).type) for name in names]
    _check_key(frame, table)
    return pa.table(columns, names=names)


def _typed_column(frame: pd.DataFrame, table: Table, name: str, kind: pa.DataType) -> pa.Array:
    if name not in frame:
        return pa.nulls(len(frame), kind)
    column = table.column(name)
    try:
        values = _converted(frame[name], kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        raise RunError(
            f'table "{table.name}": column "{name}" is {frame[name].dtype}, not {column.type}'
        ) from None
    if column.required and values.null_count:
        raise RunError(f'table "{table.name}": column "{name}" is empty in {values.null_count} rows')
    outside = [value for value in (column.minimum, column.maximum) if value is not None]
    if (
        outside
        and not frame[name].dropna().astype(float).between(*_limits(column.minimum, column.maximum)).all()
    ):
        raise RunError(f'table "{table.name}": column "{name}" has values outside its range')
    return values


def _converted(values: pd.Series, kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind) and pd.api.types.is_numeric_dtype(values):
        values = values.astype(float).round(kind.scale)
    if pa.types.is_string(kind) and isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("str")
    array = pa.Array.from_pandas(values)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    words = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    if pa.types.is_string(kind) and not words and array.null_count < len(array):
        raise pa.ArrowTypeError("not text")
    return array.cast(kind)


def _limits(minimum: float | None, maximum: float | None) -> tuple[float, float]:
    return (float("-inf") if minimum is None else minimum, float("inf") if maximum is None else maximum)


def _check_key(frame: pd.DataFrame, table: Table) -> None:
    key = list(table.key)
    if key and (twice := int(frame.duplicated(key).sum())):
        raise RunError(f'table "{table.name}": {twice} rows repeat the key {", ".join(key)}')


def _as_csv(arrow: pa.Table) -> str:
    columns = [_harmless(column) if pa.types.is_string(column.type) else column for column in arrow.columns]
    sink = pa.BufferOutputStream()
    csv.write_csv(pa.table(columns, names=arrow.column_names), sink)
    return bytes(sink.getvalue()).decode("utf-8")


def _harmless(column: pa.ChunkedArray) -> pa.Array:
    values = column.to_pylist()
    quoted = [f"'{text}" if text and text.startswith(_FORMULA) else text for text in values]
    return pa.array(quoted, pa.string())
