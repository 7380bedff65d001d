"""Faults F01 to F13: each ends with the old state or the new one, never a mix, and one clear line."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from crm_helpers import files
from crm_helpers.errors import InputError
from crm_helpers.ingest import fetch
from crm_helpers.ingest.ledger import newest_loads
from crm_helpers.lake import connect, current_clean, read_clean

NAMES = ("order", "person", "day", "paid")
GOOD = [("A1", "007", "2024-01-05", "10.50"), ("A2", "008", "2024-01-06", "2")]
BETTER = [*GOOD, ("A3", "009", "2024-01-07", "3")]
SECRET = "Zhang-San-13912345678"  # a value no message may show


def table(rows, names=NAMES):
    return "\n".join(",".join(row) for row in (names, *rows)) + "\n"


def parquet(rows):
    content = io.BytesIO()
    columns = [pa.array(column) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table(columns, names=list(NAMES)), content)
    return content.getvalue()


def excel(rows):
    book, content = Workbook(), io.BytesIO()
    for row in (NAMES, *rows):
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def state(shop):
    """Everything a later page could read: loads with their files, and the current clean version."""
    found = {name: (load.fingerprint, load.files) for name, load in newest_loads(shop.folder).items()}
    return found, current_clean(shop.folder).version, (shop.folder.clean / "current.json").read_bytes()


@pytest.fixture
def good(shop):
    """A company whose first delivery is loaded and clean."""
    shop.clean()
    return shop


def refused(shop):
    """Run on a bad delivery: the old state stands, and one line says what is wrong, without a value."""
    before = state(shop)
    with pytest.raises(InputError) as raised:
        shop.clean()
    message = str(raised.value)
    assert state(shop) == before
    assert "\n" not in message
    assert SECRET not in message
    assert not list((shop.folder.data / ".ingest").glob("work-*"))
    return message


def paid(shop):
    return {row.order_id: float(row.amount) for row in shop.table("transactions").itertuples()}


# F01 truncated, empty, header only


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("csv", table(BETTER)[:-9].encode()),
        ("csv", (table(GOOD) + f'A3,"{SECRET}').encode()),
        ("parquet", parquet(BETTER)[:-20]),
        ("excel", excel(BETTER)[:-200]),
        ("jsonl", f'{{"order": "A1"}}\n{{"order": "{SECRET}'.encode()),
        ("json", f'[{{"order": "A1"}},{{"order": "{SECRET}'.encode()),
        ("csv", b""),
        ("csv", table([]).encode()),
        ("excel", excel([])),
        ("parquet", parquet(GOOD)[:0]),
    ],
)
def test_f01_a_truncated_or_empty_file_is_refused_and_named(good, kind, content):
    good.sources["lines"] |= {"kind": kind}
    good.write("lines.csv", content)
    assert "lines.csv" in refused(good)


def test_f01_a_truncated_archive_is_refused(good):
    good.sources["lines"] |= {"path": "source/lines.csv.gz"}
    packed = gzip.compress(table(BETTER * 500).encode())
    good.write("lines.csv.gz", packed[: len(packed) // 2])
    assert "not a whole .gz file" in refused(good)


# F02 wrong encoding


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "big5"])
def test_f02_a_wrong_encoding_is_refused_with_its_row(good, encoding):
    rows = [("A1", "張三", "2024-01-05", "1")]
    good.write("lines.csv", table(rows).encode(encoding))
    assert "not in the declared encoding" in refused(good)
    good.sources["lines"] |= {"encoding": encoding}
    assert list(good.table("transactions")["customer_id"]) == ["張三"]


def test_f02_a_file_of_two_encodings_is_refused(good):
    mixed = table(GOOD).encode() + "A3,张三,2024-01-07,1\n".encode("gb18030")
    good.write("lines.csv", mixed)
    assert "row 4 is not in the declared encoding" in refused(good)


# F03, F04 identifiers and words stay what they are


def test_f03_identifiers_are_exact_beside_a_missing_one(shop):
    ids = ["007", "9007199254740993123", "", "17850.0"]
    shop.write("lines.csv", table([(f"A{i}", who, "2024-01-05", "1") for i, who in enumerate(ids)]))
    result = shop.clean()
    assert list(shop.table("transactions")["customer_id"]) == ["007", "9007199254740993123", "17850.0"]
    assert list(result.quarantine["row"]) == [4]


def test_f04_words_that_look_missing_are_kept(shop):
    words = ["NA", "None", "null", "nan", "N/A"]
    shop.write("lines.csv", table([(word, word, "2024-01-05", "1") for word in words]))
    assert list(shop.table("transactions")["order_id"]) == words


# F05 dates


def test_f05_an_ambiguous_date_shows_both_readings(good):
    rows = [("A1", "1", "03/04/2024", "1"), ("A2", "2", "13/04/2024", "1")]
    good.write("lines.csv", table(rows))
    before = current_clean(good.folder)
    with pytest.raises(InputError, match=r'row 2 .* formats = \["%d/%m/%Y"\] or formats = \["%m/%d/%Y"\]'):
        good.clean()
    assert current_clean(good.folder) == before
    good.tables["transactions"]["columns"]["ordered_at"] = {"column": "day", "formats": ["%d/%m/%Y"]}
    assert [at.date() for at in good.table("transactions")["ordered_at"]] == [
        date(2024, 4, 3),
        date(2024, 4, 13),
    ]


# F06 ragged rows, quotes, newlines, a delimiter that changes


RAGGED = table(GOOD) + f"A3,{SECRET},2024-01-07\nA4,010;2024-01-08;4\n" + "A5,011,2024-01-08,5\n"


def test_f06_ragged_rows_are_refused_where_none_are_allowed(good):
    good.write("lines.csv", RAGGED)
    assert "row 4 has more or fewer values" in refused(good)


def test_f06_ragged_rows_are_quarantined_and_counted_where_allowed(shop):
    shop.write("lines.csv", RAGGED)
    shop.sources["lines"] |= {"ragged": 0.5}
    result = shop.clean()
    totals = result.reconciliation.set_index("table").loc["transactions"]
    assert [totals["read"], totals["clean"], totals["quarantined"]] == [5, 3, 2]
    assert list(result.quarantine["row"]) == [4, 5]
    assert set(result.quarantine["rule"]) == {"row has more or fewer values than columns"}


def test_f06_more_ragged_rows_than_allowed_are_refused(good):
    good.write("lines.csv", RAGGED)
    good.sources["lines"] |= {"ragged": 0.1}
    assert "2 of 5 rows have more or fewer values" in refused(good)


# F07 duplicate deliveries, duplicate keys, late corrections


def daily(shop, **files):
    (shop.source / "daily").mkdir(exist_ok=True)
    for name, rows in files.items():
        shop.write(f"daily/{name}.csv", table(rows))
    shop.sources["lines"] |= {"path": "source/daily/*.csv"}


def test_f07_the_same_file_delivered_twice_counts_once(shop):
    daily(shop, monday=GOOD, monday_again=GOOD)
    assert paid(shop) == {"A1": 10.5, "A2": 2.0}
    assert "1 delivered twice, read once" in shop.ingest().sources["origin"].item()


def test_f07_a_late_correction_wins_by_its_key_and_is_counted(shop):
    shop.tables["transactions"]["key"] = ["order_id"]
    daily(shop, day1=GOOD, day2=[("A2", "008", "2024-01-06", "99")])
    assert paid(shop) == {"A1": 10.5, "A2": 99.0}
    merged = shop.clean().quarantine
    assert merged[["source", "row", "rule"]].values.tolist() == [
        ["lines: day1.csv", 3, "same key as a later row"]
    ]


# F08 drifted schema


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("order", "person", "day", "price_paid"), 'no column "paid" (transactions.amount)'),
        (("order", "day", "paid", "weekday"), 'no column "person" (transactions.customer_id)'),
    ],
)
def test_f08_a_renamed_or_missing_column_is_refused_with_the_differences(good, names, said):
    good.write("lines.csv", table([GOOD[0]], names))
    message = refused(good)
    assert said in message
    new = [name for name in names if name not in NAMES]
    assert all(f'"{name}"' in message.split("new since the last load")[1] for name in new)


def test_f08_another_order_and_a_column_besides_do_no_harm(good):
    good.write("lines.csv", "note,paid,day,person,order\nx,7,2024-01-05,007,A9\n")
    assert paid(good) == {"A9": 7.0}


def test_f08_a_number_that_became_text_stops_at_the_limit(good):
    rows = [("A1", "1", "2024-01-05", "1"), ("A2", "2", "2024-01-05", "n.v."), ("A3", "3", "2024-01-05", "2")]
    good.write("lines.csv", table(rows))
    good.top["limits"] = {"unreadable": {"warn": 0.01, "fail": 0.2}}
    before = current_clean(good.folder)
    with pytest.raises(InputError) as raised:
        good.clean()
    assert str(raised.value).startswith(
        "limits: transactions.amount: value cannot be read in 1 rows (33.33%, allowed 20.00%)"
    )
    assert current_clean(good.folder) == before


def test_f08_below_the_limit_the_row_is_set_aside_and_a_warning_stands(good):
    rows = [("A1", "1", "2024-01-05", "1"), ("A2", "2", "2024-01-05", "n.v."), ("A3", "3", "2024-01-05", "2")]
    good.write("lines.csv", table(rows))
    good.top["limits"] = {"unreadable": {"warn": 0.01, "fail": 0.5}}
    result = good.clean()
    assert result.exceeded[["column", "rows", "level"]].values.tolist() == [["amount", 1, "warn"]]
    assert result.quarantine[["row", "masked_value"]].values.tolist() == [[3, "x.x."]]


def test_f08_a_daily_file_of_other_columns_keeps_the_whole_source_out(good):
    daily(good, day1=GOOD)
    good.write("daily/day2.csv", "order,person,date,paid\nA3,9,2024-01-07,1\n")
    assert 'file day2.csv: unlike day1.csv it lacks "day"; it has "date" besides' in refused(good)


# F09 empty keys never join


def test_f09_customers_without_a_number_are_nobodys_customers(shop):
    shop.write("people.csv", "id,name\n,Ann\n,Bob\n007,Cid\n")
    shop.add("people", feeds="customers", columns={"customer_id": "id", "name": "name"})
    shop.write("lines.csv", table([("A1", "", "2024-01-05", "1"), ("A2", "007", "2024-01-05", "2")]))
    assert list(shop.table("customers")["name"]) == ["Cid"]
    assert paid(shop) == {"A2": 2.0}


# F10 amounts and times


def test_f10_amounts_in_another_currency_are_set_aside_not_added(shop):
    rows = [("A1", "1", "2024-01-05", "€5"), ("A2", "2", "2024-01-05", "$5"), ("A3", "3", "2024-01-05", "-6")]
    shop.write("lines.csv", table(rows))
    assert paid(shop) == {"A1": 5.0, "A3": -6.0}
    assert list(shop.clean().quarantine["masked_value"]) == ["$9"]


# F11 one row is a company


def test_f11_one_customer_with_one_line_is_a_company(shop):
    shop.write("lines.csv", table(GOOD[:1]))
    assert paid(shop) == {"A1": 10.5}


# F12 bombs, long lines, deep nesting, formulas, links, pipes


def test_f12_an_archive_that_grows_without_end_is_refused(good):
    good.sources["lines"] |= {"path": "source/bomb.csv.gz"}
    good.write("bomb.csv.gz", gzip.compress(b"0" * (40 << 20)))
    assert "unpacks to more than 200 times its size" in refused(good)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"bomb.csv": b"0" * (40 << 20)}, "unpacks to more than 200 times"),
        ({f"{i}.csv": b"x" for i in range(1001)}, "holds more than 1,000 files"),
        ({"../lines.csv": b"x"}, "holds folders"),
        ({"a/b.csv": b"x"}, "holds folders"),
        ({"..\\b.csv": b"x"}, "holds folders"),
        ({}, "holds no file"),
    ],
)
def test_f12_a_zip_that_is_no_export_is_refused(good, members, said):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    good.write("lines.zip", content.getvalue())
    good.sources["lines"] |= {"path": "source/lines.zip"}
    assert said in refused(good)


def test_f12_a_line_of_ten_megabytes_is_read_and_one_of_twenty_refused(good):
    good.write("lines.csv", table([*GOOD, ("A3", "x" * (10 << 20), "2024-01-07", "1")]))
    assert good.ingest().sources["rows"].item() == 3
    good.clean()
    good.write("lines.csv", table([*GOOD, ("A3", "x" * (20 << 20), "2024-01-07", "1")]))
    assert "longer than 16 MB" in refused(good)
    good.write("lines.csv", "x" * (20 << 20))
    assert "longer than 16 MB" in refused(good)


@pytest.mark.parametrize("kind", ["json", "jsonl", "mongodb"])
def test_f12_deep_nesting_is_refused_before_the_engine_sees_it(good, kind):
    depth = 100_000
    good.sources["lines"] |= {"kind": kind}
    good.write("lines.csv", '{"a":' + "[" * depth + "]" * depth + "}")
    assert "nested deeper than 200 levels" in refused(good)


def test_f12_brackets_within_texts_are_no_nesting(shop):
    text = "[" * 5000 + '\\"{{'
    shop.sources["lines"] |= {"kind": "jsonl"}
    row = '{"order": "A1", "person": "1", "day": "2024-01-05", "paid": "1", "note": "%s"}\n'
    shop.write("lines.csv", row % text)
    assert paid(shop) == {"A1": 1.0}


def test_f12_a_workbook_of_formulas_nobody_calculated_is_refused(good):
    good.sources["lines"] |= {"kind": "excel"}
    good.write("lines.csv", excel([("A1", "007", "2024-01-05", "=1+1")]))
    assert "row 2 holds a formula that was never calculated" in refused(good)


@pytest.mark.parametrize("place", ["source/lines.csv", "source/daily"])
def test_f12_links_out_of_the_folder_and_pipes_are_refused(good, tmp_path, place):
    (tmp_path / "outside.csv").write_text(table(BETTER))
    (good.source / "daily").mkdir()
    path = good.source / ("lines.csv" if place.endswith("csv") else "daily/day.csv")
    good.sources["lines"] |= {"path": place}
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "outside.csv")
    assert "leads out of shop/" in refused(good)
    path.unlink()
    os.mkfifo(path)
    assert "is not a regular file" in refused(good)


# F13 a file that changes while it is read


@pytest.mark.parametrize("change", ["rewritten", "grown", "replaced"])
@pytest.mark.parametrize("settled", [False, True])
def test_f13_a_file_that_changes_while_it_is_read_is_refused(good, monkeypatch, change, settled):
    path = good.write("lines.csv", table(BETTER))
    if settled:  # written an hour ago: its fingerprint is kept until its dates change
        monkeypatch.setattr(files, "SETTLED_SECONDS", -3600.0)
    _meanwhile(monkeypatch, lambda: _change(path, change))
    assert "changed while it was read; run again" in refused(good)
    monkeypatch.undo()
    assert len(paid(good)) == {"rewritten": 2, "grown": 4, "replaced": 2}[change]


def _meanwhile(monkeypatch, act) -> None:
    copy = fetch.copy_parts

    def copy_and_act(*args, **kwargs):
        made = copy(*args, **kwargs)
        act()
        return made

    monkeypatch.setattr(fetch, "copy_parts", copy_and_act)


def _change(path: Path, change: str) -> None:
    if change == "grown":
        with path.open("a") as file:
            file.write("A4,010,2024-01-08,1\n")
    elif change == "rewritten":
        path.write_text(table(GOOD))
    else:
        other = path.with_suffix(".new")
        other.write_text(table(GOOD))
        other.replace(path)


def test_f13_a_file_that_arrives_meanwhile_is_a_change(good, monkeypatch):
    daily(good, day1=BETTER)
    late = table([("A9", "1", "2024-01-09", "1")])
    _meanwhile(monkeypatch, lambda: good.write("daily/day2.csv", late))
    assert "changed while it was read" in refused(good)


def test_the_new_state_is_whole_when_the_fault_is_repaired(good):
    good.write("lines.csv", table(BETTER)[:-9])
    refused(good)
    good.write("lines.csv", table(BETTER))
    assert paid(good) == {"A1": 10.5, "A2": 2.0, "A3": 3.0}
    assert len(read_clean(connect(), current_clean(good.folder), "customers").execute()) == 3
