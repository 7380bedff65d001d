"""The linter against rules with one planted fault each, and against a search of many points."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_helpers.analysis.segments.rule_linter import lint_rule_set, lint_with_customers
from crm_helpers.conditions import Branch, RuleSet, read_condition


def rules(*named, otherwise=""):
    branches = [Branch(name, tuple(read_condition(text) for text in texts)) for name, *texts in named]
    return RuleSet(tuple(branches), otherwise)


GOOD = (
    ("Gold", "revenue > 1000", "orders >= 5"),
    ("Silver", "revenue > 1000", "orders < 5"),
    ("Bronze", "revenue <= 1000"),
)


def found(*named, otherwise=""):
    return [tuple(row) for row in lint_rule_set(rules(*named, otherwise=otherwise)).to_numpy()]


def test_rules_that_name_everybody_once_have_no_fault():
    assert found(*GOOD) == []


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        (GOOD[:2], ("gap", "revenue = 999, orders = 4")),
        ((*GOOD[:2], ("Bronze", "revenue < 1000")), ("gap", "revenue = 1000, orders = 4")),
        ((*GOOD, ("Never", "orders > 9", "orders < 3")), ("contradiction", "Never")),
        ((*GOOD, ("Late", "revenue > 5000")), ("unreachable", "Late")),
        (
            (("Often", "orders > 3"), ("Rich", "revenue > 10"), ("Rest",)),
            ("overlap", "Often and Rich: orders = 4, revenue = 11"),
        ),
        ((*GOOD[:2], ("Gold", "revenue <= 1000")), ("repeated name", "Gold")),
        ((("North", 'region in ["N"]'),), ("gap", "region = another value")),
    ],
)
def test_each_planted_fault_is_found(named, fault):
    assert fault in found(*named)


def test_a_rest_with_a_name_is_no_gap():
    assert found(*GOOD[:2], otherwise="Others") == []


def test_an_exception_before_its_rule_is_no_overlap():
    assert (
        found(("Gold", "revenue > 1000", "orders >= 5"), ("Rich", "revenue > 1000"), otherwise="Others") == []
    )


def test_days_between_two_whole_numbers_are_no_gap():
    assert found(("New", "tenure_days <= 90"), ("Old", "tenure_days >= 91")) == []
    assert ("gap", "revenue = 90.5") in found(("Small", "revenue <= 90"), ("Large", "revenue >= 91"))


def test_more_combinations_than_can_be_looked_at_are_refused():
    many = [(f"S{i}", *(f"{name} > {i}.5" for name in "abcdef")) for i in range(20)]
    with pytest.raises(ValueError, match="combinations"):
        lint_rule_set(rules(*many))


def test_customers_show_empty_segments_and_ties():
    people = pd.DataFrame({"orders": [1, 2, 3, 9], "revenue": [10.0, 10.0, 10.0, 2000.0]})
    faults = lint_with_customers(
        rules(("Small", "revenue <= 10"), ("Middle", "revenue > 10", "revenue < 99"), otherwise="Large"),
        people,
    )
    assert faults.to_numpy().tolist() == [
        ["empty segment", "Middle"],
        ["ties on a line", "revenue = 10 (75% of customers)"],
    ]


texts = st.builds(
    "{} {} {}".format,
    st.sampled_from(["orders", "revenue"]),
    st.sampled_from(["<", "<=", ">", ">=", "="]),
    st.integers(0, 4),
)


@given(named=st.lists(st.lists(texts, max_size=3), min_size=1, max_size=4))
def test_gaps_and_dead_rules_are_those_that_a_search_of_points_finds(named):
    branches = rules(*((f"S{i}", *conditions) for i, conditions in enumerate(named)))
    orders, revenue = np.meshgrid(np.arange(0, 8), np.arange(-2, 7, 0.25))
    points = pd.DataFrame({"orders": orders.ravel(), "revenue": revenue.ravel()})
    holding = {branch.name: branch.holds(points) for branch in branches.branches}
    reached = set(branches.assign(points))
    expected = {("contradiction", name) for name, held in holding.items() if not held.any()}
    expected |= {
        ("unreachable", name) for name, held in holding.items() if held.any() and name not in reached
    }
    faults = lint_rule_set(branches)
    said = {tuple(row) for row in faults.to_numpy() if row[0] in {"contradiction", "unreachable"}}
    assert said == expected
    assert ("gap" in set(faults["fault"])) == (~np.any(list(holding.values()), axis=0)).any()
