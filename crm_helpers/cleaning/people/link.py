"""Score the candidate pairs, and say of each what agrees and whether something contradicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis

from crm_helpers.cleaning.people.comparisons import NAMES_ALIKE, NAMES_DIFFER, sided
from crm_helpers.cleaning.people.model import Model, quiet_linker
from crm_helpers.cleaning.people.settings import LOWEST
from crm_helpers.cleaning.people.standardise import PEOPLE
from crm_helpers.lake import quote_identifier, quote_text

__all__ = ["PAIRS", "contradiction", "no_pairs", "score_pairs"]

PAIRS = "pairs"  # the engine's table of scored pairs


def contradiction(left: str, right: str, hard: Sequence[str]) -> str:
    """Write SQL that is true where two records cannot be one person, however much else agrees.

    Names contradict unless an identifier is the same, and the birth date no other: twins share the birth
    date, the telephone and the address, a family may share a card. Birth dates and identifiers contradict
    unless another of them agrees, which outweighs one that was mistyped beyond recognition.

    Parameters
    ----------
    left, right
        Names of the two records in the query.
    hard
        Columns that two records of one person hardly ever have different.

    Returns
    -------
    str
        An expression of SQL.
    """
    tests = {name: f"coalesce({_differs(name)}, false)" for name in hard}
    names, born = tests.pop("name", "false"), tests.get("birth_date", "false")
    apart, alike = _any(tests.values()), _any(f"coalesce(NOT ({_differs(name)}), false)" for name in tests)
    # numbers given out one after the other differ in a digit: only the same number outweighs a name
    known = _any(f"coalesce({name}_l = {name}_r, false)" for name in tests if name != "birth_date")
    condition = f"(({names} AND ({born} OR NOT {known})) OR ({apart} AND NOT {alike}))"
    return sided(condition, left, right)


def _doubt(left: str, right: str, filled: Iterable[str]) -> str:
    """Write SQL that is true where names differ and nothing that is a person's own is known to agree.

    Husband and wife, mother and daughter may share telephone, e-mail, address and half of a name.
    """
    known = _any(f"coalesce({name}_l = {name}_r, false)" for name in filled)
    named, born = (f"({name}_l IS NOT NULL AND {name}_r IS NOT NULL)" for name in ("name", "birth_date"))
    return sided(f"({named} AND NOT {NAMES_ALIKE} AND NOT {born} AND NOT {known})", left, right)


def _differs(name: str) -> str:
    return _DIFFER.get(name, f"damerau_levenshtein({name}_l, {name}_r) > 2")


def _any(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(conditions) or 'false'})"


_DIFFER = {
    "name": NAMES_DIFFER,
    "birth_date": (
        "((CASE WHEN left(birth_date_l, 4) = left(birth_date_r, 4) THEN 1 ELSE 0 END"
        " + CASE WHEN substr(birth_date_l, 6, 2) = substr(birth_date_r, 6, 2) THEN 1 ELSE 0 END"
        " + CASE WHEN right(birth_date_l, 2) = right(birth_date_r, 2) THEN 1 ELSE 0 END) < 2"
        " AND damerau_levenshtein(birth_date_l, birth_date_r) > 2)"
    ),
}


def score_pairs(connection: ibis.BaseBackend, model: Model) -> None:
    """Write the table `pairs`: the candidate pairs that are one person at least as likely as not.

    Parameters
    ----------
    connection
        The engine with the table `blocked`.
    model
        The trained model.
    """
    with quiet_linker(connection, model.settings) as linker:
        scored = linker.inference.predict(threshold_match_probability=LOWEST)
        connection.raw_sql(
            f"CREATE TABLE {PAIRS} AS SELECT customer_id_l AS one, customer_id_r AS other,"
            " round(match_weight, 6) AS weight, round(match_probability, 9) AS probability,"
            f" CAST(match_key AS INTEGER) AS rule, {contradiction('l', 'r', model.hard)} AS contradicts,"
            f" {_doubt('l', 'r', model.identifiers)} AS doubtful,"
            f" {_evidence(model)} AS evidence FROM {scored.physical_name} p"
            f" JOIN {PEOPLE} l ON l.customer_id = p.customer_id_l"
            f" JOIN {PEOPLE} r ON r.customer_id = p.customer_id_r"
            " ORDER BY one, other"
        )


def no_pairs(connection: ibis.BaseBackend) -> None:
    """Write the table `pairs` without a row, where there is nothing to compare."""
    connection.raw_sql(
        f"CREATE TABLE {PAIRS} (one VARCHAR, other VARCHAR, weight DOUBLE, probability DOUBLE, rule INTEGER,"
        " contradicts BOOLEAN, doubtful BOOLEAN, evidence VARCHAR)"
    )


def _evidence(model: Model) -> str:
    """Write SQL of the levels at which a pair agrees, in words."""
    parts = []
    for name, levels in model.levels.items():
        labels = [quote_text(level["label_for_charts"]) for level in reversed(levels)]
        cases = " ".join(f"WHEN {place} THEN {label}" for place, label in enumerate(labels))
        parts.append(f"CASE p.{quote_identifier(f'gamma_{name}')} {cases} END")
    return f"concat_ws('; ', {', '.join(parts)})"
