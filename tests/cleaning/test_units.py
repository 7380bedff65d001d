from __future__ import annotations

import pytest

RULE = "price is 100 or 1,000 times its usual one"


def write(shop, prices):
    """Four lines a month of one product, at a price a month."""
    rows = [
        f"A{month}-{line},007,2024-{month:02d}-0{line + 1},{2 * price},P1,2"
        for month, price in enumerate(prices, start=1)
        for line in range(4)
    ]
    shop.write("lines.csv", "order,person,day,paid,sku,n\n" + "\n".join(rows) + "\n")
    shop.tables["transactions"]["columns"] |= {"product_id": "sku", "quantity": "n"}


@pytest.mark.parametrize(
    ("prices", "rows"),
    [
        ([3.0, 3.1, 2.9, 305.0, 3.0], 4),  # a month in cents
        ([3000.0, 3.1, 2.9, 3.0, 3.0], 4),  # a month in the small unit
        ([3.0, 3.0, 3.0, 0.03, 0.031], 8),
        ([3.0, 3.1, 150.0, 3.0, 3.0], 0),  # dear, and no change of unit
        ([3.0, 3.2, 4.0, 5.0, 9.0], 0),
    ],
)
def test_months_in_another_unit_are_counted(shop, prices, rows):
    write(shop, prices)
    found = shop.clean().quality.set_index("rule")["flagged"]
    assert found.get(RULE, 0) == rows


def test_money_with_the_sign_of_another_currency_is_not_taken_for_the_companys(shop):
    shop.write(
        "lines.csv",
        "order,person,day,paid\nA1,007,2024-01-05,€10\nA2,008,2024-01-06,5\nA3,008,2024-01-07,$7\n",
    )
    result = shop.clean()
    assert result.sales.set_index("step")["amount"]["clean"] == 15
    assert list(result.quarantine["rule"]) == ["value cannot be read"]
    assert list(result.quarantine["masked_value"]) == ["$9"]
