"""Pareto/NBD against published figures, numerical integration and lives that were lived."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from crm_helpers.analysis.value.buying import compare_kinds, likeliest, try_kinds
from crm_helpers.analysis.value.likelihood import Fit
from crm_helpers.analysis.value.pareto import ParetoModel, fit_pareto, pareto_likelihood

PLANTED = (0.8, 5.0, 0.7, 20.0)
CUSTOMERS = pd.DataFrame({
    "x": [0.0, 1.0, 3.0, 40.0], "t_x": [0.0, 5.0, 30.0, 80.0], "T": [38.0, 39.0, 35.0, 104.0],
})  # fmt: skip


def lives(*, customers: int, weeks: float, ahead: float, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Live customers as the model says; also their orders in the `ahead` weeks after."""
    generator = np.random.default_rng(seed)
    r, alpha, s, beta = PLANTED
    rate, leaves = generator.gamma(r, 1 / alpha, customers), generator.gamma(s, 1 / beta, customers)
    end = generator.exponential(1 / np.maximum(leaves, 1e-12))
    x, last, later, now = (np.zeros(customers) for _ in range(4))
    while (now < weeks + ahead).any():
        now = now + generator.exponential(1 / np.maximum(rate, 1e-12))
        inside = (now <= np.minimum(end, weeks)).astype(bool)
        x, last = x + inside, np.where(inside, now, last)
        later += (now > weeks) & (now <= np.minimum(end, weeks + ahead))
    return pd.DataFrame({"x": x, "t_x": last, "T": weeks}), later


def given() -> ParetoModel:
    return ParetoModel(Fit(np.array(PLANTED), np.zeros((4, 4)), 0.0, inside=True), 0)


@pytest.mark.parametrize("row", range(len(CUSTOMERS)))
def test_the_likelihood_is_the_integral_over_the_time_of_leaving(row):
    x, t_x, age = CUSTOMERS.iloc[row]
    r, alpha, s, beta = PLANTED
    left, _ = integrate.quad(
        lambda t: s * beta**s * (beta + t) ** (-s - 1) * ((alpha + t) / alpha) ** (-r - x), t_x, age
    )
    there = ((alpha + age) / alpha) ** (-r - x) * (beta / (beta + age)) ** s
    rising = np.sum(np.log(r + np.arange(int(x))))
    expected = rising - x * np.log(alpha) + np.log(there + left)
    assert pareto_likelihood(CUSTOMERS.iloc[[row]], np.array(PLANTED)) == pytest.approx(expected, rel=1e-4)
    assert given().alive(CUSTOMERS)[row] == pytest.approx(there / (there + left), rel=2e-3)


def test_planted_parameters_come_back_within_their_errors():
    table, _ = lives(customers=6_000, weeks=80.0, ahead=0.0, seed=1)
    model = fit_pareto(table)
    error = np.sqrt(np.diag(model.fit.covariance))
    assert (np.abs(np.log(model.fit.parameters / PLANTED)) < 4 * error).all()
    assert model.fit.inside


def test_expected_orders_are_those_that_customers_lived():
    table, later = lives(customers=40_000, weeks=30.0, ahead=40.0, seed=2)
    expected = given().expected(table, 40.0)
    for low, high in [(0, 0), (1, 1), (2, 3), (4, 10), (11, 1000)]:
        chosen = table["x"].between(low, high).to_numpy()
        gap = later[chosen] - expected[chosen]
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(chosen.sum()), (low, high)
    new = given().expected_new(np.array([30.0]))[0]
    assert table["x"].mean() == pytest.approx(new, rel=0.03)


def test_who_does_not_order_again_is_as_many_as_lived_so():
    table, later = lives(customers=40_000, weeks=30.0, ahead=10.0, seed=3)
    model = given()
    none = 1 - model.alive(table) * (1 - model.none_while_alive(table, 10.0))
    assert none.mean() == pytest.approx((later == 0).mean(), abs=0.01)


def test_futures_vary_around_the_expectation():
    table, _ = lives(customers=3_000, weeks=30.0, ahead=0.0, seed=4)
    totals = given().simulate(table, 26.0, draws=100, seed=1).sum(axis=1)
    assert abs(totals.mean() - given().expected(table, 26.0).sum()) < 4 * totals.std() / 10


def test_by_the_median_wait_half_have_ordered():
    wait = given().median_wait(CUSTOMERS)
    there = np.isfinite(wait)
    ordered = [
        given().alive(CUSTOMERS)[row] * (1 - given().none_while_alive(CUSTOMERS.iloc[[row]], wait[row])[0])
        for row in np.flatnonzero(there)
    ]
    assert there.any()
    np.testing.assert_allclose(ordered, 0.5, atol=0.005)


def test_the_model_that_made_the_lives_is_kept_and_otherwise_the_usual_one():
    table, later = lives(customers=4_000, weeks=80.0, ahead=60.0, seed=5)
    models = try_kinds(table)
    assert likeliest(models).kind == "Pareto/NBD"
    compared = compare_kinds(models, table.assign(later_orders=later), horizon=60.0)
    assert compared.loc[compared["kept"], "model"].tolist() == ["Pareto/NBD"]
    twice = compare_kinds([models[0], models[0]], table.assign(later_orders=later), horizon=60.0)
    assert twice["kept"].tolist() == [True, False]
