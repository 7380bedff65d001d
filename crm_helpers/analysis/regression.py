"""Least squares where the rows are: the engine adds up cross-products, numpy solves them.

Three passes over the table, whatever its length: means, cross-products `X'X` and `X'y` of the centred
columns, and the sums behind errors that are robust to unequal variance. No row leaves the engine; one
pass does every group at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

from crm_helpers.analysis.estimates import LEVEL, Estimate, normal_estimate
from crm_helpers.analysis.normal_equations import ROUNDING, independent, inverse

__all__ = ["Errors", "Regression", "ols"]

Errors = Literal["HC0", "HC1", "HC2", "HC3"]
"""Which robust errors: White's, the same with n/(n − k), or with each residual scaled by its leverage."""


@dataclass(frozen=True)
class Regression:
    """What least squares found in one group of rows.

    `names` begins with `intercept`; a regressor that the ones before it determine has no coefficient
    (not a number). An error is not a number where it was not asked for, where there are no more rows
    than coefficients, and where a row decides its own fit. `freedom` are the degrees of freedom of each
    coefficient's error; n − k where it is not given.
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    errors: np.ndarray
    rows: int
    rank: int
    r_squared: float
    freedom: np.ndarray | None = None

    def coefficient(self, name: str) -> float:
        """Return a coefficient."""
        return float(self.coefficients[self.names.index(name)])

    def error(self, name: str) -> float:
        """Return the robust standard error of a coefficient."""
        return float(self.errors[self.names.index(name)])

    def estimate(self, name: str, *, level: float = LEVEL) -> Estimate:
        """Return a coefficient with its interval by Student's t."""
        value, freedom = self.coefficient(name), self.degrees(name)
        if not freedom > 0:
            return Estimate(value, math.nan, math.nan)
        t = float(stats.t.ppf(0.5 + level / 2, freedom))
        return normal_estimate(value, self.error(name), quantile=t)

    def p_value(self, name: str) -> float:
        """Return the two-sided p-value of a coefficient being zero."""
        error, freedom = self.error(name), self.degrees(name)
        if not freedom > 0 or not error > 0:
            return math.nan
        return float(2 * stats.t.sf(abs(self.coefficient(name)) / error, freedom))

    def degrees(self, name: str) -> float:
        """Return the degrees of freedom of a coefficient's error."""
        if self.freedom is None:
            return float(self.rows - self.rank)
        return float(self.freedom[self.names.index(name)])


def ols(
    table: ibis.Table,
    *,
    outcome: str,
    regressors: Sequence[str],
    by: str | None = None,
    errors: Errors = "HC3",
    only: Sequence[str] | None = None,
) -> dict[str, Regression]:
    """Fit `y = β0 + β1 x1 + … + ε` in the engine, once for each group.

    `β = (X'X)⁻¹ X'y` and, with a(j) the row of `(X'X)⁻¹` of a coefficient, `V(β(j)) = Σ w(i) (a(j)'x(i))²`:
    the diagonal of White's sandwich. For a residual e and a leverage `h = x'(X'X)⁻¹x` the weight is
    `e²` (HC0), `e² n/(n − k)` (HC1), `e²/(1 − h)` (HC2) or `e²/(1 − h)²` (HC3; MacKinnon & White 1985).
    Columns are centred by group before they are multiplied, so that large means cost no digits. Rows with
    a missing value are left out.

    Parameters
    ----------
    table
        One row an observation.
    outcome
        The column to explain.
    regressors
        The columns that explain it; the intercept is added.
    by
        A text column: one regression for each of its values.
    errors
        Which robust errors.
    only
        Coefficients whose errors are wanted, all when not given; with none the third pass is left out.

    Returns
    -------
    dict of str to Regression
        By value of `by`, in order; the key is empty without `by`. Groups without rows are not there.

    Examples
    --------
    >>> line = ibis.memtable({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.0, 3.0, 5.0, 7.0]})
    >>> ols(line, outcome="y", regressors=["x"])[""].coefficients.round(9).tolist()
    [1.0, 2.0]
    """
    columns = [f"x{place}" for place in range(1, len(regressors) + 1)]
    chosen = {name: table[source].cast("float64") for name, source in zip(columns, regressors, strict=True)}
    key = table[by].cast("string") if by else ibis.literal("")
    rows = table.select(group=key, y=table[outcome].cast("float64"), **chosen).drop_null()
    centres = _means(rows, columns)
    if centres.empty:
        return {}
    centred = _centred(rows, centres, columns)
    solved = _solve(_sums(centred, columns), centres, columns)
    names = ("intercept", *regressors)
    wanted = [names.index(name) for name in (names if only is None else only)]
    variances = _variances(centred, solved, wanted, errors)
    return {group: _regression(names, one, variances.get(group, {}), errors) for group, one in solved.items()}


@dataclass(frozen=True)
class _Solved:
    """One group, solved in centred columns; a dropped column has zeros in the inverse."""

    inverse: np.ndarray
    slopes: np.ndarray
    kept: np.ndarray
    centre: np.ndarray  # means of y and of the columns
    rows: int
    total: float  # Σ (y − ȳ)²
    explained: float

    @property
    def back(self) -> np.ndarray:
        """Map from centred columns to the given ones: β0 = ȳ − x̄'β."""
        back = np.eye(len(self.kept))
        back[0, 1:] = -self.centre[1:]
        return back


def _means(rows: ibis.Table, columns: list[str]) -> pd.DataFrame:
    means = {c: rows[c].mean() for c in ("y", *columns)}
    centres: pd.DataFrame = (
        rows.group_by("group").aggregate(n=rows.count(), **means).order_by("group").to_pandas()
    )
    return centres.set_index("group")


def _centred(rows: ibis.Table, centres: pd.DataFrame, columns: list[str]) -> ibis.Table:
    means = centres[["y", *columns]].add_prefix("mean_").reset_index()
    joined = rows.inner_join(ibis.memtable(pa.Table.from_pandas(means)), "group")
    centred = {c: joined[c] - joined[f"mean_{c}"] for c in ("y", *columns)}
    return joined.select("group", x0=ibis.literal(1.0), **centred)


def _pairs(columns: list[str]) -> list[tuple[str, str]]:
    return [(a, b) for place, a in enumerate(columns) for b in columns[place:]]


def _sums(centred: ibis.Table, columns: list[str]) -> pd.DataFrame:
    products = {f"{a}_{b}": (centred[a] * centred[b]).sum() for a, b in _pairs(["y", *columns])}
    sums: pd.DataFrame = centred.group_by("group").aggregate(**products).to_pandas()
    return sums.set_index("group")


def _solve(sums: pd.DataFrame, centres: pd.DataFrame, columns: list[str]) -> dict[str, _Solved]:
    solved = {}
    every = ["y", *columns]
    for group, rows, *means in centres[["n", *every]].itertuples():
        products = sums[sums.index == group].iloc[0]
        full = np.zeros((len(every),) * 2)
        for a, b in _pairs(every):
            full[every.index(a), every.index(b)] = full[every.index(b), every.index(a)] = products[f"{a}_{b}"]
        centre, gram = np.array(means, float), full[1:, 1:]
        kept = independent(gram, rows * (ROUNDING * centre[1:]) ** 2)
        solution = np.zeros((len(every),) * 2)
        solution[0, 0] = 1 / rows
        solution[1:, 1:][np.ix_(kept, kept)] = inverse(gram[np.ix_(kept, kept)])
        slopes = solution[1:, 1:] @ full[0, 1:]
        spread = {"total": float(full[0, 0]), "explained": float(slopes @ full[0, 1:])}
        solved[str(group)] = _Solved(solution, slopes, np.append(True, kept), centre, int(rows), **spread)
    return solved


def _variances(
    centred: ibis.Table, solved: dict[str, _Solved], wanted: list[int], errors: Errors
) -> dict[str, dict[int, float]]:
    """Add up `Σ w (a'x)²` for the coefficients wanted, by group and place of the coefficient."""
    if not wanted:
        return {}
    design = [c for c in centred.columns if c not in ("group", "y")]
    records = [{"group": group} | _numbers(one, design, wanted) for group, one in solved.items()]
    joined = centred.inner_join(ibis.memtable(pa.Table.from_pylist(records)), "group")
    fitted = sum((joined[f"b_{c}"] * joined[c] for c in design[1:]), ibis.literal(0.0))
    leverage = sum(
        (joined[f"h_{a}_{b}"] * joined[a] * joined[b] for a, b in _pairs(design)), ibis.literal(0.0)
    )
    drawn = {
        f"a_{j}": sum((joined[f"a_{j}_{c}"] * joined[c] for c in design), ibis.literal(0.0)) for j in wanted
    }
    rows = joined.select("group", residual=joined.y - fitted, leverage=leverage, **drawn)
    rows = rows.mutate(weight=_weight(rows, errors))
    sums = {f"a_{j}": (rows.weight * rows[f"a_{j}"] * rows[f"a_{j}"]).sum() for j in wanted}
    frame = rows.group_by("group").aggregate(**sums).to_pandas().set_index("group")
    return {str(group): dict(zip(wanted, row, strict=True)) for group, *row in frame.itertuples()}


def _numbers(one: _Solved, design: list[str], wanted: list[int]) -> dict[str, float]:
    """Name what the engine needs of a group: slopes b, the inverse h (off-diagonals twice), its rows a."""
    numbers = dict(zip((f"b_{c}" for c in design[1:]), one.slopes, strict=True))
    place = {c: i for i, c in enumerate(design)}
    numbers |= {f"h_{a}_{b}": one.inverse[place[a], place[b]] * (1 + (a != b)) for a, b in _pairs(design)}
    drawn = one.back @ one.inverse
    return numbers | {f"a_{j}_{c}": drawn[j, place[c]] for j in wanted for c in design}


def _weight(rows: ibis.Table, errors: Errors) -> ibis.Value:
    squared = rows.residual * rows.residual
    if errors in ("HC0", "HC1"):
        return squared
    # a row that decides its own fit has no residual to learn a variance from: the error is unknown
    left = ibis.ifelse(rows.leverage < 1 - 1e-9, 1 - rows.leverage, ibis.literal(math.nan))
    return squared / (left if errors == "HC2" else left * left)


def _regression(
    names: tuple[str, ...], solved: _Solved, variances: dict[int, float], errors: Errors
) -> Regression:
    rank = int(solved.kept.sum())
    coefficients = solved.back @ np.append(0.0, solved.slopes)
    coefficients[0] += solved.centre[0]
    spread = np.array([variances.get(place, math.nan) for place in range(len(names))])
    if solved.rows <= rank:
        spread[:] = math.nan
    elif errors == "HC1":
        spread *= solved.rows / (solved.rows - rank)
    known = np.where(solved.kept, 1.0, math.nan)
    r_squared = solved.explained / solved.total if solved.total > 0 else math.nan
    return Regression(names, coefficients * known, np.sqrt(spread) * known, solved.rows, rank, r_squared)
