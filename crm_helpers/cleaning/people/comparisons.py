"""How two records are compared: by name, by birth date, by how they are reached, by identifiers.

Telephone, e-mail and address are one comparison, not three: a family shares them together, and three
comparisons that a family passes at once would outweigh a different name and a different birth date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "NAMES_ALIKE",
    "NAMES_DIFFER",
    "NEAR_BIRTH",
    "REACH",
    "TWO_AGREE",
    "Comparison",
    "Level",
    "agrees",
    "comparisons",
]

REACH = ("email", "phone", "address")  # how a person is reached, the most personal first
TWO_AGREE = "two of e-mail, telephone and address agree"


@dataclass(frozen=True)
class Level:
    """One grade of agreement."""

    label: str
    condition: str  # SQL over the two records' columns, which end in _l and _r
    m: float  # share of pairs of one person at this level, where the data cannot teach it
    u: float  # share of pairs of two people, where customers are too few to count it
    counted: bool = False  # chance agreement is counted over all pairs, not among random ones
    frequency_of: str = ""  # column whose rare values weigh more


@dataclass(frozen=True)
class Comparison:
    """Levels from the strongest agreement to none; pairs with nothing to compare say nothing."""

    name: str
    columns: tuple[str, ...]
    known: str  # SQL: whether there is anything to compare
    levels: tuple[Level, ...]


def comparisons(filled: Mapping[str, int], identifiers: Mapping[str, str]) -> tuple[Comparison, ...]:
    """Choose the comparisons which the filled columns allow.

    Parameters
    ----------
    filled
        Records with a value, by standardised column.
    identifiers
        The company's own names of identifiers, by standardised column.

    Returns
    -------
    tuple of Comparison
        Name, birth date, reach and one for each identifier, as far as there are values.
    """
    reach = tuple(name for name in REACH if filled[name])
    found = [_NAME] if filled["name"] else []
    found += [_BIRTH] if filled["birth_date"] else []
    found += [_reach(reach, has_city=bool(filled["city"]))] if reach or filled["city"] else []
    return (*found, *(_identifier(name, own) for name, own in identifiers.items() if filled[name]))


def agrees(column: str) -> str:
    """Label of the level at which one way to reach a person agrees, and no other."""
    return f"{ {'email': 'e-mail', 'phone': 'telephone'}.get(column, column) } agrees"


def sided(condition: str, left: str, right: str) -> str:
    """Write a condition over columns that end in _l and _r for two records of a query.

    Examples
    --------
    >>> sided("city_l = city_r", "one", "other")
    'one.city = other.city'
    """
    sides = {"l": left, "r": right}
    return re.sub(r"\b(\w+)_([lr])\b", lambda found: f"{sides[found[2]]}.{found[1]}", condition)


def _both(column: str) -> str:
    return f"({column}_l IS NOT NULL AND {column}_r IS NOT NULL)"


def _same(column: str) -> str:
    return f"{column}_l = {column}_r"


def _similar(left: str, right: str, least: float) -> str:
    return f"jaro_winkler_similarity({left}_l, {right}_r, {least}) > 0"


_ALIKE = (
    f"({_similar('name_key', 'name_key', 0.92)})"
    f" OR ({_similar('family', 'family', 0.85)} AND {_similar('given', 'given', 0.85)})"
    f" OR ({_similar('family', 'given', 0.9)} AND {_similar('given', 'family', 0.9)})"
    # one wrong character of three is a slip; of two, it is another name
    " OR (length(name_l) = 3 AND length(name_r) = 3 AND (left(name_l, 2) = left(name_r, 2)"
    " OR right(name_l, 2) = right(name_r, 2)"
    " OR (left(name_l, 1) = left(name_r, 1) AND right(name_l, 1) = right(name_r, 1))))"
)

_HALF = (
    "given_l = given_r OR (family_l = family_r AND ((length(name_l) = 2 AND length(name_r) = 2)"
    " OR (left(given_l, 1) = left(given_r, 1) AND least(length(given_l), length(given_r)) = 1)"
    f" OR {_similar('given', 'given', 0.75)}))"
)

NAMES_DIFFER = f"({_both('name')} AND NOT coalesce({_same('name_key')} OR {_ALIKE} OR {_HALF}, false))"
"""SQL: the two records cannot be one person by their names, if names are kept well."""

NAMES_ALIKE = f"coalesce({_same('name_key')} OR {_ALIKE}, false)"
"""SQL: the names are the same, swapped, spelt another way or mistyped."""

_NAME = Comparison(
    "name",
    ("name", "name_key", "family", "given"),
    _both("name"),
    (
        Level("the same name", _same("name"), 0.7, 2e-4, counted=True, frequency_of="name"),
        Level("the same words or pinyin", _same("name_key"), 0.07, 1e-4, counted=True),
        Level("a slip in the name", _ALIKE, 0.13, 3e-3),
        Level("half of the name the same", _HALF, 0.06, 0.01),
        Level("only the family name the same", _same("family"), 0.02, 0.04),
        Level("another name", "ELSE", 0.02, 0.94),
    ),
)

NEAR_BIRTH = (
    "(CASE WHEN left(birth_date_l, 4) = left(birth_date_r, 4) THEN 1 ELSE 0 END"
    " + CASE WHEN substr(birth_date_l, 6, 2) = substr(birth_date_r, 6, 2) THEN 1 ELSE 0 END"
    " + CASE WHEN right(birth_date_l, 2) = right(birth_date_r, 2) THEN 1 ELSE 0 END) = 2"
    " OR (left(birth_date_l, 4) || right(birth_date_l, 2) || substr(birth_date_l, 6, 2))"
    " = replace(birth_date_r, '-', '')"
)

_BIRTH = Comparison(
    "birth date",
    ("birth_date",),
    _both("birth_date"),
    (
        Level("the same day", _same("birth_date"), 0.93, 5e-5, counted=True, frequency_of="birth_date"),
        Level("two of year, month and day the same, or day and month swapped", NEAR_BIRTH, 0.06, 5e-3),
        Level("another day", "ELSE", 0.01, 0.99),
    ),
)

_NEAR = {
    "email": "email_local_l = email_local_r",
    "phone": (
        # one digit is wrong: the last four are right, or all before them
        "(right(phone_l, 4) = right(phone_r, 4)"
        " OR left(phone_l, length(phone_l) - 4) = left(phone_r, length(phone_r) - 4))"
        " AND damerau_levenshtein(phone_l, phone_r) <= 1"
    ),
    "address": "numbers_l = numbers_r AND jaro_winkler_similarity(street_l, street_r, 0.85) > 0",
}
_REACH = {"email": (0.07, 1e-7), "phone": (0.1, 1e-6), "address": (0.12, 5e-6)}


def _reach(fields: tuple[str, ...], *, has_city: bool) -> Comparison:
    agree = " + ".join(_flag(_same(name)) for name in fields)
    near = " + ".join(_flag(f"{_same(name)} OR {_NEAR[name]}") for name in fields)
    levels = []
    if len(fields) > 1:
        levels += [Level(TWO_AGREE, f"{agree} >= 2", 0.5, 1e-6, counted=True)]
        levels += [Level("one agrees, another nearly", f"{agree} = 1 AND {near} >= 2", 0.08, 1e-6)]
    levels += [Level(agrees(name), _same(name), *_REACH[name], counted=True) for name in fields]
    levels += [Level("one nearly agrees", f"{near} >= 1", 0.04, 1e-5)] if fields else []
    if "address" in fields:
        levels += [Level("the same street", _similar("street", "street", 0.95), 0.03, 2e-3)]
    levels += [Level("the same city", _same("city"), 0.05, 0.1)] if has_city else []
    known = " OR ".join(_both(name) for name in (*fields, *(["city"] if has_city else [])))
    columns = (*fields, "email_local", "street", "numbers", "city")
    return Comparison("reach", columns, f"({known})", (*levels, Level("nothing agrees", "ELSE", 0.04, 0.9)))


def _flag(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 1 ELSE 0 END"


def _identifier(column: str, own_name: str) -> Comparison:
    return Comparison(
        column,
        (column,),
        _both(column),
        (
            Level(f"the same {own_name}", _same(column), 0.9, 1e-7, counted=True),
            Level(f"a slip in {own_name}", f"damerau_levenshtein({column}_l, {column}_r) <= 1", 0.08, 1e-6),
            Level(f"another {own_name}", "ELSE", 0.02, 0.99),
        ),
    )
