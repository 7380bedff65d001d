"""Names kept over refreshes, and moves whose reason was planted."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments.clusters import find_clusters
from crm_helpers.analysis.segments.continuity import explained_moves, kept_names, migration, rules_before
from crm_helpers.analysis.segments.rfm import NO_ORDERS, rule_set, rule_table, scoring
from crm_helpers.analysis.segments.segmentation import rule_segments
from crm_helpers.conditions import Branch, RuleSet, read_condition


def customers(count=3_000, *, seed=1):
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, count)
    orders = 1 + random.poisson(np.array([1, 6, 30])[kind])
    each = random.lognormal(np.array([3, 5, 4])[kind], 0.3)
    return pd.DataFrame({
        "customer_id": [f"{n:05}" for n in range(count)],
        "orders": orders,
        "mean_order": each,
        "revenue": orders * each,
        "recency_days": random.geometric(1 / np.array([200, 30, 10])[kind]).astype(float),
        "gap_days": random.gamma(4, np.array([40, 10, 3])[kind]),
    })  # fmt: skip


def test_groups_are_matched_as_the_best_of_all_pairings():
    random, named = np.random.default_rng(3), dict(zip("ABCD", "wxyz", strict=True))
    ids = [str(n) for n in range(400)]
    for _ in range(20):
        before = pd.Series(random.choice(list("ABCD"), 400), ids)
        after = before.where(random.random(400) < 0.8, random.choice(list("ABCD"), 400)).map(named)
        jaccard = {
            (new, old): ((after == new) & (before == old)).sum() / ((after == new) | (before == old)).sum()
            for new, old in itertools.product("wxyz", "ABCD")
        }
        pairings = [list(zip("wxyz", olds, strict=True)) for olds in itertools.permutations("ABCD")]
        best = max(pairings, key=lambda pairs: sum(jaccard[pair] for pair in pairs))
        expected = {new: old if jaccard[new, old] >= 0.5 else new for new, old in best}
        assert kept_names(before, after) == expected


def test_a_new_group_takes_no_name_that_another_keeps():
    before = pd.Series({"a": "Recent", "b": "Recent", "c": "Recent", "d": "Quiet"})
    after = pd.Series({"a": "Loyal", "b": "Loyal", "c": "Loyal", "e": "Recent", "d": NO_ORDERS})
    assert kept_names(before, after) == {"Loyal": "Recent", "Recent": "Recent (new)"}


def test_fifty_refreshes_keep_the_names_of_the_groups():
    table = customers(1_000)
    first = find_clusters(table, clusters=3, draws=2)
    before = first.labels.set_axis(table["customer_id"])
    random, kept = np.random.default_rng(5), []
    for _ in range(50):
        drawn = table.iloc[np.sort(random.choice(len(table), 800, replace=False))]
        again = find_clusters(
            drawn.reset_index(drop=True), clusters=3, draws=2, seed=int(random.integers(1e6))
        )
        after = again.labels.set_axis(drawn["customer_id"])
        named = after.map(kept_names(before, after))
        kept.append((named == before[named.index]).mean())
    assert np.mean(kept) >= 0.95


def test_fifty_refreshes_keep_the_names_of_the_segments():
    table = customers()
    before = rule_segments(table).customers.set_index("customer_id")["segment"]
    random, kept = np.random.default_rng(5), []
    for _ in range(50):
        drawn = table.iloc[random.choice(len(table), len(table))].drop_duplicates("customer_id")
        after = rule_segments(drawn.reset_index(drop=True)).customers.set_index("customer_id")["segment"]
        kept.append((after == before[after.index]).mean())
    assert np.mean(kept) >= 0.95


MANY = Branch("Many", (read_condition("orders >= 10"),))
RULES = RuleSet((MANY, Branch("Few", (read_condition("orders >= 1"),))), NO_ORDERS)


def features(**orders):
    return pd.DataFrame({"customer_id": list(orders), "orders": list(orders.values())})


def test_every_planted_reason_is_found():
    published = pd.DataFrame({"customer_id": list("abcde"), "segment": ["Few", "Few", "Few", "Many", "Many"]})
    then = features(a=5, b=12, c=8, d=11, e=10, x=3)  # of b an order was found that nobody knew then
    now = features(a=15, b=12, c=8, d=12, e=10, y=1).assign(
        segment=["Many", "Many", "Many", "Many", "Few", "Few"]
    )
    moves = explained_moves(published, then, now, rules=RULES).set_index("customer_id")
    assert moves["reason"].to_dict() | {"d": None} == {
        "a": "customer moved", "b": "data corrected", "c": "boundary moved", "d": None, "e": "boundary moved",
    }  # fmt: skip
    assert pd.isna(moves.loc["d", "reason"])


def test_moves_add_up_to_the_customers_of_both_reports():
    published = pd.DataFrame({"customer_id": list("abcd"), "segment": ["Few", "Few", "Few", "Many"]})
    now = features(a=15, b=12, c=8, d=12).assign(segment=["Many", "Many", "Few", "Many"])
    counted = migration(explained_moves(published, features(a=5, b=5, c=8, d=11), now, rules=RULES))
    assert counted.to_numpy().tolist() == [
        ["Few", "Many", "customer moved", 2, pytest.approx(2 / 3)],
        ["Few", "Few", "stayed", 1, pytest.approx(1 / 3)],
        ["Many", "Many", "stayed", 1, 1.0],
    ]


def test_published_rules_are_read_as_they_were():
    cuts = scoring(customers())
    table = rule_table(cuts).rename(columns={"segment": "name"}).assign(kind="segment", position=range(9))
    assert rules_before(table) == rule_set(cuts)
    assert rules_before(table.iloc[:0]) is None
    assert rules_before(table.assign(sql="orders % 2 = 0")) is None
