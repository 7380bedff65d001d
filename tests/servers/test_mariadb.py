"""MariaDB, started by the test itself on a loopback port; `.ci/run` installs Debian's mariadb-server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pymysql
import pytest

from crm_helpers.errors import InputError
from crm_helpers.ingest.ledger import newest_loads, read_raw
from crm_helpers.ingest.readers import ROW
from crm_helpers.lake import connect

START_SECONDS = 60


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "no mariadbd here: apt-get install mariadb-server, as .ci/run does"
    folder = tmp_path_factory.mktemp("mariadb")
    data, user = folder / "data", ["--user=root"] if os.getuid() == 0 else []
    install = [
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
    ]
    subprocess.run([*install, "--skip-test-db", *user], check=True, capture_output=True, timeout=120)
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    words = [
        program, "--no-defaults", f"--datadir={data}", f"--socket={folder}/s", f"--pid-file={folder}/pid",
        f"--port={number}", "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=32M", *user,
    ]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(words, stdout=log, stderr=log) as server:
        try:
            _wait(number, folder / "log")
            yield number
        finally:
            server.terminate()
            server.wait(timeout=60)


def _wait(port: int, log: Path) -> None:
    for _ in range(START_SECONDS * 10):
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="root").close()
        except pymysql.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


@pytest.fixture
def base(port):
    settings = {"host": "127.0.0.1", "port": port, "user": "root", "autocommit": True}
    with closing(pymysql.connect(**settings)) as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS shop")
        cursor.execute("CREATE DATABASE shop CHARACTER SET utf8mb4")
        cursor.execute("CREATE OR REPLACE USER lisa IDENTIFIED BY 'offen8'")
        cursor.execute("GRANT SELECT ON shop.* TO lisa")
        cursor.execute("USE shop")
        yield cursor


@pytest.fixture
def shop(shop, port, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE", f"mysql://lisa:offen8@127.0.0.1:{port}/shop")
    return shop


def load(shop, table, **source):
    shop.add("people", kind="sql", url_env="SHOP_DATABASE", table=table, **source)
    shop.ingest()
    return rows(shop)


def rows(shop):
    connection = connect()
    found = read_raw(connection, newest_loads(shop.folder)["people"]).drop("_dlt_load_id").order_by(ROW)
    found = found.to_pyarrow().to_pylist()
    connection.disconnect()
    return found


def test_every_type_comes_as_its_exact_text(shop, base):
    base.execute(
        "CREATE TABLE people (id bigint unsigned PRIMARY KEY, name varchar(50), paid decimal(12,2),"
        " ok boolean, flag bit(1), day date, never date, at datetime(6), score double, more json,"
        " code char(3))"
    )
    base.execute("SET sql_mode = ''")  # old servers let dates be zero
    base.execute(
        "INSERT INTO people VALUES (18446744073709551615, 'O''Neil 张三𠮷', 10.50, true, b'1', '2024-01-05',"
        " '0000-00-00', '2024-01-05 08:30:00.5', 0.1, %s, '007')",
        ['{"x": "张"}'],
    )
    assert load(shop, "people") == [{
        "id": "18446744073709551615", "name": "O'Neil 张三𠮷", "paid": "10.50", "ok": "1", "flag": "1",
        "day": "2024-01-05", "never": "0000-00-00", "at": "2024-01-05 08:30:00.500000", "score": "0.1",
        "more": '{"x": "张"}', "code": "007", ROW: 1,
    }]  # fmt: skip


def test_names_that_sql_reserves_or_quotes_are_names(shop, base):
    base.execute("CREATE TABLE `order; drop table x --` (`select` text, `a``b` text, `100%% 张` text)", ())
    base.execute("INSERT INTO `order; drop table x --` VALUES ('1', '2', '3')")
    (row,) = load(shop, "shop.order; drop table x --")
    assert row == {"select": "1", "a`b": "2", "100% 张": "3", ROW: 1}


def test_changes_only_are_loaded_and_deleted_rows_are_found_out(shop, base):
    base.execute("CREATE TABLE people (id int PRIMARY KEY, name text, changed datetime(3))")
    days = ", ".join(f"({n}, 'p', '2024-01-{n:02}')" for n in range(1, 29))
    base.execute(f"INSERT INTO people VALUES {days}")
    load(shop, "people", incremental={"cursor": "changed", "key": ["id"]})
    base.execute("UPDATE people SET name = '张', changed = '2024-12-01 08:00:00.123' WHERE id = 7")
    shop.ingest()
    files = newest_loads(shop.folder)["people"].files
    assert [pq.read_metadata(file).num_rows for file in files] == [28, 2]
    assert {row["id"]: row["name"] for row in rows(shop)}["7"] == "张"
    base.execute("DELETE FROM people WHERE id > 20")
    shop.ingest()
    assert len(rows(shop)) == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "offen8",
            "geheim",
            "refuses the login; look at user and password in the environment variable SHOP_DAT",
        ),
        (
            "/shop",
            "/nowhere",
            "has no such database; look at its name in the environment variable SHOP_DATABASE",
        ),
        (
            "mysql:",
            "mysql+mysqldb:",
            "the driver of mysql is not installed; pip install 'crm-workbook[mysql]'",
        ),
    ],
)
def test_a_fault_is_one_line_without_the_address(shop, base, monkeypatch, old, new, said):
    monkeypatch.setenv("SHOP_DATABASE", os.environ["SHOP_DATABASE"].replace(old, new))
    with pytest.raises(InputError) as raised:
        load(shop, "people")
    message = str(raised.value)
    assert said in message
    assert message.startswith("sources.people: ")
    assert not any(word in message for word in ("geheim", "offen8", "lisa", "127.0.0.1", "\n"))
