"""Shapes against their definitions, the choice among them on months made of each, and lift tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.channels.budget import Curves, by_greedy, by_linear_program, by_marginal_value
from crm_helpers.analysis.channels.budget_plan import make_plan
from crm_helpers.analysis.channels.findings import curve_sentences
from crm_helpers.analysis.channels.response import ResponseCurves, fit_curves
from crm_helpers.analysis.channels.shapes import (
    CONCAVE,
    SHAPES,
    ShapeName,
    inverse,
    log_relative,
    order_of,
    relative,
    slope,
)
from crm_helpers.errors import InputError
from crm_helpers.lift import LiftTest

Curve = Callable[[np.ndarray], np.ndarray]

STRONG: dict[str, Curve] = {  # expected orders at a cost: what each shape is called after
    "power": lambda cost: 60 * cost**0.4,
    "log": lambda cost: 400 * np.log1p(cost / 60),
    "hill": lambda cost: 1500 * cost / (cost + 250),
}


def _months(curves: list[Curve], *, months: int = 36, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    periods = pd.date_range("2022-01-01", periods=months, freq="MS")
    frames = []
    for number, expected in enumerate(curves):
        cost = np.exp(random.uniform(np.log(30), np.log(3000), months))
        orders = random.poisson(expected(cost))
        frames.append(
            pd.DataFrame({"channel": f"c{number}", "period": periods, "cost": cost, "orders": orders})
        )
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("b", [0.02, 0.3, 0.97])
def test_a_shape_has_its_elasticity_at_the_middle_and_its_derivatives(shape: ShapeName, b: float) -> None:
    b *= order_of(shape)
    r, at, step = np.array([0.3, 1.0, 4.0]), np.array(b), 1e-6
    rise = (relative(shape, r + step, at) - relative(shape, r - step, at)) / (2 * step)
    turn = (np.log(relative(shape, r, at + step)) - np.log(relative(shape, r, at - step))) / (2 * step)
    assert relative(shape, np.array(1.0), at) == pytest.approx(1)
    assert slope(shape, np.array(1.0), at) == pytest.approx(b, rel=1e-6)
    np.testing.assert_allclose(slope(shape, r, at), rise, rtol=1e-5)
    np.testing.assert_allclose(log_relative(shape, r, at).by_b, turn, rtol=1e-4, atol=1e-7)
    if shape in CONCAVE:
        np.testing.assert_allclose(inverse(shape, slope(shape, r, at), at), r, rtol=1e-8)
    else:
        with pytest.raises(ValueError, match="no single cost"):
            inverse(shape, slope(shape, r, at), at)


@pytest.mark.parametrize("shape", CONCAVE)
def test_the_shape_that_made_the_months_is_chosen(shape: ShapeName) -> None:
    fitted = fit_curves(_months([STRONG[shape]] * 3), draws=100)
    assert fitted.shape == shape
    tried = fitted.choice.tried
    assert tried.loc[tried["chosen"], "shape"].unique().tolist() == [shape]
    expected = STRONG[shape](fitted.curves["cost_now"].to_numpy())
    np.testing.assert_allclose(fitted.curves["orders_now"], expected, rtol=0.05)


def test_the_power_stays_where_months_cannot_tell_and_where_they_are_few() -> None:
    kept = [fit_curves(_months([STRONG["power"]] * 3, seed=seed), draws=100).shape for seed in range(8)]
    assert kept.count("power") >= 7
    few = fit_curves(_months([STRONG["hill"]], months=8), draws=100)
    assert (few.shape, few.choice.missed) == ("power", {})
    assert "channels.shape_untried" in dict(curve_sentences(few, make_plan(few, _values(few)), None))


def test_another_shape_may_be_asked_for() -> None:
    fitted = fit_curves(_months([STRONG["power"]] * 2), shape="log", draws=100)
    assert (fitted.shape, set(fitted.curves["shape"])) == ("log", {"log"})


@pytest.mark.parametrize("shape", CONCAVE)
def test_the_three_ways_to_divide_agree_on_every_shape(shape: ShapeName) -> None:
    random = np.random.default_rng(2)
    low = random.uniform(5, 20, 4)
    curves = Curves(
        random.uniform(50, 200, 4), random.uniform(0.1, 0.9, 4), random.uniform(1, 9, 4), low, low * 20,
        random.uniform(50, 90, 4), shape,
    )  # fmt: skip
    program, greedy = by_linear_program(curves, 400.0), by_greedy(curves, 400.0)
    marginal = by_marginal_value(curves, 400.0)[0]
    assert program.worth == pytest.approx(greedy.worth, rel=1e-9)
    assert program.worth == pytest.approx(float(curves.worth(marginal).sum()), rel=1e-4)
    inside = (marginal > curves.low + 1e-6) & (marginal < curves.high - 1e-6)
    assert np.ptp(curves.marginal(marginal)[inside]) < 1e-6 * program.shadow_price


def _values(fitted: ResponseCurves) -> pd.DataFrame:
    return pd.DataFrame({"channel": fitted.curves["channel"], "value": 50.0, "low": 48.0, "high": 52.0})


def _confounded(seed: int) -> pd.DataFrame:
    """Make months in which cost followed demand: orders = 100 · demand · cost ^ .3."""
    random = np.random.default_rng(seed)
    demand = np.exp(random.normal(0, 0.3, 36))
    cost = 500 * demand**1.5 * np.exp(random.normal(0, 0.2, 36))
    orders = random.poisson(100 * demand * cost**0.3)
    periods = pd.date_range("2022-01-01", periods=36, freq="MS")
    return pd.DataFrame({"channel": "tv", "period": periods, "cost": cost, "orders": orders})


def _test(months: pd.DataFrame, *, error: float = 40.0, seed: int = 0) -> LiftTest:
    """Double the cost of the last three months before the test, in one month."""
    cost = float(months["cost"].tail(3).mean())
    truth = 100 * ((2 * cost) ** 0.3 - cost**0.3) * 31 / (365.25 / 12)
    found = truth + np.random.default_rng(seed).normal(0, error)
    days = {"starts_on": date(2025, 1, 1), "ends_on": date(2025, 1, 31)}
    change = cost * 31 / (365.25 / 12)
    return LiftTest(channel="tv", spend_change=change, orders=found, standard_error=error, **days)


def test_a_lift_test_puts_right_a_curve_that_followed_demand() -> None:
    held = []
    for seed in range(12):
        months = _confounded(seed)
        alone = fit_curves(months, shape="power", draws=400).curves.iloc[0]
        tested = fit_curves(months, shape="power", lift_tests=(_test(months, seed=seed),), draws=400)
        row = tested.curves.iloc[0]
        assert alone["exponent_low"] > 0.45  # the months flatter the channel, and are sure of it
        assert abs(row["exponent"] - 0.3) < abs(alone["exponent"] - 0.3) / 2
        held.append(row["exponent_low"] <= 0.3 <= row["exponent_high"])
        assert not tested.tests["held"].iloc[0]
        assert "channels.lift_moved" in dict(
            curve_sentences(tested, make_plan(tested, _values(tested)), None)
        )
    assert sum(held) >= 10  # of 12 at 95 %: fewer in 2 of 100 tries


def test_a_lift_test_that_agrees_makes_the_curve_surer() -> None:
    months = _months([STRONG["power"]], months=12).assign(channel="tv")
    alone = fit_curves(months, shape="power", draws=2000).curves.iloc[0]
    cost = float(months["cost"].tail(3).mean())
    lift = 60 * ((3 * cost) ** 0.4 - cost**0.4) * 12
    days = {"starts_on": date(2023, 1, 1), "ends_on": date(2023, 12, 31)}
    test = LiftTest(channel="tv", spend_change=24 * cost, orders=lift, standard_error=lift / 200, **days)
    fitted = fit_curves(months, shape="power", lift_tests=(test,), draws=2000)
    row = fitted.curves.iloc[0]
    assert row["exponent_high"] - row["exponent_low"] < alone["exponent_high"] - alone["exponent_low"]
    assert fitted.tests["held"].tolist() == [True]
    assert row["exponent"] == pytest.approx(0.4, abs=0.01)


def test_a_negative_lift_holds_the_curve_at_its_least() -> None:
    months = _confounded(1)
    test = _test(months).model_copy(update={"orders": -300.0, "standard_error": 20.0})
    row = fit_curves(months, shape="power", lift_tests=(test,), draws=200).curves.iloc[0]
    assert row["exponent"] < 0.05


def test_a_lift_test_of_an_unknown_channel_or_of_more_than_it_costs_is_refused() -> None:
    months = _confounded(1)
    with pytest.raises(InputError, match='no channel "tw" in channels; known: tv'):
        fit_curves(months, lift_tests=(_test(months).model_copy(update={"channel": "tw"}),))
    with pytest.raises(InputError, match="costs less than spend_change"):
        fit_curves(months, lift_tests=(_test(months).model_copy(update={"spend_change": -1e6}),))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ends_on": date(2024, 1, 1)}, "ends_on is before starts_on"),
        ({"spend_change": 0.0}, "spend_change is 0"),
        ({"standard_error": 0.0}, "greater than 0"),
    ],
)
def test_a_lift_test_that_says_nothing_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LiftTest(**(_test(_confounded(1)).model_dump() | change))
