"""Least squares of rows that come in few kinds: counts and sums of each kind stand for all of its rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crm_helpers.analysis.normal_equations import ROUNDING, independent, inverse
from crm_helpers.analysis.regression import Regression

__all__ = ["cell_ols"]


def cell_ols(
    design: np.ndarray, *, rows: np.ndarray, total: np.ndarray, squares: np.ndarray, names: Sequence[str]
) -> Regression:
    """Fit `y = β0 + β1 x1 + … + ε` with HC3 errors where rows of one kind have equal regressors.

    The rows of a kind have one leverage `h` and one fitted value `f`, so `Σ e²` of a kind is
    `Σ y² − 2 f Σ y + n f²`: the same numbers as from the rows, at the cost of the kinds.

    Parameters
    ----------
    design
        One row a kind, one column a regressor; the intercept is added.
    rows
        How many rows each kind has.
    total, squares
        `Σ y` and `Σ y²` of each kind.
    names
        Of the regressors.

    Returns
    -------
    Regression
        With errors of all coefficients.

    Examples
    --------
    >>> two = {"rows": np.array([2, 2]), "total": np.array([4.0, 8.0]), "squares": np.array([10.0, 34.0])}
    >>> cell_ols(np.array([[0.0], [1.0]]), **two, names=["x"]).coefficients.round(9).tolist()
    [2.0, 2.0]
    """
    some = rows > 0
    design, rows, total, squares = design[some], rows[some], total[some], squares[some]
    count, centre = int(rows.sum()), rows @ design / max(rows.sum(), 1)
    mean, centred = total.sum() / max(count, 1), design - centre
    kept = np.append(True, independent(centred.T * rows @ centred, count * (ROUNDING * centre) ** 2))
    full = np.column_stack([np.ones(len(rows)), centred])
    solution = np.zeros((len(kept),) * 2)
    solution[np.ix_(kept, kept)] = inverse((full.T * rows @ full)[np.ix_(kept, kept)])
    slopes = solution @ (full.T @ (total - rows * mean))
    fitted = mean + full @ slopes
    left = np.maximum(squares - 2 * fitted * total + rows * fitted**2, 0)
    free = 1 - np.einsum("ca,ab,cb->c", full, solution, full)
    # a row that decides its own fit has no residual to learn a variance from: the error is unknown
    weight = left / np.where(free > 1e-9, free, np.nan) ** 2
    back = np.eye(len(kept))
    back[0, 1:] = -centre
    variance = weight @ (full @ (back @ solution).T) ** 2
    known = np.where(kept, 1.0, np.nan)
    errors = np.sqrt(variance) * known if count > kept.sum() else np.full(len(kept), np.nan)
    coefficients = back @ slopes
    coefficients[0] += mean
    spread = squares.sum() - count * mean**2
    r_squared = 1 - left.sum() / spread if spread > 0 else float("nan")
    return Regression(
        ("intercept", *names), coefficients * known, errors, count, int(kept.sum()), float(r_squared)
    )
