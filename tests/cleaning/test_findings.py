from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from crm_helpers.cleaning import findings, people_findings
from crm_helpers.report.wording import sentence

DIRTY = (
    "order,person,day,paid\nA1,007,2024-01-05,10\nA2,008,2024-01-06,0\nA3,,2024-01-06,5\nA4,008,2024-01-06,x\n"
    "A5,008,2024-01-06,\n"
)


@pytest.fixture
def dirty(shop):
    shop.write("lines.csv", DIRTY)
    return shop.clean()


def test_totals_add_up(dirty):
    found = findings.totals(dirty)
    assert found["read"] == found["clean"] + found["quarantined"] + found["merged"] == 5
    assert (found["before"], found["after"], found["lost"]) == (15.0, 10.0, 0.6)
    assert found["sales_lost"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("lost", "sales_lost", "expected"),
    [(0.0, 0.0, "solid"), (0.01, 0.0, "solid"), (0.0, 0.011, "indicative"), (0.21, 0.0, "not enough data")],
)
def test_the_verdict_follows_the_larger_loss(lost, sales_lost, expected):
    assert findings.verdict({"lost": lost, "sales_lost": sales_lost}) == expected


def test_problems_are_ranked_by_what_they_cost(dirty):
    lost = findings.lost_rows(dirty)
    assert list(lost["effect"]) == ["quarantined"] * 3
    assert list(lost["rows"]) == sorted(lost["rows"], reverse=True)
    assert list(findings.flagged(dirty)["rule"])[:1] == ["amount is zero"]


def said(result):
    found = findings.totals(result)
    return [
        findings.problem_sentence(result),
        findings.trap_sentence(result),
        findings.sales_sentence(result, found),
        findings.missing_sentence(result),
        findings.answer_sentence(result, found),
        findings.people_sentence(result),
        findings.review_sentence(result),
        people_findings.household_sentence(result),
        people_findings.worth_sentence(result),
        *findings.contents(result).values(),
        *findings.steps(result).items(),
    ]


def test_every_sentence_gets_the_values_it_names_on_dirty_and_on_clean_data(shop, dirty):
    shop.write("lines.csv", "order,person,day,paid\nA1,007,2024-01-05,10\n")
    for key, values in [*said(dirty), *said(shop.clean())]:
        assert sentence(key, values, currency="EUR")


ALIKE = "id,who,phone\n007,Wei Zhang,13800138000\n008,Zhang Wei,13800138000\n009,Anna Svensson,13911112222\n"


@pytest.mark.parametrize(
    ("rows", "key", "joined"),
    [(4, "cleaning.people", 1), (2, "cleaning.people_apart", 0), (0, "cleaning.people_not_compared", 0)],
)
def test_what_is_said_of_people_fits_what_was_found(shop, rows, key, joined):
    if rows:
        shop.write("people.csv", "".join(ALIKE.splitlines(keepends=True)[:rows]))
        columns = {"customer_id": "id", "name": "who", "phone": "phone"}
        shop.add("people", feeds="customers", columns=columns)
    result = shop.clean()
    assert (findings.people_sentence(result)[0], findings.joined_rows(result)) == (key, joined)
    assert findings.own_ids(result)
    for said_key, values in said(result):
        assert sentence(said_key, values, currency="EUR")


def test_pairs_to_decide_on_are_shown_without_saying_who_they_are(shop):
    rows = "id,who,phone\n007,Wang Lan,13800138000\n008,Wang Fang,13800138000\n009,Anna,13911112222\n"
    shop.write("people.csv", rows)
    shop.add("people", feeds="customers", columns={"customer_id": "id", "name": "who", "phone": "phone"})
    shop.top["people"] = {"review": 0.5}
    result = shop.clean()
    shown = people_findings.review_list(result)
    assert list(shown["pair"]) == ["1"]
    assert not {"007", "008"} & set(shown.astype(str).to_numpy().ravel())
    assert people_findings.person_sizes(result).to_numpy().tolist() == [[1, 3, 1.0]]


def test_an_id_of_somebody_else_is_noticed(shop):
    result = shop.clean()
    people = pd.DataFrame({"customer_id": ["1", "2", "3"], "person_id": ["1", "3", "1"]})
    assert not findings.own_ids(replace(result, people={"people": people}))


def test_a_clean_company_has_nothing_to_repair(shop):
    shop.write("people.csv", "id\n007\n008\n")
    shop.add("people", feeds="customers", columns={"customer_id": "id"})
    assert list(findings.steps(shop.clean())) == ["cleaning.fine"]


def test_the_emptiest_columns_come_first(shop):
    shop.write("people.csv", "id,who,where\n007,Ann,\n008,,\n")
    shop.add("people", feeds="customers", columns={"customer_id": "id", "name": "who", "city": "where"})
    worst = findings.most_missing(shop.clean())
    assert dict(zip(worst["column"], worst["share"], strict=True)) == {
        "customers.city": 1.0,
        "customers.name": 0.5,
    }
