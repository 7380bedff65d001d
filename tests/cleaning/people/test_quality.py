from __future__ import annotations

import pandas as pd
import pytest

from crm_helpers.cleaning.people.quality import by_pairs, by_records


def frame(groups):
    rows = [(customer, person) for person, members in groups.items() for customer in members]
    return pd.DataFrame(rows, columns=["customer_id", "person_id"])


FOUND = frame({"1": "abc", "2": "d", "3": "e"})
TRUE = frame({"x": "ab", "y": "cd", "z": "e"})


def test_pairs():
    found = by_pairs(FOUND, TRUE)  # found ab ac bc; true ab cd
    assert (found.precision, found.recall, found.f1) == pytest.approx((1 / 3, 1 / 2, 2 / 5))


def test_records():
    found = by_records(FOUND, TRUE)
    assert found.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert found.recall == pytest.approx((1 + 1 + 1 / 2 + 1 / 2 + 1) / 5)


def test_nothing_joined_where_nothing_belongs_together_is_perfect():
    alone = frame({"1": "a", "2": "b"})
    assert (by_pairs(alone, alone).f1, by_records(alone, alone).f1) == (1.0, 1.0)


def test_a_customer_twice_is_refused():
    with pytest.raises(ValueError, match="not unique"):
        by_pairs(pd.concat([FOUND, FOUND]), TRUE)
