"""Values of households against sums by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_helpers.analysis.value.households import ALONE, by_size, expected_of_households, overlooked

CUSTOMERS = pd.DataFrame({
    "customer_id": ["a", "b", "c", "d", "e"], "revenue": [10.0, 20.0, 30.0, 40.0, 50.0],
    "orders_12m": [1.0, 2.0, 3.0, 4.0, 5.0], "value": [60.0, 60.0, 100.0, 10.0, 20.0],
})  # fmt: skip
GROUPS = pd.DataFrame(
    [("a", "a", "household", 3, True), ("b", "a", "household", 3, True), ("z", "a", "household", 3, True),
     ("d", "d", "company", 2, True), ("e", "d", "company", 2, True),
     ("c", "c", "household", 40, False)],
    columns=["customer_id", "household_id", "kind", "customers", "believed"],
)  # fmt: skip


def test_a_group_is_worth_what_its_customers_are():
    table = expected_of_households(CUSTOMERS, GROUPS).set_index("household_id")
    assert table.index.tolist() == ["a", "d"]
    columns = ["customers", "buyers", "revenue", "orders_12m", "value"]
    assert table.loc["a", columns].tolist() == [3, 2, 30, 3, 120]
    assert table["share"].tolist() == pytest.approx([120 / 250, 30 / 250])


def test_groups_by_size_and_customers_in_none_are_everybody():
    sizes = by_size(expected_of_households(CUSTOMERS, GROUPS), CUSTOMERS, GROUPS).set_index("group")
    assert sizes["buyers"].to_dict() == {"company of 2": 2, "household of 3": 2, ALONE: 1}
    assert sizes["share_of_value"].sum() == pytest.approx(1.0)
    assert sizes.loc["household of 3", ["value_each", "value_group"]].tolist() == [60.0, 120.0]


def test_a_group_of_small_customers_is_overlooked_and_one_of_a_large_one_is_not():
    expected = expected_of_households(CUSTOMERS, GROUPS)
    assert overlooked(expected, least=100.0)["household_id"].tolist() == ["a"]
    assert overlooked(expected, least=60.0).empty


def test_without_relations_there_is_nothing():
    expected = expected_of_households(CUSTOMERS, GROUPS.head(0))
    assert expected.empty
    assert by_size(expected, CUSTOMERS, GROUPS.head(0)).empty
