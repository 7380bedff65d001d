"""Power curves on months made from known curves, and months that show nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from crm_helpers.analysis.channels.response import SMALLEST, fit_curves, tabulate


def _months(curves: dict[str, tuple[float, float]], *, months: int = 24, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    periods = pd.date_range("2023-01-01", periods=months, freq="MS")
    frames = []
    for channel, (scale, exponent) in curves.items():
        cost = rng.uniform(100, 1000, months).round(2)
        orders = rng.poisson(scale * cost**exponent)
        frames.append(pd.DataFrame({"channel": channel, "period": periods, "cost": cost, "orders": orders}))
    return pd.concat(frames, ignore_index=True)


def test_one_channel_is_the_poisson_regression_of_statsmodels() -> None:
    months = _months({"shop": (10.0, 0.5)})
    fitted = fit_curves(months).curves.iloc[0]
    design = sm.add_constant(np.log(months["cost"]))
    theirs = sm.GLM(months["orders"], design, family=sm.families.Poisson()).fit()
    assert fitted["exponent"] == pytest.approx(theirs.params["cost"], rel=1e-6)
    assert fitted["scale"] == pytest.approx(np.exp(theirs.params["const"]), rel=1e-6)


def test_exponents_that_differ_by_noise_only_are_drawn_together() -> None:
    months = _months({f"c{number}": (0.6, 0.4) for number in range(6)})
    table = fit_curves(months).curves
    assert table["exponent"].std() < 0.8 * table["own_exponent"].std()
    assert abs(table["exponent"].mean() - 0.4) < 0.1


def test_intervals_hold_the_exponent_as_often_as_they_say() -> None:
    truth = {"a": (20.0, 0.3), "b": (5.0, 0.6)}
    tables = [fit_curves(_months(truth, seed=seed), draws=500).curves for seed in range(40)]
    inside = [
        row.exponent_low <= truth[row.channel][1] <= row.exponent_high
        for table in tables
        for row in table.itertuples()
    ]
    assert stats.binomtest(sum(inside), len(inside), 0.95).pvalue > 0.001


def test_orders_that_fall_with_cost_are_held_at_the_bound_and_said() -> None:
    months = _months({"a": (2000.0, -0.5)})
    row = fit_curves(months).curves.iloc[0]
    assert row["exponent"] == SMALLEST
    assert row["note"] == "held at the bound"


def test_orders_at_twice_the_cost_are_left_out_where_it_was_never_spent() -> None:
    months = _months({"a": (10.0, 0.5), "b": (10.0, 0.5)})
    last = months["period"] >= months["period"].max() - pd.DateOffset(months=2)
    months.loc[last & (months["channel"] == "a"), "cost"] = 900.0
    months.loc[last & (months["channel"] == "b"), "cost"] = 200.0
    table = fit_curves(months).curves.set_index("channel")
    assert np.isnan(table.loc["a", "doubling"])
    assert table.loc["b", "doubling"] == pytest.approx(2 ** table.loc["b", "exponent"] - 1)
    assert table.loc["a", "tenth"] == pytest.approx(table.loc["a", "exponent"] / 10)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"cost": 500.0}, "cost hardly varied"),
        ({"cost": 0.0}, "fewer than 6 months with cost and orders"),
        ({"cost": np.nan}, "fewer than 6 months with cost and orders"),
        ({"orders": 0}, "no orders"),
    ],
)
def test_months_that_show_nothing_give_no_curve_and_a_reason(change: dict[str, float], why: str) -> None:
    fitted = fit_curves(_months({"a": (10.0, 0.5)}).assign(**change))
    assert fitted.curves.empty
    assert fitted.unfit == {"a": why}


def test_no_channels_no_curves() -> None:
    fitted = fit_curves(_months({"a": (1.0, 0.5)}).head(0))
    assert fitted.curves.empty
    assert tabulate(fitted).empty


def test_curves_are_drawn_within_the_costs_observed_only() -> None:
    months = _months({"a": (10.0, 0.5)})
    drawn = tabulate(fit_curves(months))
    assert drawn["cost"].min() == months["cost"].min()
    assert drawn["cost"].max() == months["cost"].max()
    assert ((drawn["low"] <= drawn["orders"]) & (drawn["orders"] <= drawn["high"])).all()


def test_the_same_seed_gives_the_same_intervals() -> None:
    months = _months({"a": (10.0, 0.5), "b": (3.0, 0.7)})
    pd.testing.assert_frame_equal(fit_curves(months).curves, fit_curves(months).curves)
