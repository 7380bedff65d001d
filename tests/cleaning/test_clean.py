from __future__ import annotations

import json
from decimal import Decimal

import pytest

from crm_helpers.errors import InputError
from crm_helpers.lake import current_clean

HEADER = "order,person,day,paid\n"


def refused(shop):
    with pytest.raises(InputError) as raised:
        shop.clean()
    assert not shop.folder.clean.exists()
    return str(raised.value)


def rules(result, table):
    """What bit in a table: (rule, column) to the counts that are not zero."""
    lines = result.quality[(result.quality["table"] == table) & (result.quality["rule"] != "every row")]
    effects = ["quarantined", "merged", "set_missing", "flagged", "derived"]
    return {
        (line["rule"], line["column"]): {effect: line[effect] for effect in effects if line[effect]}
        for line in lines.to_dict("records")
    }


def test_clean_tables_have_all_columns_typed_and_in_order(shop):
    frame = shop.table("transactions")
    assert list(frame.columns[:4]) == ["order_id", "line_id", "customer_id", "ordered_at"]
    assert list(frame["amount"]) == [Decimal("10.5"), Decimal(2)]
    assert list(frame["customer_id"]) == ["007", "008"]
    assert frame["cost"].isna().all()


def test_customers_without_a_source_are_derived_and_counted(shop):
    assert list(shop.table("customers")["customer_id"]) == ["007", "008"]
    assert shop.clean().reconciliation.set_index("table").loc["customers", "derived"] == 2


def test_customers_known_by_transactions_only_are_added_where_the_profile_asks(shop):
    shop.write("people.csv", "id,who\n007,Ann\n009,Bo\n")
    shop.add("people", feeds="customers", columns={"customer_id": "id", "name": "who"})
    assert rules(shop.clean(), "transactions")["refers to nothing", "customer_id"] == {"flagged": 1}
    shop.tables["customers"]["derive_missing"] = True
    frame = shop.table("customers")
    assert list(frame["customer_id"]) == ["007", "009", "008"]
    assert rules(shop.clean(), "customers") == {("known by other tables only", ""): {"derived": 1}}


def test_a_row_without_a_required_value_is_set_aside(shop):
    shop.write(
        "lines.csv", HEADER + "A1,007,2024-01-05,1\nA2,,2024-01-05,2\nA3,008,2024-01-05,x\n,008,soon,3\n"
    )
    result = shop.clean()
    assert rules(result, "transactions") == {
        ("required value missing", "order_id"): {"quarantined": 1},
        ("required value missing", "customer_id"): {"quarantined": 1},
        ("value cannot be read", "amount"): {"quarantined": 1},
    }
    found = result.quarantine[["row", "column", "rule", "outcome"]].to_dict("split")["data"]
    assert found == [
        [3, "customer_id", "required value missing", "row quarantined"],
        [4, "amount", "value cannot be read", "row quarantined"],
        [5, "order_id", "required value missing", "row quarantined"],
    ]


def test_quarantined_values_show_their_form_and_nothing_else(shop):
    shop.write("lines.csv", HEADER + "A1,007,2024-01-05,1\nA3,008,2024-01-05,Ab-19 张\n")
    result = shop.clean()
    assert list(result.quarantine["masked_value"]) == ["xx-99 x"]
    for path in result.version.path.iterdir():
        assert b"Ab-19" not in path.read_bytes()


def test_an_impossible_optional_value_costs_no_sale(shop):
    shop.write("lines.csv", "order,person,day,paid,n\nA1,007,2024-01-05,1,2\nA2,007,2024-01-05,5,many\n")
    shop.tables["transactions"]["columns"]["quantity"] = "n"
    result = shop.clean()
    assert rules(result, "transactions") == {("value cannot be read", "quantity"): {"set_missing": 1}}
    assert result.census["sales"].item() == 6
    assert list(result.quarantine["outcome"]) == ["value set missing"]


def test_an_impossible_value_in_a_table_of_its_own_costs_the_row(shop):
    shop.write("calls.csv", "id,who,at,by,score\n1,007,2024-01-05,phone,5\n2,007,2024-01-05,phone,9\n")
    columns = {
        "communication_id": "id",
        "customer_id": "who",
        "occurred_at": "at",
        "channel": "by",
        "satisfaction": "score",
    }
    shop.add("calls", feeds="communications", columns=columns)
    assert rules(shop.clean(), "communications") == {
        ("value out of bounds", "satisfaction"): {"quarantined": 1}
    }


def test_a_word_that_is_no_choice_is_counted(shop):
    shop.write("plan.csv", "id,a,b,how\n1,2024-01-01,2024-01-31,Targeted\n2,2024-01-01,2024-01-31,by dice\n")
    columns = {"campaign_id": "id", "starts_on": "a", "ends_on": "b", "design": "how"}
    shop.add("plan", feeds="campaigns", columns=columns)
    assert rules(shop.clean(), "campaigns") == {
        ("value is not one of the choices", "design"): {"set_missing": 1}
    }
    assert shop.table("campaigns")["design"].tolist()[0] == "targeted"


def test_of_rows_with_the_same_key_the_last_one_stands(shop):
    shop.write("people.csv", "id,who\n007,Ann\n008,Bo\n007,Anna\n")
    shop.add("people", feeds="customers", columns={"customer_id": "id", "name": "who"})
    frame = shop.table("customers")
    assert dict(zip(frame["customer_id"], frame["name"], strict=True)) == {"008": "Bo", "007": "Anna"}
    assert rules(shop.clean(), "customers") == {("same key as a later row", "customer_id"): {"merged": 1}}


def test_rows_without_a_key_value_are_never_merged(shop):
    shop.write(
        "lines.csv",
        "order,person,day,paid,no\n" + "A1,007,2024-01-05,1,\n" * 3 + "A1,007,2024-01-05,1,9\n" * 2,
    )
    shop.tables["transactions"]["columns"]["line_id"] = "no"
    result = shop.clean()
    assert result.reconciliation.set_index("table").loc["transactions", ["clean", "merged"]].tolist() == [
        4,
        1,
    ]


def test_a_key_of_the_profile_is_used_instead(shop):
    shop.write("lines.csv", HEADER + "A1,007,2024-01-05,1\nA1,007,2024-01-05,2\n")
    shop.tables["transactions"]["key"] = ["order_id"]
    assert list(shop.table("transactions")["amount"]) == [2]


def test_null_keys_refer_to_nothing_and_match_nothing(shop):
    shop.write("goods.csv", "id,what\nP1,Tea\n")
    shop.write(
        "lines.csv",
        "order,person,day,paid,sku\nA1,007,2024-01-05,1,P1\nA2,007,2024-01-05,1,\nA3,007,2024-01-05,1,P9\n",
    )
    shop.add("goods", feeds="products", columns={"product_id": "id", "name": "what"})
    shop.tables["transactions"]["columns"]["product_id"] = "sku"
    assert rules(shop.clean(), "transactions") == {("refers to nothing", "product_id"): {"flagged": 1}}


def test_traps_are_flagged_and_kept(shop):
    shop.write(
        "lines.csv",
        "order,person,day,paid,n\nA1,007,2024-01-05 12:00,0,1\nA2,007,2024-01-05 13:00,-3,-1\n"
        "A3,007,2024-01-05 14:00,1e-9,1\nA4,008,2024-01-05 15:00,2,5000\n"
        + "A5,008,2024-01-05 16:00,2,1\n" * 6
        + "A6,008,2024-01-06 00:20,2,1\n",
    )
    shop.tables["transactions"]["columns"]["quantity"] = "n"
    result = shop.clean()
    assert rules(result, "transactions") == {
        ("amount is zero", "amount"): {"flagged": 1},
        ("amount below the smallest unit", "amount"): {"flagged": 1},
        ("amount is negative", "amount"): {"flagged": 1},
        ("extreme quantity", "quantity"): {"flagged": 1},
        ("after midnight of the last day", "ordered_at"): {"flagged": 1},
        ("identical to another row", ""): {"flagged": 5},
    }
    assert result.census["lines"].item() == 11


def test_sales_are_bridged_from_the_source_to_the_clean_table(shop):
    shop.write(
        "lines.csv",
        "order,person,day,paid,no\nA1,007,2024-01-05,1.10,1\nA1,007,2024-01-05,2.20,1\nA2,,2024-01-05,4,2\n",
    )
    shop.tables["transactions"]["columns"]["line_id"] = "no"
    bridge = shop.clean().sales.set_index("step")
    assert bridge["amount"].astype(float).to_dict() == {
        "read": 7.3, "less quarantined": 4.0, "less merged": 1.1, "clean": 2.2,
    }  # fmt: skip


@pytest.mark.parametrize("day", ["03/04/2024", "13/04/2024", "3.4.2024"])
def test_a_day_and_month_without_declared_order_stop_the_page(shop, day):
    shop.write("lines.csv", HEADER + f"A1,007,2024-01-05,1\nA2,007,2024-01-06,1\nA3,007,{day},2\n")
    message = refused(shop)
    assert message.startswith(
        'tables.transactions.columns.ordered_at: row 4 of source "lines" can be read day first'
    )
    assert day not in message
    shop.tables["transactions"]["columns"]["ordered_at"] = {
        "column": "day",
        "formats": ["%d/%m/%Y", "%d.%m.%Y"],
    }
    assert len(shop.table("transactions")) == 3


def test_a_format_that_is_none_is_named(shop):
    shop.tables["transactions"]["columns"]["ordered_at"] = {"column": "day", "formats": ["%Q/%m"]}
    assert refused(shop).startswith("tables.transactions.columns")


def test_a_column_most_of_which_cannot_be_read_is_a_wrong_mapping(shop):
    shop.tables["transactions"]["columns"]["amount"] = "order"
    message = refused(shop)
    assert message.startswith("tables.transactions.columns.amount: 2 of 2 values cannot be read as money")
    assert "row 2" in message


def test_a_table_without_a_usable_row_is_refused(shop):
    shop.write("lines.csv", HEADER + ",007,2024-01-05,1\n")
    assert refused(shop) == 'tables.transactions: no row of source "lines" is usable; correct the mapping'


def test_a_company_that_was_never_loaded_says_so(shop):
    from crm_helpers.cleaning import clean

    with pytest.raises(InputError, match="run 01_ingestion first"):
        clean(shop.folder, shop.profile)


def test_a_failed_cleaning_leaves_the_version_before_it(shop):
    before = shop.clean().version
    shop.write("lines.csv", HEADER + "A1,007,nonsense,1\n")
    with pytest.raises(InputError):
        shop.clean()
    assert current_clean(shop.folder) == before
    assert sorted(path.name for path in shop.folder.clean.iterdir()) == sorted(
        [".lock", before.version, "current.json"]
    )


def test_the_same_input_is_the_same_version_and_nothing_is_written_again(shop):
    first = shop.clean().version
    times = {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()}
    assert shop.clean().version == first
    assert {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()} == times


def test_equal_input_gives_equal_bytes_in_another_folder(shop, tmp_path):
    from small_company import SmallCompany

    other = SmallCompany(tmp_path / "elsewhere")
    first, second = shop.clean().version, other.clean().version
    assert first.version == second.version
    for path in first.path.iterdir():
        assert path.read_bytes() == (second.path / path.name).read_bytes(), path.name


def test_what_changes_the_clean_tables_changes_the_version(shop):
    first = shop.clean().version.version
    shop.top["timezone"] = "Europe/Berlin"
    second = shop.clean().version.version
    shop.write("lines.csv", HEADER + "A1,007,2024-01-05,1\n")
    assert len({first, second, shop.clean().version.version}) == 3
    shop.top["timezone"] = "UTC"
    assert json.loads((shop.folder.clean / "current.json").read_text())["version"] != first


def test_as_of_is_the_day_after_the_last_transaction_in_the_companys_zone(shop):
    shop.write("lines.csv", HEADER + "A1,007,2024-12-31T23:30:00Z,1\n")
    assert str(shop.clean().version.as_of) == "2025-01-01"
    shop.top["timezone"] = "Asia/Shanghai"
    assert str(shop.clean().version.as_of) == "2025-01-02"
