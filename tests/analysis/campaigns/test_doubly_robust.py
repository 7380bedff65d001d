"""The doubly robust comparison: right when either model is, and honest about who has no likes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special

from crm_helpers.analysis.campaigns.doubly_robust import compare, logistic
from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.campaigns.sensitivity import known_strength, robustness_value


def _rows(size: int = 4_000, *, seed: int = 1, effect: float = 10.0, pull: float = 1.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    worth = random.lognormal(3, 0.7, size)
    rows = pd.DataFrame({name: worth * random.lognormal(0, 0.3, size) for name in COVARIATES})
    score = pull * (np.log(rows["spend_recent"]) - 3)
    rows["treated"] = (random.random(size) < special.expit(score - 1)).astype(int)
    rows["spend"] = rows["spend_recent"] * random.gamma(4, 0.25, size) + effect * rows["treated"]
    rows["spend_placebo"] = worth * random.gamma(4, 0.25, size)
    return rows


def test_the_logistic_regression_is_that_of_statsmodels():
    rows = _rows(500)
    design = sm.add_constant(np.log(rows[["spend_recent", "spend_earlier"]].to_numpy()))
    theirs = sm.Logit(rows["treated"].to_numpy(), design).fit(disp=0)
    np.testing.assert_allclose(
        logistic(design, rows["treated"].to_numpy(float), penalty=1e-9), theirs.params, rtol=1e-4
    )


def test_unbiased_and_covered_where_the_naive_difference_is_far_off():
    found = [
        (compare(rows)["spend"].effect, rows) for rows in (_rows(1_500, seed=seed) for seed in range(40))
    ]
    away = np.array([(estimate.value - 10) / (estimate.half_width / 1.96) for estimate, _ in found])
    assert abs(away.mean()) < 3 / np.sqrt(40)
    assert sum(estimate.low < 10 < estimate.high for estimate, _ in found) >= 34  # 1 in 1,000 by chance
    naive = [rows.groupby("treated")["spend"].mean().diff().iloc[1] for _, rows in found]
    assert np.mean(naive) > 20


def test_weighting_makes_the_arms_alike():
    balance = compare(_rows())["spend"].balance
    assert balance["before"].abs().max() > 0.5
    assert balance["after"].abs().max() < balance["before"].abs().max() / 4


def test_those_surely_contacted_have_no_likes_and_are_left_out():
    rows = _rows()
    rows["treated"] = np.where(rows["spend_recent"] > rows["spend_recent"].quantile(0.9), 1, rows["treated"])
    assert 0.05 < compare(rows)["spend"].trimmed < 0.5
    assert compare(_rows())["spend"].trimmed < 0.01


def test_too_few_customers_in_an_arm_give_no_comparison():
    rows = _rows(300)
    rows["treated"] = (np.arange(300) < 10).astype(int)
    assert compare(rows) == {}


def test_the_robustness_value_is_that_of_the_darfur_example():
    # Cinelli & Hazlett 2020, table 1: t = 4.18445, 783 degrees of freedom
    assert robustness_value(4.18445, 783) == pytest.approx(0.13878, abs=5e-5)
    assert robustness_value(4.18445, 783, alpha=0.05) == pytest.approx(0.07626, abs=5e-5)
    assert robustness_value(1.0, 783, alpha=0.05) == 0


def test_a_covariate_that_drives_choice_and_spend_is_stronger_than_one_that_does_not():
    assert known_strength(_rows(pull=1.5)) > 2 * known_strength(_rows(pull=0.0))
