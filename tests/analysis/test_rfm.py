"""Scores against a brute-force count; ties; the rules as SQL against the rules in Python."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments.rfm import (
    NO_ORDERS,
    Scoring,
    assign_segments,
    rule_table,
    score_customers,
    scoring,
)
from crm_helpers.analysis.segments.segmentation import rule_segments, score_bounds


def _customers(count: int = 500, *, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    orders = random.geometric(0.25, count) - 1
    none = orders == 0
    return pd.DataFrame({
        "customer_id": [f"{number:05}" for number in range(count)],
        "orders": orders,
        "revenue": np.where(none, 0.0, (random.lognormal(4, 1, count) * orders - 20).round(2)),
        "mean_order": np.where(none, np.nan, 50.0),
        "recency_days": np.where(none, np.nan, random.integers(1, 500, count)),
        "gap_days": np.where(orders > 1, random.gamma(2, 20, count), np.nan),
    })  # fmt: skip


@pytest.mark.parametrize("scores", [3, 4, 5, 6])
def test_a_score_counts_the_equal_shares_a_value_has_passed(scores: int):
    table = _customers()
    buyers = table[table["orders"] > 0]
    scored = score_customers(table, scoring(table, scores=scores))
    for name, column in (("frequency_score", "orders"), ("monetary_score", "revenue")):
        values = np.sort(buyers[column].to_numpy(float))
        cuts = [values[int(np.ceil(len(values) * part / scores)) - 1] for part in range(1, scores)]
        expected = [1 + sum(value > cut for cut in cuts) for value in buyers[column]]
        assert scored.loc[buyers.index, name].tolist() == expected


@pytest.mark.parametrize("by_rhythm", [True, False])
def test_ties_share_a_score(by_rhythm: bool):
    table = _customers()
    scored = score_customers(table, scoring(table, scores=5, by_rhythm=by_rhythm)).dropna()
    for name, column in (("recency_score", "recency_days"), ("frequency_score", "orders")):
        by_value = scored[name].groupby(table[column])
        assert by_value.min().eq(by_value.max()).all()


def test_a_score_depends_on_the_value_alone_and_not_on_the_order_of_rows():
    table = _customers()
    mixed = table.sample(frac=1, random_state=5)
    straight, shuffled = (rule_segments(rows).customers.set_index("customer_id") for rows in (table, mixed))
    assert straight["segment"].to_dict() == shuffled["segment"].to_dict()


def test_better_is_never_scored_lower():
    table = _customers()
    scored = score_customers(table, scoring(table)).dropna().astype(int)
    assert (scored["recency_score"].corr(table["recency_days"], "kendall")) < 0
    ordered = table.loc[scored.index].assign(**scored).sort_values("revenue")
    assert ordered["monetary_score"].is_monotonic_increasing


def test_recency_is_cut_by_the_rhythm_of_the_company():
    table = pd.DataFrame({
        "orders": 2, "revenue": 10.0, "recency_days": np.arange(1.0, 101), "gap_days": np.arange(1.0, 101),
    })  # fmt: skip
    cuts = scoring(table, scores=4)
    assert cuts.recency == (76.0, 151.0, 301.0)  # the 75th percentile is 75.25; whole days, upward
    assert cuts.by_rhythm


def test_with_few_repeat_buyers_recency_falls_back_to_quantiles():
    table = _customers(60).assign(gap_days=np.nan)
    cuts = scoring(table, scores=4)
    assert not cuts.by_rhythm
    buyers = table.loc[table["orders"] > 0, "recency_days"]
    assert cuts.recency == tuple(np.quantile(buyers, [0.25, 0.5, 0.75], method="inverted_cdf"))


def test_who_ordered_yesterday_is_never_called_quiet_or_silent():
    table = _customers()
    found = rule_segments(table.assign(recency_days=np.where(table["orders"] > 0, 1.0, np.nan)))
    assert not found.customers["segment"].str.contains("quiet|silent").any()


def test_a_silent_big_spender_is_no_champion():
    cuts = Scoring(4, (15, 30, 60), (1, 3, 9), (10, 50, 200), by_rhythm=True)
    row = pd.DataFrame({"orders": [30], "recency_days": [61.0], "revenue": [9_999.0]})
    assert assign_segments(score_customers(row, cuts), scores=4).item() == "Big spenders, long silent"


@pytest.mark.parametrize("scores", [3, 4, 5, 6])
def test_the_rules_as_sql_name_the_same_customers(scores: int):
    table = _customers()
    found = rule_segments(table, scores=scores)
    whens = "\n".join(f"WHEN {row.sql} THEN '{row.segment}'" for row in found.rules.itertuples())
    with duckdb.connect() as connection:
        connection.register("features", table)
        names = connection.sql(
            f"SELECT customer_id, CASE {whens} ELSE '{NO_ORDERS}' END FROM features ORDER BY 1"
        ).fetchall()
    assert dict(names) == dict(zip(table["customer_id"], found.customers["segment"], strict=True))


def test_every_rule_of_the_published_table_is_disjoint():
    table = _customers(2_000)
    conditions = rule_table(scoring(table))["sql"]
    with duckdb.connect() as connection:
        connection.register("features", table)
        held = " + ".join(f"CAST({condition} AS INTEGER)" for condition in conditions)
        most = connection.sql(f"SELECT max({held}), min({held}) FROM features WHERE orders > 0").fetchone()
    assert most == (1, 1)


@pytest.mark.parametrize("table", [
    _customers(1).assign(orders=3, recency_days=4.0, revenue=9.0, gap_days=2.0),
    _customers(1).assign(orders=0, recency_days=np.nan, revenue=0.0, gap_days=np.nan),
    _customers(50).assign(orders=2, recency_days=7.0, revenue=10.0, gap_days=5.0),
    _customers(50).assign(revenue=-5.0),
    _customers(0),
], ids=["one customer", "no orders", "all equal", "negative money", "nobody"])  # fmt: skip
def test_short_inputs_give_short_results(table: pd.DataFrame):
    found = rule_segments(table)
    assert len(found.customers) == len(table)
    assert found.customers["segment"].notna().all()
    assert found.customers["segment"].groupby(found.customers["orders"] == 0).nunique().le(9).all()
    assert len(score_bounds(found)) == 4


def test_all_equal_customers_share_one_segment():
    found = rule_segments(_customers(50).assign(orders=2, recency_days=7.0, revenue=10.0, gap_days=5.0))
    assert len(set(found.customers["segment"])) == 1


def test_the_score_table_says_where_the_lines_are():
    table = _customers(4).assign(
        orders=[1, 1, 1, 7], revenue=[10.0, 20, 30, 40], recency_days=[5.0, 9, 30, 90]
    )
    bounds = score_bounds(rule_segments(table)).set_index("score")
    assert bounds["last_order"].to_dict() == {
        4: "up to 5 days ago", 3: "6 to 9 days ago", 2: "10 to 30 days ago", 1: "31 and more days ago",
    }  # fmt: skip
    assert bounds["orders"].tolist() == ["2 and more", "no customer: ties", "no customer: ties", "up to 1"]
    assert bounds.loc[2, "sales"] == "over 10.00 to 20.00"
