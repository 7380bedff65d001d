"""Do keys that are said to rise really rise, whatever batches they come in, so that none is there twice?"""

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from crm_helpers.cleaning.rising import RisingKey

texts = st.one_of(st.none(), st.text("019O\u00e9客", max_size=3))
keys = st.lists(st.tuples(texts, st.one_of(st.none(), st.integers(0, 3))), max_size=12)


def weight(key):
    text, number = key
    return len(text.encode()), text.encode(), number


def rises(rows):
    known = len(rows) < 2 or all(None not in row for row in rows)
    return known and all(weight(one) < weight(other) for one, other in pairwise(rows))


def looked_at(rows, size):
    key = RisingKey(["order", "line"])
    for first in range(0, len(rows), size):
        texts, numbers = zip(*rows[first : first + size], strict=True)
        key.look(pa.table({"order": pa.array(texts, pa.string()), "line": pa.array(numbers, pa.int64())}))
    return key.rises


@given(keys, st.booleans(), st.integers(1, 5))
def test_it_says_what_comparing_row_by_row_says(rows, ordered, size):
    if ordered:
        rows = sorted((row for row in set(rows) if None not in row), key=weight)
    assert looked_at(rows, size) == rises(rows)


def test_equal_keys_on_both_sides_of_two_batches_do_not_rise():
    assert not looked_at([("O1", 1), ("O1", 2), ("O1", 2), ("O2", 1)], size=2)


def test_a_table_without_a_key_does_not_rise():
    assert not RisingKey([]).rises
