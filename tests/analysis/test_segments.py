"""Profiles and intervals: literal tables, a simulation that counts coverage, SciPy's bootstrap."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_helpers.analysis.segments.findings import answer, later_title, leading, next_steps, period, strongest
from crm_helpers.analysis.segments.rfm import NO_ORDERS
from crm_helpers.analysis.segments.segmentation import rule_segments
from crm_helpers.analysis.segments.summary import (
    bootstrap_sums,
    criteria,
    judge,
    later_sales,
    segment_profile,
)


def _frame(segments: list[str], revenue: list[float]) -> pd.DataFrame:
    return pd.DataFrame({
        "customer_id": [f"{number:05}" for number in range(len(segments))], "segment": segments,
        "revenue": revenue, "orders": 1, "recency_days": 5.0, "mean_order": revenue,
    })  # fmt: skip


def test_a_profile_of_four_customers():
    profile = segment_profile(_frame(["A", "B", "B", "C"], [50.0, 20, 10, 20]), order=["B", "A", "Z"])
    assert profile["segment"].tolist() == ["B", "A", "C"]
    assert profile["customers"].tolist() == [2, 1, 1]
    assert profile["share_of_revenue"].tolist() == [0.3, 0.5, 0.2]
    assert profile["median_revenue"].tolist() == [15, 50, 20]
    assert (profile["share_of_revenue_low"] <= profile["share_of_revenue"]).all()


def test_the_order_of_rows_does_not_matter():
    random = np.random.default_rng(1)
    frame = _frame(list(random.choice(["A", "B"], 300)), list(random.lognormal(3, 1, 300)))
    one, other = (segment_profile(f, order=["A", "B"]) for f in (frame, frame.sample(frac=1, random_state=2)))
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("revenue", [[-5.0, -5.0], [0.0, 0.0], [5.0, -5.0]])
def test_shares_of_no_sales_are_not_known(revenue):
    profile = segment_profile(_frame(["A", "B"], revenue), order=["A", "B"])
    assert profile.filter(like="share_of_revenue").isna().all(axis=None)
    assert leading(profile)["segment"] == "no segment"


def test_nobody_gives_an_empty_profile():
    profile = segment_profile(_frame([], []), order=["A"])
    assert len(profile) == 0
    assert "share_of_revenue_low" in profile


def test_intervals_equal_scipys_bootstrap_of_the_same_share():
    random = np.random.default_rng(3)
    segment, revenue = random.random(400) < 0.3, random.lognormal(3, 1, 400)
    theirs = stats.bootstrap(
        (segment * revenue, revenue), lambda inside, every: inside.sum() / every.sum(), paired=True,
        vectorized=False, n_resamples=4_000, method="percentile", rng=random,
    ).confidence_interval  # fmt: skip
    frame = _frame(list(np.where(segment, "A", "B")), list(revenue))
    profile = segment_profile(frame, order=["A"], draws=4_000)
    ours = profile.loc[0, ["share_of_revenue_low", "share_of_revenue_high"]].tolist()
    assert ours == pytest.approx(list(theirs), abs=0.008)


def test_ninety_five_per_cent_of_the_intervals_hold_the_truth():
    # segment A: 30 % of customers with mean 4, B: mean 1; the true share is 1.2 / 1.9
    random, truth, held = np.random.default_rng(11), 1.2 / 1.9, 0
    for trial in range(200):
        inside = random.random(400) < 0.3
        revenue = random.gamma(2.0, np.where(inside, 2.0, 0.5))
        frame = _frame(list(np.where(inside, "A", "B")), list(revenue))
        row = segment_profile(frame, order=["A", "B"], draws=300, seed=trial).iloc[0]
        held += row["share_of_revenue_low"] <= truth <= row["share_of_revenue_high"]
    assert 0.91 <= held / 200 <= 0.985


def test_blocks_vary_as_single_customers_do():
    random = np.random.default_rng(5)
    values, groups = random.lognormal(3, 1, 40_000), random.integers(0, 3, 40_000)
    sums = bootstrap_sums(values, groups, draws=1_500, seed=1)
    shares, means = sums[:, :, 1] / sums[:, :, 1].sum(axis=1, keepdims=True), sums[:, :, 1] / sums[:, :, 0]
    for group in range(3):
        inside = groups == group
        residual = (inside - values[inside].sum() / values.sum()) * values
        error = np.sqrt((residual**2).sum()) / values.sum()  # delta method
        assert shares[:, group].std() == pytest.approx(error, rel=0.08)
        assert means[:, group].std() == pytest.approx(values[inside].std() / np.sqrt(inside.sum()), rel=0.08)


def test_later_sales_of_literal_customers():
    earlier = _frame(["A"] * 12 + ["B"] * 12 + [NO_ORDERS], [0.0] * 25)
    later = pd.DataFrame({"customer_id": [f"{n:05}" for n in (*range(12), 24, 99)], "orders": [1] * 13 + [2],
                          "revenue": [10.0] * 13 + [1_000.0]})  # fmt: skip
    table = later_sales(earlier, later, order=["A", "B", NO_ORDERS]).set_index("segment")
    assert table["revenue_each"].to_dict() == {"A": 10.0, "B": 0.0}
    assert table["share_ordering"].to_dict() == {"A": 1.0, "B": 0.0}
    assert table["differs"].all()
    key, values = strongest(table.reset_index(), day=date(2024, 7, 1), days=90)
    assert (key, values["segment"], values["average"]) == ("segmentation.strongest", "A", 5.0)


def test_a_segment_of_few_customers_has_no_interval_and_proves_nothing():
    earlier = _frame(["A"] * 20 + ["B"] * 2, [0.0] * 22)
    later = earlier[["customer_id", "orders"]].assign(revenue=[1.0] * 20 + [500.0] * 2)
    table = later_sales(earlier, later, order=["A", "B"]).set_index("segment")
    assert np.isnan(table.loc["B", "revenue_each_low"])
    assert not table.loc["B", "differs"]


def test_segments_that_mean_nothing_seldom_differ():
    random = np.random.default_rng(8)
    found = 0
    for trial in range(40):
        earlier = _frame(list(random.choice(["A", "B", "C", "D"], 400)), [0.0] * 400)
        later = earlier[["customer_id", "orders"]].assign(revenue=random.lognormal(2, 1, 400))
        found += later_sales(earlier, later, order=[], draws=300, seed=trial)["differs"].sum()
    assert found / 160 < 0.1


def test_nobody_known_then_gives_an_empty_table():
    empty = later_sales(_frame([], []), _frame([], []), order=["A"])
    assert len(empty) == 0
    assert strongest(empty, day=date(2024, 7, 1), days=90)[0] == "segmentation.too_early"
    assert later_title(empty)[0] == "segmentation.not_tested"


def _criteria(**changes) -> pd.DataFrame:
    later = {"differs": [True, True, False], "customers": [100, 100, 100], "share_ordering": [0.9, 0.1, 0.5]}
    good = {"customers": 5_000, "faults": 0, "stability": 0.95, "beyond": 0.2, "lowest_jaccard": 0.9,
            "fidelity": 0.95, "later": pd.DataFrame(later)}  # fmt: skip
    return criteria(**{**good, **changes})


@pytest.mark.parametrize(("changes", "verdict"), [
    ({}, "solid"),
    ({"customers": 99}, "not enough data"),
    ({"customers": 100}, "indicative"),
    ({"faults": 1}, "indicative"),
    ({"stability": 0.79}, "indicative"),
    ({"lowest_jaccard": 0.7}, "indicative"),
    ({"fidelity": 0.89}, "indicative"),
    ({"stability": float("nan")}, "indicative"),
    ({"beyond": 0.03}, "indicative"),
    ({"later": None}, "indicative"),
    ({"beyond": 0.03, "later": None}, "not enough data"),
    ({"beyond": float("nan"), "later": None}, "not enough data"),
])  # fmt: skip
def test_the_verdict_follows_from_the_criteria(changes, verdict):
    assert judge(_criteria(**changes)) == verdict


def test_too_few_customers_are_answered_as_such():
    profile = segment_profile(_frame(["A"], [5.0]), order=["A"])
    key, values = answer(profile, _criteria(customers=30))
    assert (key, values) == ("segmentation.too_few", {"verdict": "not enough data", "n": 30})


def test_next_steps_name_only_segments_that_have_customers():
    table = pd.DataFrame({
        "customer_id": ["a", "b"], "orders": [1, 9], "revenue": [5.0, 900.0], "mean_order": [5.0, 100.0],
        "recency_days": [3.0, 2.0], "gap_days": [np.nan, 4.0],
    })  # fmt: skip
    found = rule_segments(table)
    profile = found.profile(draws=100, seed=1, level=0.95)
    steps = next_steps(profile, found.cuts, _criteria())
    assert set(steps) <= {"segmentation.keep", "segmentation.call", "segmentation.leave"}
    assert steps["segmentation.keep"]["customers"] == 1
    assert next_steps(profile, found.cuts, _criteria(customers=30)) == {}


def test_customers_known_by_their_orders_only_are_said():
    customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "orders": [2, 1, 0]})
    assert period(customers, listed=2) == (
        "segmentation.period_unlisted",
        {"customers": 3, "buyers": 2, "orders": 3, "unlisted": 1},
    )
    assert period(customers, listed=3)[0] == "segmentation.period"
