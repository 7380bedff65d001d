"""Bring texts into one form: full-width letters to plain ones, e-mail to lower case, phones to E.164."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import pyarrow as pa

from crm_helpers.engine import quote_identifier, quote_text
from crm_helpers.tables import Form

__all__ = ["PHONES", "common_number", "e164", "folded", "formed", "register_phones"]

PHONES = "phone forms"
"""The engine's table of distinct phone numbers as they came, and as E.164."""

BATCH_ROWS = 100_000

# country code, what stands before a number within the country, numbers that can be read in one way only
_PLANS = {
    "CN": ("86", "", r"1(?:[3-689]\d|7[0-8])\d{8}"),
    "US": ("1", "", r"[2-9]\d{2}[2-9]\d{6}"),
    "CA": ("1", "", r"[2-9]\d{2}[2-9]\d{6}"),
    "DE": ("49", "0", r"1[567]\d{8,9}"),
    "FR": ("33", "0", r"[1-79]\d{8}"),
    "GB": ("44", "0", r"7[1-9]\d{8}"),
}

_WIDE = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\u3000\u00a0\uffe5\uffe1"
_NARROW = "".join(map(chr, range(0x21, 0x7F))) + "  ¥£"
_ADDRESS = r"[^@\s<>\x22,;]+@[^@\s<>\x22,;.]+(?:\.[^@\s<>\x22,;.]+)+"


def folded(text: str) -> str:
    """Write SQL that turns full-width letters, digits and blanks into plain ones."""
    return f"translate({text}, {quote_text(_WIDE)}, {quote_text(_NARROW)})"


def formed(text: str, form: Form) -> str:
    """Write SQL that brings a text into a form, or gives NULL where it has not that form.

    Parameters
    ----------
    text
        SQL of the text.
    form
        The form; for `phone` the table `PHONES` must be in the engine.

    Returns
    -------
    str
        SQL.
    """
    if form == "e-mail":
        address = f"lower(trim({folded(text)}))"
        return f"CASE WHEN regexp_full_match({address}, {quote_text(_ADDRESS)}) THEN {address} END"
    if form == "person name":
        return f"trim(regexp_replace({folded(text)}, '\\s+', ' ', 'g'))"
    return f"(SELECT max(p.form) FROM {quote_identifier(PHONES)} p WHERE p.given = {text})"


def register_phones(connection: ibis.BaseBackend, values: str, *, country: str | None) -> None:
    """Read each distinct phone number once and keep its form in the engine.

    Parameters
    ----------
    connection
        The engine; the table `PHONES` is made in it.
    values
        SQL of a query with one column of texts.
    country
        Where numbers without + belong; without it such a number stays as it is.
    """
    place, rest = quote_identifier(PHONES), quote_identifier("uncommon phones")
    common = common_number("given", country)
    connection.raw_sql(
        f"CREATE OR REPLACE TEMP TABLE {place} AS SELECT given, {common} AS form"
        f" FROM (SELECT DISTINCT given FROM ({values}) v (given) WHERE given IS NOT NULL)"
    )
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {rest} AS SELECT given FROM {place} WHERE form IS NULL")
    connection.raw_sql(f"DELETE FROM {place} WHERE form IS NULL")
    for batch in _batches(connection, rest):
        known = pa.table({"given": batch, "form": [e164(text, country) for text in batch.to_pylist()]})
        connection.con.register("read phones", known)
        connection.raw_sql(f'INSERT INTO {place} SELECT * FROM "read phones"')
        connection.con.unregister("read phones")


def common_number(text: str, country: str | None) -> str:
    """Write SQL for the E.164 form of a country's common numbers, the rest NULL: `e164` must read that.

    Examples
    --------
    >>> common_number("v", None)
    'CAST(NULL AS VARCHAR)'
    """
    if country not in _PLANS:
        return "CAST(NULL AS VARCHAR)"
    code, trunk, national = _PLANS[country]
    plain = f"regexp_replace({text}, '[ -]', '', 'g')"
    pattern = quote_text(rf"^(?:\+{code}|00{code}|{trunk})({national})$")
    return f"{quote_text(f'+{code}')} || nullif(regexp_extract({plain}, {pattern}, 1), '')"


def e164(text: str, country: str | None) -> str | None:
    """Write a phone number as E.164, or give nothing when it cannot be one.

    Examples
    --------
    >>> e164("0049 (30) 12345-67", "CN"), e164("１３９ 1234 5678", "CN"), e164("call me", "CN")
    ('+49301234567', '+8613912345678', None)
    >>> e164("030/1234567", None)
    '030/1234567'
    """
    import phonenumbers  # noqa: PLC0415 - only companies with phone numbers pay for it

    plain = text.translate(str.maketrans(_WIDE, _NARROW)).strip()
    abroad = plain.startswith(("+", "00"))
    if not abroad and country is None:
        return plain if any(letter.isdigit() for letter in plain) else None
    try:
        number = phonenumbers.parse(f"+{plain[2:]}" if plain.startswith("00") else plain, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _batches(connection: ibis.BaseBackend, place: str) -> Iterator[pa.Array]:
    # a table of its own, each batch asked for apart: one connection holds one open result
    rows = int(connection.raw_sql(f"SELECT count(*) FROM {place}").fetchone()[0])
    for start in range(0, rows, BATCH_ROWS):
        query = f"SELECT given FROM {place} WHERE rowid >= {start} AND rowid < {start + BATCH_ROWS}"
        yield connection.raw_sql(query).to_arrow_table().column("given").combine_chunks()
