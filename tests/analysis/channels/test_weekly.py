"""Carry-over and saturation found again in weeks that were made with them, and data kept by month."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import ibis
import numpy as np
import pyarrow as pa
import pytest

from crm_helpers.analysis.channels.summary import complete_months
from crm_helpers.analysis.channels.weekly import LAGS, fit_weeks, week_sentences, weeks_of
from crm_helpers.lake import schema_of
from crm_helpers.tables import TABLES

WEEKS, START = 180, date(2021, 1, 4)
CARRY, BEND = np.array([0.4, 0.2]), np.array([4.0, 3.0])


def _made(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Sales and two channels with carry-over over eight weeks and saturation, trend and season."""
    random = np.random.default_rng(seed)
    cost = random.uniform(0, 1, (WEEKS, 2))
    cost[:, 1] *= random.random(WEEKS) > 0.6
    cost[0] = 1.0
    orders = 3000 + 1500 * np.arange(WEEKS) / WEEKS + 300 * np.sin(2 * np.pi * np.arange(WEEKS) / 52.1775)
    for k, most in enumerate((2500, 1700)):
        weight = CARRY[k] ** np.arange(LAGS) / (CARRY[k] ** np.arange(LAGS)).sum()
        carried = np.convolve(cost[:, k], weight)[:WEEKS]
        orders = orders + most * (1 - np.exp(-BEND[k] * carried)) / (1 + np.exp(-BEND[k] * carried))
    return orders + random.normal(0, 100, WEEKS), 900 * cost


def test_carry_over_and_saturation_are_found_again() -> None:
    held = []
    for seed in range(3):
        found = fit_weeks(*_made(seed), ["tv", "web"], draws=60)
        held += [one.low <= true <= one.high for one, true in zip(found.carry, CARRY, strict=True)]
        held += [one.low <= true <= one.high for one, true in zip(found.saturation, BEND, strict=True)]
        assert [one.value for one in found.carry] == pytest.approx(CARRY.tolist(), abs=0.12)
        assert found.r_squared > 0.9
    assert sum(held) >= 9  # of 12 at 95 %: fewer in 2 of 1,000 tries


def _channels(days: int, periods: int) -> ibis.Table:
    orders, cost = _made()
    rows = [
        {"channel": name, "period": START + timedelta(days=days * t), "orders": int(orders[t] / 2),
         "cost": Decimal(f"{cost[t, k]:.2f}")}
        for k, name in enumerate(("tv", "web"))
        for t in range(periods)
    ]  # fmt: skip
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema_of(TABLES["channels"]).to_pyarrow()))


def test_weeks_are_told_from_months_and_from_too_few() -> None:
    weeks = weeks_of(_channels(7, WEEKS), as_of=date(2030, 1, 1))
    assert weeks is not None
    assert (weeks[1].shape, weeks[2]) == ((WEEKS, 2), ["tv", "web"])
    assert weeks_of(_channels(30, WEEKS), as_of=date(2030, 1, 1)) is None
    assert weeks_of(_channels(7, 60), as_of=date(2030, 1, 1)) is None
    assert week_sentences(_channels(30, WEEKS), as_of=date(2030, 1, 1)) == []


def test_every_channel_kept_by_week_has_its_sentence() -> None:
    said = week_sentences(_channels(7, WEEKS), as_of=date(2030, 1, 1))
    assert [(key, values["channel"]) for key, values in said] == [
        ("channels.week", "tv"),
        ("channels.week", "web"),
    ]


def test_weeks_are_added_up_to_months() -> None:
    months = complete_months(_channels(7, WEEKS), as_of=date(2021, 3, 1))
    tv = months[months["channel"] == "tv"]
    orders = (_made()[0][:8] / 2).astype(int)
    assert tv["period"].astype(str).tolist() == ["2021-01-01", "2021-02-01"]
    assert tv["orders"].tolist() == [orders[:4].sum(), orders[4:].sum()]
