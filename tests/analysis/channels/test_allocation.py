"""Divisions of a budget: against every division, against an integer program, and limits that conflict."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from small_allocation import by_integer_program, curves, random_limits

from crm_helpers.analysis.channels.allocation import allocate
from crm_helpers.analysis.channels.allocation_limits import Group, Limits
from crm_helpers.errors import InputError


def _best_of_all(worth: np.ndarray, budget: int, limits: Limits) -> float:
    best = -np.inf
    for units in product(*(range(a, b + 1) for a, b in zip(limits.low, limits.high, strict=True))):
        fits = all(g.low <= sum(units[k] for k in g.members) <= g.high for g in limits.groups)
        if fits and sum(units) <= budget:
            best = max(best, float(worth[range(len(units)), units].sum()))
    return best


@pytest.mark.parametrize("seed", range(60))
def test_no_division_there_is_brings_more_and_all_is_spent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = curves(rng, 3, 12)
    limits = random_limits(rng, worth, grouped=seed % 2 == 1)
    budget = int(rng.integers(limits.low.sum(), limits.high.sum() + 1))
    plan = allocate(worth, budget, limits=limits)
    best = _best_of_all(worth, budget, limits)
    assert plan.worth == pytest.approx(best, rel=1e-12)
    assert plan.bound >= best - 1e-9
    assert ((limits.low <= plan.units) & (plan.units <= limits.high)).all()
    if not limits.groups:
        assert plan.units.sum() == budget


@pytest.mark.parametrize("seed", range(10))
def test_the_division_is_that_of_the_integer_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = curves(rng, 6, 60)
    limits = random_limits(rng, worth, grouped=True)
    budget = int((limits.low.sum() + limits.high.sum()) // 2)
    assert allocate(worth, budget, limits=limits).worth == pytest.approx(
        by_integer_program(worth, budget, limits), rel=1e-9
    )


def test_for_concave_curves_the_bound_is_the_plan() -> None:
    worth = np.array([[k * np.sqrt(x) for x in range(101)] for k in (1, 2, 3)])
    plan = allocate(worth, 150, limits=Limits.none(worth))
    assert plan.gap == pytest.approx(0, abs=1e-12)
    more = allocate(worth, 151, limits=Limits.none(worth))
    assert more.worth - plan.worth == pytest.approx(plan.price, rel=0.02)


def test_a_fixed_channel_stays_and_the_price_of_its_limit_is_said() -> None:
    worth = np.array([np.sqrt(np.arange(11)), 3 * np.sqrt(np.arange(11))])
    limits = Limits(("a", "b"), np.array([0, 2]), np.array([10, 2]))
    plan = allocate(worth, 6, limits=limits)
    assert plan.units.tolist() == [4, 2]
    assert plan.limit_prices[1] == pytest.approx(3 * (np.sqrt(3) - np.sqrt(2)) - plan.price)


def test_a_channel_below_the_least_return_gets_nothing() -> None:
    worth = np.array([[0.0, 1.0, 2.0, 9.0], [0.0, 2.0, 4.0, 5.0]])
    plan = allocate(worth, 3, limits=Limits(("a", "b"), np.zeros(2, int), np.full(2, 3), least_return=2.0))
    assert plan.units.tolist() == [3, 0]


def test_where_more_money_brings_less_it_is_not_spent() -> None:
    plan = allocate(np.array([[0.0, 4.0, 3.0, -2.0]]), 3, limits=Limits.none(np.zeros((1, 4))))
    assert (plan.units.tolist(), plan.unspent, plan.why_unspent) == ([1], 2, "more would bring less")


def test_money_no_channel_can_take_is_left() -> None:
    worth = np.array([[0.0, 1.0], [0.0, 1.0]])
    plan = allocate(worth, 5, limits=Limits.none(worth))
    assert (plan.unspent, plan.why_unspent) == (3, "channels take no more")


def test_limits_that_conflict_are_named_and_no_others() -> None:
    worth = curves(np.random.default_rng(1), 3, 20)
    limits = Limits(("a", "b", "c"), np.array([6, 5, 0]), np.array([20, 20, 3]), (Group((0, 1), 0, 10),))
    plan = allocate(worth, 15, limits=limits)
    assert len(plan.units) == 0
    assert plan.conflict == ("a at least 6", "b at least 5", "a + b at most 10")


def test_minimums_beyond_the_budget_conflict_with_it() -> None:
    worth = curves(np.random.default_rng(1), 2, 20)
    plan = allocate(worth, 10, limits=Limits(("a", "b"), np.array([6, 5]), np.array([20, 20])))
    assert plan.conflict == ("a at least 6", "b at least 5", "a budget of 10")


def test_a_channel_in_two_groups_is_an_error() -> None:
    with pytest.raises(InputError, match="two groups"):
        Limits(("a",), np.zeros(1), np.ones(1), (Group((0,), 0, 1), Group((0,), 0, 1)))
