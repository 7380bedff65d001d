"""Several outcomes and offers of one campaign, against statsmodels and against what was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from campaign_world import World

from crm_helpers.analysis.campaigns.outcomes import holm, lin_effect, outcome_effects
from crm_helpers.analysis.campaigns.targeted import one_campaign


def _world() -> World:
    world = World(900)
    strong, rest = world.drawn(1 / 3)
    weak, held = rest[:300], rest[300:]
    world.campaign("one", np.append(strong, weak), held)
    offers = np.repeat(["strong", "weak", None], [300, 300, 300])
    world.contacts[0]["offer"] = offers
    world.lines.append(pd.DataFrame({"person": strong, "day": 185, "amount": 40.0}))
    return world


def test_each_offer_is_compared_with_the_held_out_on_each_outcome():
    found = outcome_effects(_world().study()).set_index(["offer", "outcome"])
    assert len(found) == 10
    strong, weak = found.loc[("strong", "spend")], found.loc[("weak", "spend")]
    assert strong["change_low"] < 40 < strong["change_high"]
    assert weak["change_low"] < 0 < weak["change_high"]
    assert found.loc[("strong", "orders"), "change"] == pytest.approx(1.0, abs=0.2)
    assert (found["p_holm"] >= found["p_value"]).all()


def test_spend_is_the_effect_of_the_engine():
    study = _world().study()
    frame = one_campaign(study.rows, "one", size=900)
    estimate, p_value = lin_effect(frame, frame["spend"].to_numpy())
    row = study.effects.iloc[0]
    assert (estimate.value, estimate.low) == pytest.approx((row["effect"], row["effect_low"]), rel=1e-6)
    assert p_value == pytest.approx(row["p_value"], rel=1e-5)


def test_one_very_large_order_moves_spend_and_not_capped_spend():
    world = World(600)
    treated, held = world.drawn()
    world.campaign("one", treated, held)
    world.lines.append(pd.DataFrame({"person": treated[:1], "day": 185, "amount": 90_000.0}))
    found = outcome_effects(world.study()).set_index("outcome")["change"]
    assert found["spend"] > 100
    assert abs(found["spend, capped"]) < 20


def test_the_value_of_an_order_is_a_ratio_of_sums():
    study = _world().study()
    frame = one_campaign(study.rows, "one", size=900)
    held = frame[frame["treated"] == 0]
    level = outcome_effects(study).set_index(["offer", "outcome"]).loc[("weak", "value of an order"), "level"]
    assert level == pytest.approx(held["spend"].sum() / held["orders"].sum(), rel=1e-6)


def test_holm_leaves_what_is_missing_missing():
    adjusted = holm([0.01, float("nan"), 0.04])
    assert adjusted[0] == 0.02
    assert np.isnan(adjusted[1])
    assert adjusted[2] == 0.04
