from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
import pytest

from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.survivorship import golden_records

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["1", "2", "3", "9"],
        "name": ["王伟", "王伟", "王玮", "李芳"],
        "phone": ["111", None, "333", None],
        "address": ["人民路1号2栋301室", "人民路1号", None, None],
        "joined_on": [date(2020, 1, 5), date(2021, 1, 5), date(2024, 1, 5), date(2022, 2, 2)],
        "consent": [True, None, False, None],
    }
)
PEOPLE = pd.DataFrame({"customer_id": ["1", "2", "3", "9"], "person_id": ["P1", "P1", "P1", "P9"]})


@pytest.fixture(scope="module")
def golden():
    found = golden_records(ibis.memtable(CUSTOMERS), ibis.memtable(PEOPLE), PeopleSettings())
    return found.records.to_pandas().set_index("person_id"), found.provenance.to_pandas()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("records", 3),
        ("name", "王伟"),  # twice of three
        ("phone", "333"),  # the most recent
        ("address", "人民路1号2栋301室"),  # the longest
        ("joined_on", date(2020, 1, 5)),  # the first
        ("consent", False),  # the most recent, though it says no
    ],
)
def test_each_column_has_its_rule(golden, column, value):
    found = golden[0].loc["P1", column]
    assert (found.date() if hasattr(found, "date") else found) == value


def test_provenance_names_the_customer_each_value_came_from(golden):
    origins = golden[1].query("person_id == 'P1'").set_index("column")
    assert origins["customer_id"].to_dict() == {
        "name": "2", "phone": "3", "address": "1", "joined_on": "1", "consent": "3",
    }  # fmt: skip
    assert origins.loc["name", "rule"] == "most frequent"


def test_a_person_of_one_record_is_that_record(golden):
    assert golden[0].loc["P9", "name"] == "李芳"
    assert golden[0]["phone"].isna()["P9"]
    assert "P9" not in set(golden[1]["person_id"])


def test_rules_can_be_chosen_by_column():
    settings = PeopleSettings(survivorship={"phone": "first"})
    records = golden_records(ibis.memtable(CUSTOMERS), ibis.memtable(PEOPLE), settings).records.to_pandas()
    assert records.set_index("person_id").loc["P1", "phone"] == "111"


def test_without_dates_the_customer_id_decides():
    customers = CUSTOMERS[["customer_id", "phone"]]
    found = golden_records(ibis.memtable(customers), ibis.memtable(PEOPLE), PeopleSettings())
    records = found.records.to_pandas()
    assert records.set_index("person_id").loc["P1", "phone"] == "333"
