from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import ibis
import pytest

from crm_helpers.cleaning.people.chance import certain_pairs, chance_agreement
from crm_helpers.cleaning.people.comparisons import REACH, TWO_AGREE, agrees, comparisons
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import prepare


def counted(simulation, size=300):
    customers, _ = simulation(size, twice=0.3, sharing=0.5, seed=5)
    settings = PeopleSettings(country="CN")
    ready = prepare(ibis.memtable(customers), settings)
    return ready, settings, ready.connection.con.execute("FROM people").df()


def same(one, other, name):
    return isinstance(one[name], str) and one[name] == other[name]


def test_reach_is_counted_as_brute_force_counts_it(simulation):
    ready, settings, people = counted(simulation)
    reach = next(c for c in comparisons(ready.filled, {}) if c.name == "reach")
    rows = people.to_dict("records")
    numbers = dict.fromkeys([TWO_AGREE, *map(agrees, REACH)], 0)
    for one, other in combinations(rows, 2):
        equal = [name for name in REACH if same(one, other, name)]
        if equal:
            numbers[TWO_AGREE if len(equal) > 1 else agrees(equal[0])] += 1
    known = len(rows) * (len(rows) - 1) / 2  # every customer has an address
    expected = {label: max(n, 1) / known for label, n in numbers.items()}
    found = chance_agreement(ready, [reach], settings)["reach"]
    assert {label: found[label] for label in expected} == pytest.approx(expected)


def test_names_and_birth_dates_are_counted_among_the_known(simulation):
    ready, settings, people = counted(simulation)
    birth = next(c for c in comparisons(ready.filled, {}) if c.name == "birth date")
    days = people["birth_date"].dropna().tolist()
    pairs = list(combinations(days, 2))
    expected = sum(a == b for a, b in pairs) / len(pairs)
    assert chance_agreement(ready, [birth], settings)["birth date"]["the same day"] == pytest.approx(expected)


@pytest.mark.parametrize(("drawn", "within"), [(10**6, 1e-9), (10_000, 0.2)])
def test_other_levels_are_counted_among_drawn_pairs_and_among_all_where_these_are_few(
    simulation, drawn, within
):
    ready, settings, people = counted(simulation, 301)
    reach = next(c for c in comparisons(ready.filled, {}) if c.name == "reach")
    rows = people.to_dict("records")
    alone = [
        same(one, other, "city") and not any(same(one, other, name) for name in (*REACH, "street"))
        for one, other in combinations(rows, 2)
    ]
    found = chance_agreement(ready, [reach], replace(settings, random_pairs=drawn))["reach"]
    assert found["the same city"] == pytest.approx(sum(alone) / len(alone), rel=within)


def other_day(one, other):
    """Two birth dates that are no slip of each other: not two parts the same, nor day and month swapped."""
    if not (isinstance(one["birth_date"], str) and isinstance(other["birth_date"], str)):
        return False
    left, right = one["birth_date"].split("-"), other["birth_date"].split("-")
    return sum(a == b for a, b in zip(left, right, strict=True)) < 2 and [
        left[0], left[2], left[1]
    ] != right  # fmt: skip


def test_certain_pairs_are_each_counted_once(simulation):
    ready, settings, people = counted(simulation)
    people["birth_date"] = people["birth_date"].where(people.index % 9 != 0, "1931-02-17")
    ready.connection.con.register("changed", people)
    ready.connection.raw_sql("CREATE OR REPLACE TABLE people AS FROM changed")
    rows = people.to_dict("records")
    pairs = [
        (a, b)
        for a, b in combinations(rows, 2)
        if same(a, b, "name_key")
        and (
            any(same(a, b, name) for name in ("phone", "email", "address"))
            or (same(a, b, "birth_date") and same(a, b, "city"))
        )
    ]
    expected = sum(not other_day(a, b) for a, b in pairs)
    assert 0 < expected < len(pairs)
    assert certain_pairs(ready, settings) == expected
