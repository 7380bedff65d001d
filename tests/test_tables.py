from __future__ import annotations

import re
from typing import get_args

import pytest

from crm_helpers.lake import ENGINE_TYPES
from crm_helpers.results import RESULTS
from crm_helpers.tables import DATED, TABLES, Type

every_table = pytest.mark.parametrize(
    "table", [*TABLES.values(), *RESULTS.values()], ids=lambda table: table.name
)


def test_the_briefs_ten_tables_are_there():
    assert list(TABLES) == [
        "customers",
        "transactions",
        "communications",
        "channels",
        "campaigns",
        "campaign_contacts",
        "products",
        "sales_plans",
        "service_plans",
        "relations",
    ]
    assert list(DATED) == ["transactions", "communications"]


def test_no_result_takes_the_name_of_a_table():
    assert set(TABLES) & set(RESULTS) == set()


@every_table
def test_names_are_plain_and_unique(table):
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []


@every_table
def test_every_column_says_what_it_holds(table):
    assert table.meaning
    assert [column.name for column in table.columns if not column.meaning] == []


@every_table
def test_keys_and_references_name_columns_that_are_there(table):
    names = {column.name for column in table.columns}
    assert set(table.key) <= names
    for column, (target, key) in table.references.items():
        assert column in names
        assert TABLES[target].column(key).type == table.column(column).type


@every_table
def test_identifiers_are_text(table):
    assert {column.type for column in table.columns if column.name.endswith("_id")} <= {"text"}


def test_every_table_says_what_its_absence_means():
    assert [name for name, table in TABLES.items() if not table.absence] == []


@every_table
def test_bounds_and_choices_lie_with_types_that_can_have_them(table):
    for column in table.columns:
        if column.minimum is not None or column.maximum is not None:
            assert column.type in {"integer", "number", "money"}
        if column.choices:
            assert column.type == "text"
            assert [word for word in column.choices if word != word.lower()] == []


def test_people_can_be_found_by_class():
    identifiers = {c.name for table in TABLES.values() for c in table.columns if c.personal == "identifier"}
    assert identifiers == {"customer_id", "name", "phone", "email", "document_id", "address", "related_id"}


def test_every_type_has_one_in_the_engine():
    assert set(ENGINE_TYPES) == set(get_args(Type))


def test_a_column_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError):
        TABLES["customers"].column("shoe_size")
