"""The shape of FEBRL's records, through the product: numbers of documents join people, slips and all."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from crm_helpers.cleaning.people.quality import by_pairs

FIRST = [
    "aaliyah", "abbey", "ben", "caleb", "dana", "ella", "finn", "georgia", "hamish", "isla", "jack",
    "kayla", "liam", "mia", "noah", "olivia", "paige", "ryan",
]  # fmt: skip
LAST = [
    "webb", "clarke", "nguyen", "white", "ryan", "green", "campbell", "matthews", "berry", "tiller",
    "lodge", "nolan", "parr", "reid", "stone", "vale",
]  # fmt: skip
STREETS = [
    "tullaroop", "giblin", "sinclair", "macrobertson", "gatliff", "traeger", "companion", "paddick",
    "eldershaw", "petterd",
]  # fmt: skip
SUBURBS = [
    "bittern", "laurieton", "toowoomba", "montrose", "geelong", "leichhardt", "kingsgrove", "albany",
    "wodonga", "ballina",
]  # fmt: skip
SLIPS = {"given": 0.25, "surname": 0.25, "street": 0.3, "suburb": 0.2, "born": 0.12, "number": 0.1}
GAPS = {"given": 0.08, "surname": 0.03, "street": 0.08, "suburb": 0.05, "born": 0.1, "number": 0.03}
COLUMNS = {
    "customer_id": "rec_id",
    "name": {"sql": "concat_ws(' ', given, surname)"},
    "birth_date": {"column": "born", "formats": ["%Y%m%d"]},
    "document_id": "number",
    "address": {"sql": "concat_ws(' ', house, street, postcode)"},
    "city": "suburb",
    "region": "state",
}


def slipped(text, random):
    """Write a text with one letter left out, changed, doubled or swapped with the next."""
    at, letters = random.integers(0, max(len(text) - 1, 1)), list(text)
    kind = random.integers(0, 4)
    pool = "0123456789" if text.isdigit() else "abcdefghijklmnopqrstuvwxyz"
    if kind == 0:
        letters[at : at + 2] = letters[at : at + 2][::-1]
    elif kind == 1:
        letters[at] = random.choice(list(pool))
    elif kind == 2 and not text.isdigit():
        del letters[at]
    else:
        letters.insert(at, letters[at])
    return "".join(letters)


def people(size, random):
    """Draw people as FEBRL has them: fields apart, a number of social security, days as 19081209."""
    born = np.datetime64("1910-01-01") + random.integers(0, 33_000, size).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "given": random.choice(FIRST, size), "surname": random.choice(LAST, size),
            "house": random.integers(1, 200, size).astype(str),
            "street": [f"{name} street" for name in random.choice(STREETS, size)],
            "suburb": random.choice(SUBURBS, size),
            "postcode": random.integers(2000, 7000, size).astype(str),
            "state": random.choice(["nsw", "vic", "qld", "wa"], size),
            "born": pd.Series(born.astype(str)).str.replace("-", ""),
            "number": random.choice(np.arange(10**6, 10**7), size, replace=False).astype(str),
        }
    )  # fmt: skip


def second_records(first, random):
    again = first.copy()
    for name, share in SLIPS.items():
        hit = random.random(len(again)) < share
        again.loc[hit, name] = [slipped(text, random) for text in again.loc[hit, name]]
    for name, share in GAPS.items():
        again.loc[random.random(len(again)) < share, name] = None
    swapped = random.random(len(again)) < 0.1
    again.loc[swapped, ["given", "surname"]] = again.loc[swapped, ["surname", "given"]].to_numpy()
    return again


@pytest.fixture
def registered(shop):
    random = np.random.default_rng(11)
    first = people(500, random)
    records = pd.concat([first, second_records(first, random)], ignore_index=True)
    person = [str(place % len(first)) for place in range(len(records))]
    records.insert(0, "rec_id", [f"rec-{number:04}" for number in random.permutation(len(records))])
    truth = pd.DataFrame({"customer_id": records["rec_id"], "person_id": person})
    text = io.StringIO()
    records.to_csv(text, index=False)
    shop.write("records.csv", text.getvalue())
    shop.add("records", feeds="customers", columns=dict(COLUMNS))
    return shop, truth


def test_people_with_numbers_of_documents_are_found_from_the_source_on(registered):
    shop, truth = registered
    found = by_pairs(shop.clean().people["people"], truth)
    assert found.f1 >= 0.98
    assert found.precision >= 0.99


def test_the_number_is_what_finds_them(registered):
    shop, truth = registered
    del shop.tables["customers"]["columns"]["document_id"]
    assert by_pairs(shop.clean().people["people"], truth).f1 < 0.98
