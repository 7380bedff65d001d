from __future__ import annotations

import gzip
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_company import SmallCompany

from crm_helpers.errors import InputError
from crm_helpers.ingest.ledger import newest_loads

COLUMNS = {"order_id": "id", "customer_id": "person", "ordered_at": "day", "amount": "paid"}
KEYED = {"key": ["id"], "cursor": "changed", "deleted": "gone"}
HEADER = "id,person,day,paid,changed,gone\n"


def company(root, **source):
    shop = SmallCompany(root)
    shop.sources = {"lines": source}
    shop.tables = {"transactions": {"source": "lines", "columns": COLUMNS}}
    return shop


def deliveries(tmp_path, *files, **incremental):
    """A company whose one file is replaced by what changed, time after time."""
    shop = company(tmp_path, kind="csv", path="source/lines.csv", incremental=KEYED | incremental)
    for content in files:
        shop.write("lines.csv", HEADER + content)
        shop.ingest()
    return shop


def loaded(shop):
    return [pq.read_metadata(file).num_rows for file in newest_loads(shop.folder)["lines"].files]


def paid(shop):
    frame = shop.table("transactions")
    return dict(zip(frame["order_id"], frame["amount"].astype(float), strict=True))


def clean_bytes(shop):
    version = shop.clean().version
    return version.version, {path.name: path.read_bytes() for path in version.path.iterdir()}


FIRST = "A1,007,2024-01-05,1,2024-01-05,\nA2,008,2024-01-06,2,2024-01-06,\n"


def test_a_late_correction_replaces_its_row(tmp_path):
    shop = deliveries(tmp_path, FIRST, "A1,007,2024-01-05,5,2024-01-09,\n")
    assert paid(shop) == {"A1": 5, "A2": 2}
    assert loaded(shop) == [2, 1]


def test_an_older_version_that_comes_late_replaces_nothing(tmp_path):
    shop = deliveries(tmp_path, FIRST, "A1,007,2024-01-05,5,2024-01-09,\n", FIRST)
    assert paid(shop) == {"A1": 5, "A2": 2}
    assert loaded(shop) == [2, 1]  # it changes nothing, so that nothing is loaded


def test_versions_of_one_moment_are_told_apart_by_the_order_of_loads(tmp_path):
    shop = deliveries(tmp_path, FIRST, "A1,007,2024-01-05,5,2024-01-05,\nA1,007,2024-01-05,6,2024-01-05,\n")
    assert paid(shop) == {"A1": 6, "A2": 2}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("9", "10"),
        ("9007199254740992", "9007199254740993"),
        ("9.5", "10.25"),
        ("2024-01-05T23:00:00+08:00", "2024-01-05T16:00:00Z"),
        ("2024-1-9", "2024-01-10"),
    ],
)
def test_a_cursor_is_read_as_number_or_time_before_it_is_read_as_text(tmp_path, older, newer):
    shop = deliveries(
        tmp_path,
        f"A1,007,2024-01-05,5,{newer},\n",
        f"A1,007,2024-01-05,1,{older},\nA2,7,2024-01-05,2,{older},\n",
    )
    assert paid(shop) == {"A1": 5, "A2": 2}
    assert newest_loads(shop.folder)["lines"].history.position == newer


@pytest.mark.parametrize(
    ("flag", "stays"), [("true", 0), ("2024-01-09 10:00", 0), ("1", 0), ("0", 1), ("", 1)]
)
def test_a_flag_takes_a_row_away(tmp_path, flag, stays):
    shop = deliveries(tmp_path, FIRST, f"A1,007,2024-01-05,1,2024-01-09,{flag}\n")
    assert len(paid(shop)) == 1 + stays


def test_the_same_delivery_twice_is_loaded_once(tmp_path):
    shop = deliveries(tmp_path, FIRST, FIRST)
    assert loaded(shop) == [2]
    assert list(shop.ingest().sources["state"]) == ["unchanged"]


def test_raw_only_grows_and_the_rows_are_those_of_the_state(tmp_path):
    shop = deliveries(tmp_path, FIRST)
    before = {path: path.read_bytes() for path in shop.folder.raw.glob("lines/*.parquet")}
    shop = deliveries(tmp_path / "other", FIRST, "A1,007,2024-01-05,5,2024-01-09,\n")
    assert list(shop.ingest().sources["rows"]) == [2]
    assert len(before) == 1
    assert len(list(shop.folder.raw.glob("lines/*.parquet"))) == 2


def test_a_changed_word_in_reload_reads_everything_anew(tmp_path):
    shop = deliveries(tmp_path, FIRST, "A3,009,2024-01-07,3,2024-01-09,\n")
    shop.sources["lines"]["incremental"] |= {"reload": "2024-02"}
    assert paid(shop) == {"A3": 3}
    assert loaded(shop) == [1]


def test_after_so_many_loads_everything_is_read_anew(tmp_path):
    parts = [f"A{n},7,2024-01-05,{n},2024-01-{n:02},\n" for n in range(1, 5)]
    shop = deliveries(tmp_path, *parts, reload_every=2)
    assert loaded(shop) == [1]  # the fourth: the first, two of changes, and again a first
    assert paid(shop) == {"A4": 4}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",007,2024-01-05,1,2024-01-05,\n", "sources.lines.incremental.key: row 3 has no id"),
        ("A2,7,2024-01-05,1,03/04/2024,\n", "sources.lines.incremental.cursor: row 3 can be read day first"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path, row, said):
    with pytest.raises(InputError) as raised:
        deliveries(tmp_path, "A1,007,2024-01-05,1,2024-01-05,\n" + row)
    assert str(raised.value).startswith(said)


def test_a_load_that_died_is_no_part_of_the_state(tmp_path):
    shop = deliveries(tmp_path, FIRST, "A1,007,2024-01-05,5,2024-01-09,\n")
    max((shop.folder.raw / "_dlt_loads").glob("*.jsonl")).unlink()
    assert loaded(shop) == [2]
    assert paid(shop) == {"A1": 5, "A2": 2}  # delivered again by the next ingestion


def test_files_of_one_delivery_count_in_the_order_of_their_names(tmp_path):
    shop = company(tmp_path, kind="csv", path="source/daily", incremental={"key": ["id"]})
    (shop.source / "daily").mkdir()
    shop.write("daily/1.csv", HEADER + FIRST)
    shop.write("daily/2.csv.gz", gzip.compress(f"{HEADER}A1,007,2024-01-05,5,2024-01-09,\n".encode()))
    shop.write("daily/3.csv", HEADER + FIRST.replace("A2", "A4"))
    assert paid(shop) == {"A1": 1, "A2": 2, "A4": 2}
    assert shop.ingest().sources.loc[0, "columns"] == 6
    whole = company(tmp_path / "whole", kind="csv", path="source/lines.csv", incremental={"key": ["id"]})
    whole.write("lines.csv", HEADER + FIRST + FIRST.splitlines()[1].replace("A2", "A4") + "\n")
    assert clean_bytes(shop)[1]["transactions.parquet"] == clean_bytes(whole)[1]["transactions.parquet"]


def test_a_file_written_in_another_way_is_a_delivery_of_changes_still(tmp_path):
    shop = deliveries(tmp_path, FIRST)
    shop.sources["lines"] |= {"delimiter": ";", "skip_rows": 1}
    changes = HEADER + "A1,007,2024-01-05,5,2024-01-09,\n"
    shop.write("lines.csv", "exported today\n" + changes.replace(",", ";"))
    assert paid(shop) == {"A1": 5, "A2": 2}


def test_a_column_that_is_gone_is_refused_but_a_key_that_no_changed_document_has_is_not(tmp_path):
    shop = deliveries(tmp_path, FIRST)
    shop.write("lines.csv", "id,day,paid,changed,gone\nA3,2024-01-05,5,2024-01-09,\n")
    with pytest.raises(InputError, match='no column "person"'):
        shop.ingest()
    documents = company(tmp_path / "other", kind="jsonl", path="source/lines.jsonl")
    documents.sources["lines"]["incremental"] = {"key": ["id"], "cursor": "changed"}
    documents.tables["transactions"]["columns"] = COLUMNS | {"discount": "less"}
    first = '{"id": "A1", "person": "7", "day": "2024-01-05", "paid": 1, "changed": 1, "less": 2}\n'
    documents.write("lines.jsonl", first)
    documents.ingest()
    documents.write(
        "lines.jsonl", '{"id": "A2", "person": "7", "day": "2024-01-05", "paid": 3, "changed": 2}'
    )
    assert paid(documents) == {"A1": 1, "A2": 3}


def full(root, content, **source):
    shop = company(root, **source)
    shop.write("lines.csv", content)
    return clean_bytes(shop)


keys = st.sampled_from(["A1", "A2", "A3", "名4", "007", "7"])
versions = st.lists(st.tuples(keys, st.integers(0, 99), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=versions, data=st.data())
def test_any_history_of_files_in_any_pieces_is_the_same_as_one_full_load(tmp_path_factory, history, data):
    """Pieces overlap, come twice and out of order; one row that stands is there from the start."""
    lines = ["A0,000,2024-01-01,1,1,\n"]
    lines += [
        f"{key},c{cents},2024-01-02,0.{cents:02},{moment},{'yes' if gone else ''}\n"
        for moment, (key, cents, gone) in enumerate(history, start=2)
    ]
    newest = {line.split(",")[0]: line for line in lines}
    cuts = sorted(data.draw(st.sets(st.integers(1, len(lines)), max_size=3)) | {len(lines)})
    pieces = [lines[max(0, start - 2) : end] for start, end in zip([0, *cuts], cuts, strict=False)]
    pieces = data.draw(st.permutations([*pieces, pieces[0]]))
    root = tmp_path_factory.mktemp("any")
    source = {"kind": "csv", "path": "source/lines.csv", "incremental": KEYED}
    whole = full(root / "whole", HEADER + "".join(newest.values()), **source)
    shop = company(root / "pieces", **source)
    for piece in pieces:
        shop.write("lines.csv", HEADER + "".join(piece))
        shop.ingest()
    assert clean_bytes(shop) == whole


step = st.tuples(st.sampled_from(["insert", "update", "delete", "load"]), keys, st.integers(0, 99))


def changed(path: Path, moment: int, act: str, key: str, cents: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        if act == "insert":
            connection.execute(
                "INSERT OR REPLACE INTO t VALUES (?, 'c', '2024-01-02', ?, ?)", (key, cents, moment)
            )
        elif act == "update":
            connection.execute("UPDATE t SET paid = ?, changed = ? WHERE id = ?", (cents, moment, key))
        else:
            connection.execute("DELETE FROM t WHERE id = ?", (key,))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(step, min_size=2, max_size=10))
def test_any_history_of_a_table_is_the_same_as_one_full_load(tmp_path_factory, history):
    """Rows are deleted without a trace; the database is asked in between, at any time."""
    root = tmp_path_factory.mktemp("any")
    source = {
        "kind": "sql", "url": "sqlite:///source/shop.db", "table": "t",
        "incremental": {"cursor": "changed", "key": ["id"]},
    }  # fmt: skip
    shop = company(root / "pieces", **source)
    path = shop.source / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE t (id TEXT PRIMARY KEY, person TEXT, day TEXT, paid INTEGER, changed INTEGER)"
        )
        connection.execute("INSERT INTO t VALUES ('A0', 'c', '2024-01-01', 1, 0)")
    for moment, (act, key, cents) in enumerate(history, start=1):
        if act == "load":
            shop.ingest()
        else:
            changed(path, moment, act, key, cents)
    whole = company(root / "whole", **source)
    shutil.copy(path, whole.source / "shop.db")
    assert clean_bytes(shop) == clean_bytes(whole)
