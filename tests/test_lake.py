from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pandas as pd
import pytest

from crm_helpers import lake
from crm_helpers.errors import InputError
from crm_helpers.layout import CompanyFolder
from crm_helpers.tables import TABLES


@pytest.fixture
def folder(tmp_path):
    return CompanyFolder(tmp_path, "shop")


def customers(*names):
    schema = {column.name: None for column in TABLES["customers"].columns}
    return pd.DataFrame([schema | {"customer_id": name} for name in names])


def publish(folder, version="v1", names=("007",)):
    return lake.publish_clean(folder, version, date(2024, 1, 2), {"customers": customers(*names)})


def test_the_engine_loads_no_extension_and_keeps_utc():
    def setting(name):
        return lake.connect().raw_sql(f"SELECT current_setting('{name}')").fetchone()[0]

    assert setting("TimeZone") == "UTC"
    assert setting("autoload_known_extensions") is setting("autoinstall_known_extensions") is False
    assert setting("memory_limit") == "953.6 MiB"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('{outside}')",
        "SELECT * FROM '{outside}'",
        "COPY (SELECT 1) TO '{outside}2'",
        "ATTACH '{outside}3'",
        "SELECT * FROM read_csv('https://example.org/a.csv')",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_a_connection_to_folders_sees_nothing_else(tmp_path, query):
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    connection = lake.connect(inside)
    with pytest.raises(duckdb.Error):
        connection.raw_sql(query.format(outside=outside)).fetchall()
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("inside", "outside.csv")] == []


def test_a_connection_to_folders_can_spill(tmp_path):
    connection = lake.connect(tmp_path, memory="60MB")
    query = "SELECT count(*) FROM (SELECT range AS a, hash(range) AS b FROM range(4000000) ORDER BY b)"
    assert connection.raw_sql(query).fetchone()[0] == 4_000_000


def test_equal_rows_give_equal_bytes_with_any_number_of_threads(tmp_path):
    query = "SELECT range AS a, range % 7 AS b, CAST(range AS VARCHAR) AS c FROM range(300000) ORDER BY b, a"
    prints = {
        lake.write_table(lake.connect(threads=n).sql(query), tmp_path / f"{n}.parquet").fingerprint
        for n in (1, 2, 4)
    }
    assert len(prints) == 1


def test_a_record_says_what_was_written(tmp_path):
    record = lake.write_table(pd.DataFrame({"a": [1, 2]}), tmp_path / "new" / "numbers.parquet")
    assert (record.name, record.rows) == ("numbers", 2)
    assert record.fingerprint == lake.fingerprint(tmp_path / "new" / "numbers.parquet")


def test_a_table_that_cannot_be_written_leaves_the_old_bytes(tmp_path):
    path = tmp_path / "a.parquet"
    lake.write_table(pd.DataFrame({"a": [1]}), path)
    before = path.read_bytes()
    with pytest.raises(duckdb.Error):
        lake.write_table(
            lake.connect().sql("SELECT CAST(CAST(range AS VARCHAR) || 'x' AS INTEGER) FROM range(9)"), path
        )
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize("name", ["it's", 'quo"te', "客户 名单", "semi;colon"])
def test_a_path_is_never_read_as_sql(tmp_path, name):
    path = tmp_path / name / f"{name}.parquet"
    lake.write_table(lake.connect().sql("SELECT 1 AS a"), path)
    assert lake.connect().read_parquet(path).execute()["a"].tolist() == [1]


def test_a_frame_is_typed_by_its_schema(tmp_path):
    schema = lake.schema_of(TABLES["products"])
    frame = pd.DataFrame({column.name: [None] for column in TABLES["products"].columns}, dtype=object)
    frame["product_id"], frame["unit_price"] = "007", 19.99
    lake.write_table(frame, tmp_path / "p.parquet", schema=schema)
    found = lake.connect().read_parquet(tmp_path / "p.parquet")
    assert found.schema() == schema
    assert found.execute()["unit_price"].tolist() == [Decimal("19.9900")]


def test_a_company_without_clean_tables_says_what_to_run(folder):
    with pytest.raises(InputError, match='company "shop" has no clean tables yet: run 02_cleaning first'):
        lake.current_clean(folder)


def test_a_version_that_is_gone_says_what_to_run(folder):
    publish(folder)
    with pytest.raises(InputError, match='clean version "v0" of "shop" is gone: run 02_cleaning again'):
        lake.clean_version(folder, "v0")


def test_the_newest_version_is_the_current_one(folder):
    publish(folder)
    second = publish(folder, "v2", ("007", "008"))
    assert lake.current_clean(folder) == second
    assert (second.as_of, second.tables["customers"].rows) == (date(2024, 1, 2), 2)
    assert lake.clean_version(folder, "v1").tables["customers"].rows == 1


def test_a_publication_that_fails_leaves_the_version_before_it_and_no_rest(folder):
    before = publish(folder)
    with pytest.raises(InputError, match='no table "custmers": did you mean "customers"'):
        lake.publish_clean(
            folder, "v2", date(2024, 1, 3), {"customers": customers("1"), "custmers": customers("2")}
        )
    assert lake.current_clean(folder) == before
    assert sorted(path.name for path in folder.clean.iterdir()) == [".lock", "current.json", "v1"]


def test_what_a_killed_cleaning_left_is_cleared_by_the_next(folder):
    left = folder.clean / ".staging-dead"
    left.mkdir(parents=True)
    (left / "customers.parquet").write_bytes(b"half")
    publish(folder)
    assert not left.exists()


def test_an_absent_table_comes_empty_with_all_its_columns(folder):
    version = publish(folder)
    for name, table in TABLES.items():
        found = lake.read_clean(lake.connect(), version, name)
        assert found.columns == tuple(column.name for column in table.columns)
        assert found.schema() == lake.schema_of(table)
        assert found.count().execute() == (1 if name == "customers" else 0)


def test_types_are_those_of_the_vocabulary(folder):
    lines = pd.DataFrame([{column.name: None for column in TABLES["transactions"].columns}], dtype=object)
    lines["ordered_at"], lines["amount"], lines["quantity"] = datetime(2024, 1, 1, 8), Decimal("1.5"), 2.0
    version = lake.publish_clean(folder, "v1", date(2024, 1, 2), {"transactions": lines})
    types = lake.read_clean(lake.connect(), version, "transactions").schema()
    assert [str(types[name]) for name in ("order_id", "ordered_at", "quantity", "amount")] == [
        "string",
        "timestamp(6)",
        "float64",
        "decimal(18, 4)",
    ]


def test_an_unknown_table_is_an_error_with_a_suggestion(folder):
    with pytest.raises(InputError, match='no table "transaction": did you mean "transactions"'):
        lake.read_clean(lake.connect(), publish(folder), "transaction")
