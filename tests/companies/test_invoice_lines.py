"""Invoice lines of a wholesaler: cancelled ones, lines without customer, without price, ids out of floats."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pytest

from crm_helpers.errors import InputError
from crm_helpers.profile import load_profile

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINES = [
    # invoice, quantity, price, customer: by hand below
    ("536365", 6, "2.555", "17850.0"),
    ("536365", 10, "0.39", "17850.0"),
    ("536366", 3, "4.25", "13047.0"),
    ("C536367", -2, "2.555", "17850.0"),  # cancelled
    ("C536368", -1, "5.00", ""),  # cancelled, and nobody's
    ("536369", 4, "1.25", ""),  # nobody's
    ("536370", 5, "0.0", "13047.0"),  # given away
    ("536371", -7, "0.0", ""),  # written off
]


@pytest.fixture
def wholesaler(tmp_path, drafted):
    rows = [
        f"{invoice},85123A,HEART,{quantity},2010-12-0{i} 08:26:00,{price},{customer},United Kingdom\n"
        for i, (invoice, quantity, price, customer) in enumerate(LINES, start=1)
    ]
    path = tmp_path / "invoices.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "".join(rows)).encode()))
    return drafted(path)


AMOUNT = (
    '# amount = { sql = "CAST(\\"Quantity\\" AS DECIMAL(18, 4)) * CAST(\\"UnitPrice\\" AS DECIMAL(18, 4))" }'
)


def test_the_draft_proposes_the_amount_and_what_is_no_sale_and_does_neither(wholesaler):
    with pytest.raises(InputError, match=r"tables\.transactions\.columns: map amount, required"):
        load_profile(wholesaler.folder)
    assert 'customer_id = { column = "CustomerID", whole = true }  # score 1.00' in wholesaler.draft
    assert f"{AMOUNT}  # score 0.60: quantity times unit price" in wholesaler.draft
    assert "# [tables.transactions.set_aside]" in wholesaler.draft
    assert '# "order C" = "\\"InvoiceNo\\" LIKE \'C%\'"  # 2 sampled rows' in wholesaler.draft
    assert (
        '# "no price" = "TRY_CAST(\\"UnitPrice\\" AS DECIMAL(18, 4)) <= 0"  # 2 sampled rows'
        in wholesaler.draft
    )


RULES = """[tables.transactions.set_aside]
"no customer" = "CustomerID IS NULL OR CustomerID = ''"
"cancelled" = "InvoiceNo LIKE 'C%'"
"no quantity" = "TRY_CAST(Quantity AS INTEGER) <= 0"
"no price" = "TRY_CAST(UnitPrice AS DECIMAL(18, 4)) <= 0"
"""


def test_the_usual_cleaning_is_a_list_of_counted_rules(wholesaler):
    wholesaler.correct((AMOUNT, AMOUNT.removeprefix("# ")), ("# [tables.transactions.set_aside]\n", RULES))
    sales = wholesaler.clean().sales.set_index("step")
    rows = {step: (row["rows"], row["meets"]) for step, row in sales.iterrows()}
    assert rows == {
        "read": (8, 8),
        "less declared: no customer": (3, 3),
        "less declared: cancelled": (1, 2),
        "less declared: no quantity": (0, 3),
        "less declared: no price": (1, 2),
        "less quarantined": (0, 0),
        "less merged": (0, 0),
        "clean": (3, 3),
    }
    # 6 x 2.555 + 10 x 0.39 + 3 x 4.25, exact beyond the cent
    assert sales.loc["clean", "amount"] == Decimal("31.98")
    # -1 x 5 + 4 x 1.25 - 7 x 0
    assert sales.loc["less declared: no customer", "amount"] == Decimal(0)
    assert sales.loc["less declared: cancelled", "amount"] == Decimal("-5.11")


def test_without_rules_cancelled_lines_are_returns_and_lines_of_nobody_are_set_aside(wholesaler):
    wholesaler.correct((AMOUNT, AMOUNT.removeprefix("# ")))
    result = wholesaler.clean()
    found = result.quality.set_index("rule")
    assert found.loc["required value missing", "quarantined"] == 3
    assert found.loc["amount is negative", "flagged"] == 1
    assert result.sales.set_index("step").loc["clean", "amount"] == Decimal("31.98") - Decimal("5.11")
    lines = wholesaler.table("transactions")
    assert set(lines["customer_id"]) == {"17850", "13047"}
    assert set(wholesaler.table("customers")["customer_id"]) == {"17850", "13047"}
