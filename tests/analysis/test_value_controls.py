"""Companies of which little can be said: every one gets an honest page, and none an error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from made_orders import book_of, few, no_contacts, shop

from crm_helpers.analysis.churn import findings as leaving
from crm_helpers.analysis.churn import study as churn_study
from crm_helpers.analysis.value import (
    cohorts,
    findings,
    household_findings,
    households,
    lookback,
    next_purchase,
)
from crm_helpers.analysis.value import study as value_study
from crm_helpers.analysis.value.purchases import OrderBook
from crm_helpers.report.blocks import table_block
from crm_helpers.report.published import typed
from crm_helpers.report.wording import plain, sentence
from crm_helpers.results import RESULTS


@dataclass(frozen=True)
class Told:
    """What the page says of a company."""

    verdict: str
    said: list[str]
    published: pd.DataFrame
    churn: churn_study.Churn


def joined(customers: pd.DataFrame) -> pd.DataFrame:
    """The first two customers as a household, if there are two."""
    first = customers["customer_id"].head(2)
    return pd.DataFrame({
        "customer_id": first, "household_id": first.iloc[0] if len(first) else "", "kind": "household",
        "customers": 2, "believed": True,
    }).head(2 if len(first) == 2 else 0)  # fmt: skip


def tell(book: OrderBook) -> Told:
    """Go through the page as the notebook does, and type every table it publishes."""
    tested = value_study.trial(book, draws=100)
    found = value_study.value_now(book, tested)
    window = churn_study.window_of(book)
    past, now = lookback.look_back(book, ago=window.days), lookback.look_now(book, found)
    churn, latest = churn_study.study_churn(book, no_contacts(), past, window=window.days, draws=100)
    nexts, weights = next_purchase.next_test(book, past, window=window.days)
    risk = churn_study.risk_now(churn, latest, book, no_contacts(), now=now)
    following = next_purchase.next_orders(book, now, tested=nexts, weights=weights)
    published = leaving.published_customers(found, risk, following, window=window.days)
    began, curve = cohorts.cohort_retention(book), cohorts.concentration(found.customers["revenue"])
    criteria = findings.criteria(found, tested, churn)
    homes = households.expected_of_households(found.customers, joined(found.customers))
    sizes = households.by_size(homes, found.customers, joined(found.customers))
    key, values = findings.answer(found, tested, criteria, customers=published)
    rules = churn_study.churn_rules(past, window=window.days)
    sentences = [
        (key, {name: value for name, value in values.items() if name != "verdict"}),
        findings.ahead(found), findings.model_used(found, tested), findings.spending(found),
        findings.tested(tested), findings.tested_by(tested), findings.buying_fit(tested),
        findings.concentrated(curve), findings.retention(began), leaving.lost(window),
        leaving.lost_note(window), leaving.best_rule(rules), leaving.leaving(churn),
        leaving.kept_model(churn), leaving.calibrated(churn), leaving.drivers(churn), leaving.loss(churn),
        leaving.next_order(nexts), leaving.next_note(nexts), *leaving.next_steps(published).items(),
        household_findings.households_ahead(homes, found),
        household_findings.households_note(homes, sizes, found),
    ]  # fmt: skip
    tables = {
        "customer_values": published, "value_scores": findings.score_table(tested),
        "value_deciles": tested.deciles, "value_tracking": tested.tracking, "churn_models": churn.models,
        "churn_lift": churn.lift, "churn_calibration": churn.calibration, "buying_models": tested.tried,
        "cohort_retention": began, "next_order_tests": nexts,
        "household_expected": household_findings.published_households(homes),
    }  # fmt: skip
    for name, table in tables.items():
        typed(table, RESULTS[name])
    table_block(findings.horizons(found), caption="x")
    assert leaving.probable(published)
    said = [plain(sentence(key, values, currency="EUR")) for key, values in sentences]
    return Told(str(values["verdict"]), said, published, churn)


def test_a_shop_with_enough_customers_is_told_whole():
    told = tell(book_of(shop(customers=900)))
    assert told.verdict in {"solid", "indicative"}
    assert told.churn.kept
    assert told.published["churn_probability"].notna().any() == told.churn.gain
    assert not [text for text in told.said if "¥" in text or "nan" in text]


@pytest.mark.parametrize("lines", [
    shop(customers=30),
    shop(customers=400, again=False),
    few(("a", "1", "2024-05-01", 9.0)),
    few(),
    few(("a", "1", "2024-05-01", -9.0), ("b", "2", "2024-05-01", 0.0)),
], ids=["thirty customers", "one-time buyers", "one order", "no order", "returns only"])  # fmt: skip
def test_too_little_is_called_not_enough_data(lines):
    told = tell(book_of(lines))
    assert told.verdict == "not enough data"
    assert told.published["value"].isna().all()
    assert told.published["churn_probability"].isna().all()


def test_a_company_everybody_left_expects_nothing_of_them():
    lines = shop(customers=600)
    early = lines.assign(ordered_at=pd.to_datetime(lines["ordered_at"]) - pd.Timedelta(days=900))
    alone = few(("z", "z1", "2024-06-29", 9.0))
    told = tell(book_of(pd.concat([early, alone], ignore_index=True)))
    assert told.published["p_alive"].median() < 0.2
    assert told.published["churn_probability"].isna().all()
    # 601 customers are enough for a prediction: what lacks is who was active and left
    assert not [text for text in told.said if text.startswith("Too few customers for a prediction: it takes")]


def test_constant_spend_is_worth_the_same_each_time():
    lines = shop(customers=600).assign(amount=20.0)
    told = tell(book_of(lines[~lines.duplicated(["customer_id", "ordered_at"])]))
    np.testing.assert_allclose(told.published["order_value"].dropna(), 20.0, rtol=0.01)


def test_a_company_where_everybody_orders_each_week_has_nobody_leaving():
    weeks, customers = 60, 150
    who = np.repeat(np.arange(customers), weeks)
    days = np.tile(np.arange(weeks) * 7, customers)
    lines = pd.DataFrame({
        "customer_id": [f"c{number}" for number in who], "order_id": [str(n) for n in range(len(who))],
        "ordered_at": pd.Timestamp("2024-06-28") - pd.to_timedelta(days, unit="D"), "amount": 10.0 + who % 7,
    })  # fmt: skip
    told = tell(book_of(lines))
    assert not told.churn.kept
    assert (told.published["p_alive"] > 0.9).all()


def test_where_chance_says_who_orders_the_page_says_that_nobody_can_be_told_apart():
    """Orders of the last days are dealt out among customers: the label has nothing to do with the past."""
    lines = shop(customers=900)
    late = pd.to_datetime(lines["ordered_at"]) >= pd.Timestamp("2024-07-01") - pd.Timedelta(days=100)
    dealt = np.random.default_rng(1).choice(lines["customer_id"].unique(), int(late.sum()))
    told = tell(
        book_of(lines.assign(customer_id=lines["customer_id"].mask(late, pd.Series(dealt, late[late].index))))
    )
    areas = told.churn.models.set_index("model")
    assert ((areas["auc_low"] < 0.5) & (areas["auc_high"] > 0.5)).all()
    assert told.published["churn_probability"].isna().all()
    assert told.verdict == "indicative"
    assert any("no model sees who leaves better than chance" in text for text in told.said)
    assert any("Who is about to leave cannot be told" in text for text in told.said)


def test_a_company_that_everybody_leaves_at_once_has_nothing_to_learn_from():
    lines = shop(customers=600)
    early = lines[pd.to_datetime(lines["ordered_at"]) < pd.Timestamp("2024-03-01")]
    told = tell(book_of(early))
    assert not told.churn.gain
    assert told.published["churn_probability"].isna().all()
    assert told.verdict != "solid"
