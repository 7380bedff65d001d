"""Channel measures on tables small enough to count by hand, and on tables that are not there."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from crm_helpers.analysis.campaigns.channels import evaluate_campaigns
from crm_helpers.analysis.channels.budget_plan import make_plan
from crm_helpers.analysis.channels.findings import answer, extremes, together
from crm_helpers.analysis.channels.measures import measure
from crm_helpers.analysis.channels.response import fit_curves
from crm_helpers.analysis.channels.summary import complete_months, evaluate, orders_without
from crm_helpers.analysis.estimates import wilson_estimate
from crm_helpers.lake import schema_of
from crm_helpers.tables import TABLES

AS_OF = date(2024, 3, 1)


def _table(name: str, rows: list[dict[str, Any]]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema_of(TABLES[name]).to_pyarrow()))


def _order(
    order: str, customer: str, amount: str, *, channel: str | None = "shop", day: int = 5
) -> dict[str, Any]:
    return {
        "order_id": order, "customer_id": customer, "amount": Decimal(amount), "channel": channel,
        "ordered_at": datetime(2024, 2, day, 12),
    }  # fmt: skip


def _month(month: int, **values: Any) -> dict[str, Any]:
    return {"channel": "shop", "period": date(2024, month, 1), **values}


def _contact(customer: str, score: float | None) -> dict[str, Any]:
    return {
        "communication_id": f"{customer}{score}", "customer_id": customer, "channel": "shop",
        "occurred_at": datetime(2024, 2, 1), "satisfaction": score,
    }  # fmt: skip


def _evaluated(**tables: list[dict[str, Any]]) -> pd.DataFrame:
    months = complete_months(_table("channels", tables.get("channels", [])), as_of=AS_OF)
    contacts = _table("communications", tables.get("communications", []))
    lines = _table("transactions", tables.get("transactions", []))
    return evaluate(months, contacts, lines, as_of=AS_OF, minimum=2)


def test_without_any_table_there_are_no_measures_and_nothing_breaks() -> None:
    table = _evaluated()
    assert table.empty
    assert measure(table, "conversion").empty
    assert extremes(table, "churn") == ("channels.unknown", {"what": "churn"})


def test_churn_is_lost_out_of_those_at_the_start() -> None:
    months = [
        _month(1, customers_at_start=100, new_customers=50, lost_customers=4),
        _month(2, customers_at_start=146, new_customers=1, lost_customers=6),
    ]
    (row,) = measure(_evaluated(channels=months), "churn").itertuples()
    expected = wilson_estimate(10, 246)
    assert (row.value, row.low, row.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert row.cases == 246


def test_a_month_that_is_not_over_is_not_counted() -> None:
    months = [_month(2, visits=100, orders=10), _month(3, visits=100, orders=90)]
    (row,) = measure(_evaluated(channels=months), "conversion").itertuples()
    assert (row.value, row.cases) == (0.1, 100)


def test_more_orders_than_visits_are_no_conversion() -> None:
    months = [_month(1, visits=10, orders=20), _month(2, visits=100, orders=10)]
    (row,) = measure(_evaluated(channels=months), "conversion").itertuples()
    assert row.cases == 100


def test_the_value_of_an_order_takes_returns_off_and_counts_orders_not_lines() -> None:
    lines = [_order("1", "a", "30"), _order("1", "a", "20"), _order("2", "b", "40"), _order("2", "b", "-10")]
    table = _evaluated(transactions=lines)
    (order,), (customer,) = (measure(table, name).itertuples() for name in ("order value", "customer value"))
    assert (order.value, order.cases) == (40.0, 2)
    assert (customer.value, customer.cases) == (40.0, 2)


def test_satisfaction_counts_scores_and_says_how_many_gave_one() -> None:
    contacts = [_contact("a", 5.0), _contact("b", 3.0), _contact("b", None), _contact("c", None)]
    table = _evaluated(communications=contacts)
    (score,), (share,) = (measure(table, name).itertuples() for name in ("satisfaction", "answer share"))
    assert (score.value, score.cases) == (4.0, 2)
    assert (share.value, share.cases) == (0.5, 4)


def test_few_cases_have_no_rank() -> None:
    lines = [_order(str(n), str(n), "10") for n in range(3)] + [_order("x", "x", "99", channel="phone")]
    rows = measure(_evaluated(transactions=lines), "order value").set_index("channel")
    assert rows.loc["shop", "rank"] == 1
    assert pd.isna(rows.loc["phone", "rank"])


def test_channels_whose_intervals_meet_are_not_told_apart() -> None:
    lines = [
        _order(f"{c}{n}", f"{c}{n}", str(10 + n), channel=c) for c in ("shop", "phone") for n in range(5)
    ]
    assert extremes(_evaluated(transactions=lines), "order value")[0] == "channels.alike"


def test_orders_without_channel_are_counted_and_belong_to_none() -> None:
    lines = [_order("1", "a", "10", channel=None), _order("2", "b", "10")]
    assert orders_without(_table("transactions", lines), as_of=AS_OF) == (1, 2)
    assert measure(_evaluated(transactions=lines), "order value")["channel"].tolist() == ["shop"]


def _campaigns(**kinds: int) -> tuple[ibis.Table, ibis.Table]:
    """One campaign of each kind, which as many customers answered out of four, and a holdout."""
    day = date(2024, 1, 10)
    plans = [{"campaign_id": kind, "channel": kind, "starts_on": day, "ends_on": day} for kind in kinds]
    contacts = [
        {"campaign_id": kind, "customer_id": str(n), "arm": "treated", "responded": n < answers}
        for kind, answers in kinds.items()
        for n in range(4)
    ]
    contacts += [
        {"campaign_id": kind, "customer_id": "held", "arm": "holdout", "responded": False} for kind in kinds
    ]
    return _table("campaigns", plans), _table("campaign_contacts", contacts)


def test_campaign_types_are_measured_on_those_contacted() -> None:
    lines = _table("transactions", [_order("1", "0", "80", day=1), _order("2", "0", "500", day=20)])
    table = evaluate_campaigns(*_campaigns(A=1, B=3), lines, as_of=AS_OF, cost_per_contact=2.0, minimum=2)
    answers, spend, cost = (
        measure(table, name).set_index("channel")
        for name in ("response", "spend after contact", "cost per response")
    )
    assert answers["value"].to_dict() == {"A": 0.25, "B": 0.75}
    assert spend["value"].to_dict() == {
        "A": 20.0,
        "B": 20.0,
    }  # 28 days from the start: not the order of the 20th
    assert spend["rank"].isna().all()
    assert cost.empty  # with four contacts the answers may as well be none, so no cost can be told


def test_the_cost_of_an_answer_is_the_cost_of_a_contact_over_the_share_that_answers() -> None:
    day = date(2024, 1, 10)
    plans = _table("campaigns", [{"campaign_id": "A", "channel": "A", "starts_on": day, "ends_on": day}])
    contacts = [
        {"campaign_id": "A", "customer_id": str(n), "arm": "treated", "responded": n % 4 == 0}
        for n in range(400)
    ]
    lines = _table("transactions", [])
    table = evaluate_campaigns(
        plans, _table("campaign_contacts", contacts), lines, as_of=AS_OF, cost_per_contact=2.0
    )
    (cost,), (answers,) = (measure(table, name).itertuples() for name in ("cost per response", "response"))
    assert cost.value == 8.0
    assert cost.low == pytest.approx(2.0 / answers.high)
    assert cost.cases == 100


def test_no_campaigns_no_measures() -> None:
    empty = [_table(name, []) for name in ("campaigns", "campaign_contacts", "transactions")]
    table = evaluate_campaigns(*empty, as_of=AS_OF, cost_per_contact=1.0)
    assert table.empty
    assert together(_evaluated(), table).columns.tolist() == table.columns.tolist()


def test_contacts_alone_say_where_people_come_and_no_more() -> None:
    said = [
        {"communication_id": str(n), "customer_id": str(n), "channel": "web" if n % 4 else "fax",
         "occurred_at": datetime(2024, 1, 1)}
        for n in range(40)
    ]  # fmt: skip
    contacts, lines = _table("communications", said), _table("transactions", [])
    months = complete_months(_table("channels", []), as_of=AS_OF)
    table = evaluate(months, contacts, lines, as_of=AS_OF)
    plan = make_plan(fit_curves(months), measure(table, "order value"))
    key, verdict, values = answer(plan, table)
    assert (key, verdict) == ("channels.answer_contacts", "not enough data")
    assert values == {"best": "web", "contacts": 30, "all": 40, "share": 0.75}


@pytest.mark.parametrize(
    ("fax", "said", "verdict"),
    [(3, "channels.answer_alike", "not enough data"), (1, "channels.answer_satisfaction", "indicative")],
)
def test_channels_that_were_judged_are_not_said_to_be_unknown(fax: int, said: str, verdict: str) -> None:
    contacts = [
        {"communication_id": str(n), "customer_id": str(n), "channel": "web" if n % 2 else "fax",
         "occurred_at": datetime(2024, 1, 1), "satisfaction": (3 if n % 2 else fax) + (n // 2) % 2}
        for n in range(80)
    ]  # fmt: skip
    months = complete_months(_table("channels", []), as_of=AS_OF)
    table = evaluate(months, _table("communications", contacts), _table("transactions", []), as_of=AS_OF)
    key, found, values = answer(make_plan(fit_curves(months), measure(table, "order value")), table)
    assert (key, found) == (said, verdict)
    assert values.get("what", "satisfaction") == "satisfaction"
