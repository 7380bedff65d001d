"""The saved model names customers in the engine as the notebook did on frames."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments.clusters import find_clusters
from crm_helpers.analysis.segments.model import SegmentModel, learnt
from crm_helpers.analysis.segments.segmentation import (
    published_rules,
    published_segments,
    rule_segments,
)
from crm_helpers.analysis.segments.summary import criteria
from crm_helpers.analysis.segments.tree import explain
from crm_helpers.analysis.segments.use import PARTS, Use, decide
from crm_helpers.errors import InputError


def people(count=2_000, *, seed=1):
    random = np.random.default_rng(seed)
    orders = random.negative_binomial(1, 0.1, count)
    each = np.where(orders > 0, random.lognormal(4, 1, count), np.nan)
    return pd.DataFrame({
        "customer_id": [f"{n:05}" for n in range(count)],
        "orders": orders,
        "mean_order": each,
        "revenue": np.nan_to_num(orders * each),
        "recency_days": np.where(orders > 0, random.geometric(0.01, count), np.nan),
        "gap_days": np.where(orders > 1, random.gamma(4, 8, count), np.nan),
    })  # fmt: skip


@pytest.fixture(scope="module")
def found():
    table = people()
    segments, clusters = rule_segments(table), find_clusters(table, clusters=4, draws=2)
    return table, segments, clusters, explain(table, clusters)


def test_the_engine_gives_every_customer_the_names_of_the_notebook(found):
    table, segments, clusters, tree = found
    model = SegmentModel.from_json(learnt(segments.cuts, clusters, tree).to_json())
    scored = model.score(ibis.memtable(table)).order_by("customer_id").to_pandas()
    assert scored["segment"].tolist() == segments.customers["segment"].tolist()
    assert scored["cluster"].tolist() == clusters.labels.tolist()
    assert scored["cluster_by_rule"].tolist() == tree.assign(table).tolist()
    assert scored["segment"].nunique() > 5


def test_new_customers_get_the_group_of_the_nearest_centre(found):
    _, segments, clusters, tree = found
    new = people(500, seed=9)
    model = learnt(segments.cuts, clusters, tree)
    scored = model.score(ibis.memtable(new)).order_by("customer_id").to_pandas()
    bought = (new["orders"] > 0).to_numpy()
    points = clusters.scale.transform(new[bought])
    nearest = [int(((point - clusters.centres) ** 2).sum(axis=1).argmin()) for point in points]
    expected = [clusters.profile["cluster"][place] for place in nearest]
    assert scored.loc[bought, "cluster"].tolist() == expected
    assert set(scored.loc[~bought, "cluster"]) == {"No orders"}


def test_one_group_and_nobody_are_models_too():
    for table in (people(12), people(12).iloc[:0]):
        clusters = find_clusters(table)
        model = learnt(rule_segments(table).cuts, clusters, explain(table, clusters))
        again = SegmentModel.from_json(model.to_json())
        assert again.to_json() == model.to_json()
        assert again.score(ibis.memtable(people(5))).count().execute() == 5


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "cut", '{"refused": {}, "rules": {}, "tree": {}, "scale": {}, "centres": {}}']
)
def test_what_is_no_model_is_refused(text):
    with pytest.raises(InputError, match="no segment model"):
        SegmentModel.from_json(text)


def later(*, apart):
    shares = [0.9, 0.5, 0.1] if apart else [0.5, 0.5, 0.5]
    return pd.DataFrame({"differs": [apart] * 3, "customers": [500] * 3, "share_ordering": shares})


def judged(groups, *, customers=2_000, faults=0, apart=True):
    return criteria(
        customers=customers, faults=faults, stability=groups.stability, beyond=groups.beyond,
        lowest_jaccard=groups.profile["jaccard"].min(), fidelity=0.95, later=later(apart=apart),
    )  # fmt: skip


@pytest.mark.parametrize(("changes", "refused"), [
    ({}, ["cluster"]),  # these people are one cloud, so their groups are never to be used
    ({"faults": 1}, ["cluster", "segment"]),
    ({"apart": False}, ["cluster", "segment"]),
    ({"customers": 30}, ["cluster", "segment"]),
])  # fmt: skip
def test_a_segmentation_that_failed_is_refused(found, changes, refused):
    clusters = found[2]
    assert sorted(decide(judged(clusters, **changes), clusters).refused) == refused


def test_what_is_refused_cannot_be_written_back(found):
    table, segments, clusters, tree = found
    use = decide(judged(clusters, apart=False), clusters)
    model = SegmentModel.from_json(learnt(segments.cuts, clusters, tree, use=use).to_json())
    with pytest.raises(InputError, match="never written back"):
        model.score(ibis.memtable(table))
    for part in PARTS:
        with pytest.raises(InputError, match="never written back"):
            model.sql(part)
    rules = published_rules(segments, tree.table(table, clusters.labels), use)
    assert rules["sql"].isna().all()
    assert rules["use"].str.startswith("shown only").all()
    assert set(published_segments(segments, clusters, use)["use"]) == {"shown only"}


def test_refused_groups_leave_the_segments_to_be_used(found):
    table, segments, clusters, tree = found
    use = Use({"cluster": "for a reason"})
    model = SegmentModel.from_json(learnt(segments.cuts, clusters, tree, use=use).to_json())
    scored = model.score(ibis.memtable(table))
    assert "segment" in scored.columns
    assert "cluster" not in scored.columns
    assert "cluster_by_rule" not in scored.columns
    assert model.sql("segment").startswith("CASE")
    rules = published_rules(segments, tree.table(table, clusters.labels), use).set_index("kind")
    assert rules.loc["segment", "sql"].notna().all()
    assert rules.loc["cluster", "sql"].isna().all()
    assert set(published_segments(segments, clusters, use)["use"]) == {"segment"}
