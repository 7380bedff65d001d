"""What must not be called segments: customers of one kind, too few, all alike; and none of it crashes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments import findings, tree, use
from crm_helpers.analysis.segments.clusters import find_clusters
from crm_helpers.analysis.segments.model import learnt
from crm_helpers.analysis.segments.segmentation import published_rules, published_segments, rule_segments
from crm_helpers.analysis.segments.summary import churn_difference, criteria, judge, later_sales

DAYS, LATER = 730, 90
DAY = date(2024, 12, 31)


def one_kind(count: int, *, seed: int = 1, spread: float = 0.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Live customers of one kind: orders come by chance alone, a day by day the same rate for everybody.

    The second frame is what they did in the days after, of which the first says nothing.
    """
    random = np.random.default_rng(seed)
    rate = random.gamma(1 / spread**2, spread**2, count) / 30 if spread else np.full(count, 1 / 30)
    orders = random.poisson(rate * DAYS)
    silent = np.ceil(DAYS * (1 - random.random(count) ** (1 / np.maximum(orders, 1))))
    each = np.exp(random.normal(4, 0.6, count))
    later = random.poisson(rate * LATER)
    ids = [f"{number:05}" for number in range(count)]
    bought = orders > 0
    table = pd.DataFrame({
        "customer_id": ids, "orders": orders, "revenue": orders * each,
        "mean_order": np.where(bought, each, np.nan), "recency_days": np.where(bought, silent, np.nan),
        "gap_days": np.where(orders > 1, DAYS / np.maximum(orders, 1), np.nan),
    })  # fmt: skip
    spent = later * np.exp(random.normal(4, 0.6, count))
    return table, pd.DataFrame({"customer_id": ids, "orders": later, "revenue": spent})


def judged(table: pd.DataFrame, after: pd.DataFrame, *, seed: int = 1):
    """Go the way of the page: segments, groups, tree, what came later, criteria, use."""
    found, groups = rule_segments(table), find_clusters(table, draws=10, seed=seed)
    rules = tree.explain(table, groups, seed=seed)
    later = later_sales(found.customers, after, order=found.names, draws=300, seed=seed)
    judgement = use.criteria_of(found, groups, fidelity=rules.fidelity.value, later=later)
    return found, groups, rules, later, judgement


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_customers_of_one_kind_are_one_group_and_there_is_not_enough_to_divide_them(seed):
    found, groups, _, later, judgement = judged(*one_kind(3_000, seed=seed), seed=seed)
    assert groups.supported == 1
    assert groups.choice.set_index("clusters").loc[1, "supported"]
    assert groups.market in ("constructive", "reproducible")
    assert churn_difference(later) < 0.1
    assert judge(judgement) == "not enough data"
    profile = found.profile(draws=100, seed=1, level=0.95)
    assert findings.answer(profile, judgement)[0] == "segmentation.not_apart"
    assert set(use.decide(judgement, groups).refused) == set(use.PARTS)


def test_customers_who_differ_by_degree_are_segments_but_no_groups():
    _, groups, _, later, judgement = judged(*one_kind(3_000, spread=1.0))
    assert groups.supported == 1
    assert churn_difference(later) > 0.1
    assert judge(judgement) == "indicative"


def _constant(count: int) -> pd.DataFrame:
    return one_kind(count)[0].assign(orders=3, revenue=30.0, mean_order=10.0, recency_days=7.0, gap_days=10.0)


def _one_order(count: int) -> pd.DataFrame:
    table = one_kind(count)[0]
    each = table["mean_order"].fillna(20.0)
    recency = table["recency_days"].fillna(100.0)
    return table.assign(orders=1, revenue=each, mean_order=each, recency_days=recency, gap_days=np.nan)


def _nobody(count: int) -> pd.DataFrame:
    missing = dict.fromkeys(("mean_order", "recency_days", "gap_days"), np.nan)
    return one_kind(count)[0].assign(orders=0, revenue=0.0, **missing)


@pytest.mark.parametrize(("table", "verdict"), [
    (one_kind(30)[0], "not enough data"),
    (_constant(500), "not enough data"),
    (_one_order(600), "not enough data"),
    (_nobody(200), "not enough data"),
    (one_kind(1)[0], "not enough data"),
    (one_kind(1)[0].head(0), "not enough data"),
], ids=["30 customers", "constant", "one order each", "no orders", "one customer", "nobody"])  # fmt: skip
def test_odd_companies_get_the_right_verdict_and_nothing_to_write_back(table, verdict):
    after = one_kind(max(len(table), 1), seed=9)[1].head(len(table))
    found, groups, rules, later, judgement = judged(table, after)
    assert judge(judgement) == verdict
    allowed = use.decide(judgement, groups)
    assert set(allowed.refused) == set(use.PARTS)
    profile = found.profile(draws=100, seed=1, level=0.95)
    sentences = [
        findings.answer(profile, judgement), findings.market(groups), findings.certainty(groups),
        findings.later_title(later), findings.strongest(later, day=DAY, days=LATER),
        findings.groups_later(later, later), findings.usable(allowed), findings.rhythm(profile, found.cuts),
    ]  # fmt: skip
    assert all(key.startswith("segmentation.") for key, _ in sentences)
    assert len(published_segments(found, groups, allowed)) == len(table)
    assert published_rules(found, rules.table(table, groups.labels), allowed)["sql"].isna().all()
    assert learnt(found.cuts, groups, rules, use=allowed).to_json()


def test_one_segment_tells_nothing_of_who_leaves():
    table, after = one_kind(400)
    later = later_sales(table.assign(segment="All"), after, order=["All"], draws=100)
    assert np.isnan(churn_difference(later))
    assert not later["differs"].any()
    all_of_one = criteria(
        customers=400, faults=0, stability=1.0, beyond=0.0, lowest_jaccard=1.0, fidelity=1.0, later=later
    )
    assert judge(all_of_one) == "not enough data"


def test_churn_that_differs_by_plan_is_measured_as_cramers_v_is():
    table = pd.DataFrame({"customers": [200, 300, 500], "share_ordering": [0.9, 0.5, 0.3]})
    again = (table["customers"] * table["share_ordering"]).to_numpy()
    counts = np.column_stack([again, table["customers"] - again])
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    plain = ((counts - expected) ** 2 / expected).sum() / counts.sum()
    corrected = (plain - 2 / 999) / (min(3 - 4 / 999, 2 - 1 / 999) - 1)
    assert churn_difference(table) == pytest.approx(np.sqrt(corrected), abs=1e-12)
