"""Which pairs of customers are compared at all: rules of equal values, counted before anything is linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import ibis
import pandas as pd

from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import PEOPLE, Prepared, identifier_columns

__all__ = ["BLOCKED", "TRAINING", "Rule", "choose_rules", "rule_frame", "write_blocks"]

BLOCKED = "blocked"  # the engine's table: `people`, `training_name` and one column a rule
TRAINING = "training_name"  # names that not too many share, to learn from

_CANDIDATES = (
    ("phone",), ("email",), ("address",), ("email_local",), ("name_key", "birth_date"), ("name_key", "city"),
    ("family", "birth_date"), ("given", "birth_date"), ("family", "numbers"), ("given", "numbers"),
    ("birth_date", "numbers"), ("birth_date", "city"), ("name_key",), ("birth_date",),
)  # fmt: skip
"""Columns that must be equal, the most telling first; each rule forgives errors in all the others."""


@dataclass(frozen=True)
class Rule:
    """One blocking rule and what it costs."""

    columns: tuple[str, ...]
    records: int  # with all the columns filled
    pairs: int  # candidate pairs, after the cap; a pair may be found by several rules
    largest_block: int  # records of its most common value, before the cap
    excluded_values: int  # values with more records than the cap
    excluded_records: int
    used: bool
    reason: str

    @property
    def column(self) -> str:
        """Name of the rule's column in the engine's table."""
        return "block_" + "_".join(self.columns)

    @property
    def key(self) -> str:
        """SQL of a number that stands for the values that must be equal; empty when any of them is."""
        values = " || chr(31) || ".join(self.columns)
        # the hash of nothing is a number too
        return f"CASE WHEN {values} IS NOT NULL THEN hash({values}) END"


def choose_rules(prepared: Prepared, settings: PeopleSettings) -> tuple[Rule, ...]:
    """Count the pairs of each candidate rule and choose rules until the pairs are as many as allowed.

    Parameters
    ----------
    prepared
        The standardised customers; the engine gains one table a rule, of values that several records have.
    settings
        `largest_block` and `most_pairs`.

    Returns
    -------
    tuple of Rule
        Every rule whose columns have values, used or not, with the reason.
    """
    wanted = (*((name,) for name in identifier_columns(settings)), *_CANDIDATES)
    rules = [
        Rule(columns, 0, 0, 0, 0, 0, used=False, reason="")
        for columns in wanted
        if all(prepared.filled[name] for name in columns)
    ]
    counted = [_count(prepared.connection, rule, settings.largest_block) for rule in rules]
    return _within(counted, settings.most_pairs * prepared.customers)


def _count(connection: ibis.BaseBackend, rule: Rule, cap: int) -> Rule:
    connection.raw_sql(
        f"CREATE TEMP TABLE {rule.column} AS SELECT {rule.key} AS key, count(*) AS n FROM {PEOPLE}"
        " WHERE key IS NOT NULL GROUP BY key HAVING n > 1"
    )
    query = (
        f"SELECT (SELECT count({rule.key}) FROM {PEOPLE}),"
        f" coalesce(sum(n * (n - 1) // 2) FILTER (n <= {cap}), 0), coalesce(max(n), 1),"
        f" count(*) FILTER (n > {cap}), coalesce(sum(n) FILTER (n > {cap}), 0) FROM {rule.column}"
    )
    records, pairs, largest, values, excluded = (int(n) for n in connection.raw_sql(query).fetchone())
    counted = replace(rule, records=records, pairs=pairs, largest_block=largest)
    return replace(counted, excluded_values=values, excluded_records=excluded)


def _within(rules: Sequence[Rule], most: int) -> tuple[Rule, ...]:
    chosen, total = [], 0
    for rule in rules:
        if rule.pairs == 0 and rule.excluded_values:
            reason = "every shared value is too common"
        elif rule.pairs == 0:
            reason = "no two customers share a value"
        elif total + rule.pairs > most:
            reason = "too many pairs beside the rules before it"
        else:
            reason, total = "", total + rule.pairs
        chosen.append(replace(rule, used=not reason, reason=reason))
    return tuple(chosen)


def write_blocks(connection: ibis.BaseBackend, rules: Sequence[Rule], cap: int) -> None:
    """Write the table `blocked`: the customers with one number a rule, empty where nobody is to be compared.

    Parameters
    ----------
    connection
        The engine with the table `people` and those of the rules.
    rules
        The rules in use.
    cap
        Records a value may have.
    """
    blocks = "".join(
        f", CASE WHEN {rule.key} IN (SELECT key FROM {rule.column} WHERE n <= {cap}) THEN {rule.key} END"
        f" AS {rule.column}"
        for rule in rules
    )
    common = f"SELECT name_key FROM {PEOPLE} GROUP BY name_key HAVING count(*) BETWEEN 2 AND {cap}"
    training = f"CASE WHEN name_key IN ({common}) THEN name_key END AS {TRAINING}"
    connection.raw_sql(f"CREATE TABLE {BLOCKED} AS SELECT *, {training}{blocks} FROM {PEOPLE}")
    for rule in rules:
        connection.raw_sql(f"DROP TABLE {rule.column}")


def rule_frame(rules: Sequence[Rule], identifiers: Mapping[str, str]) -> pd.DataFrame:
    """List the rules as a table.

    Parameters
    ----------
    rules
        The rules.
    identifiers
        The company's own names of identifiers, by standardised column.

    Returns
    -------
    pandas.DataFrame
        rule, records, pairs, largest_block, excluded_values, excluded_records, used, reason.
    """
    words = _WORDS | dict(identifiers)
    rows = [
        {
            "rule": " and ".join(words.get(name, name.replace("_", " ")) for name in rule.columns),
            "records": rule.records, "pairs": rule.pairs, "largest_block": rule.largest_block,
            "excluded_values": rule.excluded_values, "excluded_records": rule.excluded_records,
            "used": rule.used, "reason": rule.reason,
        }
        for rule in rules
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(_FRAME)).astype(_FRAME)


_WORDS = {
    "name_key": "name", "family": "family name", "given": "given name", "email": "e-mail",
    "email_local": "e-mail before the @", "numbers": "numbers of the address",
}  # fmt: skip
_FRAME = {
    "rule": "str", "records": "int64", "pairs": "int64", "largest_block": "int64", "excluded_values": "int64",
    "excluded_records": "int64", "used": "bool", "reason": "str",
}  # fmt: skip
