"""Shapes of files beyond the plain ones: packed, many, with junk before the header, merged cells, MongoDB."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import FAULT, FILE, PART_ROWS, ROW
from crm_helpers.ingest.parts import distinct_parts, read_parts
from crm_helpers.profile import Source


def rows(tmp_path, *paths, **source):
    source = Source.model_validate({"kind": "csv", "path": "x"} | source)
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return pa.concat_tables(read_parts(distinct_parts(paths), source, work, label="x")).to_pylist()


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(tmp_path, **members):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return tmp_path / "a.zip"


JUNK = 'Archive:  "x.zip\n  inflating: x\nid,"what\nwas said"\n1,"two\nlines"\n2,b\n'


@pytest.mark.parametrize("place", [{"skip_rows": 2}, {"header": ["ID"]}])
def test_lines_before_the_header_are_left_out_and_rows_keep_their_number(tmp_path, place):
    path = write(tmp_path, "a.csv", JUNK.replace('"what\nwas said"', "said"))
    assert rows(tmp_path, path, **place) == [
        {"id": "1", "said": "two\nlines", ROW: 4},
        {"id": "2", "said": "b", ROW: 5},
    ]


def test_a_header_of_two_lines_is_one_header(tmp_path):
    found = rows(tmp_path, write(tmp_path, "a.csv", JUNK), skip_rows=2)
    assert [row["what\nwas said"] for row in found] == ["two\nlines", "b"]


def test_a_header_that_is_nowhere_is_an_error(tmp_path):
    with pytest.raises(InputError, match="none of the first 1,000 rows holds all words of header"):
        rows(tmp_path, write(tmp_path, "a.csv", "a,b\n1,2\n"), header=["Customer ID"])
    with pytest.raises(InputError, match="ends before its header"):
        rows(tmp_path, write(tmp_path, "b.csv", "a,b\n1,2\n"), skip_rows=5)


def test_other_quotes_and_none_are_read_as_declared(tmp_path):
    path = write(tmp_path, "a.csv", "id,say\n1,'a,b'\n")
    assert rows(tmp_path, path, quote="'")[0]["say"] == "a,b"
    path = write(tmp_path, "b.csv", 'id\tsay\n1\t12" pipe\n')
    assert rows(tmp_path, path, quote="", delimiter="\t")[0]["say"] == '12" pipe'


def test_ragged_rows_are_put_aside_where_allowed(tmp_path):
    path = write(tmp_path, "a.csv", 'id,say\n1,"x\ny"\n2\n3,a,b\n4,NA\n')
    assert rows(tmp_path, path, ragged=0.5) == [
        {"id": "1", "say": "x\ny", FAULT: None, ROW: 2},
        {"id": None, "say": None, FAULT: "1 values instead of 2", ROW: 3},
        {"id": None, "say": None, FAULT: "3 values instead of 2", ROW: 4},
        {"id": "4", "say": "NA", FAULT: None, ROW: 5},
    ]
    with pytest.raises(InputError, match=r"2 of 4 rows have more or fewer values .* the 40\.00% that ragged"):
        rows(tmp_path, path, ragged=0.4)


def test_gz_and_zip_are_unpacked(tmp_path):
    packed = write(tmp_path, "a.csv.gz", gzip.compress(b"id\n1\n"))
    assert rows(tmp_path, packed) == [{"id": "1", ROW: 2}]
    assert rows(tmp_path, zipped(tmp_path, a_csv="id\n2\n")) == [{"id": "2", ROW: 2}]


def test_the_files_of_a_zip_are_parts_of_one_source(tmp_path):
    path = zipped(tmp_path, b_csv="id,n\n2,b\n", a_csv="id,n\n1,a\n", readme_txt="hello\n")
    assert rows(tmp_path, path, member="*.csv") == [
        {"id": "1", "n": "a", ROW: PART_ROWS + 2, FILE: "a.zip/a.csv"},
        {"id": "2", "n": "b", ROW: 2 * PART_ROWS + 2, FILE: "a.zip/b.csv"},
    ]
    with pytest.raises(InputError, match=r"holds no file \*\.xlsx"):
        rows(tmp_path, path, member="*.xlsx")


def test_files_are_held_against_the_first_one_whatever_the_order_of_columns(tmp_path):
    first, second = write(tmp_path, "a.csv", "id,n\n1,a\n"), write(tmp_path, "b.csv", "n,id\nb,2\n")
    assert [row["id"] for row in rows(tmp_path, first, second)] == ["1", "2"]
    other = write(tmp_path, "c.csv", "id,m\n3,c\n")
    with pytest.raises(InputError, match=r'file c\.csv: unlike a\.csv it lacks "n"; it has "m" besides'):
        rows(tmp_path, first, other)


def test_a_type_that_changed_between_files_is_named(tmp_path):
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(pa.table({"id": pa.array([1], pa.int64())}), first)
    pq.write_table(pa.table({"id": ["x"]}), second)
    with pytest.raises(InputError, match='holds "id" as string instead of int64'):
        rows(tmp_path, first, second, kind="parquet")
    pq.write_table(pa.table({"id": pa.array([2], pa.int32())}), second)
    assert [row["id"] for row in rows(tmp_path, first, second, kind="parquet")] == [1, 2]


def test_a_file_delivered_twice_is_read_once(tmp_path):
    first, again = write(tmp_path, "a.csv", "id\n1\n"), write(tmp_path, "a (1).csv", "id\n1\n")
    assert rows(tmp_path, first, again) == [{"id": "1", ROW: 2}]
    assert distinct_parts([first, again])[0].again == ("a (1).csv",)


def excel(tmp_path, fill):
    book = Workbook()
    fill(book.active)
    book.save(tmp_path / "a.xlsx")
    return tmp_path / "a.xlsx"


def test_merged_cells_are_filled_and_the_header_is_found_by_its_words(tmp_path):
    def fill(sheet):
        for row in (["Report of May"], [], ["Region", "Customer ID", "Paid"]):
            sheet.append(row)
        for row in (["North", "007", "1,5"], [None, 8, 2], [None, None, None], ["South", 9, 3]):
            sheet.append(row)
        sheet.merge_cells("A1:C1")
        sheet.merge_cells("A4:A5")

    found = rows(tmp_path, excel(tmp_path, fill), kind="excel", header=["customer id", "paid"])
    assert found == [
        {"Region": "North", "Customer ID": "007", "Paid": "1,5", ROW: 4},
        {"Region": "North", "Customer ID": "8", "Paid": "2", ROW: 5},
        {"Region": "South", "Customer ID": "9", "Paid": "3", ROW: 7},
    ]


def test_formulas_that_nobody_calculated_are_refused(tmp_path):
    path = excel(tmp_path, lambda sheet: [sheet.append(row) for row in (["n"], [1], ["=A2+1"])])
    with pytest.raises(InputError, match="row 3 holds a formula that was never calculated"):
        rows(tmp_path, path, kind="excel")


def test_a_calculated_formula_is_its_value_even_when_that_is_empty(tmp_path):
    path = excel(
        tmp_path, lambda sheet: [sheet.append(row) for row in (["n", "t"], [1, 2], ["=A2+1", '=""'])]
    )
    content = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(content, "w") as new:
        for entry in old.infolist():
            text = old.read(entry)
            text = text.replace(b"<f>A2+1</f><v />", b"<f>A2+1</f><v>2</v>").replace(
                b"<f>A2+1</f><v></v>", b"<f>A2+1</f><v>2</v>"
            )
            text = text.replace(b'<c r="B3">', b'<c r="B3" t="str">')
            new.writestr(entry.filename, text)
    path.write_bytes(content.getvalue())
    assert rows(tmp_path, path, kind="excel")[1] == {"n": "2", "t": None, ROW: 3}


def test_a_json_array_is_read_like_json_lines(tmp_path):
    path = write(tmp_path, "a.json", '[{"id": "007", "n": 1.5, "x": {"k": [1]}},\n {"id": "8"}]')
    assert rows(tmp_path, path, kind="json") == [
        {"id": "007", "n": "1.5", "x": '{"k":[1]}', ROW: 1},
        {"id": "8", "n": None, "x": None, ROW: 2},
    ]


MONGO = [
    {"_id": {"$oid": "65a"}, "at": {"$date": "2024-01-05T08:00:00Z"}, "paid": {"$numberDecimal": "10.50"}},
    {
        "_id": {"$oid": "65b"},
        "at": {"$date": {"$numberLong": "-86400000"}},
        "n": {"$numberLong": "9007199254740993"},
    },
    {"_id": {"$oid": "65c"}, "at": {"$date": 1704412800123}, "tags": ["a", {"$oid": "1"}]},
]


@pytest.mark.parametrize("content", [json.dumps(MONGO), "\n".join(map(json.dumps, MONGO))])
def test_mongodbs_own_types_are_unwrapped(tmp_path, content):
    found = rows(tmp_path, write(tmp_path, "a.json", content), kind="mongodb")
    assert [row["_id"] for row in found] == ["65a", "65b", "65c"]
    assert [row["at"] for row in found] == [
        "2024-01-05T08:00:00Z", "1969-12-31 00:00:00.000+00", "2024-01-05 00:00:00.123+00",
    ]  # fmt: skip
    assert [found[0]["paid"], found[1]["n"], json.loads(found[2]["tags"])] == [
        "10.50", "9007199254740993", ["a", {"$oid": "1"}],
    ]  # fmt: skip
