"""Prices of limits against the gain of easing them, the month planned, and budgets that stay unused."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.channels.budget import Curves, by_marginal_value
from crm_helpers.analysis.channels.budget_plan import BudgetPlan, make_plan
from crm_helpers.analysis.channels.findings import action, next_month, plan_finding, spent_sentences
from crm_helpers.analysis.channels.response import fit_curves
from crm_helpers.analysis.channels.stated_limits import parse_limits


def _plan(text: str = "", *, least_return: float = 0.0) -> BudgetPlan:
    """Three channels of 500 a month, c answering most to money; the same curves each time."""
    random = np.random.default_rng(5)
    periods = pd.date_range("2023-01-01", periods=24, freq="MS")
    frames = []
    for channel, exponent in {"a": 0.2, "b": 0.4, "c": 0.7}.items():
        cost = np.append(random.uniform(100, 1000, 21), [500.0] * 3)
        orders = np.round(10 * cost**exponent)
        frames.append(pd.DataFrame({"channel": channel, "period": periods, "cost": cost, "orders": orders}))
    values = pd.DataFrame({"channel": ["a", "b", "c"], "value": 50.0, "low": 48.0, "high": 52.0})
    limits = parse_limits(text, least_return=least_return)
    return make_plan(fit_curves(pd.concat(frames), draws=100), values, limits=limits)


def _worth(text: str) -> float:
    return float(_plan(text).table["value_planned"].sum())


@pytest.mark.parametrize(
    ("limit", "eased", "name", "kind"),
    [
        ("c: ..600", "c: ..615", "c at most", "channel"),
        ("a: 400..", "a: 385..", "a at least", "channel"),
        ("b + c: ..900", "b + c: ..915", "b + c at most", "group"),
        ("a + b: 1000..", "a + b: 985..", "a + b at least", "group"),
    ],
)
def test_the_price_of_a_limit_is_what_easing_it_brings(limit: str, eased: str, name: str, kind: str) -> None:
    prices = _plan(limit).prices.set_index("limit")
    gained = (_worth(eased) - _worth(limit)) / 15
    assert prices.loc[name, "price"] == pytest.approx(gained, rel=0.05)
    assert prices.loc[name, "kind"] == kind


def test_the_most_ever_spent_has_a_price_too_and_the_budget_comes_first() -> None:
    plan = _plan()
    assert plan.prices["kind"].iloc[0] == "budget"
    assert plan.prices["price"].iloc[0] == pytest.approx(plan.shadow_price)
    stopped = plan.table.loc[plan.table["at_bound"] != "", "channel"].tolist()
    assert plan.prices["limit"].iloc[1:].str.replace(r" at .*", "", regex=True).tolist() == stopped


def test_the_dearest_limit_is_said_and_whether_the_budget_is_used() -> None:
    said = dict(spent_sentences(_plan("c: ..600")))
    assert said["channels.dearest"]["limit"] == "c at most"
    assert "channels.spent" in said
    unused = spent_sentences(_plan("a: ..300; b: ..300; c: ..400"))
    assert unused[0][0] == "channels.unspent"
    assert unused[0][1]["left"] == pytest.approx(500, abs=5)
    assert spent_sentences(_plan("a: 900..; b: 900..")) == []


@pytest.mark.parametrize(
    ("as_of", "month"),
    [
        (date(2025, 1, 1), date(2025, 1, 1)), (date(2024, 12, 2), date(2025, 1, 1)),
        (date(2024, 1, 31), date(2024, 2, 1)),
    ],
)  # fmt: skip
def test_the_next_month_is_the_first_that_can_be_planned_whole(as_of: date, month: date) -> None:
    assert next_month(as_of) == month


def test_the_plan_names_its_month() -> None:
    plan = _plan()
    assert plan_finding(plan, month=date(2025, 2, 1))[1]["month"] == "February 2025"
    assert action(plan, month=date(2025, 2, 1))[1]["month"] == "February 2025"


def test_regret_within_a_group_limit_is_that_of_divisions_that_keep_it() -> None:
    free, grouped = _plan(), _plan("b + c: ..900")
    # what is lost for the limit is no want of knowledge: the months here are exact to half an order
    assert grouped.regret <= 0.01 * free.promised
    assert 0 <= grouped.optimism <= 0.01 * free.promised


def test_the_division_by_draws_keeps_group_limits_like_the_grid_does() -> None:
    one = np.ones(3)
    curves = Curves(40 * one, np.array([0.2, 0.4, 0.7]), one, 10 * one, 1000 * one)
    cost = by_marginal_value(curves, 1500.0, [((1, 2), 0.0, 900.0)])[0]
    assert cost[1] + cost[2] == pytest.approx(900)
    assert cost.sum() == pytest.approx(1500)
    marginal = curves.marginal(cost)
    assert marginal[1] == pytest.approx(marginal[2], rel=1e-6)
    assert marginal[0] < marginal[1]
    least = by_marginal_value(curves, 1500.0, [((0, 1), 800.0, np.inf)])[0]
    assert least[0] + least[1] == pytest.approx(800)


def test_a_limit_beyond_what_was_ever_spent_is_named_with_what_was() -> None:
    plan = _plan("a: 5000..; c: ..3")
    assert plan.advice == "limits conflict"
    assert plan.conflict[0].startswith("a at least 5,000 where it never cost more than 9")
    assert plan.conflict[1].startswith("c at most 3 where it never cost less than 1")
