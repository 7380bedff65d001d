"""Sums of products of centred columns, added up where the rows are: all that least squares needs of them.

Two passes over the table, whatever its length: means, and products of the columns less their means, so that
large means cost no digits. One pass does every group at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from crm_helpers.analysis.normal_equations import ROUNDING, independent, inverse

__all__ = ["Centred", "CrossProducts", "Solution", "by_group", "cross_products", "pairs", "with_numbers"]


@dataclass(frozen=True)
class Solution:
    """One outcome solved in centred columns, the constant first; a dropped column has zeros."""

    inverse: np.ndarray
    slopes: np.ndarray
    kept: np.ndarray
    centre: np.ndarray  # means of the outcome and of the columns
    rows: int
    total: float  # Σ (y − ȳ)²
    explained: float

    @property
    def rank(self) -> int:
        """Columns kept, the constant among them."""
        return int(self.kept.sum())

    @property
    def r_squared(self) -> float:
        """Share of the outcome's variance explained."""
        return self.explained / self.total if self.total > 0 else np.nan

    @property
    def back(self) -> np.ndarray:
        """Map from centred columns to the given ones: β0 = ȳ − x̄'β."""
        back = np.eye(len(self.kept))
        back[0, 1:] = -self.centre[1:]
        return back


@dataclass(frozen=True)
class CrossProducts:
    """One group: `Σ (x − x̄)(x − x̄)'` of its columns."""

    columns: tuple[str, ...]
    rows: int
    centre: np.ndarray
    gram: np.ndarray

    def part(self, columns: Sequence[str]) -> CrossProducts:
        """Return what is known of some of the columns."""
        at = [self.columns.index(name) for name in columns]
        return CrossProducts(tuple(columns), self.rows, self.centre[at], self.gram[np.ix_(at, at)])

    def mean(self, column: str) -> float:
        """Return the mean of a column."""
        return float(self.centre[self.columns.index(column)])

    def variance(self, column: str) -> float:
        """Return the variance of a column, over n − 1."""
        at = self.columns.index(column)
        return float(self.gram[at, at] / (self.rows - 1)) if self.rows > 1 else np.nan

    def solve(self, outcome: str, regressors: Sequence[str], *, origin: np.ndarray | None = None) -> Solution:
        """Solve `X'X b = X'y`; a column that those before it determine is dropped.

        Where an origin is given columns are measured from there: the constant is what is expected there.
        """
        at = [self.columns.index(name) for name in regressors]
        y = self.columns.index(outcome)
        gram, moment, centre = self.gram[np.ix_(at, at)], self.gram[at, y], self.centre[[y, *at]]
        kept = independent(gram, self.rows * (ROUNDING * centre[1:]) ** 2)
        solution = np.zeros((len(at) + 1,) * 2)
        solution[0, 0] = 1 / self.rows
        solution[1:, 1:][np.ix_(kept, kept)] = inverse(gram[np.ix_(kept, kept)])
        slopes = solution[1:, 1:] @ moment
        spread = {"total": float(self.gram[y, y]), "explained": float(slopes @ moment)}
        centre = centre if origin is None else centre - np.append(0.0, origin)
        return Solution(solution, slopes, np.append(True, kept), centre, self.rows, **spread)


@dataclass(frozen=True)
class Centred:
    """Rows less the means of their group, and the cross-products of each group."""

    rows: ibis.Table
    """`group` where there is more than one, and the columns as `c0`, `c1`, …"""
    columns: tuple[str, ...]
    groups: dict[str, CrossProducts]

    def name(self, column: str) -> str:
        """Return the name that a given column has among `rows`."""
        return f"c{self.columns.index(column)}"


def cross_products(table: ibis.Table, *, columns: Sequence[str], by: str | None = None) -> Centred:
    """Add up the products of all pairs of columns in the engine, by group.

    Parameters
    ----------
    table
        One row an observation; rows with a missing value are left out.
    columns
        Numbers.
    by
        A text column that groups; without it there is one group, with an empty key.

    Returns
    -------
    Centred
        Groups in order of their key; none without rows.
    """
    chosen = {f"c{place}": table[name].cast("float64") for place, name in enumerate(columns)}
    key = {"group": table[by].cast("string")} if by else {}
    rows = table.select(**key, **chosen).drop_null()
    means = by_group(rows, {name: rows[name].mean() for name in chosen})
    centres = means[means["n"] > 0]
    joined, mean = with_numbers(
        rows, {str(group): {f"mean_{c}": row[c] for c in chosen} for group, row in centres.iterrows()}
    )
    less = {name: joined[name] - mean.get(f"mean_{name}", 0.0) for name in chosen}
    centred = joined.select(*key, **less)
    products = {f"{a}_{b}": (centred[a] * centred[b]).sum() for a, b in pairs(list(chosen))}
    sums = by_group(centred, products) if len(centres) else centres
    groups = {
        str(group): CrossProducts(tuple(columns), int(n), np.array(centre, float), _square(sums.loc[group]))
        for group, n, *centre in centres.itertuples()
    }
    return Centred(centred, tuple(columns), groups)


def with_numbers(
    rows: ibis.Table, numbers: Mapping[str, Mapping[str, float]]
) -> tuple[ibis.Table, dict[str, ibis.Value]]:
    """Put numbers of each group beside its rows; of a single group they are written into the query.

    Parameters
    ----------
    rows
        With `group` where there is more than one.
    numbers
        By group and name; what is zero in every group is left out.

    Returns
    -------
    tuple of Table and dict
        The rows, and the numbers by name.
    """
    names = {name: None for group in numbers.values() for name, value in group.items() if value != 0}
    if "group" not in rows.columns:
        return rows, {name: ibis.literal(float(numbers[""][name])) for name in names}
    records = [{"group": key} | {name: group[name] for name in names} for key, group in numbers.items()]
    types = [("group", pa.string()), *((name, pa.float64()) for name in names)]
    beside = ibis.memtable(pa.Table.from_pylist(records, schema=pa.schema(types)))
    joined = rows.inner_join(beside, "group")
    return joined, {name: joined[name] for name in names}


def by_group(rows: ibis.Table, sums: Mapping[str, ibis.Value]) -> pd.DataFrame:
    """Fetch the number of rows `n` and sums, by `group`; without that column in one row, its key empty."""
    if "group" in rows.columns:
        found = rows.group_by("group").aggregate(n=rows.count(), **sums).order_by("group")
    else:
        found = rows.aggregate(n=rows.count(), **sums).mutate(group=ibis.literal(""))
    frame: pd.DataFrame = found.to_pandas()
    return frame.set_index("group")


def pairs(columns: Sequence[str]) -> Iterable[tuple[str, str]]:
    """List all pairs of columns, each with itself too, the first one outermost."""
    return [(a, b) for place, a in enumerate(columns) for b in columns[place:]]


def _square(products: pd.Series) -> np.ndarray:
    values = products.drop("n").to_numpy(float)
    size = int(np.sqrt(2 * len(values)))
    full = np.zeros((size, size))
    upper = np.triu_indices(size)
    full[upper] = values
    full.T[upper] = values
    return full
