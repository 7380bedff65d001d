"""What the past makes expect of customers, against what simulated ones then did."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.campaigns.past_value import look_past

START, AHEAD = date(2024, 7, 1), 60
FROM = START - timedelta(days=400)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Orders at random, each customer at a rate and of a value of his own, until he leaves."""
    random = np.random.default_rng(5)
    rates, leaving = random.gamma(2.0, 0.02, 2_000), random.exponential(300.0, 2_000)
    rows = []
    for number, (rate, left) in enumerate(zip(rates, leaving, strict=True)):
        days = np.unique(random.uniform(0, 460, random.poisson(rate * 460)).astype(int))
        days = days[(days < left) | (days < 1)]
        rows.append(pd.DataFrame({"customer_id": f"{number:04d}", "day": days, "amount": 20 + 900 * rate}))
    table = pd.concat(rows, ignore_index=True)
    return table.assign(day=[FROM + timedelta(days=int(day)) for day in table["day"]], orders=1)


def test_the_chance_of_an_order_comes_true(orders):
    past = look_past(ibis.memtable(orders), start=START)
    customers = pd.Series(sorted({*orders.loc[orders["day"] < START, "customer_id"], "never"}))
    came = set(orders.loc[orders["day"] >= START, "customer_id"])
    silent = pd.Series([who not in came for who in customers], index=customers)
    chance, money = past.by_rhythm(customers, days=AHEAD, silent=silent)
    frame = pd.DataFrame({"chance": chance, "came": ~silent.to_numpy()})[(customers != "never").to_numpy()]
    fifths = frame.groupby(pd.qcut(frame["chance"], 5, labels=False)).mean()
    assert (fifths["chance"] - fifths["came"]).abs().max() < 0.1
    assert fifths["came"].iloc[-1] > fifths["came"].iloc[0] + 0.4
    assert (chance[customers == "never"], money[customers == "never"]) == (0.0, 0.0)


def test_the_money_is_that_of_an_order(orders):
    past = look_past(ibis.memtable(orders), start=START)
    customers = pd.Series(past.history.index)
    chance, money = past.by_rhythm(customers, days=AHEAD, silent=pd.Series(dtype=bool))
    each = past.history["money"] / past.history["orders"]
    often = (past.history["orders"] > 10).to_numpy()
    assert (money / chance)[often] == pytest.approx(each[often], rel=0.15)
