"""A returned line is led to a purchase of the same customer and product before it, or said to have none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crm_helpers.cleaning import measure_findings as measured

LINES = """order,person,day,paid,sku
A1,007,2024-01-02,10,P1
A1,007,2024-01-04,-4,P1
A2,007,2024-01-05,-6,P1
A3,007,2024-01-06,-1,P1
A4,007,2024-01-07,-5,P2
A5,007,2024-01-08,5,P2
A6,008,2024-01-08,-3,P1
A7,008,2024-01-09,-2,
A8,008,2024-01-09,0,P1
A9,009,2024-01-10,7,P1
A9,009,2024-01-10,-7,P1
"""


def steps(result):
    return {
        row["step"]: (row["lines"], row["amount"]) for row in result.measures["returns"].to_dict("records")
    }


@pytest.fixture
def returned(shop):
    shop.write("lines.csv", LINES)
    shop.tables["transactions"]["columns"]["product_id"] = "sku"
    return shop


def test_returns_are_led_to_their_purchases(returned):
    assert steps(returned.clean()) == {
        "sold": (3, Decimal(22)),
        "for nothing": (1, Decimal(0)),
        "returned from the same order": (2, Decimal(-11)),  # A1, and A9 of the same minute
        "returned from an earlier order": (1, Decimal(-6)),
        "returned beyond what was bought": (1, Decimal(-1)),
        "returned without a purchase before": (
            3,
            Decimal(-10),
        ),  # P2 was bought later, 008 never, one unnamed
        "net": (11, Decimal(-6)),
    }


def test_gross_less_returns_is_net_and_what_the_source_adds_up_to(returned):
    result = returned.clean()
    total = sum(Decimal(line.split(",")[3]) for line in LINES.splitlines()[1:])
    assert measured.net_sales(result)
    assert steps(result)["net"][1] == total == result.sales.set_index("step")["amount"]["clean"]


def test_without_products_the_customers_own_purchases_count(shop):
    shop.write("lines.csv", LINES)
    found = steps(shop.clean())
    assert found["returned from an earlier order"] == (1, Decimal(-6))
    assert found["returned beyond what was bought"] == (2, Decimal(-6))
    assert found["returned without a purchase before"] == (2, Decimal(-5))


def test_what_is_said_fits(returned):
    key, values = measured.returns_sentence(returned.clean())
    assert key == "cleaning.returns"
    assert (values["lines"], values["money"]) == (7, 28.0)
    assert values["matched"] == pytest.approx(17 / 28)
    assert values["share"] == pytest.approx(28 / 22)


def test_a_company_without_returns_has_none(shop):
    result = shop.clean()
    assert list(steps(result)) == ["sold", "net"]
    assert measured.returns_sentence(result)[0] == "cleaning.no_returns"
    assert measured.grain_sentence(result) == ("cleaning.grain_orders", {"orders": 2})


@pytest.mark.parametrize(
    ("declared", "off"),
    [
        ({"rows": 11, "amount": -6}, []),
        ({"rows": 12, "amount": -6.01}, [("transactions: rows", -1.0), ("transactions: amount", 0.01)]),
    ],
)
def test_what_was_read_is_held_against_the_sources_own_totals(returned, declared, off):
    returned.top["totals"] = {"transactions": declared}
    found = measured.control_totals(returned.clean(), returned.profile)
    wrong = found[found["difference"] != 0]
    assert list(zip(wrong["total"], wrong["difference"], strict=True)) == off


@pytest.mark.parametrize("totals", [{"products": {"rows": 1}}, {"transactions": {"sales": 1}}])
def test_totals_of_what_is_not_there_are_an_error_of_the_profile(returned, totals):
    returned.top["totals"] = totals
    with pytest.raises(ValueError, match="totals"):
        returned.profile  # noqa: B018
