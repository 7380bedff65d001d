"""BG/NBD and MBG/NBD against planted parameters, numerical integration, a closed form and lived lives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_orders import lives
from scipy import special, stats

from crm_helpers.analysis.value.lifetime import BuyingModel, fit_buying, group_customers, log_likelihood
from crm_helpers.analysis.value.likelihood import Fit

PLANTED = (0.8, 3.0, 0.9, 2.5)
KINDS = [("BG/NBD", 0), ("MBG/NBD", 1)]
both_kinds = pytest.mark.parametrize(("kind", "offset"), KINDS)
CUSTOMERS = pd.DataFrame({"x": [0, 1, 2, 7], "t_x": [0.0, 5.0, 30.4, 12.0], "T": [38.0, 38.9, 38.9, 20.0]})


def given(kind: str, parameters: tuple[float, ...] = PLANTED) -> BuyingModel:
    return BuyingModel(kind, Fit(np.array(parameters), np.zeros((4, 4)), 0.0, inside=True), 0)


@both_kinds
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_parameters_come_back_within_their_errors(kind, offset, seed):
    weeks = np.random.default_rng(seed).integers(20, 100, 6_000).astype(float)
    table, _ = lives(PLANTED, customers=6_000, weeks=weeks, seed=seed, offset=offset)
    model = fit_buying(table, kind=kind)
    error = np.sqrt(np.diag(model.fit.covariance))
    assert (np.abs(np.log(model.fit.parameters / PLANTED)) < 4 * error).all()
    assert error.max() < 0.3
    assert model.fit.inside


@both_kinds
@pytest.mark.parametrize("row", range(len(CUSTOMERS)))
def test_the_likelihood_is_the_integral_over_rates_and_chances(kind, offset, row):
    customer = CUSTOMERS.iloc[[row]]
    x, t_x, age = customer.iloc[0]
    r, alpha, a, b = PLANTED
    chances = x + offset

    nodes, weights = np.polynomial.legendre.leggauss(300)
    quantiles, weights = (nodes + 1) / 2, weights / 2
    rate, p = (
        stats.gamma.ppf(quantiles, r, scale=1 / alpha)[:, None],
        stats.beta.ppf(quantiles, a, b)[None, :],
    )
    gone = p * (1 - p) ** (chances - 1) * np.exp(-rate * t_x) if chances > 0 else 0.0
    there = (1 - p) ** chances * np.exp(-rate * age)
    value = weights @ (rate**x * (gone + there)) @ weights
    assert log_likelihood(customer, np.array(PLANTED), kind=kind) == pytest.approx(np.log(value), rel=1e-4)


@both_kinds
def test_the_slope_at_the_planted_parameters_is_that_of_the_likelihood(kind, offset):
    from crm_helpers.analysis.value.lifetime import _Likelihood

    objective = _Likelihood(group_customers(CUSTOMERS), offset=offset)
    at = np.array(PLANTED)
    steps = np.eye(4) * 1e-6
    slopes = [(objective(at + step)[0] - objective(at - step)[0]) / 2e-6 for step in steps]
    np.testing.assert_allclose(objective(at)[1], slopes, rtol=1e-5)


def test_grouping_equal_customers_changes_nothing():
    many = pd.concat([CUSTOMERS] * 5, ignore_index=True)
    assert len(group_customers(many)) == len(CUSTOMERS)
    each = sum(log_likelihood(many.iloc[[row]], np.array(PLANTED)) for row in range(len(many)))
    assert log_likelihood(many, np.array(PLANTED)) == pytest.approx(each)


@both_kinds
def test_expected_orders_are_those_of_the_closed_form(kind, offset):
    r, alpha, a, b = 0.8, 3.0, 1.7, 2.5
    x, t_x, age = (CUSTOMERS[name].to_numpy(float) for name in ("x", "t_x", "T"))
    m, t = x + offset, 26.0
    ratio = (alpha + age) / (alpha + age + t)
    inner = special.hyp2f1(r + x, b + m, a + b + m - 1, t / (alpha + age + t))
    odds = a / np.where(m > 0, b + m - 1, 1) * ((alpha + age) / (alpha + t_x)) ** (r + x) * (m > 0)
    expected = (a + b + m - 1) / (a - 1) * (1 - ratio ** (r + x) * inner) / (1 + odds)
    model = given(kind, (r, alpha, a, b))
    np.testing.assert_allclose(model.expected(CUSTOMERS, t), expected, rtol=5e-5)
    np.testing.assert_allclose(model.alive(CUSTOMERS), 1 / (1 + odds), rtol=1e-12)


@both_kinds
def test_expected_orders_are_those_that_customers_lived(kind, offset):
    weeks = np.full(60_000, 30.0)
    table, beyond = lives(PLANTED, customers=60_000, weeks=weeks, seed=5, offset=offset)
    expected = given(kind).expected(table, 60.0)
    for low, high in [(0, 0), (1, 1), (2, 3), (4, 10), (11, 1000)]:
        chosen = table["x"].between(low, high).to_numpy()
        gap = beyond[chosen] - expected[chosen]
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(chosen.sum()), (low, high)


@both_kinds
def test_new_customers_order_as_they_lived(kind, offset):
    table, _ = lives(PLANTED, customers=60_000, weeks=np.full(60_000, 40.0), seed=6, offset=offset)
    gap = table["x"] - given(kind).expected_new(np.array([40.0]))[0]
    assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))


@both_kinds
def test_futures_vary_around_the_expectation(kind, offset):
    table, _ = lives(PLANTED, customers=3_000, weeks=np.full(3_000, 30.0), seed=7, offset=offset)
    model = given(kind)
    totals = model.simulate(table, 26.0, draws=100, seed=1).sum(axis=1)
    assert abs(totals.mean() - model.expected(table, 26.0).sum()) < 4 * totals.std() / 10


def test_by_the_median_wait_half_have_ordered():
    model = given("BG/NBD")
    there = model.alive(CUSTOMERS) > 0.5
    wait = model.median_wait(CUSTOMERS)
    assert np.isinf(wait[~there]).all()
    r, alpha, _, _ = PLANTED
    shape, start = r + CUSTOMERS["x"].to_numpy(), alpha + CUSTOMERS["T"].to_numpy()
    ordered = model.alive(CUSTOMERS) * (1 - (start / (start + wait)) ** shape)
    np.testing.assert_allclose(ordered[there], 0.5)


def test_more_silence_never_makes_a_customer_likelier_to_be_there():
    table = pd.DataFrame({"x": 5.0, "t_x": 20.0, "T": np.arange(20.0, 120.0)})
    assert (np.diff(given("BG/NBD").alive(table)) < 0).all()


@pytest.mark.parametrize("table", [
    pd.DataFrame({"x": [1.0] * 50, "t_x": [1.0] * 50, "T": [200.0] * 50}),  # all gone after one more order
    pd.DataFrame({"x": [52.0] * 50, "t_x": [52.0] * 50, "T": [52.1] * 50}),  # clockwork
], ids=["all churned", "all regular"])  # fmt: skip
def test_customers_without_any_difference_give_finite_numbers(table):
    model = fit_buying(table)
    assert np.isfinite(model.expected(table, 26.0)).all()
    assert ((model.alive(table) >= 0) & (model.alive(table) <= 1)).all()
