"""Two-way effects by imputation: against dummies written out, and against what was planted."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from campaign_world import FIRST, START, World

from crm_helpers.analysis.campaigns.staggered import WeekPanel


def _panel(customers: int = 60, weeks: int = 12, *, seed: int = 1):
    """Two waves whose effects grow from week to week, which the plain two-way regression gets wrong."""
    random = np.random.default_rng(seed)
    spend = (
        random.normal(20, 5, (customers, 1))
        + np.linspace(0, 6, weeks)
        + random.normal(0, 1, (customers, weeks))
    )
    free = np.ones((customers, weeks), bool)
    for begin, own in ((4, slice(0, 20)), (8, slice(20, 40))):
        spend[own, begin:] += np.arange(1, weeks - begin + 1)
        free[own, begin:] = False
    return spend, free


def test_it_is_least_squares_with_dummies_on_the_free_weeks():
    spend, free = _panel()
    customer, week = np.nonzero(np.ones_like(free))
    dummies = np.column_stack([np.eye(60)[customer], np.eye(12)[week][:, 1:]])
    fit = sm.OLS(spend[free], dummies[free.ravel()]).fit()
    expected = (dummies @ fit.params).reshape(spend.shape)
    np.testing.assert_allclose(
        WeekPanel(spend, np.ones_like(free), free).residual, spend - expected, atol=1e-8
    )


def test_effects_of_both_waves_are_found_though_they_start_at_different_times():
    spend, free = _panel()
    panel = WeekPanel(spend, np.ones_like(free), free)
    first, second = (np.isin(np.arange(60), np.arange(start, start + 20)) for start in (0, 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crm_helpers.analysis.campaigns.staggered._LEAST", 10)
        early, late = panel.effect(first, slice(4, 8)), panel.effect(second, slice(8, 12))
    assert early.low < 1 + 2 + 3 + 4 < early.high
    assert late.low < 1 + 2 + 3 + 4 < late.high


def test_intervals_hold_an_effect_of_nothing_as_often_as_they_say():
    inside = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        spend = random.normal(20, 5, (80, 1)) + random.gamma(1, 10, (80, 10))
        free = np.ones((80, 10), bool)
        own = np.arange(80) < 40
        free[own, 6:8] = False
        found = WeekPanel(spend, np.ones_like(free), free).effect(own, slice(6, 8))
        inside += found.low < 0 < found.high
    assert inside >= 51  # 1 in 1,000 by chance


def test_a_targeted_campaign_of_steady_buyers_is_found_by_all_three_ways():
    world = World(900, seed=5)
    world.campaign("aimed", np.arange(300), np.array([]), effect=25.0, start=START, design="targeted")
    row = world.judged().loc["aimed"]
    assert row["grade"] == "B"
    for way in ("effect", "regression", "change"):
        assert row[f"{way}_low"] < 25 < row[f"{way}_high"]
    assert row["lead_low"] < 0 < row["lead_high"]


def _in_waves(*, effect: float = 25.0, all_contacted: bool = False) -> World:
    """Three waves, three weeks apart; whoever is contacted spends more in the days that follow."""
    world = World(900, seed=5)
    people = np.arange(900 if all_contacted else 450).reshape(3, -1)
    world.campaign("waves", people.ravel(), np.array([]), start=START, design="targeted")
    days = [START + timedelta(days=21 * wave) for wave in range(3)]
    moments = np.repeat(pd.to_datetime(days).astype("datetime64[us]"), people.shape[1])
    world.contacts[-1]["contacted_at"] = moments
    for own, day in zip(people, days, strict=True):
        world.lines.append(pd.DataFrame({"person": own, "day": (day - FIRST).days + 3, "amount": effect}))
    return world


@pytest.mark.parametrize("all_contacted", [False, True])
def test_contacts_in_waves_are_judged_from_each_customers_own_day(all_contacted: bool):
    row = _in_waves(all_contacted=all_contacted).judged().loc["waves"]
    assert (row["design"], row["reason"]) == ("staggered", "")
    assert row["grade"] in ("C", "D")
    assert row["effect"] == row["change"]
    assert row["effect_low"] < 25 < row["effect_high"]
    assert (row["placebo"], row["placebo_low"]) == (row["lead"], row["lead_low"])


def test_one_day_of_contacts_is_no_wave_and_a_last_wave_must_be_over():
    world = _in_waves()
    world.contacts[-1]["contacted_at"] = pd.Timestamp(START)
    assert world.judged().loc["waves", "design"] == "targeted"
    late = _in_waves()
    late.contacts[-1].loc[late.contacts[-1].index[-150:], "contacted_at"] = pd.Timestamp("2024-12-20")
    assert late.judged().loc["waves", "reason"] == "window not over"
