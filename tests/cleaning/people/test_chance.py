from __future__ import annotations

from itertools import combinations

import ibis
import pytest

from crm_helpers.cleaning.people.chance import certain_pairs, chance_agreement
from crm_helpers.cleaning.people.comparisons import REACH, TWO_AGREE, agrees, comparisons
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import prepare


def counted(simulation):
    customers, _ = simulation(300, twice=0.3, sharing=0.5, seed=5)
    settings = PeopleSettings(country="CN")
    ready = prepare(ibis.memtable(customers), settings)
    return ready, settings, ready.connection.con.execute("FROM people").df()


def same(one, other, name):
    return isinstance(one[name], str) and one[name] == other[name]


def test_reach_is_counted_as_brute_force_counts_it(simulation):
    ready, _, people = counted(simulation)
    reach = next(c for c in comparisons(ready.filled, {}) if c.name == "reach")
    rows = people.to_dict("records")
    numbers = dict.fromkeys([TWO_AGREE, *map(agrees, REACH)], 0)
    for one, other in combinations(rows, 2):
        equal = [name for name in REACH if same(one, other, name)]
        if equal:
            numbers[TWO_AGREE if len(equal) > 1 else agrees(equal[0])] += 1
    known = len(rows) * (len(rows) - 1) / 2  # every customer has an address
    expected = {label: max(n, 1) / known for label, n in numbers.items()}
    assert chance_agreement(ready.connection, reach) == pytest.approx(expected)


def test_names_and_birth_dates_are_counted_among_the_known(simulation):
    ready, _, people = counted(simulation)
    birth = next(c for c in comparisons(ready.filled, {}) if c.name == "birth date")
    days = people["birth_date"].dropna().tolist()
    pairs = list(combinations(days, 2))
    expected = sum(a == b for a, b in pairs) / len(pairs)
    assert chance_agreement(ready.connection, birth)["the same day"] == pytest.approx(expected)


def test_certain_pairs_are_each_counted_once(simulation):
    ready, settings, people = counted(simulation)
    rows = people.to_dict("records")
    expected = sum(
        same(a, b, "name_key")
        and (
            any(same(a, b, name) for name in ("phone", "email", "address"))
            or (same(a, b, "birth_date") and same(a, b, "city"))
        )
        for a, b in combinations(rows, 2)
    )
    assert certain_pairs(ready, settings) == expected
