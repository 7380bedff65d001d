"""The engine's steps from texts as recorded to texts that can be compared."""

from __future__ import annotations

from crm_helpers.cleaning.people.names import COMPOUND_FAMILIES
from crm_helpers.ingest.forms import PHONES
from crm_helpers.lake import quote_identifier, quote_text

__all__ = ["PARTS", "assembled", "folded"]

_SHORTEST = 7  # digits; a shorter number is an extension, or a piece of one

_WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000"
_NARROW = "".join(chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)) + " "
_TITLES = r"(^(mr|mrs|ms|miss|dr|prof)\.? )|(\s*(先生|女士|小姐|太太|老师)$)"
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_GENERAL_MAILBOX = r"^(info|admin|sales|contact|office|service|hello|mail|noreply|no-reply)$"
_HAN, _NOT_HAN = quote_text(r"\p{Han}"), quote_text(r"[^\p{Han}]")
_COMPOUND = ", ".join(quote_text(family) for family in COMPOUND_FAMILIES)


def _folded(column: str) -> str:
    """Half width, lower case, no accents, single blanks; nothing when nothing is left."""
    # translate costs twenty times the rest, and wide letters are rare
    narrow = (
        f"CASE WHEN regexp_matches({column}, {quote_text(f'[{_WIDE[0]}-{_WIDE[-2]}{_WIDE[-1]}]')})"
        f" THEN translate({column}, {quote_text(_WIDE)}, {quote_text(_NARROW)}) ELSE {column} END"
    )
    plain = f"lower(strip_accents({narrow}))"
    return f"nullif(trim(regexp_replace({plain}, '\\s+', ' ', 'g')), '')"


def _without(text: str, pattern: str, instead: str = "") -> str:
    return f"regexp_replace({text}, {quote_text(pattern)}, {quote_text(instead)}, 'g')"


_NAME = _without(_without(_without(_folded("name"), _TITLES), r"[’'`]"), r"[^\p{L}\p{M},]+", " ")
_PHONE = _without(_without(_folded("phone"), r"[^0-9+]"), r"^(\+?00)", "+")
_ADDRESS = _without(_folded("address"), r"[^\p{L}\p{M}\p{N}]+", " ")


def folded(more: tuple[str, ...]) -> str:
    """Query for texts in one form, with the characters of Chinese names apart.

    Parameters
    ----------
    more
        Further columns to keep as they are.

    Returns
    -------
    str
        SQL over the table `copied`.
    """
    kept = "".join(f", {name}" for name in more)
    return f"""
WITH plain AS (
  SELECT customer_id, nullif(trim({_NAME}), '') AS name_text, nullif({_PHONE}, '') AS raw_phone,
         replace({_folded("email")}, ' ', '') AS email_text, nullif(trim({_ADDRESS}), '') AS address_text,
         {_folded("city")} AS city, nullif(left(birth_date, 10), '') AS birth_date{kept}
  FROM copied
), named AS (
  SELECT *, regexp_matches(name_text, {_HAN}) AS is_han, regexp_replace(name_text, {_NOT_HAN}, '', 'g') AS han
  FROM plain
)
SELECT *, CASE WHEN is_han AND left(han, 2) IN ({_COMPOUND}) AND length(han) > 2 THEN left(han, 2)
               WHEN is_han AND length(han) > 1 THEN left(han, 1) END AS han_family,
       CASE WHEN is_han THEN substr(han, 1 + coalesce(length(han_family), 0)) END AS han_given
FROM named"""


PARTS = """
SELECT DISTINCT han_family AS part, true AS is_family FROM folded WHERE han_family IS NOT NULL
UNION ALL
SELECT DISTINCT han_given, false FROM folded WHERE han_given IS NOT NULL
ORDER BY ALL"""
"""Distinct parts of Chinese names."""


def assembled(more: tuple[str, ...]) -> str:
    """Query for the comparable forms, one row a customer; `PHONES` must be in the engine.

    Parameters
    ----------
    more
        Further columns to keep, in their folded form.

    Returns
    -------
    str
        `name` as written, `name_key` (its words in Latin letters, in the order of the alphabet: so swapped
        names are equal, and a Chinese name equals its pinyin), `family`, `given`, `phone`, `email`,
        `email_local`, `address`, `street` and `numbers` (the address's words and figures), `city`,
        `birth_date`.
    """
    # what is no number of any plan is compared by its digits; a piece of a number tells nobody apart
    digits = f"CASE WHEN length(raw_phone) >= {_SHORTEST} THEN ltrim(raw_phone, '+') END"
    phone = f"coalesce(CASE WHEN length(phones.form) >= {_SHORTEST} THEN phones.form END, {digits})"
    kept = "".join(f", {_without(_folded(name), '[^0-9a-z]')} AS {name}" for name in more)
    return f"""
WITH spelt AS (
  SELECT f.*, family.reading AS han_family_read, given.reading AS han_given_read,
         {phone} AS phone,
         string_split(CASE WHEN contains(name_text, ',')
                      THEN split_part(name_text, ',', 2) || ' ' || split_part(name_text, ',', 1)
                      ELSE name_text END, ' ') AS all_words
  FROM folded f
  LEFT JOIN (FROM read_parts WHERE is_family) family ON family.part = f.han_family
  LEFT JOIN (FROM read_parts WHERE NOT is_family) given ON given.part = f.han_given
  LEFT JOIN {quote_identifier(PHONES)} phones ON phones.given = f.raw_phone
), worded AS (
  SELECT *, CASE WHEN is_han THEN list_filter([han_given_read, han_family_read], lambda w: w <> '')
            ELSE list_filter(all_words, lambda w: w <> '') END AS words,
         CASE WHEN regexp_matches(email_text, {quote_text(_EMAIL)}) THEN
           regexp_replace(split_part(email_text, '@', 1), '\\+.*$', '') END AS mailbox
  FROM spelt
)
SELECT customer_id,
       CASE WHEN is_han THEN han ELSE array_to_string(words, ' ') END AS name,
       nullif(array_to_string(list_sort(words), ' '), '') AS name_key,
       CASE WHEN len(words) > 1 THEN words[-1] END AS family,
       nullif(CASE WHEN len(words) > 1 THEN array_to_string(words[:-2], ' ') ELSE words[1] END, '') AS given,
       phone,
       mailbox || '@' || split_part(email_text, '@', 2) AS email,
       CASE WHEN length(mailbox) >= 4 AND NOT regexp_matches(mailbox, {quote_text(_GENERAL_MAILBOX)})
            THEN mailbox END AS email_local,
       replace(address_text, ' ', '') AS address,
       nullif(regexp_replace(address_text, '[0-9 ]+', '', 'g'), '') AS street,
       nullif(array_to_string(regexp_extract_all(address_text, '[0-9]+'), '-'), '') AS numbers,
       city, birth_date{kept}
FROM worded"""
