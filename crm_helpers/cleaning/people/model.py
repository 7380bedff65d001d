"""Learn what agreement and disagreement are worth: Fellegi and Sunter's model, by Splink.

A pair's weight is the sum of log2(m / u) over the comparisons: m is the share of pairs of one person at
that level of agreement, u the share of pairs of two people. u is counted over all pairs or random ones, m
comes from expectation maximisation (EM) among pairs that share a name, or a birth date and a way to reach
them: among pairs that share a telephone alone, families would be taken for one person.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd

from crm_helpers.cleaning.people.blocking import BLOCKED, TRAINING, Rule
from crm_helpers.cleaning.people.chance import certain_pairs, chance_agreement
from crm_helpers.cleaning.people.comparisons import Comparison, Level, comparisons
from crm_helpers.cleaning.people.macros import name_conditions
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import Prepared, identifier_columns

__all__ = ["Model", "learn", "quiet_linker"]

_FEWEST = 0.3  # share of a person's pairs that have the same name, at least
_GENERAL_PAIRS = 10_000  # weight of general values: below some 150 customers chance cannot be counted
_FEW_CUSTOMERS = 1_000  # below it a value's frequency says nothing
_MOST_TAKEN = 10  # chance agreement is never taken to be rarer than a tenth of what was counted
_RARELY_DIFFERS = 0.1  # share of a person's pairs; beyond it a column contradicts nothing
_LEAST = 0.001  # no level is impossible for one person: people make every mistake
_DIGITS = 9  # parallel sums differ in the last digits, which must not move a pair over a threshold


@dataclass(frozen=True)
class _Chance:
    """The chance that two customers stand at a level, and the pairs it was found among."""

    u: float
    base: float
    total: float  # with those that the general share stands for

    def without(self, same_person: float) -> float:
        """Take out the pairs that are one person, as far as counts bear it: n varies by its square root."""
        left = self.u - same_person * self.base / self.total
        return max(left, self.u / _MOST_TAKEN, math.sqrt(self.u / self.total))


@dataclass(frozen=True)
class Model:
    """A trained model: what Splink reads, and the same as a table."""

    settings: dict[str, Any]
    learnt: bool  # m from the data; otherwise general values
    certain: int  # pairs that are one person beyond doubt

    hard: tuple[str, ...]  # columns that hardly ever differ within a person, by what was learnt
    identifiers: tuple[str, ...]  # standardised columns of numbers that name a person

    @property
    def levels(self) -> dict[str, list[dict[str, Any]]]:
        """Levels as Splink keeps them, by comparison, the strongest agreement first."""
        return _levels(self.settings)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a level: comparison, level, m, u and the weight log2(m / u)."""
        rows = [
            (name, row["label_for_charts"], row["m_probability"], row["u_probability"])
            for name, rows in self.levels.items()
            for row in rows
        ]
        frame = pd.DataFrame(rows, columns=["comparison", "level", "m", "u"])
        return frame.assign(weight=np.log2(frame["m"] / frame["u"]))


def learn(prepared: Prepared, rules: Sequence[Rule], settings: PeopleSettings) -> Model:
    """Train the model.

    Parameters
    ----------
    prepared
        The standardised customers; the engine holds the table `blocked`.
    rules
        The blocking rules in use.
    settings
        Seed and number of random pairs; pairs needed to learn.

    Returns
    -------
    Model
        The model; with general values of m where there are too few certain pairs to learn from.
    """
    chosen = comparisons(prepared.filled, identifier_columns(settings))
    certain = certain_pairs(prepared, settings)
    pairs = prepared.customers * (prepared.customers - 1) / 2
    chance = _chance(chosen, chance_agreement(prepared, chosen, settings), pairs, settings.random_pairs)
    start = _settings(chosen, rules, chance, min((certain + 1) / pairs, 0.5))
    if prepared.customers < _FEW_CUSTOMERS:
        _forget_frequencies(start)
    start = name_conditions(prepared.connection, start)
    learnt, same_name = certain >= settings.learn_from, 0.0
    with quiet_linker(prepared.connection, start) as linker:
        for columns in _training_blocks(prepared) if learnt else ():
            pairs_of_block = _block_pairs(prepared.connection, columns)
            if pairs_of_block < settings.learn_from:
                continue
            session = linker.training.estimate_parameters_using_expectation_maximisation(
                " AND ".join(f"l.{name} = r.{name}" for name in columns),
                estimate_without_term_frequencies=True,
            )
            if TRAINING in columns:
                share = session.core_model_settings.probability_two_random_records_match
                same_name = share * pairs_of_block
        trained = linker.misc.save_model_to_json()
    found = max(certain, same_name) if learnt else 0.0
    settled = _settled(trained, chance, same_name=found, pairs=pairs)
    names = tuple(identifier_columns(settings))
    return Model(settled, learnt, certain, _hard(settled, names), names)


def _hard(settings: dict[str, Any], identifiers: Iterable[str]) -> tuple[str, ...]:
    """Columns whose last level, or the last two of names, hardly any pair of one person reaches."""
    worst = {
        name: sum(row["m_probability"] for row in rows[-2 if name == "name" else -1 :])
        for name, rows in _levels(settings).items()
    }
    return tuple(
        name for name in ("name", "birth_date", *identifiers) if worst.get(name, 1.0) <= _RARELY_DIFFERS
    )


def _levels(settings: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        comparison["output_column_name"]: [
            row for row in comparison["comparison_levels"] if not row.get("is_null_level")
        ]
        for comparison in settings["comparisons"]
    }


def _forget_frequencies(settings: dict[str, Any]) -> None:
    for row in (row for rows in _levels(settings).values() for row in rows):
        row.pop("tf_adjustment_column", None)


def _block_pairs(connection: ibis.BaseBackend, columns: Sequence[str]) -> int:
    filled = " AND ".join(f"{name} IS NOT NULL" for name in columns)
    query = f"SELECT count(*) AS n FROM {BLOCKED} WHERE {filled} GROUP BY {', '.join(columns)}"
    return int(connection.raw_sql(f"SELECT coalesce(sum(n * (n - 1) // 2), 0) FROM ({query})").fetchone()[0])


@contextmanager
def quiet_linker(connection: ibis.BaseBackend, settings: dict[str, Any]) -> Iterator[Any]:
    """Open Splink's linker on the table `blocked`; nothing is printed, logged or drawn."""
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - a second that only linking pays

    logger = logging.getLogger("splink")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        api = DuckDBAPI(connection.con)
        yield Linker(api.register(BLOCKED), settings, log_level=None, validate_settings=False)
        api.delete_tables_created_by_splink_from_db()
    finally:
        logger.setLevel(level)


def _settings(
    chosen: Sequence[Comparison], rules: Sequence[Rule], chance: dict[str, dict[str, _Chance]], prior: float
) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "customer_id",
        "linker_uid": "people",
        "probability_two_random_records_match": prior,
        "retain_matching_columns": True,  # with them come the levels, which say why two records are one
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": f"l.{rule.column} = r.{rule.column}"} for rule in rules
        ],
        "comparisons": [_comparison(comparison, chance[comparison.name]) for comparison in chosen],
    }


def _comparison(comparison: Comparison, chance: dict[str, _Chance]) -> dict[str, Any]:
    nothing = {
        "sql_condition": f"NOT {comparison.known}",
        "label_for_charts": "not known",
        "is_null_level": True,
    }
    return {
        "output_column_name": comparison.name.replace(" ", "_"),
        "comparison_levels": [
            nothing,
            *(_level(level, chance[level.label].u) for level in comparison.levels),
        ],
    }


def _level(level: Level, u: float) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "sql_condition": level.condition, "label_for_charts": level.label,
        "m_probability": level.m, "u_probability": u, "fix_u_probability": True,
    }  # fmt: skip
    if level.frequency_of:
        settings["tf_adjustment_column"] = level.frequency_of
    return settings


def _training_blocks(prepared: Prepared) -> list[tuple[str, ...]]:
    """Name blocks in which families do not meet: one for all that is not the name, one for the name."""
    filled = prepared.filled
    blocks: list[tuple[str, ...]] = []
    if filled["name_key"] and filled["birth_date"]:
        blocks.append((TRAINING, "name_key"))
    reach = next((name for name in ("email", "phone", "address") if filled[name]), None)
    if reach and filled["birth_date"]:
        blocks.append(("birth_date", reach))
    return blocks


def _settled(
    trained: dict[str, Any], chance: dict[str, dict[str, _Chance]], *, same_name: float, pairs: float
) -> dict[str, Any]:
    """Keep every level possible, take the pairs of one person out of chance agreement, and round.

    The pairs of one person are those with the same name, as EM counted them, over the share m of such
    pairs that have the same name.
    """
    levels = _levels(trained)
    for rows in levels.values():
        m = [max(_number(row.get("m_probability")), _LEAST) for row in rows]
        for row, share in zip(rows, m, strict=True):
            row["m_probability"] = _rounded(share / sum(m))
    agreeing = sum(row["m_probability"] for row in levels.get("name", [])[:2])
    prior = max(same_name / max(agreeing, _FEWEST), 1.0) / pairs
    for rows, found in zip(levels.values(), chance.values(), strict=True):
        for row, level in zip(rows, found.values(), strict=True):
            row["u_probability"] = _rounded(level.without(prior * row["m_probability"]))
    return trained | {"probability_two_random_records_match": _rounded(min(prior, 0.5))}


def _chance(
    chosen: Sequence[Comparison], shares: dict[str, dict[str, float]], pairs: float, drawn: float
) -> dict[str, dict[str, _Chance]]:
    """Blend the shares found with the general ones: below some pairs, nothing can be counted."""
    return {
        c.name: {
            level.label: _blended(shares[c.name].get(level.label, 0.0), level.u,
                                  pairs if level.counted else min(drawn, pairs))
            for level in c.levels
        }
        for c in chosen
    }  # fmt: skip


def _blended(share: float, general: float, base: float) -> _Chance:
    total = base + _GENERAL_PAIRS
    return _Chance((share * base + general * _GENERAL_PAIRS) / total, base, total)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0  # Splink writes "level not observed"


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
