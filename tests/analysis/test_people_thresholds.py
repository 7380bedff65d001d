from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers.analysis.segments.features import customer_features
from crm_helpers.analysis.segments.people_thresholds import by_segment, segment_moves
from crm_helpers.analysis.segments.rfm import assign_segments, score_customers
from crm_helpers.analysis.segments.segmentation import rule_segments
from crm_helpers.analysis.segments.threshold_findings import largest_change, most_moved

AS_OF = date(2024, 7, 1)
PAIRS = [("a01", "a02", 0.9999), ("a03", "a04", 0.97), ("a04", "a05", 0.85), ("a06", "a07", 0.6)]
NOW = 0.99


def joined(names, level):
    """Each customer's person: the smallest id of the pairs at or above a level, followed to the end."""
    person = {name: name for name in names}
    for _ in names:
        for one, other, probability in PAIRS:
            if probability >= level:
                person[one] = person[other] = min(person[one], person[other])
    return person


@pytest.fixture(scope="module")
def company():
    random = np.random.default_rng(5)
    names = [f"a{place:02}" for place in range(80)]
    lines = pd.DataFrame(
        {
            "customer_id": random.choice(names, 900), "order_id": [f"o{place % 700}" for place in range(900)],
            "ordered_at": np.datetime64("2024-01-01T10:00:00")
            + (random.random(900) ** 3 * 180 * 86_400).astype("timedelta64[s]"),
            "amount": random.normal(40, 30, 900).round(2),
        }
    )  # fmt: skip
    return names, lines


def table_of(lines):
    # exact sums, as the engine has them: a customer may stand on a line between scores
    return ibis.memtable(lines).mutate(amount=ibis._.amount.cast("decimal(18, 4)"))


def featured(names, lines, level):
    person = joined(names, level)
    told = lines.assign(customer_id=lines["customer_id"].map(person))
    people = pd.DataFrame({"customer_id": sorted(set(person.values()))})
    table = customer_features(ibis.memtable(people), table_of(told), as_of=AS_OF)
    return table.order_by("customer_id").to_pandas(), person


@pytest.fixture(scope="module")
def moves(company):
    names, lines = company
    table, person = featured(names, lines, NOW)
    pairs = pd.DataFrame(PAIRS, columns=["customer_id", "other_id", "probability"])
    pairs["person_id"], pairs["other_person_id"] = (pairs[c].map(person) for c in ("customer_id", "other_id"))
    likely = lines[lines["customer_id"].isin([*pairs["customer_id"], *pairs["other_id"]])]
    found = rule_segments(table)
    return found, segment_moves(ibis.memtable(pairs), table_of(likely), found, as_of=AS_OF, automatic=NOW)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.99, 0.999])
def test_segments_are_those_of_the_whole_company_done_anew(company, moves, level):
    names, lines = company
    found, table = moves
    at = table[table["threshold"] == level].set_index("segment")
    features, person = featured(names, lines, level)
    segment = assign_segments(score_customers(features, found.cuts), scores=4)
    assert dict(at["customers"][at["customers"] > 0]) == dict(segment.value_counts())
    assert set(at["people"]) == {len(features)}
    now = found.customers["segment"].value_counts().reindex(at.index, fill_value=0)
    assert dict(at["change"]) == dict(at["customers"] - now)
    then = dict(zip(features["customer_id"], segment, strict=True))
    before = dict(zip(found.customers["customer_id"], found.customers["segment"], strict=True))
    at_first = joined(names, NOW)
    assert at["moved"].sum() == sum(then[person[name]] != before[at_first[name]] for name in names)


def test_nothing_moves_at_the_threshold_in_force(moves):
    at = moves[1][moves[1]["threshold"] == NOW]
    assert not at[["change", "moved"]].any(axis=None)


def test_the_sentences_name_the_threshold_that_moves_most(moves):
    table = moves[1]
    by_level = table.groupby("threshold")["moved"].sum()
    key, values = most_moved(table)
    assert (key, values["threshold"], values["moved"]) == (
        "segmentation.moves", by_level.idxmax(), by_level.max()
    )  # fmt: skip
    assert largest_change(table)[1]["now"] == 79
    assert list(by_segment(table).columns)[1:] == [f"from {level} on" for level in
                                                   ("50.0%", "80.0%", "95.0%", "99.0%", "99.9%")]  # fmt: skip


def test_where_no_pair_is_open_nothing_is_said_to_move(company):
    names, lines = company
    empty = ibis.memtable(pd.DataFrame(PAIRS, columns=["customer_id", "other_id", "probability"]).iloc[:0])
    found = rule_segments(featured(names, lines, NOW)[0])
    table = segment_moves(empty, table_of(lines), found, as_of=AS_OF, automatic=NOW)
    assert table.empty
    assert (most_moved(table)[0], largest_change(table)[0]) == (
        "segmentation.moves_none", "segmentation.moves_nobody"
    )  # fmt: skip
