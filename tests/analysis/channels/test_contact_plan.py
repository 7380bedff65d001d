"""The next contacts on a company small enough to know: who may be contacted, and who is held out."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_helpers.analysis.channels.attribution import attribute
from crm_helpers.analysis.channels.contact_effects import contact_effects
from crm_helpers.analysis.channels.contact_findings import (
    contact_actions,
    contact_sentences,
    credit_sentences,
)
from crm_helpers.analysis.channels.contact_plan import ContactPlan, ContactRules, plan_contacts
from crm_helpers.lake import schema_of
from crm_helpers.tables import TABLES

AS_OF = date(2024, 7, 1)
PEOPLE = 400


def _table(name: str, rows: list[dict[str, Any]]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema_of(TABLES[name]).to_pyarrow()))


def _bought(customer: int, day: date, amount: float) -> dict[str, Any]:
    return {
        "order_id": f"{customer}{day}{amount}", "customer_id": f"{customer:04}",
        "amount": Decimal(f"{amount:.2f}"), "ordered_at": datetime(day.year, day.month, day.day, 12),
    }  # fmt: skip


def _company(
    effects: dict[str, float], *, consent: bool | None = True, rested: bool = True
) -> dict[str, ibis.Table]:
    """One campaign a channel in April, half held out by lot; everybody bought in March."""
    random = np.random.default_rng(1)
    campaigns, contacts, lines = [], [], []
    for customer in range(PEOPLE):
        size = 50 + customer % 3 * 50
        lines.append(_bought(customer, date(2024, 3, 1), size))
    for number, (channel, effect) in enumerate(effects.items()):
        start = date(2024, 4, 1 + number)
        days = {"starts_on": start, "ends_on": start}
        campaigns.append({"campaign_id": channel, "channel": channel, "cost": Decimal(200), **days})
        for customer in range(number, PEOPLE, len(effects)):
            treated = bool(random.random() < 0.5)
            at = datetime(2024, 4, 2) if treated else None
            arm = "treated" if treated else "holdout"
            who = {"campaign_id": channel, "customer_id": f"{customer:04}"}
            contacts.append({**who, "contacted_at": at, "arm": arm})
            spend = max(1.0, 20 + effect * treated + random.normal(0, 2))
            lines.append(_bought(customer, date(2024, 4, 10), spend))
    if not rested:
        contacts = [row | {"contacted_at": row["contacted_at"] and datetime(2024, 6, 20)} for row in contacts]
    people = [{"customer_id": f"{k:04}", "consent": consent and k % 4 != 0} for k in range(PEOPLE)]
    if consent is None:
        people = [row | {"consent": None} for row in people]
    return {
        "customers": _table("customers", people), "transactions": _table("transactions", lines),
        "campaigns": _table("campaigns", campaigns),
        "campaign_contacts": _table("campaign_contacts", contacts),
    }  # fmt: skip


def _plan(tables: dict[str, ibis.Table], **rules: Any) -> ContactPlan:
    return plan_contacts(tables, as_of=AS_OF, rules=ContactRules(**rules))


@pytest.fixture(scope="module")
def tables() -> dict[str, ibis.Table]:
    return _company({"mail": 5.0, "phone": 12.0})


def test_the_effects_of_contacts_are_found(tables: dict[str, ibis.Table]) -> None:
    names = ("campaigns", "campaign_contacts", "transactions")
    found = contact_effects(*(tables[name] for name in names), as_of=AS_OF, limits=(50, 100))
    effect = found.groupby("channel")["effect"].mean()
    assert effect["mail"] == pytest.approx(5, abs=1)
    assert effect["phone"] == pytest.approx(12, abs=1)


def test_everybody_who_agreed_is_listed_through_the_better_channel(tables: dict[str, ibis.Table]) -> None:
    plan = _plan(tables, capacity=1000, budget=1e6)
    assert set(plan.people["channel"].dropna()) == {"phone"}
    assert plan.contacts + plan.held_out == 300
    assert plan.held_out == pytest.approx(30, abs=2)
    assert (plan.people["reason"] == "no consent").sum() == 100
    assert contact_sentences(plan)[0][0] == "channels.contacts"
    assert contact_actions(plan)[0][0] == "channels.do_contact"


def test_where_a_channel_is_full_the_next_best_takes_over(tables: dict[str, ibis.Table]) -> None:
    plan = _plan(tables, capacity=100, budget=1e6)
    assert plan.people["channel"].value_counts().to_dict() == {"mail": 100, "phone": 100}
    assert plan.people["reason"].str.startswith("next best: phone").sum() > 80
    assert plan.gap <= 1e-3
    assert plan.people["customer_id"].nunique() == PEOPLE


def test_a_budget_is_kept(tables: dict[str, ibis.Table]) -> None:
    plan = _plan(tables, capacity=1000, budget=100.0)
    assert plan.people["cost"].sum() <= 100
    assert plan.budget_price > 0


def test_several_contacts_a_customer_go_through_different_channels(tables: dict[str, ibis.Table]) -> None:
    plan = _plan(tables, capacity=1000, budget=1e6, most=2)
    assert len(plan.people.dropna(subset=["channel"]).drop_duplicates(["customer_id", "channel"])) == 600
    assert plan.people["reason"].str.startswith("brings most through").sum() == plan.contacts


def test_the_held_out_are_drawn_in_every_channel_and_group(tables: dict[str, ibis.Table]) -> None:
    chosen = _plan(tables, capacity=100, budget=1e6, holdout=0.2).people.dropna(subset=["channel"])
    share = (chosen["arm"] == "holdout").groupby([chosen["channel"], chosen["band"]]).agg(["mean", "size"])
    assert share.loc[share["size"] >= 10, "mean"].between(0.15, 0.25).all()


def test_who_was_contacted_lately_rests() -> None:
    plan = _plan(_company({"mail": 5.0}, rested=False), capacity=1000, budget=1e6)
    assert plan.people["reason"].eq("contacted in the last 28 days").sum() > 100


def test_contacts_that_lose_money_are_not_made() -> None:
    plan = _plan(_company({"mail": -5.0}))
    assert plan.contacts == 0
    assert contact_sentences(plan) == [("channels.contacts_none", {})]
    assert contact_actions(plan) == []


def test_without_recorded_consent_it_is_said() -> None:
    plan = _plan(_company({"mail": 5.0}, consent=None), capacity=1000, budget=1e6)
    assert not plan.consent
    assert plan.contacts > 300


def test_without_a_holdout_nothing_is_planned(tables: dict[str, ibis.Table]) -> None:
    everybody = tables | {"campaign_contacts": tables["campaign_contacts"].filter(ibis._.arm == "treated")}
    plan = _plan(everybody)
    assert plan.people.empty
    assert contact_sentences(plan) == [("channels.contacts_untested", {})]


def test_equal_calls_give_equal_lists(tables: dict[str, ibis.Table]) -> None:
    first, second = (_plan(tables, capacity=100).people for _ in range(2))
    assert first.equals(second)


def test_credit_is_said_with_its_warning() -> None:
    paths = pd.DataFrame({"path": [("a", "b"), ("b",)], "conversions": [8, 1], "nulls": [0, 1]})
    keys = [key for key, _ in credit_sentences(attribute(paths))]
    assert keys == ["channels.credit", "channels.credit_disagree", "channels.credit_note"]
    assert credit_sentences(attribute(paths.head(0))) == [("channels.no_paths", {})]


def test_credit_that_all_ways_share_out_alike_is_a_share_of_all_credit() -> None:
    paths = pd.DataFrame({"path": [("a",), ("b",)], "conversions": [600, 200], "nulls": [0, 0]})
    key, values = credit_sentences(attribute(paths))[0]
    assert key == "channels.credit_alike"
    assert values == {"best": "a", "share": pytest.approx(0.75)}
