"""Put text together column by column: numbers with leading zeros, dates in the styles of exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["blank", "dates", "identifiers", "join", "pick", "times", "when"]

Text: TypeAlias = pa.Array | str


def pick(words: Sequence[str], place: np.ndarray) -> pa.Array:
    """Take words by their places."""
    return pa.array(words, pa.string()).take(pa.array(place))


def join(*parts: Text) -> pa.Array:
    """Join columns and constants of text, row by row.

    Examples
    --------
    >>> join("a", pa.array(["b", "c"]), "!").to_pylist()
    ['ab!', 'ac!']
    """
    return pc.binary_join_element_wise(*parts, "")


def when(mask: np.ndarray, yes: pa.Array, no: pa.Array) -> pa.Array:
    """Choose between two columns of text."""
    return pc.if_else(pa.array(mask), yes, no)


def blank(mask: np.ndarray, text: pa.Array, *, filler: str | None = None) -> pa.Array:
    """Replace the text of the chosen rows, by nothing or by a word that stands for nothing."""
    return pc.if_else(pa.array(mask), pa.scalar(filler, pa.string()), text)


def identifiers(number: np.ndarray, width: int, *, prefix: str = "") -> pa.Array:
    """Write numbers with leading zeros.

    Examples
    --------
    >>> identifiers(np.array([17]), 6).to_pylist()
    ['000017']
    """
    digits = pc.utf8_lpad(pc.cast(pa.array(number), pa.string()), width, "0")
    return join(prefix, digits) if prefix else digits


def dates(day: np.ndarray, year: Text = "-", *, month: Text = "-", end: Text = "") -> pa.Array:
    """Write days since 1970-01-01 as year, month and day, with what stands between and after them.

    Parameters
    ----------
    day
        Days.
    year, month, end
        What follows the year, the month and the day: constants or columns.

    Returns
    -------
    pyarrow.Array
        Text.

    Examples
    --------
    >>> dates(np.array([0])).to_pylist(), dates(np.array([0]), "年", month="月", end="日").to_pylist()
    (['1970-01-01'], ['1970年01月01日'])
    """
    column = pa.array(np.asarray(day).astype("datetime64[D]"))
    parts = [pc.utf8_lpad(pc.cast(part(column), pa.string()), 2, "0") for part in (pc.month, pc.day)]
    return join(pc.cast(pc.year(column), pa.string()), year, parts[0], month, parts[1], end)


def times(second: np.ndarray, *, missing: np.ndarray | None = None) -> pa.Array:
    """Make timestamps without zone of seconds since 1970-01-01, empty where `missing`."""
    return pa.array(np.asarray(second).astype("datetime64[s]"), mask=missing)
