"""The rules every row is held against: what each is called, what becomes of the row, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crm_helpers.tables import TABLES, Column, Table

__all__ = [
    "ALL_ROWS",
    "BY_CODE",
    "CODES",
    "DECLARED",
    "KEPT_AS_ZERO",
    "RAGGED_ROW",
    "RULES",
    "Rule",
    "declared",
    "fatal_codes",
    "is_declared",
    "keeps_its_rows",
    "rule_named",
]

Effect = Literal["quarantined", "merged", "set missing", "flagged", "derived"]

ALL_ROWS = "every row"
"""The line of `quality` that reconciles a table: read = clean + quarantined + merged, derived apart."""


@dataclass(frozen=True)
class Rule:
    """One rule: its words in the report, what an analyst should do where it bites, its key in `limits`."""

    name: str
    advice: str
    key: str = ""
    informs: bool = False  # of rows kept: nothing is wrong, and a reader must know it all the same


MISSING = Rule(
    "required value missing", "find out why the source leaves it empty; such rows are not analysed", "missing"
)
UNREADABLE = Rule(
    "value cannot be read", "correct the source, or declare formats or missing in the profile", "unreadable"
)
IMPOSSIBLE = Rule(
    "value out of bounds", "correct the source; the bounds stand in the data dictionary", "out_of_bounds"
)
NOT_A_CHOICE = Rule(
    "value is not one of the choices",
    "map it to a known word by an SQL expression in the profile",
    "not_a_choice",
)
RAGGED = Rule(
    "row has more or fewer values than columns", "repair its quotes or delimiters at the source", "ragged"
)
UNDECLARED = Rule("order of day and month not declared", "declare formats in the profile")
SAME_KEY = Rule(
    "same key as a later row", "the last row stands; see whether the source delivers rows twice", "same_key"
)
DERIVED = Rule(
    "known by other tables only",
    "they count as customers; ask for their master data",
    "derived",
    informs=True,
)
ORPHAN = Rule("refers to nothing", "ask the source for what they refer to", "orphan")
NEAR_MISS = Rule(
    "refers to a known value written otherwise",
    "bring both to one writing by an SQL expression in the profile, as replace(product, 'GTXPro', 'GTX Pro')",
    "orphan",
)
CONTRADICTION = Rule(
    "columns contradict each other", "find out which of the two is wrong at the source", "contradiction"
)
TRACE = Rule(
    "amount below the smallest unit",
    "rests of floating-point sums in the source; zero to the cent",
    "trace",
    informs=True,
)
ZERO = Rule(
    "amount is zero", "gifts or bookings; leave them out of counts of sales where they mislead", "zero_amount"
)
RETURN = Rule(
    "amount is negative", "returns; they lower the sales of their customer", "returns", informs=True
)
EXTREME = Rule(
    "extreme quantity",
    "another unit is likely, as fuel by volume; never add quantities across units",
    "extreme_quantity",
)
OUTLIER = Rule(
    "far from the other values",
    "look at the largest; where they are right, medians say more than means",
    "outlier",
)
IMPLAUSIBLE = Rule(
    "outside the declared bounds",
    "look at them; the bounds stand under outliers in the profile",
    "implausible",
)
PRICE_JUMP = Rule(
    "price is 100 or 1,000 times its usual one",
    "one product in two units or currencies; bring it to one by an SQL expression in the profile",
    "price_jump",
)
OVERHANG = Rule(
    "after midnight of the last day",
    "the last business day ran over; that day is not a whole one",
    "overhang",
)
IDENTICAL = Rule(
    "identical to another row", "no key tells them apart; map line_id if the source has one", "identical"
)
SAME_PERSON = Rule(
    "same person as another row",
    "look through the review list; see which system opens second accounts",
    "same_person",
)

KEPT_AS_ZERO = 6
"""Code of a good value that says: money that is not zero in the source is zero to four decimals."""

RAGGED_ROW = 7
"""Code of a row that could not be split into columns; it belongs to no column."""

DECLARED = 8
"""Code of a row that a condition of the profile sets aside; the condition's name stands for the column."""

CODES: dict[int, Rule] = {1: MISSING, 2: UNREADABLE, 3: IMPOSSIBLE, 4: UNDECLARED, 5: NOT_A_CHOICE}
"""What the engine writes beside a value that breaks a rule; 0 is a good value."""

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        *CODES.values(),
        RAGGED,
        SAME_KEY,
        DERIVED,
        ORPHAN,
        NEAR_MISS,
        CONTRADICTION,
        TRACE,
        ZERO,
        RETURN,
        EXTREME,
        OUTLIER,
        IMPLAUSIBLE,
        PRICE_JUMP,
        OVERHANG,
        IDENTICAL,
        SAME_PERSON,
    )
}

BY_CODE: dict[int, Rule] = {**CODES, RAGGED_ROW: RAGGED}
"""Every code that may stand beside a value or a row."""

_DECLARED = "declared: "


def declared(name: str) -> str:
    """Name a rule of the profile's `set_aside` as the report does."""
    return f"{_DECLARED}{name}"


def is_declared(rule: str) -> bool:
    """Say whether a rule is one of the profile's own: what it sets aside is meant to be, and no fault."""
    return rule.startswith(_DECLARED)


def rule_named(name: str) -> Rule:
    """Find a rule by the words that stand in the report.

    Examples
    --------
    >>> rule_named("refers to nothing").key, rule_named(declared("cancelled")).key
    ('orphan', '')
    """
    if is_declared(name):
        return Rule(name, "the profile leaves such rows out; see that the condition still says what is meant")
    return RULES[name]


_REFERRED = frozenset(target for table in TABLES.values() for target, _ in table.references.values())


def keeps_its_rows(table: Table) -> bool:
    """Say whether a row outlives an impossible value in one of its optional columns.

    A row of a table that holds money, or that other tables refer to, is kept: losing it would lose sales or
    cost, or leave contacts without their campaign. There the value is set missing and counted. A row of any
    other table stands for itself alone and is quarantined.

    Examples
    --------
    >>> [name for name, table in TABLES.items() if not keeps_its_rows(table)]
    ['communications', 'campaign_contacts', 'service_plans', 'relations']
    """
    return table.name in _REFERRED or any(column.type == "money" for column in table.columns)


def fatal_codes(table: Table, column: Column) -> tuple[int, ...]:
    """Return the codes that cost the whole row when this column has them."""
    return () if keeps_its_rows(table) and not column.required else tuple(CODES)
