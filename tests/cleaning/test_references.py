"""References from both ends, and those that miss their target only by the way it is written."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_helpers.cleaning import measure_findings as measured
from crm_helpers.report.wording import plain, sentence


@pytest.fixture
def pipeline(shop):
    """The shape of a sales pipeline: products by name, written in two ways."""
    shop.write("goods.csv", "name\nGTX Pro\nMG Special\nGTK 500\n0042\nNever\n")
    shop.write("people.csv", "id\n007\n008\n009\n")
    shop.write(
        "lines.csv",
        "order,person,day,paid,what\nA1,007,2024-01-05,1,GTXPro\nA2,007,2024-01-05,1,gtx－pro\n"
        "A3,008,2024-01-05,1,MG Special\nA4,８,2024-01-05,1,42\nA5,7,2024-01-05,1,Teapot\n"
        "A6,008,2024-01-05,1,\nA7,008,2024-01-05,1,GTK 500\nA8,008,2024-01-05,1,GTXPro\n",
    )
    shop.add("goods", feeds="products", columns={"product_id": "name"})
    shop.add("people", feeds="customers", columns={"customer_id": "id"})
    shop.tables["transactions"]["columns"]["product_id"] = "what"
    return shop


def line(result, table, column):
    checks = result.measures["reference_checks"].set_index(["table", "column"])
    return checks.loc[(table, column)]


def test_both_directions_are_counted(pipeline):
    goods = line(pipeline.clean(), "transactions", "product_id")
    assert goods["refers_to"] == "products.product_id"
    assert (goods["rows"], goods["unknown_rows"], goods["unknown_values"]) == (7, 5, 4)
    assert (goods["known_values"], goods["unused_values"]) == (5, 3)  # GTX Pro and 0042 in no own writing


def test_case_blanks_width_and_leading_zeros_are_near_misses_and_a_stranger_is_none(pipeline):
    goods = line(pipeline.clean(), "transactions", "product_id")
    assert (goods["near_rows"], goods["near_values"], goods["example"]) == (4, 3, "GTXPro → GTX Pro")


def test_ids_of_customers_are_counted_and_not_shown(pipeline):
    result = pipeline.clean()
    people = line(result, "transactions", "customer_id")
    assert (people["unknown_rows"], people["near_rows"]) == (2, 2)
    assert pd.isna(people["example"])


def test_near_misses_are_said_apart_and_nothing_is_repaired(pipeline):
    result = pipeline.clean()
    flags = result.quality.set_index(["table", "rule", "column"])["flagged"]
    near = "refers to a known value written otherwise"
    assert flags["transactions", near, "product_id"] == 4
    assert flags["transactions", "refers to nothing", "product_id"] == 1
    assert "GTXPro" in set(pipeline.table("transactions")["product_id"])
    key, values = measured.reference_sentence(result)
    assert "4 rows of transactions.product_id" in plain(sentence(key, values))


def test_the_way_out_leaves_no_near_miss(pipeline):
    mapped = {"sql": "CASE WHEN lower(left(what, 3)) = 'gtx' THEN 'GTX Pro' ELSE what END"}
    pipeline.tables["transactions"]["columns"]["product_id"] = mapped
    goods = line(pipeline.clean(), "transactions", "product_id")
    assert (goods["near_rows"], goods["unknown_rows"]) == (1, 2)  # 42 and Teapot are left


def test_a_limit_on_orphans_counts_near_misses_too(pipeline):
    pipeline.top["limits"] = {"orphan": {"warn": 0.3}}
    assert list(pipeline.clean().exceeded["rows"]) == [4]


def test_words_that_two_tables_share_are_looked_up_and_are_no_fault(shop):
    shop.write("months.csv", "channel,month\nShop,2024-01-01\nPhone,2024-01-01\n")
    shop.write("lines.csv", "order,person,day,paid,via\nA1,007,2024-01-05,1,shop\nA2,007,2024-01-05,1,Fax\n")
    shop.add("months", feeds="channels", columns={"channel": "channel", "period": "month"})
    shop.tables["transactions"]["columns"]["channel"] = "via"
    result = shop.clean()
    words = line(result, "transactions", "channel")
    assert (words["kind"], words["unknown_rows"], words["near_rows"]) == ("shared words", 2, 1)
    assert result.problems[result.problems["column"] == "channel"].empty


def test_customers_and_products_that_nobody_bought_are_said(pipeline):
    key, values = measured.unused_sentence(pipeline.clean())
    assert (key, values) == ("cleaning.unused", {"customers": 1, "products": 3})
