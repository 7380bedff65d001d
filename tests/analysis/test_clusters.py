"""Clusters on customers with a known structure, without one, and on inputs that are hardly inputs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from crm_helpers.analysis.segments.cluster_names import name_clusters
from crm_helpers.analysis.segments.clusters import find_clusters, fit_scale
from crm_helpers.analysis.segments.rfm import NO_ORDERS
from crm_helpers.analysis.segments.tree import explain

KINDS = {  # days since the last order, orders, mean order
    "regular": (8, 60, 30.0),
    "baskets": (25, 8, 400.0),
    "gone": (400, 6, 40.0),
    "new": (12, 2, 60.0),
}


def _customers(count: int = 800, *, kinds: dict = KINDS, spread: float = 0.25, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    kind = random.choice(list(kinds), count)
    middle = np.array([kinds[name] for name in kind])
    recency, orders, value = (middle * np.exp(random.normal(0, spread, (count, 3)))).T
    frame = pd.DataFrame({
        "customer_id": [f"{number:05}" for number in range(count)], "kind": kind,
        "recency_days": np.ceil(recency), "orders": np.ceil(orders).astype(int), "mean_order": value.round(2),
    })  # fmt: skip
    return frame.assign(revenue=frame["orders"] * frame["mean_order"])


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return _customers()


def test_planted_groups_are_found_and_their_number_is_chosen(customers):
    found = find_clusters(customers, draws=10)
    assert found.k == len(KINDS)
    assert adjusted_rand_score(customers["kind"], found.labels) > 0.97
    assert found.market == "natural"
    assert found.profile["trust"].eq("highly stable").all()


def test_groups_are_listed_by_worth_and_named_by_what_they_are(customers):
    profile = find_clusters(customers, clusters=4, draws=5).profile
    names = profile["cluster"].tolist()
    assert names[0] == "Some orders, large baskets"
    assert names[1].startswith("Recent, many orders, small baskets")
    assert any(name.startswith("Quiet") for name in names)
    assert profile["share_of_customers"].sum() == pytest.approx(1)
    assert profile["share_of_revenue"].sum() == pytest.approx(1)


def test_the_result_does_not_depend_on_the_order_of_rows(customers):
    straight = find_clusters(customers, draws=5)
    mixed = customers.sample(frac=1, random_state=4)
    shuffled = find_clusters(mixed, draws=5)
    pd.testing.assert_frame_equal(straight.profile, shuffled.profile)
    pd.testing.assert_series_equal(straight.labels, shuffled.labels.sort_index())


def test_two_calls_are_equal_to_the_last_digit(customers):
    one, other = (find_clusters(customers, draws=5, seed=3) for _ in range(2))
    assert np.array_equal(one.centres, other.centres)
    pd.testing.assert_frame_equal(one.choice, other.choice, check_exact=True)


def test_one_cloud_is_not_called_natural():
    cloud = _customers(600, kinds={"all": (40, 12, 80.0)}, spread=0.8)
    assert find_clusters(cloud, draws=10).market in ("constructive", "reproducible")


def test_customers_without_orders_stand_aside(customers):
    none = customers.head(3).assign(customer_id=["x", "y", "z"], orders=0, revenue=0.0, recency_days=np.nan)
    both = pd.concat([customers, none.assign(mean_order=np.nan)], ignore_index=True)
    found = find_clusters(both, clusters=4, draws=5)
    assert found.labels.tail(3).tolist() == [NO_ORDERS] * 3
    assert found.profile["customers"].sum() == len(customers)


def test_the_scale_is_the_z_score_of_limited_logs(customers):
    scale = fit_scale(customers)
    logs = np.log1p(customers[["recency_days", "orders", "mean_order"]])
    limited = logs.clip(logs.quantile(0.01), logs.quantile(0.99), axis=1)
    expected = (limited - limited.mean()) / limited.std(ddof=0)
    np.testing.assert_allclose(scale.transform(customers), expected, atol=1e-12)


def _same(count: int) -> pd.DataFrame:
    return _customers(count).assign(recency_days=5.0, orders=2, mean_order=10.0, revenue=20.0)


@pytest.mark.parametrize(("table", "k"), [
    (_customers(1), 1),
    (_customers(9), 1),
    (_same(200), 1),
    (_customers(50).assign(orders=0, recency_days=np.nan, mean_order=np.nan, revenue=0.0), 1),
    (_customers(1).head(0), 1),
    (_customers(200).assign(revenue=-1.0), None),
    (_customers(200).assign(mean_order=10.0), None),
    (_same(200).assign(orders=[1, 2] * 100), 2),
], ids=["one", "nine", "equal", "no orders", "nobody", "negative money", "constant", "two values"],
)  # fmt: skip
def test_short_or_odd_inputs_give_valid_results(table, k):
    found = find_clusters(table, draws=5)
    assert k is None or found.k == k
    assert len(found.labels) == len(table)
    assert found.profile["cluster"].is_unique
    assert set(found.labels) <= {*found.profile["cluster"], NO_ORDERS}
    assert explain(table, found).assign(table).shape == (len(table),)


def test_names_are_always_different():
    days, value = [5.0, 6, 5, 6] * 5, [10.0, 10, 11, 11] * 5
    table = pd.DataFrame({"recency_days": days, "orders": 3, "mean_order": value})
    names = name_clusters(table, np.array([0, 0, 1, 1] * 5))
    assert len(set(names)) == 2
    assert name_clusters(table, np.array([0, 1, 2, 3] * 5)) != []
    same = table.assign(recency_days=5.0, mean_order=10.0)
    assert len(set(name_clusters(same, np.array([0, 0, 1, 2] * 5)))) == 3
