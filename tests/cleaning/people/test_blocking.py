from __future__ import annotations

from itertools import combinations

import ibis
import pandas as pd

from crm_helpers.cleaning.people.blocking import choose_rules, rule_frame, write_blocks
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import prepare


def rules(frame, **settings):
    chosen = PeopleSettings(**settings)
    prepared = prepare(ibis.memtable(frame), chosen)
    return choose_rules(prepared, chosen), prepared


def test_pairs_are_counted_as_brute_force_counts_them(simulation):
    customers, _ = simulation(400, twice=0.2, sharing=0.4, seed=1)
    found, prepared = rules(customers, country="CN", most_holders=400)
    people = prepared.connection.con.execute("FROM people").df()
    for rule in found:
        keys = people[list(rule.columns)].dropna().agg("|".join, axis=1)
        assert rule.pairs == sum(a == b for a, b in combinations(keys, 2))


def test_common_values_are_left_out_of_their_rule_and_counted():
    names = ["Test User"] * 4 + ["Ann Lee"] * 2 + ["Bo Chen"]
    customers = pd.DataFrame({"customer_id": list("abcdefg"), "name": names})
    found, prepared = rules(customers, largest_block=3)
    rule = next(rule for rule in found if rule.columns == ("name_key",))
    assert (rule.pairs, rule.largest_block, rule.excluded_values, rule.excluded_records) == (1, 4, 1, 4)
    write_blocks(prepared.connection, [rule], 3)
    query = "SELECT customer_id FROM blocked WHERE block_name_key IS NOT NULL ORDER BY customer_id"
    assert prepared.connection.con.execute(query).fetchall() == [("e",), ("f",)]


def test_rules_beyond_the_allowed_pairs_are_left_out_and_say_so():
    customers = pd.DataFrame({"customer_id": [f"{n:02}" for n in range(40)], "name": ["Ann Lee"] * 40})
    found, _ = rules(customers, most_pairs=5)
    frame = rule_frame(found, {})
    assert list(frame[["rule", "used", "reason"]].itertuples(index=False, name=None)) == [
        ("name", False, "too many pairs beside the rules before it")
    ]


def test_rules_need_columns_with_values():
    customers = pd.DataFrame({"customer_id": ["a", "b"], "phone": ["13800138000", "13800138000"]})
    found, _ = rules(customers)
    assert [rule.columns for rule in found] == [("phone",)]
