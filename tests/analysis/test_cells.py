"""Least squares of kinds of rows beside statsmodels on the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from crm_helpers.analysis.cells import cell_ols


def sums(kind: np.ndarray, y: np.ndarray, kinds: int) -> dict[str, np.ndarray]:
    weights = {"rows": np.ones(len(y)), "total": y, "squares": y**2}
    return {name: np.bincount(kind, of, minlength=kinds) for name, of in weights.items()}


def test_kinds_of_rows_give_the_coefficients_and_hc3_errors_of_the_rows():
    random = np.random.default_rng(1)
    kinds = np.array([[a, b, a * b + b] for a in (0, 1) for b in (0.0, 1.0, 5.0)])
    kind = random.integers(0, len(kinds), 400)
    y = 1e3 + kinds[kind] @ [1.0, -0.5, 0.2] + random.normal(0, 1 + kind)
    found = cell_ols(kinds, **sums(kind, y, len(kinds)), names=["a", "b", "both"])
    theirs = sm.OLS(y, sm.add_constant(kinds[kind])).fit(cov_type="HC3")
    assert found.coefficients == pytest.approx(theirs.params, rel=1e-9)
    assert found.errors == pytest.approx(theirs.bse, rel=1e-8)
    assert found.r_squared == pytest.approx(theirs.rsquared, rel=1e-9)


def test_kinds_without_rows_dependent_columns_and_rows_that_decide_their_own_fit_are_as_in_ols():
    kinds = np.array([[0.0, 0.0], [1.0, 2.0], [7.0, 7.0]])
    y, kind = np.array([1.0, 2.0, 3.0, 5.0]), np.array([0, 0, 1, 1])
    found = cell_ols(kinds, **sums(kind, y, 3), names=["x", "twice"])
    assert found.coefficients[:2] == pytest.approx([1.5, 2.5])
    assert np.isnan(found.coefficient("twice"))
    assert found.rank == 2
    alone = cell_ols(kinds, **sums(np.array([0, 0, 0, 1]), y, 3), names=["x", "twice"])
    assert np.isnan(alone.error("x"))
