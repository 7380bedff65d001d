"""The tree's rules against scikit-learn's own tree and against a database that runs them as SQL."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from crm_helpers.analysis.segments.clusters import FEATURES, find_clusters
from crm_helpers.analysis.segments.rfm import NO_ORDERS
from crm_helpers.analysis.segments.tree import Explanation, cost_ratio, explain, said
from crm_helpers.conditions import Branch, Condition


def _customers(count: int = 1_000, *, seed: int = 5) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    orders = random.geometric(0.15, count) - 1
    none = orders == 0
    return pd.DataFrame({
        "customer_id": [f"{number:05}" for number in range(count)],
        "orders": orders,
        "mean_order": np.where(none, np.nan, random.lognormal(3.5, 1, count).round(2)),
        "recency_days": np.where(none, np.nan, random.integers(1, 400, count)),
        "revenue": np.where(none, 0.0, 50.0 * orders),
    })  # fmt: skip


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return _customers()


@pytest.fixture(scope="module")
def clusters(customers):
    return find_clusters(customers, clusters=4, draws=3)


@pytest.fixture(scope="module")
def rules(customers, clusters) -> Explanation:
    return explain(customers, clusters)


def test_every_customer_meets_exactly_one_rule(customers, rules):
    ordered = customers[customers["orders"] > 0]
    assert (sum(leaf.holds(ordered).astype(int) for leaf in rules.leaves) == 1).all()


def test_the_sql_gives_the_same_groups(customers, rules):
    with duckdb.connect() as connection:
        connection.register("features", customers)
        rows = connection.sql(f"SELECT {rules.rule_set.sql()} FROM features ORDER BY customer_id").fetchall()
    assert [name for (name,) in rows] == rules.assign(customers).tolist()


def test_rounding_costs_little_against_the_unrounded_tree(customers, clusters, rules):
    ordered = customers[customers["orders"] > 0]
    truth = clusters.labels[ordered.index].to_numpy(object)
    model = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=12, random_state=0)
    values = ordered[list(FEATURES)].to_numpy(float)
    unrounded = model.fit(values, truth).score(values, truth)
    assert (rules.assign(ordered) == truth).mean() > unrounded - 0.05


def test_fidelity_is_counted_on_customers_not_learned_from(customers, clusters, rules):
    buyers = int((customers["orders"] > 0).sum())
    assert rules.held_out == int(0.3 * buyers)
    assert rules.fidelity.low < rules.fidelity.value < rules.fidelity.high


def test_labels_without_reason_are_not_explained(customers, clusters):
    random = np.random.default_rng(1)
    shuffled = pd.Series(random.permutation(clusters.labels.to_numpy(object)), clusters.labels.index)
    noise = clusters.profile["cluster"].to_numpy(object)[random.integers(0, 4, len(customers))]
    labels = shuffled.where(customers["orders"] == 0, pd.Series(noise, customers.index))
    blind = explain(customers, _with_labels(clusters, labels))
    assert blind.fidelity.high < 0.5


def _with_labels(clusters, labels):
    from dataclasses import replace

    return replace(clusters, labels=labels)


def test_the_table_counts_customers_and_how_many_bear_the_name(customers, clusters, rules):
    table = rules.table(customers, clusters.labels)
    assert table["customers"].sum() == (customers["orders"] > 0).sum()
    right = (table["customers"] * table["share_right"]).sum()
    agree = (rules.assign(customers) == clusters.labels.to_numpy(object)) & (customers["orders"] > 0)
    assert right == pytest.approx(agree.sum())


def test_groups_by_rule_are_never_tighter_than_k_means(customers, clusters, rules):
    assert cost_ratio(customers, clusters, rules.assign(customers)) >= 1
    assert cost_ratio(customers, clusters, clusters.labels.to_numpy(object)) == 1


def test_a_rule_reads_as_a_sentence_and_quotes_its_name():
    orders = Condition("orders", ">", 3.0), Condition("orders", "<=", 1200.0)
    leaf = Branch("Bob's", (*orders, Condition("mean_order", "<=", 27.5)))
    assert said(leaf) == "More than 3 and at most 1,200 orders; at most 27.50 an order"
    text = Explanation((leaf,), None, 0).rule_set.sql()
    assert "WHEN orders > 3 AND orders <= 1200 AND mean_order <= 27.5 THEN 'Bob''s'" in text
    assert f"WHEN orders = 0 THEN '{NO_ORDERS}'" in text
