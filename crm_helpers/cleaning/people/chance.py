"""How often two different people agree by chance, and how many pairs are one person: counted in the engine.

Random pairs never meet in a value as rare as a telephone number: among two million random pairs of
500,000 customers, equal numbers are expected four times in a million samples. Agreement in full values
is therefore counted over all pairs, from the sizes of groups, and only similarity is sampled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

import ibis

from crm_helpers.cleaning.people.comparisons import NEAR_BIRTH, REACH, TWO_AGREE, Comparison, agrees, sided
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import PEOPLE, Prepared, identifier_columns

__all__ = ["certain_pairs", "chance_agreement"]

_SHUFFLED = "shuffled"  # the engine's table of customers in a drawn order, for random pairs


def chance_agreement(
    prepared: Prepared, chosen: Sequence[Comparison], settings: PeopleSettings
) -> dict[str, dict[str, float]]:
    """Find how often two customers stand at each level of agreement.

    Parameters
    ----------
    prepared
        The standardised customers.
    chosen
        The comparisons.
    settings
        Seed and number of random pairs.

    Returns
    -------
    dict of str to dict of str to float
        u by comparison and label: pairs at the level ÷ pairs with something to compare, over all pairs
        where levels are `counted`, else over random ones. Real duplicates are among them, so agreement
        never counts for more than it should.
    """
    found = _drawn(prepared, chosen, settings) if prepared.customers > 1 else {}
    return {c.name: found.get(c.name, {}) | _counted(prepared.connection, c) for c in chosen}


def _drawn(
    prepared: Prepared, chosen: Sequence[Comparison], settings: PeopleSettings
) -> dict[str, dict[str, float]]:
    """Pair each customer with the next ones of a drawn order: pairs of all customers, not of a few."""
    connection, size = prepared.connection, prepared.customers
    steps = min(max(settings.random_pairs // size, 1), size // 2)
    first = min(size, settings.random_pairs // steps)
    connection.raw_sql(
        f"CREATE TEMP TABLE {_SHUFFLED} AS SELECT *, row_number() OVER ("
        f"ORDER BY hash(customer_id || {settings.seed}), customer_id) - 1 AS place FROM {PEOPLE}"
    )
    columns = sorted({name for comparison in chosen for name in comparison.columns})
    sides = ", ".join(f"{side}.{name} AS {name}_{side}" for side in "lr" for name in columns)
    levels = ", ".join(f"{_case(c)} AS level_{place}" for place, c in enumerate(chosen))
    counts = connection.con.execute(
        f"SELECT {', '.join(f'level_{place}' for place in range(len(chosen)))}, count(*) FROM"
        f" (SELECT {levels} FROM (SELECT {sides} FROM"
        f" (SELECT *, unnest(range(1, {steps + 1})) AS step FROM {_SHUFFLED} WHERE place < {first}) l"
        f" JOIN {_SHUFFLED} r ON r.place = (l.place + step) % {size})) GROUP BY ALL"
    ).fetchall()
    connection.raw_sql(f"DROP TABLE {_SHUFFLED}")
    return {c.name: _shares(c, [(row[i], row[-1]) for row in counts]) for i, c in enumerate(chosen)}


def _case(comparison: Comparison) -> str:
    *levels, _ = enumerate(comparison.levels)
    cases = " ".join(f"WHEN {level.condition} THEN {place}" for place, level in levels)
    return f"CASE WHEN NOT {comparison.known} THEN -1 {cases} ELSE {len(levels)} END"


def _shares(comparison: Comparison, counts: Iterable[tuple[int, int]]) -> dict[str, float]:
    totals = Counter[int]()
    for place, pairs in counts:
        totals[place] += pairs
    known = max(totals.total() - totals[-1], 1)
    return {level.label: totals[place] / known for place, level in enumerate(comparison.levels)}


def _counted(connection: ibis.BaseBackend, comparison: Comparison) -> dict[str, float]:
    """Count over all pairs the share that stands at each counted level."""
    counted = [level for level in comparison.levels if level.counted]
    known = _known_pairs(connection, comparison)
    if not counted or not known:
        return {}
    if comparison.name == "reach":
        pairs = _reach_pairs(connection, comparison)
    else:
        totals = [_pairs(connection, (level.condition.split("_l = ")[0],)) for level in counted]
        # a level is reached only by pairs that missed the level above it
        above = [0, *totals[:-1]]
        pairs = {level.label: n - m for level, n, m in zip(counted, totals, above, strict=True)}
    return {level.label: max(pairs[level.label], 1) / known for level in counted}


def _pairs(connection: ibis.BaseBackend, columns: tuple[str, ...]) -> int:
    key, filled = ", ".join(columns), " AND ".join(f"{name} IS NOT NULL" for name in columns)
    groups = f"SELECT count(*) AS n FROM {PEOPLE} WHERE {filled} GROUP BY {key}"
    return int(connection.raw_sql(f"SELECT coalesce(sum(n * (n - 1) // 2), 0) FROM ({groups})").fetchone()[0])


def _reach_pairs(connection: ibis.BaseBackend, comparison: Comparison) -> dict[str, int]:
    """Pairs by the number of ways to reach them that agree: inclusion and exclusion over the three."""
    fields = [name for name in REACH if name in comparison.columns]
    one = {name: _pairs(connection, (name,)) for name in fields}
    two = {pair: _pairs(connection, pair) for pair in combinations(fields, 2)}
    three = _pairs(connection, tuple(fields)) if len(fields) == 3 else 0
    alone = {name: one[name] - sum(n for pair, n in two.items() if name in pair) + three for name in fields}
    return {agrees(name): n for name, n in alone.items()} | {TWO_AGREE: sum(two.values()) - 2 * three}


def _known_pairs(connection: ibis.BaseBackend, comparison: Comparison) -> int:
    """Pairs with something to compare, from the few patterns of filled columns."""
    flags = ", ".join(f"CASE WHEN {name} IS NOT NULL THEN 1 END AS {name}" for name in comparison.columns)
    sides = {side: ", ".join(f"{name} AS {name}_{side}" for name in comparison.columns) for side in "lr"}
    query = (
        f"WITH pattern AS (SELECT {flags}, count(*) AS n, row_number() OVER () AS place"
        f" FROM {PEOPLE} GROUP BY ALL)"
        " SELECT coalesce(sum(CASE WHEN place_l = place_r THEN n_l * (n_l - 1) // 2 ELSE n_l * n_r END), 0)"
        f" FROM (SELECT {sides['l']}, n AS n_l, place AS place_l FROM pattern)"
        f" JOIN (SELECT {sides['r']}, n AS n_r, place AS place_r FROM pattern) ON place_l <= place_r"
        f" WHERE {comparison.known}"
    )
    return int(connection.raw_sql(query).fetchone()[0])


def certain_pairs(prepared: Prepared, settings: PeopleSettings) -> int:
    """Count the pairs that are one person beyond doubt: the same name and one more thing that is rare.

    A father and a son may have all that in common: the birth date must be no other.

    Parameters
    ----------
    prepared
        The standardised customers.
    settings
        The identifiers.

    Returns
    -------
    int
        Distinct pairs.
    """
    day = ("birth_date", "city") if prepared.filled["city"] else ("birth_date",)
    more = [("phone",), ("email",), ("address",), day, *((name,) for name in identifier_columns(settings))]
    rules = [("name_key", *columns) for columns in more]
    # UNION keeps each pair once
    joins = " UNION ".join(
        f"SELECT l.customer_id, r.customer_id FROM {PEOPLE} l JOIN {PEOPLE} r"
        f" ON {' AND '.join(f'l.{name} = r.{name}' for name in columns)} AND l.customer_id < r.customer_id"
        f" WHERE coalesce({sided('birth_date_l = birth_date_r OR ' + NEAR_BIRTH, 'l', 'r')}, true)"
        for columns in rules
        if all(prepared.filled[name] for name in columns)
    )
    return int(prepared.connection.raw_sql(f"SELECT count(*) FROM ({joins})").fetchone()[0]) if joins else 0
