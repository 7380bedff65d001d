"""A register of complaints: junk before its header, stories of several lines, no sale, no customer's id."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from crm_helpers.cleaning import findings
from crm_helpers.errors import InputError
from crm_helpers.profile import load_profile
from crm_helpers.report.wording import sentence

HEADER = (
    "Date received",
    "Product",
    "Issue",
    "Consumer complaint narrative",
    "Submitted via",
    "Complaint ID",
)
STORY = 'They "lost" my letter,\nthen charged me;\r\n\ntwice.'
CHANNELS = ["Web", "Web", "Phone", "Web", "Postal mail", "Phone", "Web"]


@pytest.fixture
def register(tmp_path, drafted):
    text = io.StringIO()
    text.write("Archive:  complaints.csv.zip\n  inflating: complaints.csv          \n")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for i, channel in enumerate(CHANNELS, start=1):
        story = STORY if i % 3 == 0 else ""
        writer.writerow((f"2020-03-0{i}", "Debt, collection", "Not owed", story, channel, 3570000 + i))
    path = tmp_path / "complaints.csv"
    path.write_text(text.getvalue(), newline="")
    return drafted(path)


STAND_IN = '# customer_id = "Complaint ID"  # where no customer is named, each contact stands for one'


@pytest.fixture
def corrected(register):
    register.correct((STAND_IN, STAND_IN.removeprefix("# ")))
    return register


def test_the_draft_finds_the_header_and_leaves_the_customer_to_a_person(register):
    assert "# the header is taken to be in line 3" in register.draft
    assert "skip_rows = 2" in register.draft
    assert STAND_IN in register.draft
    with pytest.raises(InputError, match=r"tables\.communications\.columns: map customer_id, required"):
        load_profile(register.folder)


def test_complaints_alone_are_a_company(corrected):
    result = corrected.clean()
    said = corrected.table("communications")
    assert said["channel"].value_counts().to_dict() == {"Web": 4, "Phone": 2, "Postal mail": 1}
    stories = said["comment"].dropna()
    assert [story.replace("\r\n", "\n") for story in stories] == [STORY.replace("\r\n", "\n")] * 2
    assert len(corrected.table("customers")) == len(CHANNELS)
    assert result.version.as_of == date(2020, 3, 8)
    assert "transactions" not in result.version.tables
    assert result.sales.empty


def test_nothing_is_said_of_sales_that_are_not_there(corrected):
    result = corrected.clean()
    found = findings.totals(result)
    assert findings.verdict(found) == "solid"
    assert findings.bridged(result)
    said = [
        findings.answer_sentence(result, found),
        findings.sales_sentence(result, found),
        findings.reconciled_sentence(found),
        *findings.contents(result).values(),
    ]
    keys = {key for key, _ in said}
    assert {"cleaning.answer_contacts", "cleaning.no_sales", "cleaning.contents_each"} <= keys
    for key, values in said:
        assert sentence(key, values, currency="EUR")
    assert result.census[["orders", "sales", "first_order"]].isna().all(axis=None)
    assert result.census["communications"].item() == len(CHANNELS)


def test_customers_who_come_again_are_counted_once(register):
    register.correct((STAND_IN, 'customer_id = "Submitted via"'))
    result = register.clean()
    assert set(register.table("customers")["customer_id"]) == set(CHANNELS)
    assert findings.contents(result)["contents"] == (
        "cleaning.contents_contacts", {"customers": 3, "communications": 7}
    )  # fmt: skip
