"""Which columns hold personal data: by patterns on a sample; columns are named, values never."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from crm_helpers.ingest.batches import LOCATORS
from crm_helpers.ingest.likeness import SYNONYM, column_score

__all__ = ["personal_columns"]

LEAST_SHARE = 0.2  # of a column's values: one address in a comment makes no column of addresses
LOOKED_AT = 2000  # values of a column

_PEOPLE = frozenset({  # a product and a campaign have names too: only these are of people
    "name", "full name", "first name", "last name", "surname", "given name", "customer name", "client name",
    "contact name", "contact", "姓名", "客户姓名", "联系人", "收货人", "会员姓名",
})  # fmt: skip
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # of the Chinese identity number, ISO 7064
_PATTERNS: dict[str, re.Pattern[str]] = {
    "e-mail": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+"),
    "phone": re.compile(
        r"\+[\d ().-]{8,20}|(?:86[- ]?)?1[3-9]\d(?:[ -]?\d{4}){2}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"
    ),
    "identity number": re.compile(r"[1-9]\d{16}[\dXx]|\d{3}-\d{2}-\d{4}"),
    "bank account": re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?"),
}


def personal_columns(sample: pa.Table) -> dict[str, str]:
    """Find the columns of a sample that hold personal data.

    Parameters
    ----------
    sample
        Rows of a source.

    Returns
    -------
    dict of str to str
        What a column seems to hold, by column: by the form of its values, or by its name where that is one of
        the vocabulary's for data that identify a person or are free text.
    """
    found = {}
    for name in sample.column_names:
        if name in LOCATORS:
            continue
        values = [
            str(v).strip()
            for v in sample.column(name).slice(0, LOOKED_AT).to_pylist()
            if v is not None and v != ""
        ]
        kind = _by_values(values) or _by_name(name)
        if kind and values:
            found[name] = kind
    return found


def _by_values(values: Sequence[str]) -> str:
    for kind, pattern in _PATTERNS.items():
        hits = [value for value in values if pattern.fullmatch(value)]
        if kind == "identity number":
            hits = [value for value in hits if _identity_number(value)]
        if values and len(hits) >= LEAST_SHARE * len(values):
            return kind
    return ""


def _by_name(header: str) -> str:
    if re.sub(r"[\W_]+", " ", header).strip().casefold() in _PEOPLE:
        return "name"
    alike = (
        column
        for column in ("phone", "email", "document_id", "address", "comment")
        if column_score(header, column) >= SYNONYM
    )
    return next(alike, "")


def _identity_number(text: str) -> bool:
    if len(text) != len(_WEIGHTS) + 1:
        return True
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text[:-1], strict=True))
    return "10X98765432"[total % 11] == text[-1].upper()
