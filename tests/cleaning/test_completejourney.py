"""The real company: what its authors state of it comes out of the clean tables, and every trap is counted."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from crm_helpers.cleaning import clean
from crm_helpers.ingest import ingest
from crm_helpers.lake import connect, read_clean
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import load_profile

PROFILE = Path(__file__).resolve().parents[2] / "data" / "completejourney" / "profile.toml"


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = CompanyFolder(tmp_path_factory.mktemp("root"), "completejourney")
    folder.data.mkdir(parents=True)
    shutil.copy(PROFILE, folder.data)
    return folder


@pytest.fixture(scope="module")
def loaded(company):
    return ingest(company, load_profile(company))


@pytest.fixture(scope="module")
def result(company, loaded):
    return clean(company, load_profile(company))


def test_every_source_came_whole(loaded):
    assert dict(zip(loaded.sources["source"], loaded.sources["rows"], strict=True)) == {
        "transactions": 1_469_307,
        "demographics": 801,
        "products": 92_331,
        "campaign_descriptions": 27,
        "campaigns": 6_589,
        "coupon_redemptions": 2_102,
    }


def test_the_known_figures_come_out(result):
    (found,) = result.census.dropna(axis="columns").to_dict("records")  # nobody recorded what was said
    assert found == {
        "customers": 2_469,
        "buyers": 2_469,
        "orders": 155_848,
        "lines": 1_469_307,
        "sales": found["sales"],
        "first_order": found["first_order"],
        "last_order": found["last_order"],
        "largest_quantity": 89_638,
        "median_quantity": 1,
        "campaigns": 27,
        "contacts": 6_589,
        "customers_contacted": 1_559,
        "responses": 792,
    }
    assert str(found["sales"]) == "4596039.5800"


def test_no_sale_is_lost_on_the_way(result):
    assert result.sales.set_index("step")["amount"].astype(str).to_dict() == {
        "read": "4596039.5800",
        "less quarantined": "0.0000",
        "less merged": "0.0000",
        "clean": "4596039.5800",
    }


def test_every_trap_is_counted_and_none_is_removed(result):
    found = result.quality[result.quality["table"] == "transactions"]
    lines = found.groupby("rule")["flagged"].sum().to_dict()
    del lines["every row"]
    assert lines == {
        "refers to nothing": 4_836,
        "amount is zero": 11_226,
        "amount below the smallest unit": 20,
        "extreme quantity": 13_494,
        "far from the other values": 215,
        "after midnight of the last day": 534,
    }


def test_households_without_demographics_are_derived(result):
    line = result.reconciliation.set_index("table").loc["customers"]
    assert (line["read"], line["clean"], line["derived"]) == (801, 801, 1_668)


def test_the_day_after_the_last_transaction_is_the_as_of_date(result):
    assert result.version.as_of == date(2018, 1, 2)


def test_redemptions_lie_with_their_contact(result):
    contacts = read_clean(connect(), result.version, "campaign_contacts").to_pandas()
    assert contacts["responded"].sum() == contacts["responded_at"].notna().sum() == 792


def test_nothing_is_invented(result):
    assert {"communications", "channels", "sales_plans", "service_plans", "relations"} & set(
        result.version.tables
    ) == set()
    campaigns = read_clean(connect(), result.version, "campaigns").to_pandas()
    assert set(campaigns["design"]) == {"targeted"}
    assert campaigns[["cost", "budget", "goal"]].isna().all(axis=None)
