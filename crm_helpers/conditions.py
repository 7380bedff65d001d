"""Conditions over what is known of a customer: read from text, tested, written as SQL, kept as JSON.

A rule set is a list of named segments, each with conditions that must all hold; the first that does gives
the name. The same rules run on a frame, in the engine, and as one SQL expression that DuckDB, PostgreSQL
and SQLite read alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import ibis

__all__ = ["NUMBERS", "WORDS", "Branch", "Condition", "RuleSet", "read_condition"]

NUMBERS = ("orders", "revenue", "mean_order", "recency_days", "tenure_days", "gap_days", "age")
"""Features a rule may compare with a number: counts, money, days and years."""

WORDS = ("gender", "age_group", "income_group", "city", "region", "source_channel")
"""Features a rule may look for words in."""

_NUMERIC = re.compile(r"([a-z_]+)\s*(<=|>=|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_WORDED = re.compile(r"([a-z_]+)\s+in\s+(\[.*\])", re.DOTALL)
_TESTS: dict[str, Callable[[Any, Any], Any]] = {"<=": le, "<": lt, ">": gt, ">=": ge, "=": eq}


@dataclass(frozen=True)
class Condition:
    """One test of one feature: a comparison with a number, or `in` with words."""

    feature: str
    operator: str
    value: float = 0.0
    words: tuple[str, ...] = ()

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Test every row; what is not known meets no condition."""
        if self.words:
            return frame[self.feature].isin(self.words).to_numpy(bool)
        return np.asarray(_TESTS[self.operator](frame[self.feature].to_numpy(float), self.value))

    def expression(self, table: ibis.Table) -> ibis.Value:
        """Return the test as an expression of the engine."""
        column = table[self.feature]
        if self.words:
            return column.isin(self.words)
        return _TESTS[self.operator](column, self.value)

    @property
    def sql(self) -> str:
        """The test as SQL."""
        if self.words:
            return f"{self.feature} IN ({', '.join(map(_text, self.words))})"
        return f"{self.feature} {self.operator} {_number(self.value)}"


@dataclass(frozen=True)
class Branch:
    """One named segment: whoever meets all conditions."""

    name: str
    conditions: tuple[Condition, ...]

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Test every row."""
        tests = [part.holds(frame) for part in self.conditions]
        return np.asarray(np.logical_and.reduce([np.ones(len(frame), bool), *tests]))

    @property
    def sql(self) -> str:
        """The conditions as one SQL expression."""
        return " AND ".join(part.sql for part in self.conditions) or "TRUE"


@dataclass(frozen=True)
class RuleSet:
    """Segments in order; whoever falls under none is `otherwise`."""

    branches: tuple[Branch, ...]
    otherwise: str

    @property
    def features(self) -> tuple[str, ...]:
        """Features that any condition tests, in order of appearance."""
        used = [part.feature for branch in self.branches for part in branch.conditions]
        return tuple(dict.fromkeys(used))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the segments, each once."""
        return tuple(dict.fromkeys([*(branch.name for branch in self.branches), self.otherwise]))

    def assign(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the name of every row: of the first segment whose conditions hold."""
        chosen = np.full(len(frame), len(self.branches))
        for place in range(len(self.branches) - 1, -1, -1):
            chosen[self.branches[place].holds(frame)] = place
        names = np.array([*(branch.name for branch in self.branches), self.otherwise], dtype=object)
        return np.asarray(names[chosen])

    def expression(self, table: ibis.Table) -> ibis.Value:
        """Return the name of every row as an expression of the engine."""
        import ibis  # noqa: PLC0415 - a profile is read without it

        cases = []
        for branch in self.branches:
            tests = [part.expression(table) for part in branch.conditions]
            cases.append((ibis.and_(*tests) if tests else ibis.literal(True), branch.name))
        return ibis.cases(*cases, else_=self.otherwise) if cases else ibis.literal(self.otherwise)

    def sql(self) -> str:
        """Return one CASE expression over the features that gives the same names.

        Examples
        --------
        >>> few = Branch("Few orders", (read_condition("orders <= 2"),))
        >>> print(RuleSet((few,), "Many orders").sql())
        CASE
          WHEN orders <= 2 THEN 'Few orders'
          ELSE 'Many orders'
        END
        """
        if not self.branches:
            return _text(self.otherwise)
        lines = [f"WHEN {branch.sql} THEN {_text(branch.name)}" for branch in self.branches]
        return "\n  ".join(["CASE", *lines, f"ELSE {_text(self.otherwise)}"]) + "\nEND"

    def to_plain(self) -> dict[str, Any]:
        """Return the rules as lists and texts, for JSON."""
        rules = [
            {"name": b.name, "all": [[c.feature, c.operator, list(c.words) or c.value] for c in b.conditions]}
            for b in self.branches
        ]
        return {"rules": rules, "otherwise": self.otherwise}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> RuleSet:
        """Make the rules anew from `to_plain`, or raise `ValueError`."""
        try:
            branches = [
                Branch(str(rule["name"]), tuple(_condition(*part) for part in rule["all"]))
                for rule in content["rules"]
            ]
            return cls(tuple(branches), str(content["otherwise"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a rule set: {error}") from None


def read_condition(text: str) -> Condition:
    """Read a condition as it is written in a profile.

    Parameters
    ----------
    text
        A feature, one of `<= < > >= =` and a number; or a feature, `in` and a list of words.

    Returns
    -------
    Condition
        The test.

    Raises
    ------
    ValueError
        When the text is neither.

    Examples
    --------
    >>> read_condition("orders >= 5").sql
    'orders >= 5'
    >>> read_condition('region in ["North", "East"]').sql
    "region IN ('North', 'East')"
    """
    if found := _NUMERIC.fullmatch(text.strip()):
        return Condition(found[1], found[2], float(found[3]))
    if found := _WORDED.fullmatch(text.strip()):
        try:
            return _condition(found[1], "in", json.loads(found[2]))
        except (TypeError, json.JSONDecodeError):
            pass
    raise ValueError('a condition is written as "orders >= 5" or "region in [\\"North\\"]"')


def _condition(feature: str, operator: str, value: object) -> Condition:
    if operator == "in" and isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return Condition(feature, operator, words=tuple(value))
    if operator in _TESTS and isinstance(value, int | float):
        return Condition(feature, operator, float(value))
    raise TypeError(f"no condition of {feature}")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
