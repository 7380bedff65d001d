"""Contacts chosen under limits: against every plan there is, against HiGHS, and where nothing pays."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crm_helpers.analysis.channels.assignment import GAP, Assignment, assign, by_branch_and_bound
from crm_helpers.analysis.channels.offers import Offers, make_offers
from crm_helpers.errors import InputError


def _keeps_the_limits(offers: Offers, plan: Assignment) -> bool:
    sent = plan.taken.sum(axis=0)
    return bool(
        (plan.taken.sum(axis=1) <= offers.most).all()
        and (sent <= offers.capacity).all()
        and offers.cost @ sent <= offers.budget + 1e-9
        and np.isfinite(offers.gain.T[plan.taken]).all()
    )


def _random(seed: int, *, customers: int, channels: int) -> Offers:
    """Continuous gains, whole ones (many ties) and few kinds of customers, in turn."""
    rng = np.random.default_rng(seed)
    gain = rng.normal(1, 2, (customers, channels))
    if seed % 3 == 1:
        gain = np.round(gain)
    if seed % 3 == 2:
        gain = gain[rng.integers(0, 3, customers) % customers]
    gain = np.where(rng.random(gain.shape) < 0.1, -np.inf, gain)
    cost = rng.uniform(0, 2, channels) if seed % 4 else np.zeros(channels)
    budget = float(rng.uniform(0, customers)) if seed % 2 else np.inf
    capacity = rng.integers(0, customers + 2, channels)
    return make_offers(gain, capacity, cost=cost, budget=budget, most=int(rng.integers(1, 4)))


def _best_of_all(offers: Offers) -> float:
    pairs = np.argwhere(offers.gain > 0)
    best = 0.0
    for pick in product((False, True), repeat=len(pairs)):
        taken = np.zeros(offers.gain.shape, bool)
        taken[tuple(pairs[list(pick)].T)] = True
        sent = taken.sum(axis=1)
        allowed = (taken.sum(axis=0) <= offers.most).all() and (sent <= offers.capacity).all()
        if allowed and offers.cost @ sent <= offers.budget:
            best = max(best, float(offers.gain[taken].sum()))
    return best


@pytest.mark.parametrize("seed", range(30))
def test_no_plan_there_is_brings_more(seed: int) -> None:
    offers = _random(seed, customers=4, channels=2)
    plan = assign(offers)
    best = _best_of_all(offers)
    assert _keeps_the_limits(offers, plan)
    assert best * (1 - GAP) - 1e-9 <= plan.worth <= best + 1e-9 <= plan.bound + 2e-9


@pytest.mark.parametrize("seed", range(120))
def test_the_plan_is_that_of_the_integer_program(seed: int) -> None:
    offers = _random(seed, customers=5 + seed % 40, channels=1 + seed % 6)
    plan = assign(offers)
    best = float(offers.gain[by_branch_and_bound(offers)[0]].sum())
    assert _keeps_the_limits(offers, plan)
    assert best * (1 - GAP) - 1e-9 <= plan.worth <= best + 1e-6
    assert plan.bound >= best - 1e-6
    assert plan.gap <= GAP


@pytest.mark.parametrize("kinds", [0, 8])
def test_many_customers_have_a_certified_gap(kinds: int) -> None:
    rng = np.random.default_rng(3)
    gain = rng.gamma(2, 5, (20_000, 6)) - 6
    if kinds:
        gain = gain[:kinds][rng.integers(0, kinds, len(gain))]
    cost = np.array([6.0, 0.4, 1.8, 0.6, 2.5, 9.0])
    offers = make_offers(gain, np.full(6, 2_000), cost=cost, budget=16_000, most=2)
    plan = assign(offers)
    assert _keeps_the_limits(offers, plan)
    assert plan.gap <= GAP


def test_a_price_is_what_one_more_contact_brings() -> None:
    gain = np.random.default_rng(1).gamma(2, 5, (2_000, 2))
    less, more = (assign(make_offers(gain, np.array([500, capacity]))) for capacity in (500, 540))
    assert (more.worth - less.worth) / 40 == pytest.approx(less.price[1], rel=0.05)


def test_where_every_contact_loses_money_nobody_is_contacted() -> None:
    plan = assign(make_offers(np.full((50, 3), -1.0), np.full(3, 50), cost=np.ones(3), budget=10.0))
    assert plan.taken.sum() == 0
    assert (plan.worth, plan.bound, plan.gap) == (0.0, 0.0, 0.0)


def test_without_cost_the_budget_does_not_bind() -> None:
    plan = assign(make_offers(np.ones((50, 2)), np.array([np.inf, np.inf]), budget=0.0))
    assert plan.taken.sum() == 50


def test_equal_calls_give_equal_plans() -> None:
    gain = np.random.default_rng(5).integers(0, 4, (3_000, 4)).astype(float)
    first, second = (assign(make_offers(gain, np.full(4, 400))) for _ in range(2))
    assert np.array_equal(first.taken, second.taken)


def test_a_capacity_below_zero_is_an_error() -> None:
    with pytest.raises(InputError, match="zero or more"):
        make_offers(np.ones((2, 1)), np.array([-1]))
