"""Dirt: as much as the ledger says, of the declared kinds, and never an ambiguous date."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from crm_helpers.demo.dirt import hits, repeated


@pytest.fixture(scope="module")
def raw_lines(made) -> pd.DataFrame:
    return pd.read_csv(made.folder / "source" / "transactions.csv", dtype=str, keep_default_na=False)


def planted(made, table: str, kind: str) -> int:
    dirt = made.truth("dirt").set_index(["table", "kind"])["rows"]
    return int(dirt[table, kind])


def test_three_per_cent_of_people_have_a_second_id(made):
    ids = made.truth("people").groupby("person_id").size()
    assert (ids == 2).sum() == 90 == planted(made, "customers", "duplicate person")
    assert ids.isin([1, 2]).all()


def test_a_second_id_looks_like_the_first_but_seldom_equals_it(made):
    customers = made.customers().drop_duplicates()
    pairs = customers.merge(made.truth("people"), left_on="客户编号", right_on="customer_id")
    pairs = pairs[pairs.duplicated("person_id", keep=False)].sort_values(["person_id", "客户编号"])
    first, second = pairs.iloc[::2].reset_index(), pairs.iloc[1::2].reset_index()
    assert (first["地址"] == second["地址"]).all()
    assert (first["姓名"].str[0] == second["姓名"].str[0]).all()
    contact = ["姓名", "手机", "邮箱"]
    assert (first[contact] != second[contact]).any(axis=1).mean() > 0.6
    digits = [side["手机"].str.replace(r"\D", "", regex=True).str[-11:-1] for side in (first, second)]
    known = digits[0].notna() & digits[1].notna()
    assert (digits[0] == digits[1])[known].all()


def test_both_ids_of_a_duplicate_buy(made):
    used = made.lines.dropna(subset="person_id").groupby("person_id")["customer_no"].nunique()
    assert (used == 2).sum() > 60


def test_ids_are_text_of_one_width_with_leading_zeros(made, raw_lines):
    assert made.customers()["客户编号"].str.fullmatch(r"0\d{5}").all()
    assert raw_lines["customer_no"].str.fullmatch(r"\d{6}").all()


def test_dirt_in_the_order_lines_is_as_planted(made, raw_lines):
    amount = raw_lines["paid"].isin(["", "-"])
    orphan = ~raw_lines["customer_no"].isin(made.truth("people")["customer_id"])
    assert amount.sum() == planted(made, "transactions", "amount missing")
    assert set(raw_lines.loc[amount, "paid"]) == {"", "-"}
    kind = "customer id not in the customer file"
    assert (orphan & ~amount).sum() == planted(made, "transactions", kind)
    assert (raw_lines["sku"] == "").sum() == planted(made, "transactions", "product missing")
    twice = raw_lines.duplicated("line_no")
    assert twice.sum() == planted(made, "transactions", "exact duplicate row")
    assert (raw_lines.duplicated() == twice).all()


def test_dirt_in_the_contact_log_is_as_planted(made):
    tickets = made.tickets()
    assert (tickets["score"] == 9).sum() == planted(made, "communications", "satisfaction of 9")
    assert tickets["time"].isna().sum() == planted(made, "communications", "time missing")
    assert tickets.duplicated("ticket").sum() == planted(made, "communications", "exact duplicate row")
    assert set(tickets["score"].dropna()) == {1, 2, 3, 4, 5, 9}
    assert 0.25 < tickets["score"].isna().mean() < 0.35


def test_dirt_in_the_customer_file_is_as_planted(made):
    customers = made.customers()
    assert customers.duplicated().sum() == planted(made, "customers", "exact duplicate row")
    once = customers.drop_duplicates()
    births = once["出生日期"].dropna()
    assert births.str.match("1900").sum() == planted(made, "customers", "birth date 1900-01-01")
    assert births.str.match("203").sum() == planted(made, "customers", "birth date in the future")
    assert once["手机"].isna().sum() == planted(made, "customers", "telephone missing")
    assert set(once["同意营销"].dropna()) == {"是", "否", "Y", "N"}
    assert once["手机"].dropna().str.fullmatch(r"(\+86 |86-)?1\d{2}([ -]?)\d{4}\2\d{4}").all()


def test_rows_read_are_rows_clean_quarantined_and_merged(made, raw_lines):
    rows = made.truth("rows").set_index("table")
    assert (rows["read"] == rows["clean"] + rows["quarantined"] + rows["merged"]).all()
    files = {
        "transactions": len(raw_lines),
        "customers": len(made.customers()),
        "communications": len(made.tickets()),
        "campaign_contacts": len(made.table("campaign_contacts")),
        "relations": len(made.table("relations")),
        "sales_plans": len(made.sheet("销售计划")),
        "channels": 144,
        "campaigns": 10,
    }
    assert {name: int(rows.loc[name, "read"]) for name in files} == files


@pytest.mark.parametrize(
    ("column", "pattern"),
    [("出生日期", r"\d{4}-\d\d-\d\d|\d{4}年\d\d月\d\d日"), ("注册日期", r"\d{4}-\d\d-\d\d|\d{4}/\d\d/\d\d")],
)
def test_dates_of_customers_put_the_year_first_in_two_styles(made, column, pattern):
    dates = made.customers()[column].dropna()
    assert dates.str.fullmatch(pattern).all()
    assert dates.str.replace(r"\d", "", regex=True).nunique() == 2


def test_times_of_orders_come_in_two_styles_by_channel(raw_lines):
    tills = raw_lines["channel"] == "shop"
    assert raw_lines.loc[tills, "order_time"].str.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d").all()
    assert raw_lines.loc[~tills, "order_time"].str.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").all()
    assert ((raw_lines["shop"] != "") == tills).all()


def test_returns_are_two_per_cent_of_lines_later_and_of_the_same_order(made, raw_lines):
    lines = raw_lines.drop_duplicates().set_index("line_no")
    back = lines[lines["qty"].astype(int) < 0]
    sold = lines.loc[back.index.str.removesuffix("R")]
    assert 0.015 < len(back) / len(lines) < 0.025
    assert (back["order_no"].to_numpy() == sold["order_no"].to_numpy()).all()
    assert (back["order_time"].to_numpy() > sold["order_time"].to_numpy()).all()
    assert back.loc[back["paid"] != "", "paid"].str.match("-").all()


def test_comments_are_varied_and_a_fifth_is_english(made):
    comments = made.tickets()["text"].dropna()
    chinese = comments.map(lambda text: bool(re.search("[一-鿿]", text)))
    assert 0.75 < chinese.mean() < 0.85
    assert comments.nunique() / len(comments) > 0.5
    assert not comments.str.contains("[{}]").any()


def test_every_contact_has_its_topic(made):
    topics = made.truth("topics").set_index("communication_id")["topic"]
    assert set(made.tickets()["ticket"]) == set(topics.index)
    assert topics.nunique() == 6


def test_hits_have_the_chance_asked_for():
    assert len(hits(np.random.default_rng(1), 100_000, share=0.01)) == pytest.approx(1_000, abs=130)
    assert len(hits(np.random.default_rng(1), 100, share=0.0)) == 0


def test_repeated_rows_stand_after_their_first():
    assert repeated(3, np.array([0])).tolist() == [0, 0, 1, 2]
