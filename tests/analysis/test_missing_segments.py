from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments.features import customer_features
from crm_helpers.analysis.segments.missing_segments import missing_by_segment, widest_gap
from crm_helpers.analysis.segments.segmentation import rule_segments

DAY = date(2024, 7, 1)


@pytest.fixture(scope="module")
def company():
    """Three hundred customers; of the half that bought in January only, every second left no e-mail."""
    draws = np.random.default_rng(5)
    ids = [f"{number:03d}" for number in range(300)]
    early = np.array([number < 150 for number in range(300)])
    who = draws.integers(0, 290, 2_000)
    orders = pd.DataFrame({"customer_id": np.array(ids)[who]})
    orders["order_id"] = orders.index.astype(str)
    orders["amount"] = draws.lognormal(3, 1, len(orders)).round(2)
    days = draws.integers(0, np.where(early[who], 25, 180))
    orders["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    emails = ["x@y.z" if number % 2 or not early[number] else None for number in range(300)]
    people = pd.DataFrame({"customer_id": ids, "email": emails, "city": ["x", None, "y"] * 100})
    return ibis.memtable(people), ibis.memtable(orders), people


def test_every_customer_is_counted_in_the_segment_of_the_segmentation_page(company):
    customers, orders, people = company
    found = missing_by_segment(customers, orders, ["email", "city"], as_of=DAY)
    features = customer_features(customers, orders, as_of=DAY).order_by("customer_id").to_pandas()
    segment = rule_segments(features).customers.set_index("customer_id")["segment"]
    for column in ("email", "city"):
        expected = people[column].isna().groupby(people["customer_id"].map(segment)).agg(["size", "sum"])
        ours = found[found["column"] == column].set_index("segment")
        pd.testing.assert_frame_equal(
            ours[["customers", "missing"]].sort_index(),
            expected.set_axis(["customers", "missing"], axis=1).sort_index(),
            check_names=False, check_dtype=False,
        )  # fmt: skip


def test_a_planted_difference_is_named_and_an_even_column_is_not(company):
    customers, orders, _ = company
    gap = widest_gap(missing_by_segment(customers, orders, ["email", "city"], as_of=DAY))
    assert gap is not None
    assert (gap["column"], gap["least_share"], gap["most_share"] > 0.3) == ("email", 0, True)
    assert widest_gap(missing_by_segment(customers, orders, ["city"], as_of=DAY)) is None


def test_few_customers_prove_nothing():
    few = pd.DataFrame({
        "column": "email", "segment": ["a", "b"], "customers": 29, "missing": [29, 0], "share": [1.0, 0.0],
    })  # fmt: skip
    assert widest_gap(few) is None
    assert widest_gap(few.assign(customers=30, missing=[30, 0]))["most"] == "a"
    assert widest_gap(few.iloc[:0]) is None
