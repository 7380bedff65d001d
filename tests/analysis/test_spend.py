"""Gamma-Gamma against planted parameters, numerical integration and the customer's own mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from crm_helpers.analysis.value.spend import _Likelihood, fit_spend, order_value_correlation

PLANTED = np.array([6.25, 3.74, 15.44])


def spends(seed: int, customers: int = 4_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orders, mean and mean logarithm of customers who spend as the model says."""
    p, q, v = PLANTED
    generator = np.random.default_rng(seed)
    orders = generator.integers(2, 12, customers)
    values = generator.gamma(p, 1.0, orders.sum()) / np.repeat(generator.gamma(q, 1 / v, customers), orders)
    who = np.repeat(np.arange(customers), orders)
    mean, logs = (np.bincount(who, of) / orders for of in (values, np.log(values)))
    return orders, mean, logs


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("each_value", [False, True])
def test_planted_parameters_come_back_within_their_errors(seed, each_value):
    orders, mean, logs = spends(seed)
    model = fit_spend(orders, mean, logs if each_value else None)
    error = np.sqrt(np.diag(model.fit.covariance))
    assert (np.abs(np.log(model.fit.parameters / PLANTED)) < 4 * error).all()
    assert error.max() < 0.5


def test_the_likelihood_of_a_mean_is_the_integral_over_customers():
    p, q, v = PLANTED
    x, z = np.array([3.0, 3.0, 8.0]), np.array([20.0, 60.0, 35.0])
    total = x * z
    objective = _Likelihood(np.array([3.0, 8.0]), np.array([2.0, 1.0]), x, total, x * np.log(total), False)

    def density(rate: float, place: int) -> float:
        mean = stats.gamma.pdf(z[place], p * x[place], scale=1 / (rate * x[place]))
        return float(mean * stats.gamma.pdf(rate, q, scale=1 / v))

    whole = sum(
        np.log(integrate.quad(density, 0, np.inf, args=(place,), epsabs=1e-14)[0]) for place in range(3)
    )
    # the objective leaves out what does not depend on the parameters: the sum of ln z
    assert objective(PLANTED)[0] - np.log(z).sum() == pytest.approx(whole, rel=1e-7)


def test_who_orders_often_is_expected_to_spend_as_before_and_others_as_everybody():
    model = fit_spend(*spends(4))
    p, q, v = model.fit.parameters
    assert model.expected(np.array([0.0]), np.array([0.0]))[0] == pytest.approx(p * v / (q - 1))
    assert model.expected(np.array([1e6]), np.array([500.0]))[0] == pytest.approx(500.0, rel=1e-3)


def test_simulated_money_varies_around_the_expectation():
    orders, mean, logs = spends(5, 2_000)
    model = fit_spend(orders, mean, logs)
    drawn = model.simulate(orders, mean, np.full((60, len(orders)), 5.0), seed=1).sum(axis=1)
    expected = 5 * model.expected(orders, mean).sum()
    assert abs(drawn.mean() - expected) < 4 * drawn.std() / np.sqrt(60)


def test_constant_spend_is_expected_again():
    orders, mean = np.array([2.0, 3.0, 4.0] * 20), np.full(60, 25.0)
    model = fit_spend(orders, mean, np.log(mean))
    np.testing.assert_allclose(model.expected(orders, mean), 25.0, rtol=1e-3)


def test_orders_and_values_that_go_together_are_seen():
    generator = np.random.default_rng(1)
    orders = generator.integers(1, 20, 500)
    assert order_value_correlation(orders, orders * 10.0 + generator.normal(0, 20, 500)).low > 0.5
    apart = order_value_correlation(orders, generator.gamma(3, 10, 500))
    assert apart.low - 0.05 < 0 < apart.high + 0.05
    assert not order_value_correlation(np.full(50, 2), generator.gamma(3, 10, 50)).known
