"""Rows that the profile leaves out by name: in their order, counted, and no fault."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crm_helpers.cleaning import findings
from crm_helpers.errors import InputError
from crm_helpers.ingest import check

LINES = (
    "order,person,day,paid,state\n"
    "A1,007,2024-01-05,10.50,won\n"
    "A2,,2024-01-06,2,lost\n"
    "A3,008,,,open\n"
    "C4,008,2024-01-06,-3.25,lost\n"
    "A5,,2024-01-07,4,won\n"
)


@pytest.fixture
def pipeline(shop):
    shop.write("lines.csv", LINES)
    shop.tables["transactions"]["set_aside"] = {
        "lost": "state = 'lost'",
        "cancelled": "\"order\" LIKE 'C%'",
        "open": "state = 'open'",
    }
    return shop


def bridge(result):
    return {
        row["step"]: (row["rows"], Decimal(row["amount"]), row["meets"])
        for row in result.sales.to_dict("records")
    }


def test_each_row_is_counted_by_the_first_condition_it_meets_and_by_all_as_met(pipeline):
    result = pipeline.clean()
    assert bridge(result) == {
        "read": (5, Decimal("13.25"), 5),
        "less declared: lost": (2, Decimal("-1.25"), 2),
        "less declared: cancelled": (0, Decimal(0), 1),
        "less declared: open": (1, Decimal(0), 1),
        "less quarantined": (1, Decimal(4), 1),
        "less merged": (0, Decimal(0), 0),
        "clean": (1, Decimal("10.5"), 1),
    }
    assert findings.bridged(result)


def test_what_is_left_out_answers_to_no_other_rule(pipeline):
    result = pipeline.clean()
    lines = result.quality[result.quality["table"] == "transactions"]
    assert lines.set_index("rule")["quarantined"].to_dict() == {
        "every row": 4,
        "declared: lost": 2,
        "declared: open": 1,
        "required value missing": 1,
    }
    assert sorted(zip(result.quarantine["row"], result.quarantine["rule"], strict=True)) == [
        (3, "declared: lost"),
        (4, "declared: open"),
        (5, "declared: lost"),
        (6, "required value missing"),
    ]


def test_it_is_no_loss_and_nothing_to_repair(pipeline):
    result = pipeline.clean()
    found = findings.totals(result)
    assert (found["declared"], found["lost"]) == (3, 0.2)
    assert found["sales_lost"] == pytest.approx(4 / 14.5)
    assert set(findings.lost_rows(result)["rule"]) == {"required value missing"}
    assert list(findings.listed(result)["row"]) == [6]
    assert findings.answer_sentence(result, found)[0] == "cleaning.answer_declared"


def test_a_bridge_with_a_hole_is_noticed(pipeline):
    result = pipeline.clean()
    result.sales.loc[result.sales["step"] == "less declared: lost", "amount"] += 1
    assert not findings.bridged(result)


def test_another_order_of_the_conditions_is_another_version_with_the_same_rows(pipeline):
    first = pipeline.clean()
    rules = pipeline.tables["transactions"]["set_aside"]
    pipeline.tables["transactions"]["set_aside"] = dict(reversed(rules.items()))
    second = pipeline.clean()
    assert first.version.version != second.version.version
    assert bridge(second)["less declared: cancelled"] == (1, Decimal("-3.25"), 1)
    assert bridge(second)["clean"] == bridge(first)["clean"]


@pytest.mark.parametrize("condition", ["paid <= 0", "paid = 4", "paid IN (0, -3)", "paid BETWEEN 0 AND 1"])
def test_a_price_of_less_than_a_half_is_not_rounded_to_nothing(pipeline, condition):
    pipeline.tables["transactions"]["set_aside"] = {"no price": condition}
    pipeline.ingest()
    with pytest.raises(InputError) as raised:
        pipeline.clean()
    assert str(raised.value) == (
        'tables.transactions.set_aside.no price: "paid" is text and is compared with a number; write'
        ' TRY_CAST("paid" AS DECIMAL(18, 4))'
    )


def test_a_text_cast_to_a_number_is_compared_exactly(pipeline):
    pipeline.tables["transactions"]["set_aside"] = {"no price": 'TRY_CAST("paid" AS DECIMAL(18, 4)) < 0.4'}
    assert bridge(pipeline.clean())["less declared: no price"] == (1, Decimal("-3.25"), 1)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("stat = 'won'", r"set_aside\.mine: .*stat"),
        ("upper(state)", "must be a condition"),
        ("state = 'won'; DROP TABLE lines", "one expression"),
        ("EXISTS (SELECT 1 FROM read_csv('/etc/passwd'))", "reads sources of this profile only"),
    ],
)
def test_what_is_no_condition_over_the_source_is_refused_by_its_name(shop, condition, said):
    shop.write("lines.csv", LINES)
    shop.tables["transactions"]["set_aside"] = {"mine": condition}
    shop.ingest()
    with pytest.raises(InputError, match=said):
        shop.clean()


def test_a_check_says_how_many_rows_are_left_out_and_asks_nothing_of_them(pipeline):
    found = check(pipeline.folder, pipeline.profile).set_index("name").loc["transactions"]
    assert found["ok"]
    advice = found["advice"].splitlines()
    assert "tables.transactions.set_aside: leaves out 3 of 5 sampled rows" in advice
    assert (
        "tables.transactions.columns.customer_id: 1 of 2 sampled rows lack it and would be set aside"
        in advice
    )
    assert not any("ordered_at" in line for line in advice)


def test_a_column_that_only_a_condition_names_is_used(pipeline):
    pipeline.ingest()
    mapping = pipeline.ingest().mapping.set_index("column")["maps_to"]
    assert mapping["state"] == "transactions.set_aside"


def test_a_table_without_a_row_left_says_where_to_look(pipeline):
    pipeline.tables["transactions"]["set_aside"] = {"all": "true"}
    pipeline.ingest()
    with pytest.raises(InputError, match="correct the mapping or set_aside"):
        pipeline.clean()


def test_a_column_is_judged_by_the_rows_that_stay(pipeline):
    pipeline.write("lines.csv", LINES + "A6,009,soon,x,open\n" * 9)
    result = pipeline.clean()
    assert bridge(result)["less declared: open"] == (10, Decimal(0), 10)
    assert bridge(result)["clean"] == (1, Decimal("10.5"), 1)
