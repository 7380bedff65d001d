from __future__ import annotations

import pytest

from crm_helpers.errors import InputError
from crm_helpers.ingest.mapping import mapped_columns, safe_expression


def refused(shop):
    with pytest.raises(InputError) as raised:
        shop.clean()
    assert not (shop.folder.clean / "current.json").exists()
    return str(raised.value)


def test_a_missing_column_is_named_with_its_key_and_a_suggestion(shop):
    shop.ingest()
    shop.tables["transactions"]["columns"]["amount"] = "payed"
    key = "tables.transactions.columns.amount"
    assert refused(shop) == f'{key}: source "lines" has no column "payed"; did you mean "paid"'.replace(
        '"paid"', '"paid"?'
    )


def test_an_expression_is_computed_by_the_engine(shop):
    shop.tables["transactions"]["columns"]["amount"] = {"sql": "CAST(paid AS DECIMAL(10, 2)) * 2"}
    assert [str(value) for value in shop.table("transactions")["amount"]] == ["21.0000", "4.0000"]


def test_an_expression_may_look_into_another_source(shop):
    shop.write("redeemed.csv", "who\n007\n")
    shop.add("redeemed")
    shop.tables["transactions"]["columns"]["channel"] = {
        "sql": "if(EXISTS (SELECT 1 FROM redeemed r WHERE r.who = lines.person), 'coupon', 'none')"
    }
    assert list(shop.table("transactions")["channel"]) == ["coupon", "none"]


@pytest.mark.parametrize(
    "text",
    [
        "1; DROP TABLE lines",
        "SELECT 1",
        "1, 2",
        "paid AS x",
        "DROP TABLE lines",
        "COPY lines TO 'x'",
        "PRAGMA x",
        "(SELECT 1 FROM read_csv('/etc/passwd'))",
        "(SELECT content FROM read_text('/etc/passwd'))",
        "(SELECT 1 FROM '/etc/passwd')",
        "(SELECT 1 FROM information_schema.tables)",
        "getenv('HOME')",
        "(SELECT 1 FROM glob('*'))",
        "(SELECT 1",
        "",
    ],
)
def test_what_is_not_one_expression_over_the_sources_is_refused(text):
    with pytest.raises(InputError, match=r"^the\.key: "):
        safe_expression("the.key", text, ["lines"])


def test_a_wrong_column_in_an_expression_is_named_with_its_key(shop):
    shop.tables["transactions"]["columns"]["amount"] = {"sql": "abs(payed)"}
    assert refused(shop).startswith("tables.transactions.columns.amount: ")


def test_names_that_look_like_sql_are_only_names(shop):
    evil = 'a"; drop table lines --'
    quoted = evil.replace('"', '""')
    shop.write("lines.csv", f'order,person,day,"{quoted}"\nA1,007,2024-01-05,3\n')
    shop.tables["transactions"]["columns"]["amount"] = evil
    assert [float(value) for value in shop.table("transactions")["amount"]] == [3.0]


def test_columns_used_within_expressions_are_counted_as_used(shop):
    shop.tables["transactions"]["columns"]["amount"] = {"sql": "abs(paid) + lines.tax"}
    used = mapped_columns(shop.profile, "lines", ["order", "paid", "tax", "note"])
    assert used == {
        "order": ["transactions.order_id"],
        "paid": ["transactions.amount"],
        "tax": ["transactions.amount"],
    }
