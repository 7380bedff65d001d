"""Telephone numbers in one form: distinct values only, by Google's numbering plans."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["EASY_NUMBERS", "e164", "normal_numbers"]

EASY_NUMBERS = {
    "CN": (r"^(?:\+?86|0086)?(1[3-9]\d{9})$", "+86"),
    "US": (r"^(?:\+?1)?([2-9]\d{2}[2-9]\d{6})$", "+1"),
}
"""By country, the numbers which the engine puts in form by itself, and what goes before them."""

_SHORTEST = 7  # digits; a shorter number is an extension, or a piece of one


def normal_numbers(table: pa.Table, *, country: str) -> pa.Table:
    """Put distinct telephone numbers in one form.

    Parameters
    ----------
    table
        `raw`: digits, with a plus sign before a country code.
    country
        Country of numbers without one, as `CN`; empty for none.

    Returns
    -------
    pyarrow.Table
        The same rows with `normal`; empty where the text is no telephone number.
    """
    normal = [e164(raw, country) for raw in table["raw"].to_pylist()]
    return table.append_column("normal", pa.array(normal, pa.string()))


def e164(raw: str, country: str) -> str | None:
    """Write a telephone number with its country code, or as its digits when the country is not known.

    Parameters
    ----------
    raw
        Digits, with a plus sign before a country code.
    country
        Country of numbers without one, as `CN`; empty for none.

    Returns
    -------
    str or None
        The number in the form E.164 or its digits; nothing when there are too few.

    Examples
    --------
    >>> e164("02012345678", "CN"), e164("+8613800138000", ""), e164("5551234", ""), e164("123", "CN")
    ('+862012345678', '+8613800138000', '5551234', None)
    """
    import phonenumbers  # noqa: PLC0415 - metadata of all countries, needed for the uncommon numbers only

    try:
        number = phonenumbers.parse(raw, country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and phonenumbers.is_possible_number(number):
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return raw.lstrip("+") if len(raw) >= _SHORTEST else None
