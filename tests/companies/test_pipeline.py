"""Accounts, products and a pipeline: a won deal is a sale, a name is written in two ways."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crm_helpers.ingest import check
from crm_helpers.profile import load_profile

ACCOUNTS = "account,sector,office_location\nAcme,medical,Kenya\nBeta,retail,Japan\n"
PRODUCTS = "product,series,sales_price\nGT Pro,GT,400\nMG,M,55\n"
DEALS = (
    "opportunity_id,product,account,deal_stage,engage_date,close_date,close_value\n"
    "O1,GTPro,Acme,Won,2016-10-20,2017-03-01,395\nO2,MG,Beta,Lost,2016-10-25,2017-03-11,0\n"
    "O3,MG,,Prospecting,,,\nO4,MG,Acme,Engaging,2016-11-01,,\nO5,MG,Beta,Won,2016-11-02,2017-04-01,50\n"
    "O6,GTPro,Acme,Lost,2016-11-02,2017-04-02,0\n"
)


@pytest.fixture
def seller(tmp_path, drafted):
    files = {"accounts": ACCOUNTS, "products": PRODUCTS, "sales_pipeline": DEALS}
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return drafted(*(tmp_path / f"{name}.csv" for name in files))


RULES = ("Lost", "Engaging", "Prospecting")


@pytest.fixture
def corrected(seller):
    # a person takes the mark away from what is no sale
    pairs = [(f'# "deal_stage {stage}"', f'"deal_stage {stage}"') for stage in RULES]
    seller.correct(("# [tables.transactions.set_aside]", "[tables.transactions.set_aside]"), *pairs)
    return seller


def test_the_draft_maps_three_tables_and_lists_the_stages(seller):
    assert set(load_profile(seller.folder).tables) == {"customers", "products", "transactions"}
    assert '"order ' not in seller.draft  # O1 to O6: every order begins with a letter
    assert '# "deal_stage Won" = "\\"deal_stage\\" = \'Won\'"  # 2 sampled rows' in seller.draft


def test_won_deals_are_the_sales_and_the_others_are_counted(corrected):
    sales = corrected.clean().sales.set_index("step")
    assert sales["rows"].to_dict() == {
        "read": 6,
        "less declared: deal_stage Lost": 2,
        "less declared: deal_stage Engaging": 1,
        "less declared: deal_stage Prospecting": 1,
        "less quarantined": 0,
        "less merged": 0,
        "clean": 2,
    }
    assert sales.loc["clean", "amount"] == Decimal(445)


def test_a_product_written_in_two_ways_is_told_before_the_run_and_flagged_in_it(corrected):
    table = check(corrected.folder, load_profile(corrected.folder)).set_index("name").loc["transactions"]
    assert '"GTPro" is "GT Pro" there' in table["advice"]
    found = corrected.clean().quality.set_index(["rule", "column"])
    assert found.loc[("refers to a known value written otherwise", "product_id"), "flagged"] == 1
