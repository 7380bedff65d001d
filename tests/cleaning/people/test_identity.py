from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from crm_helpers.cleaning.people.identity import keep_ids
from crm_helpers.lake import connect


def run(clusters: Sequence[Sequence[str]], before: dict[str, str] | None = None):
    """Clusters as strings of one-letter customers, or tuples; the last run by customer."""
    rows = [(customer, min(group)) for group in clusters for customer in group]
    connection = connect(threads=1)
    connection.con.register("drawn", pd.DataFrame(rows, columns=["customer_id", "cluster"]))
    connection.raw_sql("CREATE TABLE clusters AS FROM drawn")
    columns = ["customer_id", "person_id"]
    previous = None if before is None else pd.DataFrame(list(before.items()), columns=columns)
    log = keep_ids(connection, previous)
    ids = dict(connection.con.execute("SELECT customer_id, person_id FROM identities").fetchall())
    connection.disconnect()
    return ids, list(log.itertuples(index=False, name=None))


def test_new_people_go_by_their_first_customer():
    assert run(["ab", "c"]) == ({"a": "a", "b": "a", "c": "c"}, [])


def test_the_first_of_ids_that_are_numbers_is_the_smallest_number():
    ids, _ = run([("10", "9", "11")])
    assert set(ids.values()) == {"9"}


def test_a_person_keeps_the_id_when_an_earlier_customer_joins():
    ids, log = run(["abc"], {"b": "b", "c": "b"})
    assert (set(ids.values()), log) == ({"b"}, [])


def test_merging_keeps_the_id_of_the_larger_part_and_is_logged():
    ids, log = run(["abcde"], {"a": "a", "b": "a", "c": "c", "d": "c", "e": "c"})
    assert (set(ids.values()), log) == ({"c"}, [("merged", "a", "c", 2)])


def test_splitting_leaves_the_id_with_its_own_record_and_is_logged():
    ids, log = run(["a", "bcd"], dict.fromkeys("abcd", "a"))
    assert ids == {"a": "a", "b": "b", "c": "b", "d": "b"}
    assert log == [("split", "a", "b", 3)]


def test_a_person_whose_own_record_is_gone_goes_by_another():
    assert run(["bc"], {"a": "a", "b": "a", "c": "a"}) == ({"b": "b", "c": "b"}, [("merged", "a", "b", 2)])


def test_ties_go_to_the_smaller_id():
    ids, log = run(["ab"], {"a": "a", "b": "b"})
    assert (ids, log) == ({"a": "a", "b": "a"}, [("merged", "b", "a", 1)])


def test_crossing_over_gives_every_id_to_one_person():
    before = dict.fromkeys("abc", "a") | dict.fromkeys("def", "d")
    ids, log = run(["abd", "cef"], before)
    assert ids == {"a": "a", "b": "a", "d": "a", "c": "c", "e": "c", "f": "c"}
    assert log == [("split", "a", "c", 1), ("split", "d", "a", 1), ("split", "d", "c", 2)]


@pytest.mark.parametrize("seed", range(3))
def test_ids_are_unique_and_stable_when_nothing_changes(seed):
    clusters = ["abc", "de", "f"]
    ids, _ = run(clusters)
    assert run(clusters, ids) == (ids, [])
