"""Least squares in the engine against statsmodels on the same rows."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm

from crm_helpers.analysis.regression import ols


def _rows(count: int = 2_000, *, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    spend = rng.lognormal(3, 1.2, count)
    frame = pd.DataFrame(
        {"group": rng.choice(["a", "b"], count), "spend": spend, "year": 2020 + rng.random(count)}
    )
    frame["treated"] = rng.integers(0, 2, count)
    frame["y"] = 5 + 2 * frame.treated + 0.6 * spend + rng.standard_normal(count) * spend
    return frame


def _table(frame: pd.DataFrame) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pandas(frame))


@pytest.mark.parametrize("errors", ["HC0", "HC1", "HC2", "HC3"])
def test_equals_statsmodels_to_nine_digits(errors: str) -> None:
    frame, columns = _rows(), ["treated", "spend", "year"]
    ours = ols(_table(frame), outcome="y", regressors=columns, by="group", errors=errors)
    for group, rows in frame.groupby("group"):
        theirs = sm.OLS(rows.y, sm.add_constant(rows[columns])).fit(cov_type=errors, use_t=True)
        one = ours[str(group)]
        np.testing.assert_allclose(one.coefficients, theirs.params, rtol=1e-9)
        np.testing.assert_allclose([one.error(n) for n in one.names], theirs.bse, rtol=1e-9)
        assert one.r_squared == pytest.approx(theirs.rsquared, rel=1e-9)
        assert one.p_value("treated") == pytest.approx(theirs.pvalues["treated"], rel=1e-7)
        assert one.estimate("treated").low == pytest.approx(theirs.conf_int().loc["treated", 0], rel=1e-9)


def test_errors_can_be_had_for_some_coefficients_only() -> None:
    rows, columns = _table(_rows(300)), ["treated", "spend"]
    every = ols(rows, outcome="y", regressors=columns)[""]
    one = ols(rows, outcome="y", regressors=columns, only=["treated"])[""]
    assert one.estimate("treated") == every.estimate("treated")
    assert not one.estimate("spend").known
    assert one.coefficient("spend") == every.coefficient("spend")


def test_a_column_determined_by_others_is_dropped_and_the_rest_stands() -> None:
    frame = _rows(300)
    frame["twice"], frame["constant"] = 2 * frame.spend, 0.1
    with_copies = ols(_table(frame), outcome="y", regressors=["treated", "spend", "twice", "constant"])[""]
    without = ols(_table(frame), outcome="y", regressors=["treated", "spend"])[""]
    assert np.isnan(with_copies.coefficients[3:]).all()
    assert with_copies.rank == 3
    assert with_copies.estimate("treated") == without.estimate("treated")


def test_fewer_rows_than_regressors_gives_no_interval() -> None:
    fitted = ols(_table(_rows(2)), outcome="y", regressors=["treated", "spend", "year"])[""]
    assert not fitted.estimate("spend").known
    assert np.isnan(fitted.p_value("spend"))


def test_a_row_that_decides_its_own_fit_leaves_the_error_unknown() -> None:
    frame = _rows(50).assign(alone=0.0)
    frame.loc[0, "alone"] = 1.0
    fitted = ols(_table(frame), outcome="y", regressors=["alone"])[""]
    assert np.isfinite(fitted.coefficients[1])
    assert not fitted.estimate("alone").known


def test_rows_with_missing_values_are_left_out() -> None:
    frame = _rows(200)
    frame.loc[:9, "spend"] = np.nan
    fitted = ols(_table(frame), outcome="y", regressors=["spend"])[""]
    assert fitted.rows == 190


def test_no_rows_no_regression() -> None:
    assert ols(_table(_rows(5)).filter(ibis._.y > 1e9), outcome="y", regressors=["spend"]) == {}
