"""Limits as they are written, and the plans that keep them or say why none can."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.channels.budget_plan import BudgetPlan, make_plan
from crm_helpers.analysis.channels.findings import action, answer, plan_finding
from crm_helpers.analysis.channels.response import fit_curves
from crm_helpers.analysis.channels.stated_limits import parse_limits
from crm_helpers.errors import InputError


def _plan(text: str = "", *, least_return: float = 0.0) -> BudgetPlan:
    """Channels a, b and c of 500 a month, c answering most to money."""
    rng = np.random.default_rng(5)
    periods = pd.date_range("2023-01-01", periods=24, freq="MS")
    frames = []
    for channel, exponent in {"a": 0.2, "b": 0.4, "c": 0.7}.items():
        cost = np.append(rng.uniform(100, 1000, 21), [500.0] * 3)
        orders = np.round(10 * cost**exponent * np.exp(rng.normal(0, 0.03, 24)))
        frames.append(pd.DataFrame({"channel": channel, "period": periods, "cost": cost, "orders": orders}))
    values = pd.DataFrame({"channel": ["a", "b", "c"], "value": 50.0, "low": 48.0, "high": 52.0})
    limits = parse_limits(text, least_return=least_return)
    return make_plan(fit_curves(pd.concat(frames), draws=200), values, limits=limits)


def _cost(plan: BudgetPlan) -> dict[str, float]:
    return dict(zip(plan.table["channel"], plan.table["cost_planned"].round(6), strict=True))


def test_limits_that_do_not_bind_give_the_plan_without_them() -> None:
    free, limited = _plan(), _plan("a: ..5000")
    assert _cost(limited) == pytest.approx(_cost(free), abs=3)  # two parts of the budget
    assert limited.gain.value == pytest.approx(free.gain.value, rel=5e-3)
    assert limited.gap == pytest.approx(0, abs=1e-9)


def test_bounds_fixed_channels_and_groups_are_kept() -> None:
    plan = _plan("a: 300; b + c: ..1100")
    cost = _cost(plan)
    assert cost["a"] == pytest.approx(300, abs=1.5)
    assert cost["b"] + cost["c"] <= 1100
    assert plan.table.set_index("channel").loc["a", "at_bound"] == "limit given"


def test_a_least_return_keeps_a_channel_where_it_brings_enough() -> None:
    table = _plan(least_return=6.0).table
    assert (table["value_planned"] >= 6.0 * table["cost_planned"] * (1 - 1e-3)).all()


def test_limits_that_conflict_are_named_and_the_plan_moves_nothing() -> None:
    plan = _plan("a: 900..; b: 900..")
    assert plan.advice == "limits conflict"
    assert plan_finding(plan)[0] == "channels.conflict"
    assert action(plan)[0] == "channels.do_ease"
    assert answer(plan, pd.DataFrame({"measure": []}))[1] == "not enough data"
    assert [name.split(" at ")[0] for name in plan.conflict[:2]] == ["a", "b"]


@pytest.mark.parametrize("text", ["phone", "phone: many", "phone: ..", ": 5"])
def test_what_does_not_read_is_an_error_that_shows_how(text: str) -> None:
    with pytest.raises(InputError, match="does not read"):
        parse_limits(text)


def test_an_unknown_channel_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(InputError, match='no channel "aa"'):
        _plan("aa: 5..6")
