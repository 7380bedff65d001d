from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import ibis.expr.datatypes as dt
import pytest

from crm_helpers.ingest.conversion import Locale, converted, present
from crm_helpers.ingest.forms import register_phones
from crm_helpers.lake import connect
from crm_helpers.profile import ColumnMapping
from crm_helpers.tables import Column

CONNECTION = connect()


def convert(value, kind, *, raw="VARCHAR", missing=(), zone="UTC", choices=(), unit="", form="", **declared):
    quoted = str(value).replace("'", "''")
    literal = "NULL" if value is None else f"'{quoted}'" if isinstance(value, str) else str(value)
    raw_type = {
        "VARCHAR": dt.string,
        "DOUBLE": dt.float64,
        "BIGINT": dt.int64,
        "TIMESTAMPTZ": dt.Timestamp("UTC"),
        "TIMESTAMP": dt.timestamp,
        "BOOLEAN": dt.boolean,
        "DECIMAL(10,2)": dt.Decimal(10, 2),
    }[raw]
    column = Column("x", kind, "", choices=choices, unit=unit, form=form)
    locale = Locale(zone, declared.pop("currency", "EUR"), declared.pop("country", None))
    given = present(f"CAST({literal} AS {raw})", raw_type, missing)
    origin = ColumnMapping(column="x", **declared)
    query = converted(f"({given})", raw_type, column, origin=origin, locale=locale)
    return CONNECTION.raw_sql(f"SELECT {query}").fetchone()[0]


@pytest.mark.parametrize(
    "value", ["007", "NA", "None", "null", "9007199254740993123", "17850.0", "1_000", "是"]
)
def test_text_stays_text(value):
    assert convert(value, "text") == value


@pytest.mark.parametrize("value", ["", "  ", "\t", "\u3000", "\u00a0"])
def test_blank_text_is_missing(value):
    assert convert(value, "text") is None


@pytest.mark.parametrize(
    ("value", "raw", "text"),
    [
        (17850.0, "DOUBLE", "17850"),
        ("1.5", "DOUBLE", "1.5"),
        (9007199254740993, "BIGINT", "9007199254740993"),
        ("NaN", "DOUBLE", None),
        ("9007199254740992", "DOUBLE", "9007199254740992"),
    ],
)
def test_identifiers_of_number_columns_are_exact(value, raw, text):
    assert convert(value, "text", raw=raw) == text


@pytest.mark.parametrize(
    ("value", "cents"),
    [
        ("10.50", "10.50"),
        ("1,234,567.89", "1234567.89"),
        ("-3", "-3"),
        ("+.5", "0.5"),
        ("0.1", "0.1"),
        ("1e3", "1000"),
        ("1,23", None),
        ("1.234,56", None),
        ("1_000", None),
        ("nan", None),
        ("inf", None),
        ("12 apples", None),
        ("99999999999999999", None),
    ],
)
def test_money_is_exact_or_not_read(value, cents):
    assert convert(value, "money") == (None if cents is None else Decimal(cents))


def test_money_of_a_floating_column_is_exact_to_the_cent():
    assert convert(1117.1, "money", raw="DOUBLE") == Decimal("1117.10")
    assert convert(2.675, "money", raw="DOUBLE") == Decimal("2.675")


@pytest.mark.parametrize(
    ("value", "number"), [("3", 3), ("3.0", 3), ("1,000", 1000), ("3.5", None), ("x", None), ("-7", -7)]
)
def test_integers_are_whole_or_not_read(value, number):
    assert convert(value, "integer") == number


@pytest.mark.parametrize(
    ("value", "number"), [("3.25", 3.25), ("1,000.5", 1000.5), ("Infinity", None), ("x", None)]
)
def test_numbers_are_finite_or_not_read(value, number):
    assert convert(value, "number") == number


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        ("是", True),
        ("Y", True),
        ("Yes", True),
        ("TRUE", True),
        ("1", True),
        ("否", False),
        ("n", False),
        ("0", False),
        ("maybe", None),
        ("2", None),
    ],
)
def test_booleans_are_words_or_not_read(value, truth):
    assert convert(value, "boolean") is truth


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024-01-05", date(2024, 1, 5)),
        ("2024/1/5", date(2024, 1, 5)),
        ("2024-01-05 23:59:59", date(2024, 1, 5)),
        ("2024-02-30", None),
        ("05.01.2024", None),
        ("03/04/2024", None),
        ("2024", None),
        ("20240105", None),
        ("today", None),
        ("epoch", None),
    ],
)
def test_only_iso_is_read_without_a_format(value, day):
    assert convert(value, "date") == day


def test_declared_formats_are_tried_in_order_before_iso():
    formats = ("%d/%m/%Y", "%Y年%m月%d日")
    assert convert("03/04/2024", "date", formats=formats) == date(2024, 4, 3)
    assert convert("2024年04月03日", "date", formats=formats) == date(2024, 4, 3)
    assert convert("2024-04-03", "date", formats=formats) == date(2024, 4, 3)
    assert convert("04/13/2024", "date", formats=formats) is None


@pytest.mark.parametrize(
    ("value", "raw", "formats"),
    [
        ("2024-03-31T01:30:00Z", "VARCHAR", ()),
        ("2024-03-31 09:30:00+08:00", "VARCHAR", ()),
        ("31.03.2024 09:30 +0800", "VARCHAR", ("%d.%m.%Y %H:%M %z",)),
        ("2024-03-31 01:30:00+00", "TIMESTAMPTZ", ()),
    ],
)
def test_a_time_with_an_offset_is_moved_into_the_companys_zone(value, raw, formats):
    # 01:30 UTC is half an hour after Berlin's clocks went forward
    found = convert(value, "datetime", raw=raw, formats=formats, zone="Europe/Berlin")
    assert found == datetime(2024, 3, 31, 3, 30)


def test_a_time_without_offset_is_the_companys_own():
    assert convert("2024-03-31 01:30:00", "datetime", zone="Asia/Shanghai") == datetime(2024, 3, 31, 1, 30)


def test_only_declared_texts_are_missing():
    assert convert("-", "money", missing=("-",)) is None
    assert convert("NA", "text", missing=("-", "unknown")) == "NA"
    assert convert("unknown", "text", missing=("-", "unknown")) is None


def test_choices_do_not_mind_capitals():
    assert convert("Targeted", "text", choices=("targeted",)) == "targeted"


@pytest.mark.parametrize(
    ("value", "currency", "amount"),
    [
        ("$1,117.10K", "USD", "1117100"),
        ("US$ 3", "USD", "3"),
        ("(1,234.50)", "EUR", "-1234.50"),
        ("($1.50)", "USD", "-1.50"),
        ("1,234.50-", "EUR", "-1234.50"),
        ("-€5", "EUR", "-5"),
        ("€-5", "EUR", "-5"),
        ("−5.25", "EUR", "-5.25"),
        ("¥190.25万", "CNY", "1902500"),
        ("１９０．２５元", "CNY", "190.25"),
        ("￥12", "CNY", "12"),
        ("1.2亿", "CNY", "120000000"),
        ("EUR 7.005", "EUR", "7.005"),
        ("3.5 mio EUR", "EUR", "3500000"),
        ("$12", "EUR", None),
        ("12 USD", "EUR", None),
        ("(12", "EUR", None),
        ("--12", "EUR", None),
        ("1.2.3", "EUR", None),
        ("12%", "EUR", None),
        ("K", "EUR", None),
    ],
)
def test_money_is_read_with_its_signs_and_in_the_companys_currency_only(value, currency, amount):
    expected = None if amount is None else Decimal(amount)
    assert convert(value, "money", currency=currency) == expected


@pytest.mark.parametrize(
    ("decimals", "value", "amount"),
    [
        ("1.234,56", "1.234,56 €", "1234.56"),
        ("1.234,56", "1.234", "1234"),
        ("1.234,56", "-0,5", "-0.5"),
        ("1.234,56", "1234.56", None),
        ("1.234,56", "12,3 Mio", "12300000"),
        ("1 234,56", "1\u202f234\u00a0567,8", "1234567.8"),
        ("1'234.56", "CHF 1'234.50", "1234.50"),
        ("1,23,456.78", "12,34,567.89", "1234567.89"),
        ("1,23,456.78", "1,234", "1234"),
        ("1,234.56", "12,34,567.89", None),
    ],
)
def test_thousands_and_decimals_are_read_as_declared(decimals, value, amount):
    currency = "CHF" if "CHF" in value else "EUR"
    expected = None if amount is None else Decimal(amount)
    assert convert(value, "money", decimals=decimals, currency=currency) == expected


def test_numbers_follow_the_declared_decimals_too():
    assert convert("1.234,5", "number", decimals="1.234,56") == 1234.5
    assert convert("1.234", "integer", decimals="1.234,56") == 1234
    assert convert("1.234", "number") == 1.234


def test_per_cent_is_a_share_where_the_column_is_one():
    assert convert("12.5%", "number", unit="share") == 0.125
    assert convert("12,5 %", "number", unit="share", decimals="1.234,56") == 0.125
    assert convert("0.3", "number", unit="share") == 0.3
    assert convert("12.5%", "number") is None


def test_identifiers_of_a_text_export_of_floats_are_whole_when_declared():
    assert convert("17850.0", "text", whole=True) == "17850"
    assert convert("9007199254740993.0", "text", whole=True) == "9007199254740993"
    assert convert("007", "text", whole=True) == "007"
    assert convert("1.50", "text", whole=True) == "1.50"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (" Ann@Example.COM ", "ann@example.com"),
        ("ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ann@example.com"),
        ("ann@example", None),
        ("ann at example.com", None),
        ("a@b.c, d@e.f", None),
    ],
)
def test_an_e_mail_is_one_plain_address_or_not_read(value, address):
    assert convert(value, "text", form="e-mail") == address


def test_names_lose_their_full_width_and_doubled_blanks():
    assert convert("Ａｎｎ\u3000 Ｌｅｅ", "text", form="person name") == "Ann Lee"
    assert convert("张　三", "text", form="person name") == "张 三"


@pytest.mark.parametrize(
    ("value", "country", "number"),
    [
        ("139 1234 5678", "CN", "+8613912345678"),
        ("＋８６ 139-1234-5678", None, "+8613912345678"),
        ("0086 13912345678", None, "+8613912345678"),
        ("(030) 1234567", "DE", "+49301234567"),
        ("12", "CN", None),
        ("none", None, None),
    ],
)
def test_phone_numbers_become_e164(value, country, number):
    register_phones(CONNECTION, f"SELECT '{value}'", country=country)
    assert convert(value, "text", form="phone", country=country) == number


def test_times_of_another_zone_are_moved_when_declared():
    found = convert("2024-03-31 01:30:00", "datetime", zone="Europe/Berlin", timezone="UTC")
    assert found == datetime(2024, 3, 31, 3, 30)
    found = convert("2024-03-31 01:30:00", "datetime", raw="TIMESTAMP", zone="Europe/Berlin", timezone="UTC")
    assert found == datetime(2024, 3, 31, 3, 30)


@pytest.mark.parametrize(
    ("value", "form", "moment"),
    [
        ("45296", "excel", datetime(2024, 1, 5)),
        ("45296.3541666667", "excel", datetime(2024, 1, 5, 8, 30)),
        ("1704443400", "unix", datetime(2024, 1, 5, 9, 30)),
        ("1704443400123", "unix ms", datetime(2024, 1, 5, 9, 30, 0, 123000)),
        ("2024-01-05", "excel", datetime(2024, 1, 5)),
        ("soon", "unix", None),
    ],
)
def test_days_and_times_as_numbers_are_read_when_declared(value, form, moment):
    assert convert(value, "datetime", formats=(form,), zone="Europe/Berlin") == moment


def test_a_number_is_no_day_without_being_declared():
    assert convert("45296", "date") is None


def test_words_for_yes_and_no_may_be_declared():
    assert convert("Ja", "boolean", yes=("ja",), no=("nein",)) is True
    assert convert("NEIN", "boolean", yes=("ja",), no=("nein",)) is False
    assert convert("Ja", "boolean") is None
