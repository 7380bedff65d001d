"""Bring features to one scale, learnt once and kept: min-max or z-score, in the engine or on a frame.

min-max  z = (x − min) / (max − min)
z-score  z = (x − mean) / deviation, the deviation of the population
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, overload

import ibis
import numpy as np
import pandas as pd

from crm_helpers.errors import InputError

__all__ = ["Kind", "Scaler", "fit_scaler"]

Kind = Literal["min-max", "z-score"]

CONSTANT = 1e-12  # of a column's size: what spreads less is rounding, and stays as wide as it is


@dataclass(frozen=True)
class Scaler:
    """What was learnt: `z = (x − center) / scale`, column by column."""

    kind: Kind
    columns: tuple[str, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]

    @overload
    def apply(self, table: pd.DataFrame) -> pd.DataFrame: ...
    @overload
    def apply(self, table: ibis.Table) -> ibis.Table: ...
    def apply(self, table: pd.DataFrame | ibis.Table) -> pd.DataFrame | ibis.Table:
        """Return the table with its columns scaled, the others as they are; missing stays missing.

        Examples
        --------
        >>> Scaler("min-max", ("x",), (2.0,), (4.0,)).apply(pd.DataFrame({"x": [2, 4, 6]}))["x"].tolist()
        [0.0, 0.5, 1.0]
        """
        learnt = zip(self.columns, self.center, self.scale, strict=True)
        if isinstance(table, pd.DataFrame):
            scaled = {name: (table[name].astype(float) - center) / scale for name, center, scale in learnt}
            return table.assign(**scaled)
        return table.mutate(
            **{name: (table[name].cast("float64") - center) / scale for name, center, scale in learnt}
        )

    def to_plain(self) -> dict[str, Any]:
        """Return what was learnt as lists and numbers, for JSON; every number is read back as it was."""
        columns = [
            {"name": name, "center": center, "scale": scale}
            for name, center, scale in zip(self.columns, self.center, self.scale, strict=True)
        ]
        return {"kind": self.kind, "columns": columns}

    def to_json(self) -> str:
        """Write what was learnt as JSON."""
        return json.dumps(self.to_plain(), indent=1, ensure_ascii=False)

    @classmethod
    def from_plain(cls, content: Any) -> Scaler:
        """Make a scaler anew from `to_plain`, or raise `InputError` where it is none."""
        try:
            kind, columns = content["kind"], content["columns"]
            names, center, scale = zip(*((c["name"], c["center"], c["scale"]) for c in columns), strict=True)
            found = cls(kind, tuple(map(str, names)), tuple(map(float, center)), tuple(map(float, scale)))
        except (ValueError, TypeError, KeyError):
            raise InputError(
                "this is no scaler: it needs kind, and columns with name, center, scale"
            ) from None
        if kind not in get_args(Kind) or 0 in found.scale:
            raise InputError(f"a scaler is one of {', '.join(get_args(Kind))}, and no scale of it is zero")
        return found

    @classmethod
    def from_json(cls, text: str) -> Scaler:
        """Read a scaler that `to_json` wrote, or raise `InputError` where it is none."""
        try:
            return cls.from_plain(json.loads(text))
        except ValueError:
            raise InputError("this is no scaler: it is not JSON") from None


def fit_scaler(table: pd.DataFrame | ibis.Table, columns: Sequence[str], kind: Kind) -> Scaler:
    """Learn how to scale columns; a constant column is only moved to zero.

    Parameters
    ----------
    table
        A frame, or a table of the engine, which then does the sums.
    columns
        Columns of numbers; missing values take no part.
    kind
        `min-max` or `z-score`.

    Returns
    -------
    Scaler
        What was learnt, to be used for these and for new rows.
    """
    found = (
        _of_frame(table, columns, kind)
        if isinstance(table, pd.DataFrame)
        else _of_table(table, columns, kind)
    )
    center, spread = (np.nan_to_num(np.asarray(side, dtype=float)) for side in found)
    floor = CONSTANT * np.maximum(np.abs(center), 1e-300)
    scale = np.where(spread > floor, spread, 1.0)
    return Scaler(kind, tuple(columns), tuple(center.tolist()), tuple(scale.tolist()))


def _of_frame(frame: pd.DataFrame, columns: Sequence[str], kind: Kind) -> tuple[Any, Any]:
    values = frame[list(columns)].astype(float)
    if kind == "min-max":
        return values.min(), values.max() - values.min()
    return values.mean(), values.std(ddof=0)


def _of_table(table: ibis.Table, columns: Sequence[str], kind: Kind) -> tuple[Any, Any]:
    values = [table[name].cast("float64") for name in columns]
    low = [value.min() if kind == "min-max" else value.mean() for value in values]
    spread = [value.max() - value.min() if kind == "min-max" else value.std(how="pop") for value in values]
    named = {f"center {i}": term for i, term in enumerate(low)} | {
        f"s{i}": term for i, term in enumerate(spread)
    }
    row = table.aggregate(**named).to_pandas().iloc[0].to_list()
    return row[: len(values)], row[len(values) :]
