"""Promises that are kept as often as they say, and marks and answers against numbers by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from crm_helpers.analysis.campaigns.composite import deviation, entropy_weights
from crm_helpers.analysis.campaigns.judgements import ahp_weights
from crm_helpers.analysis.campaigns.promises import predict_next, random_effects, score_promises
from crm_helpers.analysis.campaigns.response import area_under_curve


def _effects(values: np.ndarray, error: float) -> pd.DataFrame:
    names = [f"c{number}" for number in range(len(values) + 1)]
    effect = np.append(values, np.nan)
    return pd.DataFrame({
        "campaign_id": names, "name": names, "channel": "mail", "starts_on": pd.Timestamp("2024-01-01"),
        "grade": ["A"] * len(values) + [""], "reason": [""] * len(values) + ["window not over"],
        "effect": effect, "effect_low": effect - 1.96 * error, "effect_high": effect + 1.96 * error,
    })  # fmt: skip


def _progress(count: int) -> pd.DataFrame:
    ids = [f"c{number}" for number in range(count)]
    return pd.DataFrame({"campaign_id": ids, "planned_reach": 100, "reach": 0})


def test_random_effects_are_those_of_a_worked_example():
    # two effects of equal error 1, apart by 4: Q = 8, τ² = (8 − 1)/(2 − 2/2) = 7
    mean, error, spread = random_effects(np.array([0.0, 4.0]), np.array([1.0, 1.0]))
    assert (mean, spread**2) == pytest.approx((2.0, 7.0))
    assert error == pytest.approx(np.sqrt(8 / 2))


def test_a_promise_holds_as_often_as_it_says():
    random, held = np.random.default_rng(1), 0
    for _trial in range(80):
        truth = random.normal(10, 6, 9)
        seen = truth + random.normal(0, 3, 9)
        said = predict_next(_effects(seen[:8], 3.0), _progress(9), as_of=date(2024, 2, 1))
        held += said["effect_low"][0] <= seen[8] <= said["effect_high"][0]
    assert held >= 69  # 95 of 100: fewer have less than 1 in 1,000


def test_fewer_than_three_effects_promise_nothing():
    assert predict_next(_effects(np.array([1.0, 2.0]), 1.0), _progress(3), as_of=date(2024, 2, 1)).empty


def test_what_was_promised_is_held_against_what_happened():
    before = predict_next(_effects(np.array([9.0, 10.0, 11.0]), 1.0), _progress(4), as_of=date(2024, 2, 1))
    now = _effects(np.array([9.0, 10.0, 11.0, 40.0]), 1.0)
    (row,) = score_promises(before, now).itertuples()
    assert (row.campaign_id, row.happened, row.inside) == ("c3", 40.0, "no")
    assert row.promised == pytest.approx(10.0)


def test_deviation_is_the_mean_share_off_plan():
    actual, planned = (
        pd.DataFrame({"a": [110, 50], "b": [90.0, np.nan]}),
        pd.DataFrame({"a": [100, 100], "b": [100, 5]}),
    )
    assert deviation(actual, planned).tolist() == pytest.approx([0.0, -0.5])


def test_weights_by_entropy_and_by_saatys_example():
    told = entropy_weights(np.array([[1.0, 0.5], [0.0, 0.5], [0.0, 0.5]]))
    assert told.round(6).tolist() == [1.0, 0.0]
    weights, ratio = ahp_weights((1 / 3, 5.0, 7.0), 3)  # inconsistent: 1:3 and 1/5:7 do not fit
    assert weights.sum() == pytest.approx(1)
    assert weights.round(2).tolist() == [0.28, 0.65, 0.07]
    assert ratio == pytest.approx(0.056, abs=0.001)


def test_the_area_under_the_curve_is_scikit_learns_with_ties():
    random = np.random.default_rng(1)
    answered, chance = random.random(400) < 0.3, random.random(400).round(1)
    assert area_under_curve(answered, chance)[0] == pytest.approx(roc_auc_score(answered, chance))
