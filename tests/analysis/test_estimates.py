"""Intervals against scipy and statsmodels, and at their edges."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from crm_helpers.analysis.estimates import (
    benjamini_hochberg,
    mean_estimate,
    quantile_estimate,
    ratio_estimate,
    rounded,
    wilson_estimate,
)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (1, 5), (5, 5), (333, 1000)])
def test_wilson_is_that_of_statsmodels(successes: int, trials: int) -> None:
    low, high = proportion_confint(successes, trials, method="wilson")
    share = wilson_estimate(successes, trials)
    assert (share.low, share.high) == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))


def test_a_share_of_nothing_is_not_known() -> None:
    assert not wilson_estimate(0, 0).known


def test_the_mean_has_students_interval() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0])
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    mean = mean_estimate(values.mean(), values.std(ddof=1), 4)
    assert (mean.low, mean.high) == (pytest.approx(low), pytest.approx(high))


def test_one_value_has_a_mean_but_no_interval() -> None:
    mean = mean_estimate(3.0, math.nan, 1)
    assert mean.value == 3.0
    assert not mean.known


def test_a_ratio_over_equal_denominators_is_a_mean() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    assert ratio_estimate(values, [1.0] * 4).low == pytest.approx(
        mean_estimate(3.75, np.std(values, ddof=1), 4).low
    )


def test_clusters_widen_a_ratio() -> None:
    alike = ratio_estimate(np.repeat([0.0, 10.0], 5), np.repeat(1.0, 10))
    clustered = ratio_estimate([0.0, 50.0], [5.0, 5.0])
    assert clustered.value == alike.value
    assert clustered.half_width > alike.half_width


def test_the_ratio_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        orders = rng.poisson(3, 200) + 1
        hits += not ratio_estimate(orders * rng.normal(50, 10, 200), orders).excludes(50.0)
    assert stats.binomtest(hits, 400, 0.95).pvalue > 0.001


def test_draws_give_their_middle() -> None:
    drawn = quantile_estimate(5.0, np.arange(101.0))
    assert (drawn.low, drawn.high) == (pytest.approx(2.5), pytest.approx(97.5))
    assert drawn.value == 5.0


def test_adjusted_p_values_are_those_of_statsmodels_and_leave_the_untested_out() -> None:
    p = np.array([0.2, np.nan, 0.001, 0.04, 0.04])
    expected = multipletests(p[[0, 2, 3, 4]], method="fdr_bh")[1]
    adjusted = benjamini_hochberg(p)
    np.testing.assert_allclose(adjusted[[0, 2, 3, 4]], expected)
    assert np.isnan(adjusted[1])


def test_rounding_takes_the_digits_that_threads_disturb() -> None:
    total = pd.DataFrame({"x": [1e9 / 3, np.nan], "n": [1, 2]})
    other = total.assign(x=total["x"] * (1 + 1e-14))
    pd.testing.assert_frame_equal(rounded(total), rounded(other), check_exact=True)
    assert rounded(total)["n"].tolist() == [1, 2]
