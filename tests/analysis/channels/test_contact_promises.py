"""Lists of contacts scored later: kept, missed, still open, never used, and who is left alone meanwhile."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_helpers.analysis.channels.contact_plan import ContactPlan
from crm_helpers.analysis.channels.contact_promises import (
    open_lists,
    promise_sentences,
    resting,
    score_lists,
)
from crm_helpers.lake import schema_of
from crm_helpers.tables import TABLES

LISTED, CLOSED, PEOPLE = date(2024, 7, 1), date(2024, 8, 1), 600
NOTHING = pd.DataFrame(columns=["listed_on", "outcome"])


def _table(name: str, rows: list[dict[str, Any]]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema_of(TABLES[name]).to_pyarrow()))


def _plan() -> ContactPlan:
    """Six hundred customers to phone, every fifth held out; a contact is expected to add 10."""
    people = pd.DataFrame({
        "customer_id": [f"{k:03}" for k in range(PEOPLE)], "channel": "phone",
        "band": np.where(np.arange(PEOPLE) % 2 == 0, "low spend", "high spend"),
        "arm": np.where(np.arange(PEOPLE) % 5 == 0, "holdout", "contact"), "expected_sales": 10.0,
    })  # fmt: skip
    nobody = pd.DataFrame({"customer_id": ["x"], "channel": [None], "band": ["low spend"]})
    cells = pd.DataFrame({
        "channel": "phone", "band": ["low spend", "high spend"], "effect": 10.0, "effect_high": 13.92
    })  # fmt: skip
    return ContactPlan(pd.concat([people, nobody], ignore_index=True), cells, pd.DataFrame())


@pytest.fixture
def listed() -> pd.DataFrame:
    before = pd.DataFrame(columns=["customer_id", "channel", "band", "arm", "listed_on", "closes_on"])
    return open_lists(_plan(), before, scored=NOTHING, as_of=LISTED, window_days=28)


def _happened(effect: float, *, used: str = "list") -> tuple[ibis.Table, ibis.Table]:
    """Orders in July (and one on the day after the window, which must not count), and who was phoned."""
    random, lines, contacts = np.random.default_rng(1), [], []
    for k in range(PEOPLE):
        treated = k % 5 > 0
        spend = 100 * (k % 2) + 50 + effect * treated + random.normal(0, 5)
        for day, amount in ((date(2024, 7, 10), spend), (date(2024, 7, 29), 1000.0 * treated)):
            lines.append({
                "order_id": f"{k}{day}", "customer_id": f"{k:03}", "amount": Decimal(f"{amount:.2f}"),
                "ordered_at": datetime(day.year, day.month, day.day, 12),
            })  # fmt: skip
        if used == "all" or (treated and used == "list"):
            at = datetime(2024, 7, 2)
            contacts.append({
                "campaign_id": "c", "customer_id": f"{k:03}", "contacted_at": at, "arm": "treated"
            })  # fmt: skip
    return _table("transactions", lines), _table("campaign_contacts", contacts)


@pytest.mark.parametrize(("effect", "outcome"), [(9.0, "hit"), (25.0, "miss"), (-10.0, "miss")])
def test_what_came_is_the_difference_between_contacted_and_held_out(
    listed: pd.DataFrame, effect: float, outcome: str
) -> None:
    row = score_lists(listed, *_happened(effect), as_of=CLOSED).iloc[0]
    assert row["happened"] == pytest.approx(effect, abs=1.5)
    assert row["happened_low"] < effect < row["happened_high"]
    assert (row["promised"], row["outcome"]) == (10, outcome)
    assert (row["contacts"], row["held_out"], row["contacted"]) == (480, 120, 1)
    assert promise_sentences(score_lists(listed, *_happened(effect), as_of=CLOSED))[0][0] == (
        f"channels.promise_{outcome}"
    )


def test_a_list_is_open_until_its_window_is_over_and_its_held_out_are_left_alone(
    listed: pd.DataFrame,
) -> None:
    before_the_end, end = date(2024, 7, 20), date(2024, 7, 29)
    scored = score_lists(listed, *_happened(9.0), as_of=before_the_end)
    assert scored["outcome"].tolist() == ["not yet"]
    assert scored["happened"].isna().all()
    assert promise_sentences(scored)[0][0] == "channels.promise_open"
    assert len(resting(listed, as_of=before_the_end)) == 120
    assert resting(listed, as_of=end) == []
    assert score_lists(listed, *_happened(9.0), as_of=end)["outcome"].tolist() == ["hit"]
    assert score_lists(listed, *_happened(9.0), as_of=LISTED).empty


@pytest.mark.parametrize("used", ["none", "all"])
def test_a_list_that_changed_nobodys_contacts_is_not_scored(listed: pd.DataFrame, used: str) -> None:
    scored = score_lists(listed, *_happened(0.0, used=used), as_of=CLOSED)
    assert scored["outcome"].tolist() == ["not used"]
    assert promise_sentences(scored)[0][0] == "channels.promise_unused"


def test_lists_stay_open_through_reports_in_between(listed: pd.DataFrame) -> None:
    orders_and_contacts = _happened(9.0)
    first, second = date(2024, 7, 10), date(2024, 7, 30)
    scored = score_lists(listed, *orders_and_contacts, as_of=first)
    later = open_lists(_plan(), listed, scored=scored, as_of=first, window_days=28)
    assert later["listed_on"].nunique() == 2
    scored = score_lists(later, *orders_and_contacts, as_of=second)
    last = open_lists(_plan(), later, scored=scored, as_of=second, window_days=28)
    assert sorted(last["listed_on"].dt.date.unique()) == [date(2024, 7, 10), date(2024, 7, 30)]
    assert score_lists(later, *_happened(9.0), as_of=CLOSED)["outcome"].tolist() == ["hit", "not yet"]


def test_without_an_earlier_list_there_is_nothing_to_say(listed: pd.DataFrame) -> None:
    scored = score_lists(listed.head(0), *_happened(9.0), as_of=CLOSED)
    assert (len(scored), promise_sentences(scored)) == (0, [])
