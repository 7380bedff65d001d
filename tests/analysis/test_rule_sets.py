"""Life cycle, value, age and a company's own rules, on customers whose place is known by hand."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments import features, rule_sets
from crm_helpers.analysis.segments.rfm import NO_ORDERS, Scoring
from crm_helpers.analysis.segments.rule_linter import lint_rule_set
from crm_helpers.conditions import Branch, Condition, RuleSet
from crm_helpers.profile import SegmentSet

CUTS = Scoring(4, (15.0, 30.0, 60.0), (1.0, 2.0, 5.0), (10.0, 20.0, 40.0), by_rhythm=True)


def people(**columns):
    base = {"orders": 1, "revenue": 5.0, "recency_days": 1.0, "tenure_days": 100.0, "age": None}
    count = len(next(iter(columns.values())))
    return pd.DataFrame({name: columns.get(name, [value] * count) for name, value in base.items()})


def test_the_life_cycle_goes_by_the_two_longest_pauses():
    table = people(
        tenure_days=[30, 31, 90, 90, 400, None], recency_days=[30, 30, 31, 60, 61, None], orders=[1] * 5 + [0]
    )
    named = rule_sets.life_cycle(CUTS).assign(table).tolist()
    assert named == ["New", "Active", "Cooling", "Cooling", "Lost", NO_ORDERS]


def test_equal_sales_share_a_class_and_ties_leave_fewer_classes():
    table = people(revenue=[10.0, 10.01, 40.0, 40.01])
    named = rule_sets.value_classes(CUTS).assign(table).tolist()
    assert named == ["Lowest quarter", "Third quarter", "Second quarter", "Top quarter"]
    tied = Scoring(4, CUTS.recency, CUTS.frequency, (10.0, 10.0, 40.0), by_rhythm=True)
    assert len(rule_sets.value_classes(tied).branches) == 3
    assert lint_rule_set(rule_sets.value_classes(tied)).empty


@pytest.mark.parametrize("scores", [3, 4, 5, 6])
def test_the_standard_sets_have_no_fault(scores):
    lines = tuple(float(10 * step) for step in range(1, scores))
    cuts = Scoring(scores, lines, lines, lines, by_rhythm=True)
    sets = rule_sets.standard_sets(people(age=[40.0]), cuts)
    assert set(sets) == {"life cycle", "value", "age"}
    assert all(lint_rule_set(rules).empty for rules in sets.values())


def test_ages_are_whole_years_on_the_day():
    born = ["2000-02-29", "1964-12-31", "1959-06-30", "1959-07-01", None]
    table = ibis.memtable(
        pd.DataFrame({"customer_id": list("abcde"), "birth_date": pd.to_datetime(born)}).assign(
            **dict.fromkeys(features.WORDS, "x")
        )
    )
    table = table.mutate(birth_date=table.birth_date.cast("date"))
    ages = features.with_attributes(table.select("customer_id"), table, as_of=date(2024, 6, 30))
    found = ages.order_by("customer_id").to_pandas()["age"]
    assert found.tolist()[:4] == [24, 59, 65, 64]
    assert rule_sets.age_groups().assign(people(age=found)).tolist() == [
        "18 to 24", "55 to 64", "65 and above", "55 to 64", "Age not known",
    ]  # fmt: skip


def test_a_companys_own_rules_are_counted_and_their_gap_is_said():
    declared = {"card": SegmentSet.model_validate({"rules": [{"name": "gold", "when": ["revenue > 50"]}]})}
    sets = rule_sets.company_sets(declared)
    table = people(revenue=[60.0, 30.0, 10.0])
    counted = rule_sets.published_sets(sets, table)
    assert counted[["segment", "customers"]].to_numpy().tolist() == [["gold", 1], [rule_sets.NO_RULE, 2]]
    assert counted["share_of_revenue"].tolist() == [0.6, 0.4]
    assert rule_sets.faults(sets, table)[["set", "fault"]].to_numpy().tolist() == [["card", "gap"]]
    poor = rule_sets.faults(sets | {"age": rule_sets.age_groups()}, people(revenue=[1.0]))
    assert poor.to_numpy().tolist()[1:] == [["card", "empty segment", "gold"]]


def test_shares_add_up_to_one_in_every_set():
    table = people(revenue=[5.0, 15.0, 25.0, 100.0], age=[17.0, 18.0, None, 70.0])
    counted = rule_sets.published_sets(rule_sets.standard_sets(table, CUTS), table)
    sums = counted.groupby("set")[["customers", "share_of_customers", "share_of_revenue"]].sum()
    assert (sums["customers"] == 4).all()
    assert sums[["share_of_customers", "share_of_revenue"]].to_numpy().ravel() == pytest.approx(1)


def test_the_interval_of_a_share_of_sales_is_that_of_customers_drawn_again():
    random = np.random.default_rng(3)
    table = pd.DataFrame({"orders": np.arange(900) % 3 + 1.0, "revenue": random.gamma(1.5, 40.0, 900)})
    few = RuleSet((Branch("Few", (Condition("orders", "<=", 1.0),)),), "More")
    row = rule_sets.published_sets({"mine": few}, table).set_index("segment").loc["Few"]
    drawn = random.integers(900, size=(2_000, 900))
    money, inside = table["revenue"].to_numpy()[drawn], (table["orders"] <= 1).to_numpy()[drawn]
    ends = np.quantile((money * inside).sum(axis=1) / money.sum(axis=1), [0.025, 0.975])
    assert row[["share_of_revenue_low", "share_of_revenue_high"]].tolist() == pytest.approx(ends, abs=0.004)
    assert ends[1] - ends[0] > 0.04
