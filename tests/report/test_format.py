"""Numbers as people write them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_helpers.analysis.estimates import Estimate
from crm_helpers.report.format import FORMATS, column_decimals, visible, write, write_value

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1469307, "count", "1,469,307"),
        (np.int64(2469), "count", "2,469"),
        (Decimal("4596039.58"), "money", "$4,596,039.58"),
        (4596039.58, "money", "$4,596,039.58"),
        (5000.0, "money", "$5,000"),
        (-3.5, "money", "−\u2060$3.50"),
        (1033967.21, "rounded money", "$1,033,967"),
        (0.6131, "share", "61%"),
        (0.0724, "share", "7.2%"),
        (0.9994, "share", "99.9%"),
        (1.0, "share", "100%"),
        (0.0, "share", "0%"),
        (0.00004, "share", "under 0.1%"),
        (-0.021, "share", "−2.1%"),
        (1, "days", "1 day"),
        (31, "days", "31 days"),
        (4.2134, "score", "4.21"),
        (0.01234, "number", "0.0123"),
        (0.000005, "number", "<0.0001"),
        (1234.56, "number", "1,235"),
        (-0.0001, "count", "0"),
        (dt.date(2018, 1, 2), "date", "2 January 2018"),
        (pd.Timestamp("2018-01-01 23:59"), "date", "1 January 2018, 23:59"),
        (None, "share", "not known"),
        (NAN, "money", "not known"),
        (pd.NA, "count", "not known"),
        (pd.NaT, "date", "not known"),
        (float("inf"), "number", "not known"),
        (True, "", "yes"),
        ("大客户", "text", "大客户"),
    ],
)
def test_a_value_in_a_sentence(value: object, unit: str, words: str) -> None:
    assert write(value, unit, currency="USD") == words


@pytest.mark.parametrize(
    ("currency", "words"),
    [("USD", "$12"), ("CNY", "¥12"), ("EUR", "€12"), ("CHF", "CHF\u00a012"), ("", "12")],
)
def test_currencies(currency: str, words: str) -> None:
    assert write(12, "money", currency=currency) == words


@pytest.mark.parametrize(
    ("estimate", "unit", "words"),
    [
        (Estimate(0.61, 0.58, 0.64), "share", "61% (58% to 64%)"),
        (Estimate(0.061, 0.0583, 0.0642), "share", "6.1% (5.8% to 6.4%)"),
        (Estimate(103396.7, 98000.2, 110002.2), "money", "$103,397 ($98,000 to $110,002)"),
        (Estimate(12.31, 11.3, 13.35), "money", "$12 ($11 to $13)"),
        (Estimate(2.4, 1.1, 3.8), "money", "$2.40 ($1.10 to $3.80)"),
        (Estimate(12.0, 10.0, 15.0), "days", "12 days (10 to 15)"),
        (Estimate(0.5, NAN, NAN), "share", "50% (interval not known)"),
        (Estimate(NAN, NAN, NAN), "share", "not known"),
    ],
)
def test_an_estimate_has_its_interval_and_no_more_digits_than_it_justifies(
    estimate: Estimate, unit: str, words: str
) -> None:
    assert write(estimate, unit, currency="USD") == words


def test_a_small_number_is_not_nought() -> None:
    assert [write_value(number, "", decimals=3) for number in (0.00004, 0.0, 0.0004)] == [
        "<0.001",
        "0.000",
        "<0.001",
    ]


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown format 'percent'"):
        write(0.5, "percent")


@pytest.mark.parametrize(
    ("values", "unit", "decimals"),
    [
        ([0.1, 0.25], "share", 1),
        ([1200.5, 3.25], "money", 0),
        ([12.5, 3.25], "money", 2),
        ([1.0, 2.0], "number", 0),
        ([0.123, 0.2], "number", 3),
        ([2469, 0.82], "number", None),
        ([NAN], "number", None),
    ],
)
def test_a_column_has_one_number_of_digits(values: list[float], unit: str, decimals: int | None) -> None:
    assert column_decimals(values, unit) == decimals


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\u2066", "\ufeff", "\x00", "\x1b", "\ud800"])
def test_characters_that_hide_are_shown(character: str) -> None:
    assert visible(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


@given(
    st.one_of(st.floats(), st.integers(-(10**15), 10**15), st.decimals(), st.none()), st.sampled_from(FORMATS)
)
def test_nothing_is_ever_written_as_nan(value: object, unit: str) -> None:
    words = write(value, unit, currency="USD") + write_value(value, unit)
    assert not any(wrong in words.casefold() for wrong in ("nan", "nat", "none", "inf"))


@given(st.integers(-(10**12), 10**12))
def test_a_count_can_be_read_back(number: int) -> None:
    assert int(write(number, "count").replace(",", "").replace("−", "-")) == number


@given(st.decimals(-(10**9), 10**9, places=2))
def test_money_can_be_read_back(amount: Decimal) -> None:
    words = write(amount, "money", currency="USD")
    assert Decimal(words.replace(",", "").replace("$", "").replace("−\u2060", "-")) == amount


def test_a_minus_stays_with_its_money_when_an_earlier_page_is_quoted() -> None:
    words = write(Estimate(91545, -37113, 220204), "rounded money", currency="CNY")
    assert words == "¥91,545 (−\u2060¥37,113 to ¥220,204)"
    assert visible(words) == words
    assert visible("pay\u2060pal") == "pay⟨U+2060⟩pal"
