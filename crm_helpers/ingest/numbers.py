"""Read numbers and money out of text, as SQL: thousands, decimals, currency, brackets, K and 万 and per cent.

What is written in another way than the column's declared one, or in another currency, is not read at all.
"""

from __future__ import annotations

import re

from crm_helpers.engine import quote_text
from crm_helpers.ingest.forms import folded
from crm_helpers.profile import Decimals

__all__ = ["decimal_text", "money_text"]

_PLAIN = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_BLANK = "[ \u00a0\u202f]"

# pattern of a number without its sign, what stands between thousands, what stands before decimals
_STYLES: dict[Decimals, tuple[str, str, str]] = {
    "1,234.56": (r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+", ",", "."),
    "1.234,56": (r"(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d*)?|,\d+", ".", ","),
    "1 234,56": (rf"(?:\d{{1,3}}(?:{_BLANK}\d{{3}})+|\d+)(?:,\d*)?|,\d+", " \u00a0\u202f", ","),
    "1'234.56": (r"(?:\d{1,3}(?:['’]\d{3})+|\d+)(?:\.\d*)?|\.\d+", "'’", "."),
    "1,23,456.78": (r"(?:\d{1,2}(?:,\d{2})*,\d{3}|\d+)(?:\.\d*)?|\.\d+", ",", "."),
}
_MINUS = "[-−–]"
_NEGATIVE = r"^\(|" + _MINUS

_SYMBOLS = {
    "AUD": ("A$", "AU$", "$"), "BRL": ("R$",), "CAD": ("C$", "CA$", "$"), "CHF": ("Fr.", "SFr."),
    "CNY": ("¥", "RMB", "CN¥", "元", "人民币"), "EUR": ("€",), "GBP": ("£",), "HKD": ("HK$", "$"),
    "INR": ("₹", "Rs.", "Rs"), "JPY": ("¥", "JP¥", "円"), "KRW": ("₩",), "SGD": ("S$", "$"),
    "TWD": ("NT$", "$"), "USD": ("US$", "$"),
}  # fmt: skip
_TIMES = {
    "k": 3, "thousand": 3, "千": 3, "万": 4, "萬": 4, "m": 6, "mn": 6, "mio": 6, "million": 6, "百万": 6,
    "千万": 7, "亿": 8, "億": 8, "b": 9, "bn": 9, "billion": 9,
}  # fmt: skip
_UNITS = "|".join(sorted(_TIMES, key=len, reverse=True))


def decimal_text(value: str, decimals: Decimals, *, share: bool = False) -> str:
    """Write SQL for the plain text of a number, `1234.56`, or NULL where it is none.

    Parameters
    ----------
    value
        SQL of the text.
    decimals
        How the column writes numbers.
    share
        The column is a share of 1: `12.5%` is 0.125. Elsewhere a per cent sign is no number.

    Returns
    -------
    str
        SQL of a text that every numeric type can be cast from.
    """
    pattern, between, before = _STYLES[decimals]
    text = _folded_text(value)
    cases = _plain(value, before)
    signed = rf"[+]?{_MINUS}?(?:{pattern})"
    cases.append(f"WHEN {_matches(text, signed)} THEN {_normal(text, between, before)}")
    if share:
        number = _normal(f"rtrim({text}, '% ')", between, before)
        divided = f"CAST(TRY_CAST({number} AS DECIMAL(38, 12)) / 100 AS VARCHAR)"
        cases.append(f"WHEN {_matches(text, signed + r' ?%')} THEN {divided}")
    return f"CASE {' '.join(cases)} END"


def money_text(value: str, decimals: Decimals, currency: str) -> str:
    """Write SQL for an amount of money: exact, in the company's currency, or NULL.

    Read are `$1,117.10K`, `(1,234.50)`, `1,234.50-`, `¥190.25万`, `1.234,56 €` and the like; the currency is
    the company's sign or code, before or after. An amount in another currency is not read.

    Parameters
    ----------
    value
        SQL of the text.
    decimals
        How the column writes numbers.
    currency
        The company's currency, three letters.

    Returns
    -------
    str
        SQL of a text or decimal that the canonical type can be cast from.
    """
    pattern, between, before = _STYLES[decimals]
    text = _folded_text(value)
    digits = f"regexp_extract({text}, {quote_text(pattern)})"
    number = f"TRY_CAST({_normal(digits, between, before)} AS DECIMAL(32, 8))"
    negative = f"CASE WHEN regexp_matches({text}, {quote_text(_NEGATIVE)}) THEN -1 ELSE 1 END"
    product = f"CAST(TRY({number} * {_factor(text)} * {negative}) AS VARCHAR)"
    cases = [
        *_plain(value, before),
        f"WHEN {_matches(text, _money_pattern(pattern, currency))} THEN {product}",
    ]
    return f"CASE {' '.join(cases)} END"


def _money_pattern(number: str, currency: str) -> str:
    sign = "|".join(re.escape(word) for word in (currency, *_SYMBOLS.get(currency, ())))
    quantity = rf"(?:{number}) ?(?:{_UNITS})?"
    amount = rf"(?:{sign})? ?{quantity} ?(?:{sign})?"
    forms = (
        rf"[+]?{_MINUS}? ?{amount}",
        rf"(?:{sign}) ?{_MINUS}{quantity}",
        rf"\( ?{amount} ?\)",
        rf"{amount}{_MINUS}",
    )
    return f"(?i)(?:{'|'.join(forms)})"


def _factor(text: str) -> str:
    # the unit stands right after the number: nothing else in a text that matched can be taken for one
    after = f"lower(regexp_extract({text}, {quote_text(f'(?i)[0-9.,] ?({_UNITS})')}, 1))"
    cases = " ".join(f"WHEN {quote_text(word)} THEN {10**power}" for word, power in _TIMES.items())
    return f"CASE {after} {cases} ELSE 1 END"


def _plain(value: str, before: str) -> list[str]:
    # most values need no more than this one test
    return [f"WHEN {_matches(value, _PLAIN)} THEN {value}"] if before == "." else []


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {quote_text(pattern)})"


def _normal(text: str, between: str, before: str) -> str:
    plain = f"regexp_replace({text}, {quote_text(f'[{between}+]')}, '', 'g')"
    plain = f"regexp_replace({plain}, {quote_text(_MINUS)}, '-')"
    return f"replace({plain}, ',', '.')" if before == "," else plain


def _folded_text(value: str) -> str:
    return f"trim({folded(f'CAST({value} AS VARCHAR)')})"
