"""Who orders no more by the rhythm of customers who spend alike: against integrals and a planted company."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from crm_helpers.analysis.churn.models import areas
from crm_helpers.analysis.churn.rhythm import LEAVING, fit_leaving, no_order, rhythm

WINDOW = 84  # days


def integrated(shape: float, behind: float, silent: float, leaving: float) -> float:
    """The same probability by integrating over rates and over the day of leaving."""
    weeks, rates = WINDOW / 7, stats.gamma(shape, scale=1 / behind)

    def stayed(rate: float) -> float:
        return np.exp(-(rate + leaving) * silent)

    def left(rate: float) -> float:
        return integrate.quad(lambda day: leaving * np.exp(-(rate + leaving) * day), 0, silent)[0]

    def over(weight: Callable[[float], float]) -> float:
        return integrate.quad(lambda rate: rates.pdf(rate) * weight(rate), 0, rates.ppf(1 - 1e-9), limit=200)[
            0
        ]

    every = over(lambda rate: stayed(rate) + left(rate))
    orders = over(lambda rate: stayed(rate) * np.exp(-leaving * weeks) * -np.expm1(-rate * weeks))
    return 1 - orders / every


@pytest.mark.parametrize("leaving", [0.001, 0.008])
@pytest.mark.parametrize("known", [(8.0, 30.0, 2.0), (30.0, 90.0, 12.0), (2.5, 60.0, 10.0)])
def test_the_probability_is_the_integral_over_rates(known, leaving):
    found = no_order(np.array([known]), leaving=leaving, window=WINDOW)[0]
    assert found == pytest.approx(integrated(*known, leaving), abs=0.02)


def company(leaving: float, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Two kinds of customers, half each: dear and rare orders, cheap and frequent ones; and what came."""
    random = np.random.default_rng(seed)
    size, age, weeks = 6_000, 14.0, WINDOW / 7
    dear = random.random(size) < 0.5
    rate = np.where(dear, 0.1, 0.6) * random.gamma(20, 1 / 20, size)
    leaves = random.exponential(1 / leaving, size)
    x = random.poisson(rate * np.minimum(age, leaves))
    last = np.where(x > 0, np.minimum(age, leaves) * random.random(size) ** (1 / np.maximum(x, 1)), 0.0)
    later = random.poisson(rate * np.clip(leaves - age, 0, weeks))
    mean = np.where(dear, 900.0, 60.0) * random.gamma(30, 1 / 30, size)
    table = pd.DataFrame({"x": x, "t_x": last, "T": age, "mean": mean})
    active = (age - last) * 7 < WINDOW
    return table[active], later[active] == 0, rate[active]


def test_it_comes_near_who_knows_every_rate():
    table, churned, rate = company(0.004)
    known = rhythm(table)
    leaving = fit_leaving(known, churned, window=WINDOW)
    silent = (table["T"] - table["t_x"]).to_numpy()
    there = 1 / (1 + 0.004 * np.expm1(rate * silent) / rate)
    oracle = 1 - there * np.exp(-0.004 * WINDOW / 7) * -np.expm1(-rate * WINDOW / 7)
    found = no_order(known, leaving=leaving, window=WINDOW)
    alone = no_order(rhythm(table.assign(mean=1.0)), leaving=leaving, window=WINDOW)
    once = np.ones((1, len(churned)))
    best, ours, blind = (areas(score, churned.astype(float), once)[0] for score in (oracle, found, alone))
    assert blind + 0.01 < ours < best
    assert abs(found.mean() - churned.mean()) < 0.02


@pytest.mark.parametrize("planted", [0.001, 0.008])
def test_the_planted_rate_of_leaving_is_found(planted):
    table, churned, _ = company(planted)
    found = fit_leaving(rhythm(table), churned, window=WINDOW)
    assert abs(LEAVING.index(found) - LEAVING.index(planted)) <= 1


def test_few_customers_and_equal_ones_are_no_error():
    same = pd.DataFrame({"x": [0.0] * 3, "t_x": [0.0] * 3, "T": [0.0, 1.0, 2.0], "mean": [5.0] * 3})
    found = no_order(rhythm(same), leaving=0.001, window=WINDOW)
    assert np.isfinite(found).all()
    assert rhythm(same.head(0)).shape == (0, 3)
