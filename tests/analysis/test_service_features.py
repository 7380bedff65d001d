"""Margin, breadth, channels, service and campaigns of each customer against a plain count in pandas."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments.service_features import (
    buying_features,
    campaign_features,
    channel_shares,
    described,
    service_features,
)
from crm_helpers.analysis.segments.service_summary import by_segment

AS_OF, WINDOW = date(2024, 7, 1), 200
END, START = pd.Timestamp(AS_OF), pd.Timestamp(AS_OF) - pd.Timedelta(days=WINDOW)


def _times(random: np.random.Generator, size: int) -> pd.Series:
    return pd.Series(
        pd.Timestamp("2023-06-01") + pd.to_timedelta(random.integers(0, 450 * 86_400, size), unit="s")
    )


def _in_window(times: pd.Series) -> pd.Series:
    return (times >= START) & (times < END)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    random = np.random.default_rng(5)
    size = 4_000
    cost = random.integers(0, 500, size) / 100
    return pd.DataFrame({
        "customer_id": random.integers(0, 60, size).astype(str),
        "order_id": random.integers(0, 1_200, size).astype(str),
        "ordered_at": _times(random, size), "product_id": random.integers(0, 40, size).astype(str),
        "amount": random.integers(-300, 1_000, size) / 100,
        "cost": np.where(random.random(size) < 0.8, cost, np.nan),
        "channel": random.choice(["shop", "phone", "chat"], size),
    })  # fmt: skip


PRODUCTS = pd.DataFrame({"product_id": [str(number) for number in range(35)]})
PRODUCTS["category"] = [f"c{number % 7}" for number in range(35)]


def _indexed(table: ibis.Table, *keys: str) -> pd.DataFrame:
    return table.to_pandas().set_index(list(keys or ("customer_id",))).sort_index()


def _money(frame: pd.DataFrame) -> ibis.Table:
    decimal = "decimal(18, 4)"
    return ibis.memtable(frame).mutate(
        amount=ibis._.amount.cast(decimal), cost=ibis._.cost.nullif(float("nan")).cast(decimal)
    )


def test_breadth_and_margin_equal_a_plain_count(lines):
    table = _indexed(buying_features(_money(lines), ibis.memtable(PRODUCTS), as_of=AS_OF, window_days=WINDOW))
    seen = lines[_in_window(lines["ordered_at"])].merge(PRODUCTS, how="left")
    bought = seen[seen["amount"] > 0].groupby("customer_id")
    assert table["products"].to_dict() == bought["product_id"].nunique().to_dict()
    assert table["categories"].to_dict() == bought["category"].nunique().to_dict()
    known = seen.dropna(subset=["cost"])
    margin = (known["amount"] - known["cost"]).groupby(known["customer_id"]).sum()
    np.testing.assert_allclose(table["margin"], margin, atol=1e-9)
    np.testing.assert_allclose(
        table["margin_known"], seen["cost"].notna().groupby(seen["customer_id"]).mean(), atol=1e-12
    )


def test_shares_of_channels_equal_a_plain_count(lines):
    table = _indexed(channel_shares(_money(lines), as_of=AS_OF, window_days=WINDOW), "customer_id", "channel")
    seen = lines[_in_window(lines["ordered_at"])]
    orders = seen.groupby(["customer_id", "order_id"]).agg(
        amount=("amount", "sum"), channel=("channel", "min")
    )
    counted = orders[orders["amount"].round(2) > 0].reset_index().groupby("customer_id")["channel"]
    assert table["orders"].to_dict() == counted.value_counts().to_dict()
    np.testing.assert_allclose(table["share"], counted.value_counts(normalize=True).sort_index(), atol=1e-12)


def test_service_equals_a_plain_count():
    random = np.random.default_rng(6)
    size = 900
    contacts = pd.DataFrame({
        "customer_id": random.integers(0, 50, size).astype(str), "occurred_at": _times(random, size),
        "kind": random.choice(["complaint", "consultation", None], size),
        "satisfaction": np.where(random.random(size) < 0.6, random.integers(1, 6, size) * 1.0, np.nan),
    })  # fmt: skip
    engine = ibis.memtable(contacts).mutate(satisfaction=ibis._.satisfaction.nullif(float("nan")))
    table = _indexed(service_features(engine, as_of=AS_OF, window_days=WINDOW))
    seen = contacts[_in_window(contacts["occurred_at"])].groupby("customer_id")
    assert table["contacts"].to_dict() == seen.size().to_dict()
    assert (
        table["complaints"].to_dict() == seen["kind"].agg(lambda kind: (kind == "complaint").sum()).to_dict()
    )
    np.testing.assert_allclose(table["satisfaction"], seen["satisfaction"].mean(), atol=1e-12)


def test_a_campaign_counts_by_its_contact_and_an_answer_by_its_day():
    campaigns = ibis.memtable({"campaign_id": ["old", "now"], "starts_on": [date(2024, 1, 5), AS_OF]})
    day, late = pd.Timestamp("2024-06-30"), pd.Timestamp("2024-07-02")
    rows = [
        ("a", "old", "treated", day, True, day),  # reached, answered
        ("b", "old", "treated", None, True, late),  # answered too late to be known
        ("c", "old", "holdout", None, False, None),  # held out: not reached
        ("d", "now", None, None, True, None),  # its campaign begins on the day itself
        ("e", "old", None, None, True, None),  # answered, no day known
    ]
    columns = ["customer_id", "campaign_id", "arm", "contacted_at", "responded", "responded_at"]
    schema = ibis.schema(
        dict(zip(columns, ["string"] * 3 + ["timestamp", "boolean", "timestamp"], strict=True))
    )
    contacts = ibis.memtable(pd.DataFrame(rows, columns=columns), schema=schema)
    table = _indexed(campaign_features(contacts, campaigns, as_of=AS_OF))
    assert table["campaigns"].to_dict() == {"a": 1, "b": 1, "e": 1}
    assert table["responses"].to_dict() == {"a": 1, "b": 0, "e": 1}
    assert table["response_rate"].to_dict() == {"a": 1.0, "b": 0.0, "e": 1.0}
    lately = _indexed(campaign_features(contacts, campaigns, as_of=AS_OF, window_days=30))
    assert lately.index.tolist() == ["a"]


def test_all_of_it_stands_beside_each_customer_and_is_summed_up_by_segment():
    orders = ibis.memtable(
        pd.DataFrame({"customer_id": ["a", "b", "c"], "orders": [2, 1, 0], "revenue": [30.0, 10.0, 0.0]})
    )
    bought = pd.DataFrame({
        "customer_id": ["a", "a", "b"], "order_id": ["1", "2", "3"], "product_id": ["x", "y", "x"],
        "ordered_at": pd.to_datetime(["2024-05-01"] * 3), "amount": [10.0, 20.0, 10.0],
        "cost": [6.0, 9.0, np.nan], "channel": ["shop", "chat", "phone"],
    })  # fmt: skip
    talked = pd.DataFrame({
        "customer_id": ["a", "a", "b"], "occurred_at": pd.to_datetime(["2024-05-02"] * 3),
        "kind": ["complaint", "consultation", "consultation"], "satisfaction": [1.0, 3.0, 5.0],
    })  # fmt: skip
    reached = pd.DataFrame({
        "campaign_id": ["k"] * 3, "customer_id": ["a", "b", "c"], "arm": ["treated", "treated", "holdout"],
        "contacted_at": pd.to_datetime(["2024-05-03"] * 3), "responded": [True, False, True],
        "responded_at": pd.to_datetime(["2024-05-04", None, None]),
    })  # fmt: skip
    campaigns = pd.DataFrame({"campaign_id": ["k"], "starts_on": [date(2024, 5, 1)]})
    tables = {
        "transactions": _money(bought), "products": ibis.memtable(PRODUCTS),
        "communications": ibis.memtable(talked), "campaign_contacts": ibis.memtable(reached),
        "campaigns": ibis.memtable(campaigns),
    }  # fmt: skip
    all_ = described(orders, tables, as_of=AS_OF).order_by("customer_id").to_pandas()
    assert all_["customer_id"].tolist() == ["a", "b", "c"]
    assert all_["main_channel"].tolist()[:2] == ["chat", "phone"]
    first = all_.iloc[0]
    assert (first["products"], first["margin"], first["complaints"], first["responses"]) == (2, 15.0, 1, 1)
    names = pd.Series(["good", "good", "silent"])
    segments = by_segment(all_, names, order=["silent", "good"]).set_index("segment")
    assert segments.index.tolist() == ["silent", "good"]
    good = segments.loc["good"]
    assert (good["customers"], good["products"], good["margin_share"]) == (2, 1.5, 0.5)
    assert (good["complaints"], good["satisfaction"], good["response_rate"]) == (0.5, 3.5, 0.5)
    assert segments.loc["silent", ["products", "margin_share", "main_channel"]].isna().all()
