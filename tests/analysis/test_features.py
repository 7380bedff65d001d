"""Customer features against literal tables and a plain pandas count."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments.features import customer_features, revenue_between, total_revenue

AS_OF = date(2024, 7, 1)
LINES = ibis.schema({
    "customer_id": "string", "order_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 4)",
})  # fmt: skip


def _lines(*rows: tuple[str, str, str, str]) -> ibis.Table:
    typed = [(who, order, datetime.fromisoformat(at), Decimal(amount)) for who, order, at, amount in rows]
    return ibis.memtable(pd.DataFrame(typed, columns=list(LINES)), schema=LINES)


def _people(*names: str) -> ibis.Table:
    return ibis.memtable({"customer_id": list(names)}, schema={"customer_id": "string"})


def _features(people: ibis.Table, lines: ibis.Table, **window: int) -> pd.DataFrame:
    table = customer_features(people, lines, as_of=AS_OF, **window)
    return table.order_by("customer_id").to_pandas().set_index("customer_id")


def test_an_order_of_three_lines_is_one_order():
    lines = _lines(*[("a", "1", "2024-06-01 10:00", "10.00")] * 3)
    row = _features(_people("a"), lines).loc["a"]
    assert (row["orders"], row["revenue"], row["mean_order"]) == (1, 30.0, 30.0)


def test_a_return_takes_money_off_but_is_no_order_and_no_visit():
    lines = _lines(("a", "1", "2024-05-02 10:00", "50.00"), ("a", "2", "2024-06-30 10:00", "-20.00"))
    row = _features(_people("a"), lines).loc["a"]
    assert (row["orders"], row["revenue"], row["recency_days"]) == (1, 30.0, 60)


def test_a_basket_of_no_value_is_no_order():
    lines = _lines(("a", "1", "2024-06-01 10:00", "0.00"))
    row = _features(_people("a"), lines).loc["a"]
    assert row["orders"] == 0
    assert np.isnan(row["recency_days"])


def test_the_same_order_number_at_two_customers_is_two_orders():
    lines = _lines(("a", "1", "2024-06-01 10:00", "5.00"), ("b", "1", "2024-06-01 11:00", "-9.00"))
    assert _features(_people("a", "b"), lines)["orders"].tolist() == [1, 0]


def test_nothing_of_the_date_itself_is_seen():
    lines = _lines(("a", "1", "2024-06-30 23:59:59", "5.00"), ("a", "2", "2024-07-01 00:00:00", "7.00"))
    row = _features(_people("a"), lines).loc["a"]
    assert (row["orders"], row["revenue"], row["recency_days"]) == (1, 5.0, 1)


def test_the_window_begins_so_many_days_before():
    lines = _lines(("a", "1", "2024-06-01 00:00:00", "5.00"), ("a", "2", "2024-05-31 23:59:59", "7.00"))
    assert _features(_people("a"), lines, window_days=30).loc["a", "revenue"] == 5.0


def test_customers_without_orders_and_orders_without_customer_record_are_kept():
    table = _features(_people("a", "b"), _lines(("c", "1", "2024-06-01 10:00", "5.00")))
    assert table["orders"].to_dict() == {"a": 0, "b": 0, "c": 1}
    assert table["revenue"].to_dict() == {"a": 0.0, "b": 0.0, "c": 5.0}


def test_the_gap_is_the_mean_between_first_and_last_order():
    days = ["2024-06-01 08:00", "2024-06-03 20:00", "2024-06-11 01:00"]
    lines = _lines(*[("a", str(place), day, "5.00") for place, day in enumerate(days)])
    row = _features(_people("a"), lines).loc["a"]
    assert (row["gap_days"], row["recency_days"], row["tenure_days"]) == (5.0, 20, 30)


def test_cents_are_summed_exactly():
    lines = _lines(*[("a", str(number), "2024-06-01 10:00", "0.10") for number in range(1000)])
    assert _features(_people("a"), lines).loc["a", "revenue"] == 100.0


def test_no_lines_at_all():
    table = _features(_people("a"), _lines())
    assert table.loc["a", ["orders", "revenue"]].tolist() == [0, 0.0]


@pytest.fixture(scope="module")
def bought() -> pd.DataFrame:
    random = np.random.default_rng(7)
    size = 3_000
    seconds = random.integers(0, 400 * 86_400, size)
    return pd.DataFrame({
        "customer_id": random.integers(0, 80, size).astype(str),
        "order_id": random.integers(0, 900, size).astype(str),
        "ordered_at": pd.Timestamp("2023-06-01") + pd.to_timedelta(seconds, unit="s"),
        "amount": random.integers(-300, 1_000, size) / 100,
    })  # fmt: skip


def test_equals_a_plain_count_in_pandas(bought: pd.DataFrame):
    known = bought[bought["ordered_at"] < pd.Timestamp(AS_OF)]
    by_order = known.groupby(["customer_id", "order_id"])
    orders = by_order.agg(amount=("amount", "sum"), at=("ordered_at", "max"))
    orders["amount"] = orders["amount"].round(2)
    counted = orders[orders["amount"] > 0].reset_index().groupby("customer_id")
    last = counted["at"].max().dt.normalize()
    lines = ibis.memtable(bought).mutate(amount=ibis._.amount.cast("decimal(18, 4)"))
    table = _features(_people(), lines)
    assert table["orders"].to_dict() == counted.size().to_dict()
    assert (pd.Timestamp(AS_OF) - last).dt.days.to_dict() == table["recency_days"].to_dict()
    np.testing.assert_allclose(table["revenue"], known.groupby("customer_id")["amount"].sum(), atol=1e-9)


def test_the_order_of_rows_does_not_matter(bought: pd.DataFrame):
    one, other = (
        _features(_people(), ibis.memtable(rows).mutate(amount=ibis._.amount.cast("decimal(18, 4)")))
        for rows in (bought, bought.sample(frac=1, random_state=1))
    )
    pd.testing.assert_frame_equal(one, other)


def test_money_between_two_days_and_in_total():
    lines = _lines(
        ("a", "1", "2024-05-31 23:59", "1.00"), ("a", "2", "2024-06-01 00:00", "2.00"),
        ("b", "3", "2024-06-30 23:59", "-4.00"), ("b", "4", "2024-07-01 00:00", "8.00"),
    )  # fmt: skip
    between = revenue_between(lines, since=date(2024, 6, 1), until=AS_OF).order_by("customer_id").to_pandas()
    assert between.to_numpy().tolist() == [["a", 1, 2.0], ["b", 0, -4.0]]
    assert total_revenue(lines, as_of=AS_OF) == -1.0
    assert total_revenue(lines, as_of=AS_OF, window_days=30) == -2.0
