"""How alike a header and a column of the vocabulary are: by its name, its known synonyms, its letters."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from crm_helpers.tables import TABLES, Table

__all__ = ["Guess", "best_columns", "column_score", "likeliest_table", "table_score"]

LEAST = 0.6  # below it nothing is guessed
SAME_NAME, SYNONYM, ALIKE = 1.0, 0.9, 0.8  # the last times the share of equal letters

Guess = tuple[str, float]
"""A source column and its score, 0 to 1."""


def column_score(header: str, column: str) -> float:
    """Score a header against a column of the vocabulary.

    Examples
    --------
    >>> column_score("Customer-ID", "customer_id"), column_score("客户编号", "customer_id")
    (1.0, 0.9)
    >>> column_score("weather", "customer_id")
    0.0
    """
    word = _plain(header)
    if word == _plain(column):
        return SAME_NAME
    known = {_plain(synonym) for synonym in _synonyms()["columns"].get(column, ())}
    if word in known:
        return SYNONYM
    ratio = max(
        (SequenceMatcher(None, word, other).ratio() for other in {*known, _plain(column)}), default=0.0
    )
    return round(ALIKE * ratio, 2) if ALIKE * ratio >= LEAST else 0.0


def best_columns(headers: Iterable[str], table: Table) -> dict[str, Guess]:
    """Give each column of a table its likeliest header; no header is used twice, ties go to the earlier one.

    Returns
    -------
    dict
        Source column and score by canonical column, in the vocabulary's order.
    """
    pairs = [
        (-column_score(header, column.name), i, j, column.name, header)
        for i, column in enumerate(table.columns)
        for j, header in enumerate(headers)
    ]
    found: dict[str, Guess] = {}
    for score, _, _, name, header in sorted(pairs):
        taken = {guess[0] for guess in found.values()}
        if score <= -LEAST and name not in found and header not in taken:
            found[name] = (header, -score)
    return {column.name: found[column.name] for column in table.columns if column.name in found}


def table_score(source: str, headers: list[str], table: Table) -> float:
    """Score a source against a table: its required columns, all that it explains, the words of its name."""
    guesses = best_columns(headers, table)
    required = table.required_columns
    part = sum(guesses[name][1] for name in required if name in guesses) / len(required)
    explained = sum(score for _, score in guesses.values()) / max(len(headers), 1)
    words = {_plain(table.name), *map(_plain, _synonyms()["tables"].get(table.name, ()))}
    named = any(word.rstrip("s") in _plain(source) for word in words)
    return round(part + explained + (0.5 if named else 0.0), 2)


def likeliest_table(source: str, headers: list[str]) -> str:
    """Name the table a source is most like; nothing is said of how much."""
    return max(TABLES, key=lambda name: table_score(source, headers, TABLES[name]))


@cache
def _synonyms() -> dict[str, dict[str, list[str]]]:
    text = Path(__file__).with_name("synonyms.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    unknown = set(found["columns"]) - {column.name for table in TABLES.values() for column in table.columns}
    if unknown:
        raise KeyError(f"synonyms.toml names columns that tables.py does not know: {sorted(unknown)}")
    return found


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
