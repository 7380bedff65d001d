"""What the values of a column say of a guess: how many convert, and how they are written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import get_args

import ibis

from crm_helpers.ingest.conversion import Locale
from crm_helpers.ingest.samples import convertible, text_of
from crm_helpers.ingest.sentinels import suspects
from crm_helpers.lake import quote_identifier
from crm_helpers.profile import ColumnMapping, Decimals
from crm_helpers.tables import Column

__all__ = ["Fit", "both_orders", "declaration", "fit_values"]

DATE_FORMATS = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%Y年%m月%d日", "%d.%m.%y",
    "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%b %d, %Y",
)  # fmt: skip
NUMBERED = ("excel", "unix ms")  # unix seconds are not told apart from other numbers
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
CURRENCIES = ("USD", "EUR", "GBP", "CNY", "INR")  # tried for signs in amounts
MOSTLY = 0.9  # share of values a written form must fit before days as numbers are not thought of
FLOAT_LIKE = 0.99  # share of identifiers that end in .0 when a column of floats was written as text


@dataclass(frozen=True)
class Fit:
    """How a column's values fit a canonical column."""

    share: float = 1.0  # of the sampled values that convert
    declared: dict[str, object] | None = None  # keys the mapping needs so that they do
    notes: tuple[str, ...] = ()
    currency: str = ""  # whose sign stands in the amounts


def fit_values(connection: ibis.BaseBackend, sample: ibis.Table, header: str, column: Column) -> Fit:
    """Try the ways a column may be written on a sample of its values.

    Parameters
    ----------
    connection
        The engine.
    sample
        Rows of the source.
    header
        The source column.
    column
        The canonical column it may feed.

    Returns
    -------
    Fit
        The best share, what must be declared for it, and notes: an order of day and month that both readings
        fit, a currency's sign, values that may stand for missing ones.
    """
    if sample.count().execute() == 0:
        return Fit()
    fit = _FITS.get(column.type, _fit_text)(connection, sample, header, column)
    values = _values(connection, sample, header)
    words = [
        f'"{word}" stands in {share:.1%} of the values: missing = ["{word}"] if it means not known'
        for word, share in suspects(connection, values, column).items()
    ]
    return replace(fit, notes=(*fit.notes, *words))


def declaration(connection: ibis.BaseBackend, sample: ibis.Table, header: str, column: Column) -> str:
    """Say what to declare of a column so that most of its values convert; nothing where nothing helps.

    Parameters
    ----------
    connection, sample, header, column
        As in `fit_values`.

    Returns
    -------
    str
        Keys as a profile takes them, or the question that only the company can answer.
    """
    if column.type not in _FITS or sample.count().execute() == 0:
        return ""
    fit = _FITS[column.type](connection, sample, header, column)
    if fit.share >= MOSTLY and fit.declared:
        return "declare " + ", ".join(f"{key} = {_stated(value)}" for key, value in fit.declared.items())
    return next((note[note.index("declare") :] for note in fit.notes if "declare" in note), "")


def both_orders(way: str) -> str:
    """Write the two readings of a date as a profile takes them, day first and month first.

    Examples
    --------
    >>> print(both_orders('declare formats = ["%d.%m.%Y %H:%M"]'))
    formats = ["%d.%m.%Y %H:%M"] or formats = ["%m.%d.%Y %H:%M"]
    """
    found = re.search(r'"(%[dm])(.)(%[dm])(.*?)"', way)
    between, rest = (found[2], found[4]) if found else ("/", "/%Y")
    readings = ("%d", "%m"), ("%m", "%d")
    return " or ".join(f'formats = ["{first}{between}{second}{rest}"]' for first, second in readings)


def _stated(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _share(
    connection: ibis.BaseBackend,
    sample: ibis.Table,
    header: str,
    column: Column,
    *,
    currency: str = "XXX",
    **declared: object,
) -> float:
    origin = ColumnMapping.model_validate({"column": header, **declared})
    given, good = convertible(
        connection, sample, header, column, origin=origin, locale=Locale(currency=currency)
    )
    return good / given if given else 1.0


def _fit_moment(connection: ibis.BaseBackend, sample: ibis.Table, header: str, column: Column) -> Fit:
    plain = _share(connection, sample, header, column)
    if plain == 1:
        return Fit()
    shares = {
        day + time: _share(connection, sample, header, column, formats=[day + time])
        for day in DATE_FORMATS
        for time in TIMES
    }
    if max(shares.values()) < MOSTLY:  # 19081209 is a day, and not the sixth hour of 1970
        shares |= {form: _share(connection, sample, header, column, formats=[form]) for form in NUMBERED}
    best = max(shares.values())
    if best <= plain:
        return Fit(plain)
    chosen = [form for form, share in shares.items() if share == best]
    if len({_order(form) for form in chosen}) > 1:
        both = " or ".join(f'formats = ["{form}"]' for form in chosen[:2])
        return Fit(0.0, None, (f"day first or month first? the values fit both: declare {both}",))
    return Fit(best, {"formats": [chosen[0]]})


def _order(form: str) -> bool:
    return form.lower().find("%d") < form.lower().find("%m")


def _fit_number(connection: ibis.BaseBackend, sample: ibis.Table, header: str, column: Column) -> Fit:
    shares: dict[tuple[Decimals, str], float] = {}
    currencies = ("XXX", *CURRENCIES) if column.type == "money" else ("XXX",)
    for decimals in get_args(Decimals):
        for currency in currencies:
            share = _share(connection, sample, header, column, currency=currency, decimals=decimals)
            if share == 1 and not shares:
                return Fit()
            shares[decimals, currency] = share
    decimals, currency = max(shares, key=lambda way: shares[way])  # ties: the plain way comes first
    declared: dict[str, object] | None = {"decimals": decimals} if decimals != "1,234.56" else None
    notes = (f"the amounts carry the sign of {currency}",) if currency != "XXX" else ()
    return Fit(shares[decimals, currency], declared, notes, currency if notes else "")


def _fit_text(connection: ibis.BaseBackend, sample: ibis.Table, header: str, column: Column) -> Fit:
    if column.name.endswith("_id"):
        pattern = "count_if(regexp_full_match(v, '[0-9]+\\.0')) / greatest(count(v), 1)"
        query = f"SELECT {pattern} FROM ({_values(connection, sample, header)})"
        if connection.raw_sql(query).fetchone()[0] >= FLOAT_LIKE:
            return Fit(1.0, {"whole": True}, ("17850.0 is taken to be 17850",))
    return Fit(_share(connection, sample, header, column))


def _values(connection: ibis.BaseBackend, sample: ibis.Table, header: str) -> str:
    text = text_of(header, sample.schema()[header], ColumnMapping(column=header))
    return f"SELECT {text} AS {quote_identifier('v')} FROM ({connection.compile(sample)})"


_FITS = {
    "date": _fit_moment, "datetime": _fit_moment, "money": _fit_number, "number": _fit_number,
    "integer": _fit_number,
}  # fmt: skip
