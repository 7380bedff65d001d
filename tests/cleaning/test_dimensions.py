"""Five dimensions: each share is what can be counted by hand, and moves only with the data."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crm_helpers.cleaning import measure_findings as measured
from crm_helpers.report.wording import sentence

NONE = pd.DataFrame(columns=["table", "dimension", "share"])
PEOPLE = (
    "id,who,born,joined\n007,Ann,1990-01-01,2023-05-01\n008,,2024-01-01,2023-06-01\n008,Bo,1991-01-01,2023-06-01\n"
    "009,Cy,1700-13-45,\n"
)
LINES = """order,person,day,paid,n
A1,007,2024-01-05,10,1
A2,008,2024-02-06,-2,1
A3,010,2024-02-07,5,1
A4,007,2024-05-07,x,1
A5,007,2024-05-08,3,-1
"""


@pytest.fixture
def measures(shop):
    shop.write("people.csv", PEOPLE)
    shop.write("lines.csv", LINES)
    columns = {"customer_id": "id", "name": "who", "birth_date": "born", "joined_on": "joined"}
    shop.add("people", feeds="customers", columns=columns)
    shop.tables["transactions"]["columns"]["quantity"] = "n"
    shop.top["people"] = {"merge": False}
    return shop.clean()


def shares(result, *, as_of=None, before=NONE):
    found = measured.dimensions(result, as_of=as_of or result.version.as_of, before=before)
    return found.set_index(["table", "dimension"])


@pytest.mark.parametrize(
    ("table", "dimension", "good", "cases"),
    [
        # three people of four columns; Cy's birth date cannot be read, the joining day is not given
        ("customers", "completeness", 10, 12),
        ("customers", "validity", 13, 14),
        ("customers", "uniqueness", 3, 4),
        (
            "customers",
            "consistency",
            2,
            2,
        ),  # Ann and Bo; the row that put 008's birth after joining is merged
        ("transactions", "completeness", 20, 20),
        ("transactions", "validity", 24, 25),
        ("transactions", "uniqueness", 4, 4),
        (
            "transactions",
            "consistency",
            5,
            8,
        ),  # 010 is unknown; two lines have amount and quantity of two signs
        ("transactions", "timeliness", 3, 5),  # no line in March and April
    ],
)
def test_a_measure_counts_its_cases(measures, table, dimension, good, cases):
    found = shares(measures).loc[(table, dimension)]
    assert (found["good"], found["cases"], found["share"]) == (good, cases, good / cases)


def test_contradictions_are_flagged_with_their_columns(measures):
    flags = measures.quality.set_index(["rule", "column"])["flagged"]
    assert flags["columns contradict each other", "quantity, amount"] == 2


def test_old_data_lose_timeliness_once_the_day_is_given(measures):
    found = shares(measures, as_of=date(2024, 9, 1)).loc[("transactions", "timeliness")]
    assert (found["good"], found["cases"], found["age_days"]) == (3, 8, 116)


def test_a_value_that_is_not_expected_is_not_missing(shop):
    shop.write("plans.csv", "id,from,to\nC1,2024-01-01,2024-02-01\n")
    shop.write(
        "contacts.csv",
        "id,who,arm,sent,answer,at\nC1,007,treated,2024-01-03,yes,2024-01-04\nC1,008,holdout,,no,\n"
        "C1,009,treated,2024-01-03,yes,\n",
    )
    shop.add("plans", feeds="campaigns", columns={"campaign_id": "id", "starts_on": "from", "ends_on": "to"})
    columns = {
        "campaign_id": "id", "customer_id": "who", "arm": "arm", "contacted_at": "sent",
        "responded": "answer", "responded_at": "at",
    }  # fmt: skip
    shop.add("contacts", feeds="campaign_contacts", columns=columns)
    missing = shop.clean().missing.set_index(["table", "column"])
    counts = missing.loc["campaign_contacts"][["rows", "missing"]]
    assert list(counts.loc["contacted_at"]) == [2, 0]
    assert list(counts.loc["responded_at"]) == [2, 1]
    assert list(counts.loc["arm"]) == [3, 0]


def test_a_first_report_has_nothing_to_compare_with(measures):
    found = shares(measures).reset_index()
    assert found["change"].isna().all()
    assert measured.moved_sentence(found, None) == ("cleaning.first_measured", {})


def test_what_moved_since_the_report_before_is_said(measures):
    now = shares(measures).reset_index()
    before = now.assign(share=now["share"].mask(now["dimension"] == "timeliness", 0.9))
    found = shares(measures, before=before).reset_index()
    key, values = measured.moved_sentence(found, date(2024, 4, 1))
    assert key == "cleaning.moved"
    assert (values["better"], values["worse"], values["dimension"]) == (0, 1, "timeliness")
    assert (values["before"], values["now"]) == (0.9, 0.6)
    assert measured.moved_sentence(shares(measures, before=now).reset_index(), date(2024, 4, 1))[0] == (
        "cleaning.not_moved"
    )


def test_a_table_that_is_new_moved_nowhere(measures):
    now = shares(measures).reset_index()
    found = shares(measures, before=now[now["table"] == "customers"]).reset_index()
    assert found.set_index("table")["change"]["transactions"].isna().all()


def test_the_weakest_measure_is_named_and_every_sentence_can_be_said(shop, measures):
    found = shares(measures).reset_index()
    assert measured.dimension_sentence(found)[1]["dimension"] == "timeliness"
    assert list(measured.shortfalls(found)["lacking"]) == sorted(1 - found["share"][found["share"] < 1])[::-1]
    said = [
        measured.dimension_sentence(found), measured.moved_sentence(found, None),
        measured.grain_sentence(measures), measured.returns_sentence(measures),
        measured.outlier_sentence(measures, 5), measured.reference_sentence(measures),
        measured.unused_sentence(measures),
        measured.segment_sentence(
            measured.segment_gaps(measures, shop.profile, as_of=measures.version.as_of)
        ),
    ]  # fmt: skip
    for key, values in said:
        assert sentence(key, values, currency="EUR")


def test_a_flawless_company_is_said_to_be_one(shop):
    found = shares(shop.clean()).reset_index()
    assert measured.dimension_sentence(found) == ("cleaning.flawless", {"n": len(found)})
    assert measured.shortfalls(found).empty


def test_segments_are_shown_one_a_row_with_their_customers():
    gaps = pd.DataFrame({
        "column": ["phone", "phone", "city", "city"], "segment": ["Loyal", "Steady"] * 2,
        "customers": [10, 20] * 2, "missing": [1, 4, 5, 0], "share": [0.1, 0.2, 0.5, 0.0],
    })  # fmt: skip
    table = measured.segment_table(gaps)
    assert table.to_dict("split")["data"] == [["Loyal", 10, 0.1, 0.5], ["Steady", 20, 0.2, 0.0]]
    assert list(table.columns) == ["segment", "customers", "phone", "city"]
