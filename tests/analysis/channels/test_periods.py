"""Months counted by hand, lines that rise and lines that do not, and groups with their ranks."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_helpers.analysis.channels.groups import by_group
from crm_helpers.analysis.channels.measures import measure, ranked
from crm_helpers.analysis.channels.period_findings import group_sentences, trend_sentences
from crm_helpers.analysis.channels.periods import by_month, month_rows, trends
from crm_helpers.lake import schema_of
from crm_helpers.tables import TABLES


def _table(name: str, rows: list[dict[str, Any]]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema_of(TABLES[name]).to_pyarrow()))


def _order(customer: str, amount: int, *, channel: str = "shop", month: int = 1) -> dict[str, Any]:
    return {
        "order_id": f"{customer}{channel}{month}{amount}", "customer_id": customer, "channel": channel,
        "amount": Decimal(amount), "ordered_at": datetime(2024, month, 5),
    }  # fmt: skip


def _months(**columns: list[float]) -> pd.DataFrame:
    names = ["visits", "orders", "cost", "customers_at_start", "lost_customers"]
    frame = pd.DataFrame({"channel": "shop", "period": [date(2024, 1, 1), date(2024, 2, 1)], **columns})
    return frame.reindex(columns=["channel", "period", *names])


def test_every_month_has_its_measures() -> None:
    months = _months(visits=[100, 200], orders=[10, 40], cost=[50, 100])
    lines = _table("transactions", [_order("1", 30), _order("2", 50), _order("1", 60, month=2)])
    table = by_month(months, _table("communications", []), lines, as_of=date(2024, 3, 1), margin=0.5)
    values = table.set_index(["measure", "period"])["value"]
    assert values["conversion"].tolist() == [0.1, 0.2]
    assert values["orders"].tolist() == [10, 40]
    assert values["order value"].tolist() == [40, 60]
    assert values["return"].tolist() == [0.5 * 80 / 50, 0.5 * 60 / 100]


def test_months_add_up_to_a_row_a_channel() -> None:
    months = _months(orders=[10, 40], cost=[50, 150])
    lines = _table("transactions", [_order("1", 30), _order("2", 50), _order("1", 60, month=2)])
    periods = by_month(months, _table("communications", []), lines, as_of=date(2024, 3, 1))
    table = ranked(month_rows(periods), minimum=2)
    assert measure(table, "orders a month")["value"].tolist() == [25]
    assert measure(table, "cost a month")["value"].tolist() == [100]
    assert measure(table, "return")["value"].tolist() == [140 / 200]
    assert table["rank"].isna().all()  # two months are too few for a rank


def test_a_month_without_cost_has_no_return() -> None:
    months = _months(orders=[10, 40], cost=[0, 0])
    lines = _table("transactions", [_order("1", 30)])
    periods = by_month(months, _table("communications", []), lines, as_of=date(2024, 3, 1))
    assert "return" not in set(periods["measure"])


def _line(slope: float, *, noise: float = 1.0, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    period = pd.date_range("2022-01-01", periods=24, freq="MS")
    value = 100 + slope * np.arange(24) + random.normal(0, noise, 24)
    return pd.DataFrame({"channel": "shop", "measure": f"m{seed}", "period": period, "value": value})


def test_a_line_that_rises_is_found_with_its_slope() -> None:
    found = trends(_line(2.0))
    (row,) = found.itertuples()
    assert row.change_low < 24 / row.level < row.change_high
    ((key, values),) = trend_sentences(found)
    assert (key, values["found"]) == ("channels.trend", 1)


def test_lines_of_noise_seldom_rise_or_fall() -> None:
    found = trends(pd.concat([_line(0.0, seed=seed) for seed in range(100)]))
    assert (found["p_adjusted"] < 0.05).sum() <= 1
    assert trend_sentences(found[found["p_adjusted"] > 0.05])[0][0] == "channels.no_trend"


def test_less_than_a_year_is_no_trend() -> None:
    assert trend_sentences(trends(_line(2.0).head(11)))[0][0] == "channels.no_trend_known"


def test_channels_are_ranked_within_a_group_and_few_cases_are_not() -> None:
    lines = [_order(str(k), 10 + k) for k in range(4)]
    lines += [_order(str(k), 50 + k, channel="mail") for k in range(4)] + [_order("9", 99, channel="chat")]
    segments = ibis.memtable({"customer_id": ["0", "1", "2", "3", "9"], "segment": ["loyal"] * 5})
    found = by_group(
        _table("communications", []), _table("transactions", lines), {"segment": segments},
        as_of=date(2024, 3, 1), minimum=3,
    )  # fmt: skip
    ranks = dict(zip(found["channel"], found["rank"].fillna(0), strict=True))
    assert ranks == {"mail": 1, "shop": 2, "chat": 0}
    assert group_sentences(found) == [("channels.by_segment", {"best": "mail", "same": 1, "all": 1})]


@pytest.mark.parametrize("as_of", [date(2024, 1, 15), date(2023, 1, 1)])
def test_a_month_that_is_not_over_is_left_out(as_of: date) -> None:
    lines = _table("transactions", [_order("1", 30)])
    assert by_month(_months().head(0), _table("communications", []), lines, as_of=as_of).empty
