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
    assert profile.sources["transactions_csv"].encoding == "gb18030"
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


def test_every_kind_of_source_stands_in_every_profile_and_are_good(tmp_path, orders):
    folder = new_company("shop", [orders], tmp_path)
    text = folder.profile.read_text()
    _, _, rest = text.partition("# Every kind of source")
    shown = "\n".join(line.removeprefix("# ") for line in rest.splitlines()[2:])
    folder.profile.write_text(text + shown)
    kinds = [source.kind for source in load_profile(folder).sources.values()]
    assert kinds == ["csv", "csv", "excel", "jsonl", "parquet", "sql", "rest", "rest"]
    assert all(f'"{kind}"' in shown for kind in ("csv", "excel", "json", "jsonl", "mongodb", "parquet"))
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
        connection.execute("INSERT INTO relations VALUES ('7', '8', 'household')")
        connection.execute("CREATE TABLE weather (day TEXT)")
    folder = new_company("shop", [orders, tmp_path / "book.xlsx", tmp_path / "crm.sqlite"], tmp_path)
    found = {
        name: (source.kind, getattr(source, "sheet", None), getattr(source, "table", None))
        for name, source in load_profile(folder).sources.items()
    }
    assert found == {
        "transactions_csv": ("csv", None, None),
        "products": ("excel", "Products", None),
        "relations": ("sql", None, "relations"),
    }
    assert set(load_profile(folder).tables) == {"transactions", "products", "relations"}
    assert "# Not read: it has no rows.\n# [sources.weather]" in folder.profile.read_text()


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


def guessed(tmp_path, name, content, **more):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    folder = new_company("shop", [path], tmp_path)
    text = folder.profile.read_text()
    return text, tomllib.loads(text), folder


ROWS = "InvoiceNo,CustomerID,InvoiceDate,Amount,contact\n"


def test_how_a_file_is_written_is_recorded_with_its_score(tmp_path):
    content = "Export of May\n\nInvoiceNo;CustomerID;InvoiceDate;Amount\n1;2;2024-01-05;3\n2;3;2024-01-05;4\n"
    text, profile, folder = guessed(tmp_path, "a.csv", content.encode("utf-16"))
    (source,) = profile["sources"].values()
    assert (source["encoding"], source["delimiter"], source["skip_rows"]) == ("utf-16", ";", 2)
    assert "# encoding utf-16: score 1.00" in text
    assert "# the header is taken to be in line 3" in text
    assert check(folder, load_profile(folder))["ok"].all()


def test_values_say_how_they_are_written_and_lower_the_score(tmp_path):
    rows = (
        '1,17850.0,31.01.2024,"1.234,50 €",a@b.de\n'
        '2,17851.0,05.02.2024,"2,00 €",c@d.de\n'
        "3,17852.0,06.02.2024,x,e@f.de\n"
    )
    text, profile, _ = guessed(tmp_path, "a.csv", ROWS + rows)
    columns = profile["tables"]["transactions"]["columns"]
    assert columns["customer_id"] == {"column": "CustomerID", "whole": True}
    assert columns["ordered_at"] == {"column": "InvoiceDate", "formats": ["%d.%m.%Y"]}
    assert columns["amount"] == {"column": "Amount", "decimals": "1.234,56"}
    assert "score 0.67, 67% of the values convert: money received" in text
    assert "# the amounts carry the sign of EUR" in text


def test_a_date_that_fits_both_readings_is_not_guessed(tmp_path):
    text, profile, _ = guessed(tmp_path, "a.csv", ROWS + "1,2,03/04/2024,5,x\n2,3,04/05/2024,6,y\n")
    assert profile["tables"]["transactions"]["columns"]["ordered_at"] == "InvoiceDate"
    assert 'the values fit both: declare formats = ["%d/%m/%Y"] or formats = ["%m/%d/%Y"]' in text
    assert "score 0.00, 0% of the values convert" in text


def test_a_column_without_a_telling_name_is_guessed_by_its_values(tmp_path):
    people = "Customer ID,Full Name,k7\n1,Ann,a@b.de\n2,Bob,c@d.de\n"
    text, profile, _ = guessed(tmp_path, "people.csv", people)
    assert profile["tables"]["customers"]["columns"]["email"] == "k7"
    assert 'email = "k7"  # score 0.65 by its values' in text


def test_sentinels_and_products_of_columns_are_proposed_as_comments(tmp_path):
    names = "InvoiceNo,CustomerID,InvoiceDate,Quantity,UnitPrice\n"
    content = names + "1,unknown,2024-01-05,2,3\n2,unknown,2024-01-05,1,3\n"
    text, _, _ = guessed(tmp_path, "a.csv", content)
    assert '# "unknown" stands in 100.0% of the values: missing = ["unknown"] if it means not known' in text
    assert '# amount = { sql = "CAST(\\"Quantity\\" AS DECIMAL(18, 4)) * CAST(' in text


def test_packed_files_folders_and_documents_are_sources_too(tmp_path):
    import gzip
    import json

    daily = tmp_path / "daily orders"
    daily.mkdir()
    for day in (5, 6):
        text = f"order no,customer no,order date,paid\nA{day},1,2024-01-0{day},{day}\n"
        (daily / f"2024-01-0{day}.csv").write_text(text)
    (tmp_path / "goods.csv.gz").write_bytes(gzip.compress(b"sku,title\nP1,Tea\n"))
    document = {"_id": {"$oid": "6a"}, "客户编号": "007", "姓名": "张伟"}
    (tmp_path / "客户.json").write_text(json.dumps(document))
    files = [daily, tmp_path / "goods.csv.gz", tmp_path / "客户.json"]
    folder = new_company("shop", files, tmp_path)
    profile = load_profile(folder)
    assert {(s.kind, s.path) for s in profile.sources.values()} == {
        ("csv", "source/daily orders"), ("csv", "source/goods.csv.gz"), ("mongodb", "source/客户.json"),
    }  # fmt: skip
    assert set(profile.tables) == {"transactions", "products", "customers"}
    assert check(folder, profile)["ok"].all()


def test_the_header_of_a_sheet_is_found_below_its_title(tmp_path):
    book = Workbook()
    for row in (
        ["Orders of May"],
        [],
        ["订单号", "客户编号", "下单时间", "实付金额"],
        ["A1", "007", "2024-01-05", 3],
    ):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    folder = new_company("shop", [tmp_path / "a.xlsx"], tmp_path)
    (source,) = load_profile(folder).sources.values()
    assert source.skip_rows == 2
    assert "# the header is taken to be in row 3" in folder.profile.read_text()


def test_a_folder_of_several_kinds_is_refused(tmp_path):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "a.csv").write_text("a\n1\n")
    (mixed / "b.parquet").write_text("x")
    with pytest.raises(InputError, match="a folder must hold files of one kind"):
        new_company("shop", [mixed], tmp_path)


@pytest.mark.parametrize(
    "headers", [["会员编号", "身份证号"], ["customer no", "会员号"], ["rec id", "SOC_SEC_ID"]]
)
def test_a_number_of_a_document_is_told_from_the_number_of_the_customer(headers):
    found = best_columns(headers, TABLES["customers"])
    assert (found["customer_id"][0], found["document_id"][0]) == tuple(headers)


def test_days_written_as_one_number_are_days_even_where_a_few_are_none(tmp_path):
    days = "".join(f"{place},1908{place % 12 + 1:02}09\n" for place in range(100)) + "100,19081301\n"
    _, profile, _ = guessed(tmp_path, "people.csv", "Customer ID,Birthday\n" + days)
    born = profile["tables"]["customers"]["columns"]["birth_date"]
    assert born == {"column": "Birthday", "formats": ["%Y%m%d"]}


SOLD = "订单号,会员编号,下单时间,商品编号,商品名称,实付金额\nA{year},007,{year}-01-05,P1,茶,3\n"


def yearly(tmp_path, years, encodings=("utf-8", "utf-8", "utf-8")):
    for year, encoding in zip(years, encodings, strict=False):
        (tmp_path / f"订单{year}.csv").write_bytes(SOLD.format(year=year).encode(encoding))
    return [tmp_path / f"订单{year}.csv" for year in years]


def test_files_of_the_same_columns_are_one_source_and_none_of_them_another_table(tmp_path):
    folder = new_company("shop", yearly(tmp_path, (2022, 2023, 2024)), tmp_path)
    profile = load_profile(folder)
    assert {name: source.path for name, source in profile.sources.items()} == {
        "transactions_csv": "source/订单*.csv"
    }
    assert set(profile.tables) == {"transactions"}
    assert "# 3 files with the same columns are parts of this source" in folder.profile.read_text()
    assert check(folder, profile).set_index("name").loc["transactions_csv", "rows"] == "3 rows"


def test_files_of_the_same_columns_in_two_encodings_stay_apart_and_say_so(tmp_path):
    folder = new_company("shop", yearly(tmp_path, (2023, 2024), ("utf-8", "gb18030")), tmp_path)
    assert set(load_profile(folder).tables) == {"transactions"}
    line = "# The source source_2024 feeds no table yet: it has the columns of source_2023. A table has one"
    assert line in folder.profile.read_text()


def test_a_folder_is_no_part_of_a_pattern(tmp_path):
    (first, second), daily = yearly(tmp_path, (2023, 2024)), tmp_path / "daily"
    daily.mkdir()
    second.rename(daily / second.name)
    sources = load_profile(new_company("shop", [first, daily], tmp_path)).sources
    assert {source.path for source in sources.values()} == {"source/订单2023.csv", "source/daily"}


def test_a_pattern_that_would_meet_another_file_is_not_made(tmp_path):
    files = [tmp_path / name for name in ("1.csv", "2.csv", "people.csv")]
    for path, text in zip(files, ("a,b\n1,2\n", "a,b\n1,2\n", "Customer ID,Full Name\n1,Ann\n"), strict=True):
        path.write_text(text)
    text = new_company("shop", files, tmp_path).profile.read_text()
    assert text.count("\npath = ") == 3 + text.partition("# Every kind")[2].count("\npath = ")


def test_comments_of_customers_are_recognised_by_chinese_headings(tmp_path):
    content = "反馈编号,会员编号,时间,方式,类型,内容,满意度\nF1,007,2024-01-05,微信,投诉,慢,2\n"
    _, profile, _ = guessed(tmp_path, "反馈.csv", content)
    assert set(profile["tables"]) == {"communications"}
    assert profile["tables"]["communications"]["columns"] == {
        "communication_id": "反馈编号", "customer_id": "会员编号", "occurred_at": "时间", "channel": "方式",
        "kind": "类型", "comment": "内容", "satisfaction": "满意度",
    }  # fmt: skip


def test_a_price_without_a_quantity_is_proposed_as_the_amount(tmp_path):
    text, _, _ = guessed(tmp_path, "a.csv", "receipt,customer,date,price\n1,2,2024-01-05,3\n")
    assert '# amount = "price"  # score 0.60: the price, where a line is one unit' in text
