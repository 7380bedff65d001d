from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from crm_helpers.errors import InputError
from crm_helpers.ingest import check, checks


def faults(shop):
    frame = check(shop.folder, shop.profile)
    return {row.name: row.detail for row in frame.itertuples(index=False) if not row.ok}


def test_a_good_company_has_no_fault_and_nothing_is_loaded(shop):
    assert faults(shop) == {}
    assert not shop.folder.raw.exists()


def test_every_fault_is_named_at_once(shop):
    shop.write("people.csv", "id,name\n1,a\n")
    shop.add("people", feeds="customers", columns={"customer_id": "ident"})
    shop.add("campaigns")
    shop.tables["transactions"]["columns"]["amount"] = {"sql": "paid +"}
    found = faults(shop)
    assert "no file source/campaigns.csv" in found["campaigns"]
    assert found["customers"].startswith(
        'tables.customers.columns.customer_id: source "people" has no column'
    )
    assert found["transactions"].startswith("tables.transactions.columns.amount: not an SQL expression")


def test_a_table_whose_source_is_gone_says_so(shop):
    (shop.source / "lines.csv").unlink()
    assert faults(shop)["transactions"] == 'tables.transactions: its source "lines" cannot be read'


def line(shop, name):
    frame = check(shop.folder, shop.profile).set_index("name")
    return frame.loc[name]


def test_a_source_says_its_rows_its_columns_and_where_personal_data_are(shop):
    shop.write("people.csv", "id,姓名,contact\n007,张伟,13912345678\n008,Li,13812345678\n")
    shop.add("people", feeds="customers", columns={"customer_id": "id"})
    found = line(shop, "people")
    assert found["rows"] == "2 rows"
    assert (found["columns"], found["used"]) == (3, 1)
    assert found["personal"] == "姓名 (name), contact (phone)"


def test_values_that_do_not_convert_are_counted_and_no_fault_while_they_are_few(shop):
    shop.write(
        "lines.csv", "order,person,day,paid\nA1,1,2024-01-05,1\nA2,2,2024-01-06,n.v.\nA3,3,2024-01-06,2\n"
    )
    found = line(shop, "transactions")
    assert found["ok"]
    assert found["converts"] == "91.67%"
    assert "amount: 1 of 3 sampled values are no money in its bounds" in found["advice"]
    assert "n.v." not in found["advice"]


def test_a_column_that_mostly_does_not_convert_is_a_fault(shop):
    shop.tables["transactions"]["columns"]["amount"] = "order"
    assert "amount: 2 of 2 sampled values are no money" in faults(shop)["transactions"]


@pytest.mark.parametrize(
    ("day", "paid", "ways"),
    [
        ("45231", "1.234,50", ['declare formats = ["excel"]', 'declare decimals = "1.234,56"']),
        ("25.02.2024 08:15", "7", ['declare formats = ["%d.%m.%Y %H:%M"]']),
        ("05.02.2024", "7", ['declare formats = ["%d.%m.%Y"]']),
        ("05/02/2024 08:15", "7", ['formats = ["%d/%m/%Y %H:%M"] or formats = ["%m/%d/%Y %H:%M"]']),
    ],
)
def test_a_column_written_in_another_way_is_told_what_to_declare(shop, day, paid, ways):
    shop.write("lines.csv", f'order,person,day,paid\nA1,1,{day},"{paid}"\nA2,2,{day},"{paid}"\n')
    assert all(way in faults(shop)["transactions"] for way in ways)
    with pytest.raises(InputError) as refused:
        shop.clean()
    assert ways[0].removeprefix("declare ") in str(refused.value)


def test_texts_that_may_mean_not_known_are_suggested_not_assumed(shop):
    people = "".join(f"{i},Select,1900-01-01\n" for i in range(3)) + "4,Lyon,1980-02-03\n5,None of these,\n"
    shop.write("people.csv", "id,town,born\n" + people)
    shop.add("people", feeds="customers", columns={"customer_id": "id", "city": "town", "birth_date": "born"})
    advice = line(shop, "customers")["advice"]
    assert (
        'city: "Select" stands in 60.0% of the values; if it means not known, declare missing = ["Select"]'
        in advice
    )
    assert 'birth_date: "1900-01-01" stands in 75.0%' in advice
    assert len(advice.splitlines()) == 2
    assert list(shop.table("customers")["city"])[:3] == ["Select"] * 3


def test_a_number_is_suspect_at_the_end_of_its_column_only(shop):
    rows = [("A1", "999"), ("A2", "999"), ("A3", "5"), ("A4", "-1"), ("A5", "-1"), ("A6", "-70")]
    lines = "".join(f"{order},1,2024-01-05,{paid}\n" for order, paid in rows)
    shop.write("lines.csv", "order,person,day,paid\n" + lines)
    advice = line(shop, "transactions")["advice"]
    assert '"999"' in advice
    assert '"-1"' not in advice


def test_a_wrong_encoding_comes_with_the_likely_one(shop):
    content = "order,person,day,paid\nA1,张伟和李娜的公司,2024-01-05,1\n".encode("gb18030")
    shop.write("lines.csv", content)
    assert 'it looks like encoding = "gb18030"' in faults(shop)["lines"]


def test_references_that_differ_in_writing_only_are_shown(shop):
    shop.write("lines.csv", "order,person,day,paid,sku\nA1,1,2024-01-05,1,GTXPro\nA2,1,2024-01-05,1,gone\n")
    shop.tables["transactions"]["columns"]["product_id"] = "sku"
    shop.write("goods.csv", "sku\nGTX Pro\n")
    shop.add("goods", feeds="products", columns={"product_id": "sku"})
    advice = line(shop, "transactions")["advice"]
    assert 'product_id: 2 sampled rows refer to no row of products; "GTXPro" is "GTX Pro" there' in advice


def test_a_required_value_that_lacks_is_counted(shop):
    shop.write("lines.csv", "order,person,day,paid\nA1,,2024-01-05,1\nA2,1,2024-01-05,1\n")
    assert "customer_id: 1 of 2 sampled rows lack it" in line(shop, "transactions")["advice"]


def lines_in_a_table(shop, *rows, **source):
    with closing(sqlite3.connect(shop.source / "shop.db")) as connection, connection:
        connection.execute('CREATE TABLE lines ("order" TEXT, person TEXT, day TEXT, paid TEXT)')
        connection.executemany("INSERT INTO lines VALUES (?, ?, ?, ?)", rows)
    shop.sources["lines"] = {"kind": "sql", "url": "sqlite:///source/shop.db", "table": "lines", **source}


def test_the_first_rows_of_a_database_table_are_tried(shop, monkeypatch):
    monkeypatch.setattr(checks, "SAMPLE_ROWS", 4)
    lines_in_a_table(shop, *[(f"A{i}", "1", "2024-01-05", "1" if i else "n.v.") for i in range(9)])
    assert line(shop, "lines")["rows"] == "4 rows or more"
    found = line(shop, "transactions")
    assert (found["ok"], found["converts"]) == (True, "93.75%")
    assert "amount: 1 of 4 sampled values are no money" in found["advice"]


def test_an_empty_database_table_is_a_fault_as_it_is_for_a_run(shop):
    lines_in_a_table(shop)
    assert faults(shop) == {"lines": "sources.lines: no rows; a run refuses it"}


@pytest.mark.parametrize("kind", ["csv", "sql"])
def test_a_key_of_changes_that_the_source_lacks_is_a_fault(shop, kind):
    if kind == "sql":
        lines_in_a_table(shop, ("A1", "1", "2024-01-05", "1"))
    shop.sources["lines"]["incremental"] = {"key": ["ordre"], "cursor": "day"}
    key = 'sources.lines.incremental.key: the source has no column "ordre"; did you mean "order"?'
    assert faults(shop)["lines"] == key


def test_a_date_nobody_can_read_is_found_before_anything_is_loaded(shop):
    lines = shop.source / "lines.csv"
    header, *rows = lines.read_text(encoding="utf-8").splitlines()
    day = header.split(",").index(shop.tables["transactions"]["columns"]["ordered_at"])
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[day] = "someday"
    lines.write_text("\n".join([header, *(",".join(row) for row in cells)]) + "\n", encoding="utf-8")
    assert "ordered_at" in faults(shop)["transactions"]
    assert "2 of 2 sampled values are no datetime" in faults(shop)["transactions"]
    assert not shop.folder.raw.exists()


def test_one_date_that_can_be_read_two_ways_is_a_fault_as_it_is_for_a_run(shop):
    lines = "A1,1,2024-01-05,1\nA2,1,2024-01-06,1\nA3,1,03/04/2024,1\n"
    shop.write("lines.csv", "order,person,day,paid\n" + lines)
    assert "can be read day first or month first" in faults(shop)["transactions"]
