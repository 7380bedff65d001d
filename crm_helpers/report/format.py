"""Numbers, dates and words as people write them: 1,469,307; $4,596,039.58; 61% (58% to 64%).

One home for how a value looks, used by sentences, tables, tiles and charts alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

__all__ = [
    "FORMATS",
    "NOT_KNOWN",
    "Interval",
    "column_decimals",
    "currency_sign",
    "is_missing",
    "visible",
    "write",
    "write_date",
    "write_interval",
    "write_value",
]

FORMATS = (
    "count",
    "money",
    "rounded money",
    "share",
    "number",
    "days",
    "date",
    "text",
    "hours",
    "months",
    "years",
    "score",
    "quantity",
    "",
)
"""Names a sentence or a column may use; `rounded money` is money without cents."""

NOT_KNOWN = "not known"
"""What a missing number is called."""
_SIGNS = {"USD": "$", "CNY": "¥", "JPY": "¥", "EUR": "€", "GBP": "£", "INR": "₹", "KRW": "₩"}
_WORDS = {"days": "day", "hours": "hour", "months": "month", "years": "year"}
_MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
# controls, soft hyphen, zero-width, direction marks and overrides, byte order mark, lone surrogates
# a word joiner may stand where `_money` puts it: words of an earlier page pass here again
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    "\u2061-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]|(?<!\u2212)\u2060"
)


@runtime_checkable
class Interval(Protocol):
    """A value with its interval, as `crm_helpers.analysis.estimates.Estimate` is one."""

    value: float
    low: float
    high: float


def is_missing(value: Any) -> bool:
    """Tell whether there is no value: None, NaN, NaT or an infinite number.

    Examples
    --------
    >>> [is_missing(value) for value in (None, float("nan"), 0, "")]
    [True, True, False, False]
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, Decimal):
        return not value.is_finite()
    try:
        return not math.isfinite(value)
    except (TypeError, ValueError):
        return False


def visible(text: str) -> str:
    """Show characters that hide or turn text: zero-width, direction overrides, controls.

    Examples
    --------
    >>> visible("ann\u202etxt")
    'ann⟨U+202E⟩txt'
    """
    return _INVISIBLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def currency_sign(currency: str) -> str:
    """Return what is put before an amount: `$`, `¥`, or the code and a space."""
    return _SIGNS.get(currency, f"{currency}\u00a0" if currency else "")


def write(value: Any, unit: str = "", *, currency: str = "") -> str:
    """Write a value, with its interval when it has one, for a sentence.

    Parameters
    ----------
    value
        A number, date, text or `Estimate`; a missing one is "not known".
    unit
        One of `FORMATS`; a share is 0 to 1.
    currency
        Code of the company's currency, for money.

    Returns
    -------
    str
        The words; an unknown unit raises `ValueError`.

    Examples
    --------
    >>> write(1469307, "count"), write(0.6131, "share"), write(1, "days")
    ('1,469,307', '61%', '1 day')
    >>> write(Decimal("4596039.58"), "money", currency="USD")
    '$4,596,039.58'
    """
    if unit not in FORMATS:
        raise ValueError(f"unknown format {unit!r}; known: {', '.join(filter(None, FORMATS))}")
    if isinstance(value, Interval):
        if is_missing(value.value):
            return NOT_KNOWN
        return f"{_main(value, unit, currency)} ({write_interval(value, unit, currency=currency)})"
    if is_missing(value):
        return NOT_KNOWN
    words = write_value(value, unit, currency=currency)
    noun = _WORDS.get(unit)
    return words if noun is None else f"{words} {noun if words == '1' else unit}"


def write_interval(estimate: Interval, unit: str, *, currency: str = "") -> str:
    """Write only the interval: `58% to 64%`; "interval not known" without one."""
    if is_missing(estimate.low) or is_missing(estimate.high):
        return "interval not known"
    decimals = _interval_decimals(estimate, unit)
    low, high = (
        write_value(bound, unit, currency=currency, decimals=decimals)
        for bound in (estimate.low, estimate.high)
    )
    return f"{low} to {high}"


def _main(estimate: Interval, unit: str, currency: str) -> str:
    decimals = _interval_decimals(estimate, unit)
    words = write_value(estimate.value, unit, currency=currency, decimals=decimals)
    return words if unit not in _WORDS else f"{words} {unit}"


def _interval_decimals(estimate: Interval, unit: str) -> int | None:
    """Digits that the interval's width justifies; numbers below ten keep one, for 2.4 is not 2."""
    if unit == "count":
        return 0
    if is_missing(estimate.low) or is_missing(estimate.high) or estimate.high <= estimate.low:
        return None
    scale = 100 if unit == "share" else 1
    width = (estimate.high - estimate.low) * scale
    small = abs(estimate.value * scale) < 10 and width < 10
    decimals = max(int(small), min(4, math.ceil(-math.log10(width / 2))))
    return decimals if unit != "money" or decimals == 0 else 2


def write_value(value: Any, unit: str = "", *, currency: str = "", decimals: int | None = None) -> str:
    """Write one value without the noun of its unit, as a table cell does.

    Parameters
    ----------
    value
        A number, date, text or truth value; a missing one is an en dash.
    unit
        One of `FORMATS`.
    currency
        Code of the company's currency.
    decimals
        Digits after the point (of the per cent, for a share); by size when not given.

    Returns
    -------
    str
        The words.
    """
    if is_missing(value):
        return "–"
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "yes" if value else "no"
    if isinstance(value, date):
        return write_date(value)
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, (int, float, Decimal)) or hasattr(value, "__float__"):
        return _number(value, unit, currency, decimals)
    return visible(str(value))


def write_date(value: date, *, short: bool = False) -> str:
    """Write a day or a moment: `2 January 2018`, short `2 Jan 2018`, with time `2 January 2018, 14:05`."""
    month = _MONTHS[value.month - 1]
    day = f"{value.day} {month[:3] if short else month} {value.year}"
    if isinstance(value, datetime) and (value.hour or value.minute):
        return f"{day}, {value.hour:02}:{value.minute:02}"
    return day


def column_decimals(values: Sequence[Any], unit: str) -> int | None:
    """Choose one number of digits for a whole column, so that its points stand under each other.

    Parameters
    ----------
    values
        The column's numbers.
    unit
        One of `FORMATS`.

    Returns
    -------
    int or None
        Digits after the point; None for text and dates, and where thousands stand beside thousandths.
    """
    sizes = [abs(float(v)) for v in values if not is_missing(v) and hasattr(v, "__float__")]
    if not sizes or unit == "count":
        return 0 if unit == "count" else None
    if unit == "share":
        return 1
    if unit in ("money", "rounded money"):
        exact = any(isinstance(v, Decimal) for v in values)  # counted by the engine, not computed
        return 2 if unit == "money" and (exact or max(sizes) < 1000) and any(s % 1 for s in sizes) else 0
    if all(size == int(size) for size in sizes):
        return 0
    if max(sizes) >= 100 and any(0 < size < 1 for size in sizes):
        return None
    return max(0, min(4, 2 - math.floor(math.log10(max(sizes)))))


def _number(value: Any, unit: str, currency: str, decimals: int | None) -> str:
    number = value if isinstance(value, (int, Decimal)) else float(value)
    if unit == "share":
        return _share(float(number), decimals)
    if unit in ("money", "rounded money"):
        return _money(number, currency, decimals if unit == "money" else 0)
    digits = _by_size(float(number), unit) if decimals is None else decimals
    words = _grouped(number, digits)
    # a p-value of 0.00004 is not nought
    return f"<{10**-digits:.{digits}f}" if digits and number > 0 and not words.strip("0.") else words


def _by_size(number: float, unit: str) -> int:
    if unit == "count" or number == int(number):
        return 0
    if unit == "score":
        return 2
    return max(0, min(4, 2 - math.floor(math.log10(abs(number)))))


def _share(share: float, decimals: int | None) -> str:
    percent = share * 100
    if is_missing(percent):  # too large to be one
        return "–"
    if decimals is None:
        near_end = 0 < abs(percent) < 9.95 or 99 < percent < 100
        decimals = 1 if near_end and percent != int(percent) else 0
    words = _grouped(percent, decimals)
    if words in ("0", "0.0", "0.00") and percent > 0:
        return f"under {10**-decimals:.{decimals}f}%"
    return f"{words}%"


def _money(amount: float | Decimal, currency: str, decimals: int | None) -> str:
    if decimals is None:
        decimals = 0 if amount == int(amount) else 2
    words, sign = _grouped(amount, decimals), currency_sign(currency)
    # a line may end between a minus and a currency's sign, but not where a word joiner stands
    return words.replace("−", f"−\u2060{sign}") if sign and words.startswith("−") else sign + words


def _grouped(number: float | Decimal, decimals: int) -> str:
    words = f"{number:,.{decimals}f}"
    if words.startswith("-"):
        words = "−" + words[1:] if words.strip("-0.,") else words[1:]
    return words
