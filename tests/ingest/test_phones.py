"""Numbers that the engine puts in form by itself come out as Google's library writes them."""

from __future__ import annotations

from random import Random

import phonenumbers
import pytest

from crm_helpers.ingest.forms import PHONES, common_number, e164, register_phones
from crm_helpers.lake import connect, quote_identifier, quote_text

CONNECTION = connect()
COUNTRIES = {"CN": "86", "US": "1", "CA": "1", "DE": "49", "FR": "33", "GB": "44", "JP": "81"}
PREFIXES = ["", "0", "+{0}", "00{0}", "+{0} ", "{0}", "+1", "0086", "(0)"]
BETWEEN = ["", "", "", " ", "-", ".", " - "]


def number(random):
    country = random.choice(sorted(COUNTRIES))
    first = random.choice(["13", "15", "16", "7", "", ""])
    digits = first + "".join(random.choices("0123456789", k=random.randint(7, 10)))
    blanks = random.choices(random.choice([BETWEEN, [""]]), k=len(digits))
    prefix = random.choice(PREFIXES).format(COUNTRIES[country])
    return country, prefix + "".join(map("".join, zip(digits, blanks, strict=True))).strip()


@pytest.mark.parametrize("seed", range(5))
def test_the_engine_never_contradicts_the_library(seed):
    random = Random(seed)
    drawn = [number(random) for _ in range(3000)]
    for country in {country for country, _ in drawn}:
        texts = [text for other, text in drawn if other == country]
        values = ", ".join(f"({quote_text(text)})" for text in texts)
        query = f"SELECT v, {common_number('v', country)} FROM (VALUES {values}) t (v)"
        engine = CONNECTION.raw_sql(query).fetchall()
        found = {text: form for text, form in engine if form is not None}
        assert found or country == "JP"
        assert found == {text: e164(text, country) for text in found}


@pytest.mark.parametrize("country", ["CN", "US", "CA", "DE", "FR", "GB"])
def test_a_common_number_needs_no_library(country):
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    form = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    national = str(example.national_number)
    trunk = "" if country in {"CN", "US", "CA"} else "0"
    for text in (form, trunk + national, f"{form[:-4]} {form[-4:]}"):
        query = f"SELECT {common_number(quote_text(text), country)}"
        assert CONNECTION.raw_sql(query).fetchone()[0] == form


def test_all_numbers_of_a_query_come_in_form_once():
    values = "VALUES ('139 1234 5678'), ('139 1234 5678'), ('010-12345678'), ('call me'), (NULL)"
    register_phones(CONNECTION, values, country="CN")
    query = f"SELECT given, form FROM {quote_identifier(PHONES)} ORDER BY given"
    assert CONNECTION.raw_sql(query).fetchall() == [
        ("010-12345678", "+861012345678"), ("139 1234 5678", "+8613912345678"), ("call me", None)
    ]  # fmt: skip
