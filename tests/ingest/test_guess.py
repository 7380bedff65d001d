from __future__ import annotations

import re
import sqlite3
import tomllib
from contextlib import closing

import pytest
from openpyxl import Workbook

from crm_helpers.errors import InputError
from crm_helpers.ingest import check
from crm_helpers.ingest.guess import new_company
from crm_helpers.ingest.likeness import best_columns
from crm_helpers.profile import load_profile
from crm_helpers.tables import TABLES

ORDERS = "订单号,客户编号,下单时间,商品编号,数量,实付金额,天气\nA1,007,2024-01-05,P1,2,10.5,晴\n"


@pytest.fixture
def orders(tmp_path):
    path = tmp_path / "订单.csv"
    path.write_bytes(ORDERS.encode("gb18030"))
    return path


def test_a_profile_is_guessed_that_loads_and_checks(tmp_path, orders):
    people = tmp_path / "people.csv"
    people.write_text("Customer ID;Full Name;E-Mail\n7;Ann;a@b.c\n")
    folder = new_company("shop", [orders, people], tmp_path)
    profile = load_profile(folder)
    mapped = {name: origin.column for name, origin in profile.tables["transactions"].columns.items()}
    assert mapped == {
        "order_id": "订单号",
        "customer_id": "客户编号",
        "ordered_at": "下单时间",
        "product_id": "商品编号",
        "quantity": "数量",
        "amount": "实付金额",
    }
    assert {name: origin.column for name, origin in profile.tables["customers"].columns.items()} == {
        "customer_id": "Customer ID",
        "name": "Full Name",
        "email": "E-Mail",
    }
    assert profile.sources["source"].encoding == "gb18030"
    assert profile.sources["people"].delimiter == ";"
    assert check(folder, profile)["ok"].all()


def test_every_guess_shows_its_score_and_nothing_unused_is_silent(tmp_path, orders):
    text = new_company("shop", [orders], tmp_path).profile.read_text()
    assert 'customer_id = "客户编号"  # score 0.90: the customer' in text
    assert '# not used: "天气"' in text
    assert '# discount = ""  # not found' in text


def test_a_required_column_that_was_not_found_is_named_when_the_profile_is_read(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("InvoiceNo,CustomerID,InvoiceDate,Quantity\n1,2,2024-01-05,3\n")
    folder = new_company("shop", [path], tmp_path)
    assert "# Not found, and required: amount." in folder.profile.read_text()
    with pytest.raises(InputError, match=r"tables\.transactions\.columns: map amount, required"):
        load_profile(folder)


def test_the_other_kinds_of_sources_stand_in_every_profile_and_are_good(tmp_path, orders):
    folder = new_company("shop", [orders], tmp_path)
    text = folder.profile.read_text()
    _, _, rest = text.partition("# Other kinds of sources")
    shown = "\n".join(line.removeprefix("# ") for line in rest.splitlines()[2:])
    folder.profile.write_text(text + shown)
    kinds = [source.kind for source in load_profile(folder).sources.values()]
    assert kinds == ["csv", "sql", "rest", "rest"]
    each = [line.removeprefix("#").strip().split("  #")[0] for line in shown.splitlines()]
    for option in (line for line in each if line.startswith("{ type")):
        part = "auth" if "_env" in option else "paging"
        folder.profile.write_text(re.sub(rf"^{part} = {{.*$", f"{part} = {option}", text + shown, flags=re.M))
        load_profile(folder)


def test_sheets_and_database_tables_are_sources_of_their_own(tmp_path, orders):
    book = Workbook()
    book.active.title = "Products"
    book.active.append(["SKU", "Title"])
    book.active.append(["P1", "Tea"])
    book.save(tmp_path / "book.xlsx")
    with closing(sqlite3.connect(tmp_path / "crm.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE relations (customer_no TEXT, related_no TEXT, relation TEXT)")
    folder = new_company("shop", [orders, tmp_path / "book.xlsx", tmp_path / "crm.sqlite"], tmp_path)
    found = {
        name: (source.kind, getattr(source, "sheet", None), getattr(source, "table", None))
        for name, source in load_profile(folder).sources.items()
    }
    assert found == {
        "source": ("csv", None, None),
        "products": ("excel", "Products", None),
        "relations": ("sql", None, "relations"),
    }
    assert set(load_profile(folder).tables) == {"transactions", "products", "relations"}


def test_a_header_full_of_toml_stays_a_text(tmp_path):
    path = tmp_path / "evil.csv"
    path.write_text('"a""\n[x]",order_id\n1,2\n')
    text = new_company("shop", [path], tmp_path).profile.read_text()
    assert set(tomllib.loads(text)) == {"name", "currency", "timezone", "sources"} | (
        {"tables"} if "\n[tables" in text else set()
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.doc", b"x", "no known kind"),
        ("a.csv", b"", "a.csv"),
        ("a.csv", b"a,b\n1\n", "row 2"),
        ("none", None, "no file"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_nothing_behind(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        new_company("shop", [path], tmp_path)
    assert list((tmp_path / "data").glob("*")) == []


def test_a_company_that_is_there_is_not_touched(tmp_path, orders):
    before = new_company("shop", [orders], tmp_path).profile.read_bytes()
    with pytest.raises(InputError, match="there already"):
        new_company("shop", [orders], tmp_path)
    assert (tmp_path / "data" / "shop" / "profile.toml").read_bytes() == before


def test_no_header_is_given_to_two_columns():
    guesses = best_columns(["customer", "date", "paid"], TABLES["transactions"])
    headers = [header for header, _ in guesses.values()]
    assert sorted(headers) == sorted(set(headers)) == ["customer", "date", "paid"]
