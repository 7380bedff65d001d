from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from crm_helpers.errors import InputError
from crm_helpers.ingest import loads
from crm_helpers.ingest.fetch import fetch, refuse_changed
from crm_helpers.ingest.ledger import newest_loads

CHECKOUT = Path(loads.__file__).resolve().parent.parent.parent


def files(shop):
    return sorted(path.name for path in shop.folder.raw.glob("lines/*.parquet"))


def refused(shop):
    with pytest.raises(InputError) as raised:
        shop.ingest()
    assert newest_loads(shop.folder) == {}
    assert not shop.folder.clean.exists()
    return str(raised.value)


def test_a_source_says_what_it_held(shop):
    (row,) = shop.ingest().sources.to_dict("records")
    fingerprint = row.pop("fingerprint")
    assert len(fingerprint) == 16
    assert row == {
        "source": "lines", "kind": "csv", "origin": "source/lines.csv", "rows": 2, "columns": 4, "used": 4,
        "tables": "transactions", "state": "new",
    }  # fmt: skip


def test_an_unchanged_source_is_not_loaded_again(shop):
    shop.ingest()
    before = files(shop)
    assert list(shop.ingest().sources["state"]) == ["unchanged"]
    assert files(shop) == before


def test_a_changed_source_is_loaded_beside_the_old_one(shop):
    shop.ingest()
    shop.write("lines.csv", "order,person,day,paid\nA1,007,2024-01-05,1\n")
    result = shop.ingest()
    assert list(result.sources["state"]) == ["changed"]
    assert list(result.sources["rows"]) == [1]
    assert len(files(shop)) == 2


def test_the_same_file_read_otherwise_is_another_source(shop):
    first = shop.ingest().sources["fingerprint"].item()
    shop.sources["lines"]["encoding"] = "gb18030"
    assert shop.ingest().sources["fingerprint"].item() != first


def test_an_unchanged_database_table_is_not_loaded_again(shop):
    with closing(sqlite3.connect(shop.source / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE people (id TEXT)")
        connection.execute("INSERT INTO people VALUES ('007')")
    shop.add("people", kind="sql", url="sqlite:///source/shop.db", table="people")
    shop.ingest()
    assert list(shop.ingest().sources["state"]) == ["unchanged", "unchanged"]


@pytest.mark.parametrize("left", ["", '{"load_id": "1'])
def test_a_load_that_was_killed_before_its_record_is_never_read(shop, left):
    shop.ingest()
    (record,) = (shop.folder.raw / "_dlt_loads").glob("*.jsonl")
    if left:
        record.write_text(left)
    else:
        record.unlink()
    assert newest_loads(shop.folder) == {}
    assert list(shop.ingest().sources["rows"]) == [2]
    assert len(files(shop)) == 1  # what the dead load left is gone


def test_a_half_load_leaves_the_whole_one_before_it(shop):
    shop.ingest()
    whole = newest_loads(shop.folder)
    shop.write("lines.csv", "order,person,day,paid\nA1,007,2024-01-05,1\n")
    shop.ingest()
    newest = max((shop.folder.raw / "_dlt_loads").glob("*.jsonl"))
    newest.unlink()
    assert newest_loads(shop.folder) == whole


def test_one_bad_source_keeps_all_out(shop):
    shop.write("people.csv", "id,name\n1,a\n2\n")
    shop.add("people")
    assert "people (source/people.csv): row 3" in refused(shop)


def test_a_file_that_changes_while_it_is_read_is_refused(shop):
    source = shop.profile.sources["lines"]
    fetched = fetch(shop.folder, "lines", source, shop.source)
    refuse_changed(shop.folder, fetched)
    shop.write("lines.csv", "order,person,day,paid\n")
    with pytest.raises(InputError, match="changed while it was read"):
        refuse_changed(shop.folder, fetched)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("source/linse.csv", 'no file source/linse.csv; did you mean "lines.csv"'),
        ("source/empty.csv", "is empty"),
        ("source/none*.csv", "no file in source/none*.csv"),
        ("sour*/lines.csv", "only the name of a file may be a pattern"),
        ("source/p*", "not a regular file"),
        ("source/*.csv", "source/empty.csv is empty"),
        ("../../outside.csv", "leads out of shop/"),
        ("/etc/hostname", "leads out of shop/"),
        ("source/link.csv", "leads out of shop/"),
        ("source/pipe", "not a regular file"),
    ],
)
def test_a_place_that_holds_no_source_is_refused(shop, tmp_path, path, said):
    (tmp_path / "outside.csv").write_text("id\n1\n")
    (shop.source / "link.csv").symlink_to(tmp_path / "outside.csv")
    os.mkfifo(shop.source / "pipe")
    shop.write("empty.csv", "")
    shop.sources["lines"]["path"] = path
    assert f"sources.lines.path: {path}" in refused(shop) or said in refused(shop)
    assert said in refused(shop)


def test_a_package_that_is_not_installed_is_refused(shop):
    shop.sources["lines"] |= {"package": "no_such_package"}
    assert "sources.lines.package" in refused(shop)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"url": "sqlite:///source/none.db", "table": "t"}, "sources.lines.url: no file"),
        ({"url": "sqlite:///../../x.db", "table": "t"}, "leads out of shop/"),
        ({"url": "sqlite:///source/lines.csv", "table": "t"}, "cannot be read (DatabaseError)"),
        ({"url": "nonsense", "table": "t"}, "not a database URL"),
        ({"url_env": "NO_SUCH_VARIABLE", "table": "t"}, "set the environment variable NO_SUCH_VARIABLE"),
        ({"url": "sqlite:///source/shop.db", "table": "pepole"}, 'did you mean "people"'),
        ({"url": "sqlite:///source/shop.db", "table": "people"}, "has no rows"),
    ],
)
def test_a_database_that_cannot_be_read_is_refused(shop, source, said):
    with closing(sqlite3.connect(shop.source / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE people (id TEXT)")
    shop.sources["lines"] = {"kind": "sql"} | source
    assert said in refused(shop)


def test_nothing_is_written_into_the_home_folder_or_beside_the_company(shop, tmp_path):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[2:]\n"
        "from small_company import SmallCompany; SmallCompany(Path(sys.argv[1]) / 'inner').ingest()"
    )
    words = [sys.executable, "-c", code, str(tmp_path), str(CHECKOUT), str(CHECKOUT / "tests")]
    subprocess.run(words, cwd=elsewhere, env={**os.environ, "HOME": str(home)}, check=True, timeout=120)
    assert list(home.iterdir()) == list(elsewhere.iterdir()) == []
    inner = tmp_path / "inner" / "data" / "shop"
    assert sorted(path.name for path in inner.iterdir()) == [".ingest", "raw", "source"]
