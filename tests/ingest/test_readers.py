from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from crm_helpers.errors import InputError
from crm_helpers.ingest.readers import ROW, read_file
from crm_helpers.profile import Source


def rows(path, work=None, **source):
    source = Source.model_validate({"kind": "csv", "path": path.name} | source)
    batches = list(read_file(path, source, work or path.parent, label=path.name))
    return pa.concat_tables(batches).to_pylist()


def csv(tmp_path, content, **source):
    path = tmp_path / "a.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return rows(path, **source)


def fault(tmp_path, content, **source):
    with pytest.raises(InputError) as raised:
        csv(tmp_path, content, **source)
    return str(raised.value)


def test_every_value_of_a_csv_stays_text(tmp_path):
    found = csv(tmp_path, 'id,name\n007,NA\n9007199254740993123,None\n17850.0," x "\n,""\n')
    assert found == [
        {"id": "007", "name": "NA", ROW: 2},
        {"id": "9007199254740993123", "name": "None", ROW: 3},
        {"id": "17850.0", "name": " x ", ROW: 4},
        {"id": None, "name": "", ROW: 5},
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5", "utf-16"])
def test_chinese_text_survives_its_encoding(tmp_path, encoding):
    content = "編號,姓名\n001,張三\n002,李四\n".encode(encoding)
    assert [row["姓名"] for row in csv(tmp_path, content, encoding=encoding)] == ["張三", "李四"]


def test_a_character_on_the_border_of_two_chunks_is_not_cut(tmp_path):
    content = ("id,name\n1," + "a" * ((1 << 20) - 11) + "张三\n").encode("gb18030")
    assert csv(tmp_path, content, encoding="gb18030")[0]["name"].endswith("a张三")


def test_quotes_newlines_and_carriage_returns_are_read(tmp_path):
    found = csv(tmp_path, 'id;name\r\n1;"a;b"\r\n2;"two\nlines ""quoted"""\r\n', delimiter=";")
    assert [row["name"] for row in found] == ["a;b", 'two\nlines "quoted"']


def test_names_that_occur_twice_are_told_apart(tmp_path):
    assert list(csv(tmp_path, "id,Name,name,\n1,a,b,c\n")[0]) == ["id", "Name", "name_3", "column_4", ROW]


@pytest.mark.parametrize("name", ["it's.csv", "a[1].csv", "a*b.csv", "客户 名单.csv"])
def test_a_file_name_is_never_read_as_a_pattern_or_as_sql(tmp_path, name):
    path = tmp_path / name
    path.write_text("id\n1\n", encoding="utf-8")
    (tmp_path / "a1.csv").write_text("id\n2\n", encoding="utf-8")
    work = tmp_path / "work"
    work.mkdir()
    assert [row["id"] for row in rows(path, work)] == ["1"]


@pytest.mark.parametrize("content", ["id,name\n1,a\n2\n3,c\n", "id,name\n1,a\n2,b,secret\n3,c\n"])
def test_a_ragged_row_is_named_without_its_values(tmp_path, content):
    message = fault(tmp_path, content)
    assert "a.csv: row 3 has more or fewer values" in message
    assert "secret" not in message


def test_a_quote_left_open_is_named(tmp_path):
    assert "quote" in fault(tmp_path, 'id,name\n1,a\n2,"b\n3,c\n')


def test_a_wrong_encoding_is_named_with_its_row(tmp_path):
    content = "id,name\n1,a\n2,张三\n".encode("gb18030")
    assert "row 3 is not in the declared encoding" in fault(tmp_path, content)
    assert "row 3 is not in the declared encoding" in fault(tmp_path, content, encoding="ascii")


def test_an_unknown_encoding_is_an_error_with_a_suggestion(tmp_path):
    assert 'did you mean "gb18030"' in fault(tmp_path, "id\n1\n", encoding="gb18303")


@pytest.mark.parametrize("content", ["id,name\n", ",,\n1,2,3\n", "\n1\n"])
def test_a_file_without_header_or_rows_is_refused(tmp_path, content):
    assert "a.csv:" in fault(tmp_path, content)


def test_a_column_with_the_locators_name_is_refused(tmp_path):
    assert "_row is the workbook's own" in fault(tmp_path, "_row\n1\n")


def workbook(tmp_path, cells, sheet="客户"):
    book = Workbook()
    book.active.title = "other"
    page = book.create_sheet(sheet)
    for row in cells:
        page.append(row)
    path = tmp_path / "a.xlsx"
    book.save(path)
    return path


def test_excel_gives_whole_numbers_without_a_point_and_iso_dates(tmp_path):
    cells = [
        ["id", "n", "day", "time", "ok", None],
        [17850, 2.5, date(2024, 1, 5), datetime(2024, 1, 5, 8, 30), True],
        [None],
        ["007", 3.0, None, None, False],
    ]
    found = rows(workbook(tmp_path, cells), kind="excel", sheet="客户")
    assert found == [
        {"id": "17850", "n": "2.5", "day": "2024-01-05", "time": "2024-01-05 08:30:00", "ok": "true", ROW: 2},
        {"id": "007", "n": "3", "day": None, "time": None, "ok": "false", ROW: 4},
    ]


def test_a_missing_sheet_is_an_error_with_a_suggestion(tmp_path):
    path = workbook(tmp_path, [["id"], [1]], sheet="customers")
    with pytest.raises(InputError, match='no sheet "customer"; did you mean "customers"'):
        rows(path, kind="excel", sheet="customer")


@pytest.mark.parametrize(("kind", "name"), [("excel", "a.xlsx"), ("parquet", "a.parquet")])
def test_a_cut_file_is_refused(tmp_path, kind, name):
    path = tmp_path / name
    if kind == "excel":
        workbook(tmp_path, [["id"], [1]])
    else:
        pq.write_table(pa.table({"id": [1]}), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="not a whole"):
        rows(path, kind=kind)


def test_json_lines_keep_values_as_text_and_missing_keys_missing(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id":"007","d":"2024-01-05","n":12345678901234567890}\n{"id":"8","x":{"k":[1]}}\n')
    assert rows(path, kind="jsonl") == [
        {"id": "007", "d": "2024-01-05", "n": "12345678901234567890", "x": None, ROW: 1},
        {"id": "8", "d": None, "n": None, "x": '{"k":[1]}', ROW: 2},
    ]


def test_a_broken_json_line_is_named_without_its_values(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id":"1"}\n{"id":"secret\n')
    with pytest.raises(InputError) as raised:
        rows(path, kind="jsonl")
    assert "a.jsonl" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_parquet_keeps_its_types(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [9007199254740993], "at": [datetime(2024, 1, 5)]}), path)
    assert rows(path, kind="parquet") == [{"id": 9007199254740993, "at": datetime(2024, 1, 5), ROW: 1}]


def test_a_database_table_comes_as_its_driver_gives_it(shop):
    with closing(sqlite3.connect(shop.source / "shop.db")) as connection, connection:
        connection.execute('CREATE TABLE "select" (id INTEGER, "order by.x" TEXT, day DATE, n NUMERIC)')
        connection.execute(
            """INSERT INTO "select" VALUES (9007199254740993, 'O''Neil 张', '03/04/2024', 2.5)"""
        )
    shop.add("people", kind="sql", url="sqlite:///source/shop.db", table="select")
    shop.ingest()
    (file,) = (shop.folder.raw / "people").glob("*.parquet")
    assert pq.read_table(file).to_pylist() == [
        {"id": "9007199254740993", "order by.x": "O'Neil 张", "day": "03/04/2024", "n": "2.5", ROW: 1}
    ]


@pytest.mark.parametrize("above", ["\n", "\r\n"])
@pytest.mark.parametrize("below", ["\n", "\r\n"])
@pytest.mark.parametrize("inside", ["", "\n", "\r\n"])
def test_lines_above_the_header_may_end_in_another_way(tmp_path, above, below, inside):
    content = f"Archive: a.zip{above}  inflating{above}id,story{below}" + "".join(
        f'{i},"so{inside}long"{below}' for i in range(3)
    )
    found = csv(tmp_path, content, skip_rows=2)
    assert found == [{"id": str(i), "story": f"so{inside}long", ROW: i + 4} for i in range(3)]
