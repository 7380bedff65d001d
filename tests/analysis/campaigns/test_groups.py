"""Campaigns that drew whole regions: errors go by the region, and few regions are not made to seem many."""

from __future__ import annotations

import numpy as np
from campaign_world import World

from crm_helpers.analysis.campaigns.groups import assigned_groups


def _drawn(regions: int, *, seed: int = 1, effect: float = 0.0) -> World:
    """Draw half of the regions; spend of a region goes up and down as a whole."""
    world = World(regions * 30, seed=seed)
    place = np.arange(regions * 30) % regions
    world.region = np.array([f"r{number:02}" for number in place], dtype=object)
    common = world.random.normal(0, 25, regions)[place]
    late = world.lines[0]["day"] >= 182
    world.lines[0].loc[late, "amount"] += common[world.lines[0].loc[late, "person"]].clip(-20)
    chosen = world.random.permutation(regions)[: regions // 2]
    inside = np.isin(place, chosen)
    world.campaign("one", np.flatnonzero(inside), np.flatnonzero(~inside), effect=effect, holdout_share=0.5)
    return world


def test_regions_drawn_as_a_whole_are_seen_and_counted():
    world = _drawn(12)
    found = world.study()
    level = assigned_groups(found.rows, world.tables()["customers"])
    assert level.loc["one"].to_dict() == {"drawn_by": "region", "groups": 12, "groups_treated": 6}
    row = found.effects.iloc[0]
    assert (row["drawn_by"], row["design"], row["grade"]) == ("region", "randomised", "A")


def test_customers_drawn_one_by_one_are_not_taken_for_groups():
    world = World(600)
    world.region = np.array([f"r{number % 12}" for number in range(600)], dtype=object)
    world.campaign("one", *world.drawn())
    assert world.judged().loc["one", "drawn_by"] != "region"


def test_the_interval_by_region_is_wider_than_by_customer_and_holds_no_effect():
    seen = [_drawn(10, seed=seed).judged().loc["one"] for seed in range(2)]
    by_region = [row["effect_high"] - row["effect_low"] for row in seen]
    by_customer = [row["regression_high"] - row["regression_low"] for row in seen]
    assert np.mean(by_region) > 2 * np.mean(by_customer)
    assert sum(row["effect_low"] < 0 < row["effect_high"] for row in seen) >= 1
