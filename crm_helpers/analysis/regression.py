"""Least squares where the rows are: the engine adds up cross-products, numpy solves them.

Three passes over the table, whatever its length: two of `cross_products`, and the sums behind errors that
are robust to unequal variance. No row leaves the engine; one pass does every group at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import numpy as np
from scipy import stats

from crm_helpers.analysis.cross_products import Centred, Solution, by_group, cross_products, with_numbers
from crm_helpers.analysis.estimates import LEVEL, Estimate, normal_estimate

__all__ = ["Errors", "Regression", "least_squares", "ols"]

Errors = Literal["HC0", "HC1", "HC2", "HC3"]
"""Which robust errors: White's, the same with n/(n − k), or with each residual scaled by its leverage."""

_DECIDES = 1 - 1e-9  # leverage of a row that decides its own fit


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

    Parameters
    ----------
    table
        One row an observation; rows with a missing value are left out.
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
    sums = cross_products(table, columns=[outcome, *regressors], by=by)
    return least_squares(sums, outcomes=[outcome], regressors=regressors, errors=errors, only=only)[outcome]


def least_squares(
    sums: Centred,
    *,
    outcomes: Sequence[str],
    regressors: Sequence[str],
    errors: Errors = "HC3",
    only: Sequence[str] | None = None,
    origins: Mapping[str, np.ndarray] | None = None,
) -> dict[str, dict[str, Regression]]:
    """Fit several outcomes on the same regressors, from cross-products at hand and one more pass.

    Parameters
    ----------
    sums
        From `cross_products`, of all these columns.
    outcomes, regressors
        The columns to explain, and those that explain each.
    errors, only
        As in `ols`.
    origins
        By group, the point from which regressors are measured: the intercept is the outcome expected there.

    Returns
    -------
    dict of str to dict
        By outcome, what `ols` returns.
    """
    names = ("intercept", *regressors)
    wanted = [names.index(name) for name in (names if only is None else only)]
    solved = {
        outcome: {
            key: group.solve(outcome, regressors, origin=(origins or {}).get(key))
            for key, group in sums.groups.items()
        }
        for outcome in outcomes
    }
    variances = _variances(sums, solved, wanted, regressors, errors) if wanted and sums.groups else {}
    return {
        outcome: {
            key: _regression(names, one, variances.get((outcome, key), {}), errors)
            for key, one in groups.items()
        }
        for outcome, groups in solved.items()
    }


def _variances(
    sums: Centred,
    solved: dict[str, dict[str, Solution]],
    wanted: list[int],
    regressors: Sequence[str],
    errors: Errors,
) -> dict[tuple[str, str], dict[int, float]]:
    """Add up `Σ w (a'x)²` for the coefficients wanted, by outcome and group, and place of the coefficient."""
    numbers = {key: _numbers([groups[key] for groups in solved.values()], wanted) for key in sums.groups}
    joined, number = with_numbers(sums.rows, numbers)
    design = [ibis.literal(1.0), *(joined[sums.name(name)] for name in regressors)]
    drawn = {f"a_{j}": _combined(f"a_{j}", number, design) for j in wanted}
    residuals = {
        f"e_{o}": joined[sums.name(outcome)] - _combined(f"b_{o}", number, design)
        for o, outcome in enumerate(solved)
    }
    key = ["group"] if "group" in joined.columns else []
    rows = joined.select(*key, leverage=_leverage(number, design, drawn), **residuals, **drawn)
    rows = rows.mutate(**{name: _scaled(rows[name], rows.leverage, errors) for name in residuals})
    parts = {f"{e}_{a}": rows[e] * rows[a] for e in residuals for a in drawn}
    squares = {name: (part * part).sum() for name, part in parts.items()}
    frame = by_group(rows, {"most": rows.leverage.max()} | squares)
    if errors in ("HC2", "HC3"):  # a row that decides its own fit leaves no residual to learn a variance from
        frame = frame.where(frame["most"] < _DECIDES)
    return {
        (outcome, str(group)): {j: float(frame.loc[group, f"e_{o}_a_{j}"]) for j in wanted}
        for group in frame.index
        for o, outcome in enumerate(solved)
    }


def _numbers(fits: Sequence[Solution], wanted: list[int]) -> dict[str, float]:
    """Name what the engine needs of a group: slopes b, the inverse h (off-diagonals twice), its rows a."""
    inverse, drawn = fits[0].inverse, fits[0].back @ fits[0].inverse
    places = range(len(inverse))
    numbers = {f"b_{o}_{c}": fit.slopes[c - 1] for o, fit in enumerate(fits) for c in places[1:]}
    numbers |= {f"h_{a}_{b}": inverse[a, b] * (1 + (a != b)) for a in places for b in places[a:]}
    return numbers | {f"a_{j}_{c}": drawn[j, c] for j in wanted for c in places}


def _combined(kind: str, number: Mapping[str, ibis.Value], design: Sequence[ibis.Value]) -> ibis.Value:
    """Add up columns times numbers, those that are not zero."""
    terms = [number[f"{kind}_{c}"] * column for c, column in enumerate(design) if f"{kind}_{c}" in number]
    return sum(terms[1:], terms[0]) if terms else ibis.literal(0.0)


def _leverage(
    number: Mapping[str, ibis.Value], design: Sequence[ibis.Value], drawn: Mapping[str, ibis.Value]
) -> ibis.Value:
    """Write `x'(X'X)⁻¹x` out; of a slope `a'x` is a row of it, and where all are at hand they serve."""
    places = range(1, len(design))
    known = all(f"a_{c}" in drawn for c in places)
    rows = [drawn[f"a_{c}"] if known else _combined(f"h_{c}", number, design) for c in places]
    terms = [column * row for column, row in zip(design[1:], rows, strict=True)]
    return sum(terms, _combined("h_0", number, design))


def _scaled(residual: ibis.Value, leverage: ibis.Value, errors: Errors) -> ibis.Value:
    if errors == "HC3":
        return residual / (1 - leverage)
    return residual / (1 - leverage).sqrt() if errors == "HC2" else residual


def _regression(
    names: tuple[str, ...], solved: Solution, variances: dict[int, float], errors: Errors
) -> Regression:
    rank = solved.rank
    coefficients = solved.back @ np.append(0.0, solved.slopes)
    coefficients[0] += solved.centre[0]
    spread = np.array([variances.get(place, math.nan) for place in range(len(names))])
    if solved.rows <= rank:
        spread[:] = math.nan
    elif errors == "HC1":
        spread *= solved.rows / (solved.rows - rank)
    known = np.where(solved.kept, 1.0, math.nan)
    errors_found = np.sqrt(spread) * known
    return Regression(names, coefficients * known, errors_found, solved.rows, rank, solved.r_squared)
