"""Clustered errors and the wild bootstrap against statsmodels and against sums over explicit matrices."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
from scipy import linalg

from crm_helpers.analysis.clustered import cluster_ols, cluster_sums
from crm_helpers.analysis.wild_bootstrap import wild_estimate, wild_p_value

COLUMNS = ["treated", "spend"]


def _rows(clusters: int = 12, *, seed: int = 3, effect: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    size = random.integers(5, 40, clusters)
    frame = pd.DataFrame({"shop": np.repeat(np.arange(clusters), size)})
    frame["treated"] = (frame["shop"] % 2).astype(float)
    frame["spend"] = random.lognormal(3, 0.8, len(frame)) + 5000
    common = random.standard_normal(clusters)[frame["shop"]]
    frame["y"] = (
        3 + effect * frame["treated"] + 0.1 * frame["spend"] + common + random.standard_normal(len(frame))
    )
    return frame


def _sums(frame: pd.DataFrame):
    table = ibis.memtable(pa.Table.from_pandas(frame))
    return cluster_sums(table, outcome="y", regressors=COLUMNS, cluster="shop")


def test_cr1_equals_statsmodels_to_nine_digits():
    frame = _rows()
    ours = cluster_ols(_sums(frame), errors="CR1")
    model = sm.OLS(frame["y"], sm.add_constant(frame[COLUMNS]))
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": frame["shop"]}, use_t=True)
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.errors, theirs.bse, rtol=1e-9)
    assert ours.p_value("treated") == pytest.approx(theirs.pvalues["treated"], rel=1e-8)
    assert ours.r_squared == pytest.approx(theirs.rsquared, rel=1e-9)


def _explicit(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """CR2 and its degrees of freedom with every matrix written out."""
    x = np.column_stack([np.ones(len(frame)), frame[COLUMNS]])
    inverse = np.linalg.inv(x.T @ x)
    residual = frame["y"].to_numpy() - x @ (inverse @ x.T @ frame["y"].to_numpy())
    rest = np.eye(len(x)) - x @ inverse @ x.T
    meat, parts = np.zeros((3, 3)), []
    for shop in np.unique(frame["shop"]):
        inside = (frame["shop"] == shop).to_numpy()
        root = linalg.inv(linalg.sqrtm(rest[np.ix_(inside, inside)]).real)
        score = x[inside].T @ root @ residual[inside]
        meat += np.outer(score, score)
        parts.append(rest[:, inside] @ root @ x[inside] @ inverse)
    freedom = []
    for column in range(3):
        matrix = np.column_stack([part[:, column] for part in parts])
        product = matrix.T @ matrix
        freedom.append(np.trace(product) ** 2 / (product**2).sum())
    return np.sqrt(np.diag(inverse @ meat @ inverse)), np.array(freedom)


def test_cr2_and_its_degrees_of_freedom_equal_the_matrices_written_out():
    frame = _rows()
    frame["spend"] -= 5000  # explicit matrices lose digits with large means
    ours = cluster_ols(_sums(frame), errors="CR2")
    errors, freedom = _explicit(frame)
    np.testing.assert_allclose(ours.errors, errors, rtol=1e-8)
    np.testing.assert_allclose(ours.freedom, freedom, rtol=1e-6)


def test_the_wild_bootstrap_equals_refitting_every_draw():
    frame = _rows(13, effect=1.0)
    sums = _sums(frame)
    turns = np.random.default_rng(1).choice([-1.0, 1.0], (99, 13))
    x = np.column_stack([np.ones(len(frame)), frame["treated"], frame["spend"] - frame["spend"].mean()])
    groups = {"groups": frame["shop"]}
    null = sm.OLS(frame["y"], x[:, [0, 2]]).fit()
    seen = sm.OLS(frame["y"], x).fit(cov_type="cluster", cov_kwds=groups).tvalues.iloc[1]
    drawn = []
    for turn in turns:
        y = null.fittedvalues + null.resid * turn[frame["shop"]]
        drawn.append(sm.OLS(y, x).fit(cov_type="cluster", cov_kwds=groups).tvalues.iloc[1])
    expected = np.mean(np.abs(drawn) >= abs(seen))
    assert wild_p_value(sums, "treated", draws=99, seed=1) == pytest.approx(expected)


def test_with_eight_clusters_the_bootstrap_rejects_no_more_than_promised_where_cr1_by_the_normal_does():
    # 80 worlds without effect: 5 % are 4; 12 or more have a chance of 1 in 1,000
    plain, wild = 0, 0
    for seed in range(80):
        sums = _sums(_rows(8, seed=seed))
        fitted = cluster_ols(sums, errors="CR1")
        plain += abs(fitted.coefficient("treated") / fitted.error("treated")) > 1.96
        wild += wild_p_value(sums, "treated", draws=199, seed=seed) < 0.05
    assert wild <= 11
    assert plain > 11


def test_the_interval_ends_where_the_test_begins_to_reject():
    sums = _sums(_rows(20, effect=2.0))
    found = wild_estimate(sums, "treated", draws=499)
    assert found.low < found.value < found.high
    width = found.high - found.low
    assert wild_p_value(sums, "treated", value=found.low - 0.01 * width, draws=499) < 0.05
    assert wild_p_value(sums, "treated", value=found.low + 0.01 * width, draws=499) >= 0.05


def test_one_cluster_gives_no_error():
    sums = _sums(_rows(1))
    assert not cluster_ols(sums).estimate("spend").known
    assert np.isnan(wild_p_value(sums, "spend"))
