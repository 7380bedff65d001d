"""Cohorts, concentration and segments' value against literal tables."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from made_orders import book_of, few

from crm_helpers.analysis.value.cohorts import (
    cohort_retention,
    concentration,
    retained,
    share_of_top,
    value_by_segment,
)


def test_cohorts_are_counted_by_month_and_the_month_that_is_not_over_is_left_out():
    rows = [(f"a{n}", f"x{n}", "2024-03-05 10:00", 9.0) for n in range(40)]
    rows += [(f"a{n}", f"y{n}", "2024-04-20 10:00", 9.0) for n in range(10)]
    rows += [(f"b{n}", f"z{n}", "2024-04-02 10:00", 9.0) for n in range(30)]
    rows += [("c", "few", "2024-04-02 10:00", -9.0), ("a1", "late", "2024-05-03 10:00", 9.0)]
    table = cohort_retention(book_of(few(*rows), as_of=date(2024, 5, 10)))
    assert table["cohort"].tolist() == ["2024-03", "2024-03", "2024-04"]
    assert table["period"].tolist() == [0, 1, 0]
    assert table["customers"].tolist() == [40, 40, 30]
    assert table["share"].tolist() == [1.0, 0.25, 1.0]
    assert retained(table, 1)["share"].tolist() == [0.25]


def test_two_years_are_counted_by_quarter():
    rows = [(f"a{n}", f"x{n}", "2022-02-05 10:00", 9.0) for n in range(40)]
    rows += [(f"a{n}", f"y{n}", "2022-08-20 10:00", 9.0) for n in range(20)]
    table = cohort_retention(book_of(few(*rows), as_of=date(2024, 1, 1)))
    assert table["cohort"].unique().tolist() == ["2022-Q1"]
    assert table["ordering"].tolist() == [40, 0, 20, 0, 0, 0, 0, 0]


def test_no_orders_give_no_cohorts():
    assert cohort_retention(book_of(few())).empty


def test_concentration_of_equal_customers_is_the_diagonal():
    curve = concentration(pd.Series(np.full(200, 7.0)))
    np.testing.assert_allclose(curve["share_of_customers"], curve["share_of_revenue"])


def test_nothing_sold_has_no_curve():
    assert concentration(pd.Series([0.0, 0.0])).empty
    assert np.isnan(share_of_top(concentration(pd.Series([], dtype=float)), 0.1))


def test_segments_share_the_value_out():
    customers = pd.DataFrame({
        "customer_id": ["a", "b", "c"], "p_alive": [1.0, 0.5, 0.0], "value": [60.0, 40.0, 0.0],
        "orders_12m": [6.0, 2.0, 0.0],
    })  # fmt: skip
    segments = pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "segment": ["x", "y", "y", "z"]})
    table = value_by_segment(customers, segments, order=["y", "x", "z"])
    assert table["segment"].tolist() == ["y", "x"]
    assert table["share_of_value"].tolist() == [0.4, 0.6]
    assert table["p_alive"].tolist() == [0.25, 1.0]
    assert table["share_of_customers"].sum() == pytest.approx(1.0)


def test_intervals_of_value_are_those_of_textbooks():
    random = np.random.default_rng(5)
    of_rich = np.arange(6_000) % 3 == 0
    value = random.gamma(2.0, np.where(of_rich, 60.0, 20.0))
    customers = pd.DataFrame({
        "customer_id": [f"{n:05d}" for n in range(6_000)], "p_alive": 1.0, "value": value, "orders_12m": 1.0,
    })  # fmt: skip
    segments = customers[["customer_id"]].assign(segment=np.where(of_rich, "rich", "others"))
    table = value_by_segment(customers, segments, order=["rich", "others"]).set_index("segment")
    rich = value[::3]
    half = 1.96 * rich.std() / np.sqrt(len(rich))
    assert table.loc["rich", ["value_each_low", "value_each_high"]].tolist() == pytest.approx(
        [rich.mean() - half, rich.mean() + half], abs=half / 5
    )
    share = rich.sum() / value.sum()
    influence = np.where(of_rich, 1 - share, -share) * value / value.sum()
    half = 1.96 * np.sqrt((influence**2).sum())
    ends = table.loc["rich", ["share_of_value_low", "share_of_value_high"]].tolist()
    assert ends == pytest.approx([share - half, share + half], abs=half / 5)
    assert np.isfinite(table.to_numpy(float)).all()


def test_a_mean_of_few_customers_has_no_interval():
    customers = pd.DataFrame({
        "customer_id": list("abcdefghijkl"), "p_alive": 1.0, "value": np.arange(12.0), "orders_12m": 1.0,
    })  # fmt: skip
    segments = customers[["customer_id"]].assign(segment=["few"] * 2 + ["many"] * 10)
    table = value_by_segment(customers, segments, order=["few", "many"])
    assert table["value_each_low"].isna().tolist() == [True, False]
