"""Cleaning the company, by its profile, finds the dirt that was planted, and no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from crm_helpers.cleaning import CleanResult, clean
from crm_helpers.cleaning.people.quality import by_pairs
from crm_helpers.ingest import check, ingest
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import load_profile

PROFILE = Path(__file__).resolve().parents[2] / "data" / "demo" / "profile.toml"


@pytest.fixture(scope="module")
def company(made, tmp_path_factory) -> CompanyFolder:
    company = CompanyFolder(tmp_path_factory.mktemp("root"), "demo")
    company.data.mkdir(parents=True)
    company.profile.write_bytes(PROFILE.read_bytes())
    shutil.copytree(made.folder / "source", company.data / "source")
    return company


@pytest.fixture(scope="module")
def result(company) -> CleanResult:
    profile = load_profile(company)
    ingest(company, profile)
    return clean(company, profile)


def test_the_profile_finds_and_uses_every_column_of_every_source(company):
    found = check(company, load_profile(company))
    assert found["ok"].all(), found.loc[~found["ok"], ["name", "detail"]].to_string()
    sources = found[found["what"] == "source"]
    assert (sources["columns"] == sources["used"]).all()


@pytest.fixture(scope="module")
def people(made, result) -> pd.DataFrame:
    """Each customer's person as found, beside the true one."""
    found = result.people["people"].rename(columns={"person_id": "found"})
    return found.merge(made.truth("people"), on="customer_id", validate="one_to_one")


def test_every_row_is_clean_quarantined_or_merged_as_planted(made, result, people):
    names = ["read", "clean", "quarantined", "merged"]
    found = result.reconciliation.set_index("table")[names].sort_index()
    planted = made.truth("rows").set_index("table")[names].sort_index()
    # a second id that was not found stays a customer, a stranger taken for one does not
    missed = people["found"].nunique() - people["person_id"].nunique()
    planted.loc["customers", ["clean", "merged"]] += [missed, -missed]
    pd.testing.assert_frame_equal(found, planted, check_dtype=False)


def test_second_ids_are_found_through_the_whole_cleaning(made, result):
    agreement = by_pairs(result.people["people"], made.truth("people"))
    assert agreement.precision >= 0.99
    assert agreement.recall >= 0.95


def test_a_persons_orders_and_contacts_lie_together(made, result, people):
    kept = people.set_index("customer_id")["found"]
    for name in ("transactions", "communications", "campaign_contacts", "relations"):
        table = pd.read_parquet(result.version.path / f"{name}.parquet")
        merged_away = set(kept.index) - set(kept)
        assert merged_away
        assert not merged_away & set(table["customer_id"])
    lines = pd.read_parquet(result.version.path / "transactions.parquet").set_index("line_id")["customer_id"]
    source = made.lines.dropna(subset="paid").drop_duplicates("line_no").set_index("line_no")["customer_no"]
    pd.testing.assert_series_equal(
        lines.sort_index(), source.map(lambda one: kept.get(one, one)).sort_index(), check_names=False
    )


def test_every_value_of_a_merged_person_is_one_of_theirs(result, people):
    customers = pd.read_parquet(result.version.path / "customers.parquet").set_index("customer_id")
    provenance = result.people["people_provenance"]
    origin = provenance.merge(people[["customer_id", "found"]], on="customer_id")
    assert (origin["person_id"] == origin["found"]).all()
    assert provenance.groupby("person_id")["column"].nunique().min() > 5
    assert set(provenance["person_id"]) <= set(customers.index)


def test_cleaning_again_finds_the_same_version(company, result):
    assert clean(company, load_profile(company)).version == result.version


@pytest.mark.parametrize(
    ("table", "column", "effect", "kind"),
    [
        ("transactions", "amount", "quarantined", "amount missing"),
        ("transactions", "customer_id", "flagged", "customer id not in the customer file"),
        ("transactions", "line_id", "merged", "exact duplicate row"),
        ("communications", "satisfaction", "quarantined", "satisfaction of 9"),
        ("communications", "occurred_at", "quarantined", "time missing"),
        ("communications", "communication_id", "merged", "exact duplicate row"),
        ("channels", "visits", "set_missing", "visits of -1"),
        ("customers", "birth_date", "set_missing", "birth date in the future"),
    ],
)
def test_each_kind_of_dirt_is_counted_as_planted(made, result, table, column, effect, kind):
    dirt = made.truth("dirt").set_index(["table", "kind"]).loc[(table, kind)]
    quality = result.quality
    found = quality[(quality["table"] == table) & (quality["column"] == column)][effect].sum()
    assert found == dirt["rows"] > 0
    assert dirt["action"] == effect.replace("_", " ")


def test_dates_in_every_style_are_read(company, result):
    customers = pd.read_parquet(result.version.path / "customers.parquet")
    assert customers["joined_on"].notna().all()
    assert customers["birth_date"].notna().mean() > 0.9
    assert pd.to_datetime(customers["birth_date"]).dt.year.min() > 1900


def test_customers_words_become_the_common_ones(result):
    customers = pd.read_parquet(result.version.path / "customers.parquet")
    channels = pd.read_parquet(result.version.path / "channels.parquet")
    assert set(customers["source_channel"]) == set(channels["channel"])
    assert set(customers["gender"].dropna()) == {"female", "male"}
    assert set(customers["consent"].dropna()) == {True, False}
