"""Credit by place counted by hand, a chain walked step by step, coalitions joined in every order."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise, permutations
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_helpers.analysis.channels.attribution import (
    WAYS,
    attribute,
    credit_by_markov,
    credit_by_place,
    credit_by_shapley,
)
from crm_helpers.analysis.channels.paths import find_paths
from crm_helpers.lake import schema_of
from crm_helpers.tables import TABLES


def _paths(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    names = np.array(["mail", "call", "shop", "chat"])
    ways = sorted({tuple(rng.choice(names, rng.integers(1, 6)).tolist()) for _ in range(30)})
    counts = rng.integers(0, 9, (2, len(ways)))
    return pd.DataFrame({"path": ways, "conversions": counts[0] + 1, "nulls": counts[1]})


def _walked(paths: pd.DataFrame, without: str | None = None) -> float:
    """Share of walkers who reach an order: moves counted in words, walked until nobody is under way."""
    moves: dict[str, dict[str, float]] = {}
    for path, conversions, nulls in paths.itertuples(index=False):
        for end, times in (("order", conversions), ("nothing", nulls)):
            stops = ["start", *path, end]
            for here, there in pairwise(stops):
                moves.setdefault(here, {}).setdefault(there, 0.0)
                moves[here][there] += times
    walkers, arrived = {"start": 1.0}, 0.0
    for _ in range(3000):
        following: dict[str, float] = {}
        for place, share in walkers.items():
            for there, times in moves.get(place, {}).items():
                part = share * times / sum(moves[place].values())
                arrived += part if there == "order" else 0.0
                if there not in ("order", "nothing", without):
                    following[there] = following.get(there, 0.0) + part
        walkers = following
    return arrived


@pytest.mark.parametrize("seed", range(4))
def test_the_chain_is_that_of_walkers(seed: int) -> None:
    paths = _paths(seed)
    credit = credit_by_markov(paths)
    lost = {name: 1 - _walked(paths, name) / _walked(paths) for name in credit.index}
    expected = pd.Series(lost) / sum(lost.values()) * paths["conversions"].sum()
    pd.testing.assert_series_equal(credit, expected, check_names=False, rtol=1e-9)


def test_neither_rows_nor_names_change_the_credit() -> None:
    paths = _paths(1)
    other = {"mail": "z", "call": "a", "shop": "m", "chat": "b"}
    renamed = paths.assign(path=[tuple(other[name] for name in path) for path in paths["path"]])
    first = attribute(paths).set_index("channel")
    second = attribute(renamed.sample(frac=1, random_state=1, ignore_index=True)).set_index("channel")
    for name, new in other.items():
        np.testing.assert_allclose(first.loc[name, list(WAYS)].tolist(), second.loc[new, list(WAYS)].tolist())


@pytest.mark.parametrize("seed", range(4))
def test_shapley_is_the_mean_contribution_over_all_orders_of_joining(seed: int) -> None:
    paths = _paths(seed)
    names = sorted({name for path in paths["path"] for name in path})
    credit = dict.fromkeys(names, 0.0)
    orders = list(permutations(names))
    for order in orders:
        for k, name in enumerate(order):
            credit[name] += (_worth(paths, set(order[: k + 1])) - _worth(paths, set(order[:k]))) / len(orders)
    pd.testing.assert_series_equal(credit_by_shapley(paths), pd.Series(credit), check_names=False)


def _worth(paths: pd.DataFrame, coalition: set[str]) -> float:
    return float(
        sum(n for path, n in zip(paths["path"], paths["conversions"], strict=True) if set(path) <= coalition)
    )


def test_first_last_and_linear_are_counted() -> None:
    paths = pd.DataFrame({"path": [("a", "b", "a"), ("b",)], "conversions": [3, 1], "nulls": [5, 0]})
    credit = credit_by_place(paths)
    assert credit.loc["a"].tolist() == [3, 3, 2]
    assert credit.loc["b"].tolist() == [1, 1, 2]


def test_every_way_shares_out_all_orders() -> None:
    paths = _paths(2)
    total = paths["conversions"].sum()
    assert attribute(paths)[list(WAYS)].sum().tolist() == pytest.approx([total] * len(WAYS))


def test_without_orders_there_is_no_credit() -> None:
    assert attribute(pd.DataFrame({"path": [("a",)], "conversions": [0], "nulls": [4]})).empty


def test_one_channel_gets_it_all_each_way() -> None:
    (row,) = attribute(pd.DataFrame({"path": [("a",)], "conversions": [4], "nulls": [4]})).itertuples()
    assert [row.last, row.first, row.linear, row.markov, row.shapley] == [4, 4, 4, 4, 4]
    assert not row.disagree


def _table(name: str, rows: list[dict[str, Any]]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema_of(TABLES[name]).to_pyarrow()))


def _call(customer: str, day: int, channel: str) -> dict[str, Any]:
    return {
        "communication_id": f"{customer}{day}", "customer_id": customer, "channel": channel,
        "occurred_at": datetime(2024, 1, day, 9),
    }  # fmt: skip


def _order(customer: str, day: int) -> dict[str, Any]:
    return {
        "order_id": f"{customer}{day}", "customer_id": customer, "ordered_at": datetime(2024, 1, day, 12),
        "amount": Decimal(9),
    }  # fmt: skip


def test_a_path_ends_with_an_order_and_the_next_begins() -> None:
    calls = [_call("1", 1, "phone"), _call("1", 3, "chat"), _call("1", 8, "shop"), _call("2", 2, "chat")]
    calls += [_call("2", 29, "chat"), _call("3", 1, "shop")]
    tables = {
        "transactions": _table("transactions", [_order("1", 4), _order("1", 9), _order("3", 20)]),
        "communications": _table("communications", calls),
        "campaigns": _table("campaigns", [{
            "campaign_id": "c", "channel": "mail", "starts_on": date(2024, 1, 1), "ends_on": date(2024, 1, 9),
        }]),
        "campaign_contacts": _table("campaign_contacts", [
            {"campaign_id": "c", "customer_id": "1", "contacted_at": datetime(2024, 1, 2), "arm": "treated"},
            {"campaign_id": "c", "customer_id": "2", "contacted_at": None, "arm": "holdout"},
        ]),
    }  # fmt: skip
    found = find_paths(tables, as_of=date(2024, 2, 1), days=10)
    # the call of the 29th is not over; the order of customer 3 came too late for the visit
    assert dict(zip(found["path"], zip(found["conversions"], found["nulls"], strict=True), strict=True)) == {
        ("chat",): (0, 1), ("phone", "mail", "chat"): (1, 0), ("shop",): (1, 1),
    }  # fmt: skip
