from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crm_helpers.cleaning.people.clusters import components, threshold_curve
from crm_helpers.cleaning.people.guard import CHAIN, CONTRADICTION, hold_apart
from crm_helpers.lake import connect


@pytest.fixture
def engine():
    connection = connect(threads=1)
    yield connection
    connection.disconnect()


def graph(seed, nodes, edges):
    random = np.random.default_rng(seed)
    one, other = random.integers(0, nodes, (2, edges))
    return pd.DataFrame({"one": one, "other": other}).query("one != other").astype(str)


def partition(node, label):
    return set(pd.DataFrame({"node": node, "label": label}).groupby("label")["node"].agg(frozenset))


@pytest.mark.parametrize(("seed", "nodes", "edges"), [(1, 200, 120), (2, 500, 900), (3, 50, 10)])
def test_components_are_those_of_scipy(engine, seed, nodes, edges):
    frame = graph(seed, nodes, edges)
    engine.con.register("edges", frame)
    components(engine, "SELECT one, other FROM edges", "found")
    found = engine.con.execute("FROM found").df()
    codes, names = pd.factorize(pd.concat([frame["one"], frame["other"]]))
    ends = codes[: len(frame)], codes[len(frame) :]
    matrix = coo_array((np.ones(len(frame)), ends), shape=(len(names),) * 2)
    _, labels = connected_components(matrix, directed=False)
    assert partition(found["node"], found["component"]) == partition(names, labels)
    assert (found.groupby("component")["node"].min() == sorted(found["component"].unique())).all()


def test_a_long_chain_is_one_component(engine):
    order = np.random.default_rng(4).permutation(700).astype(str)
    engine.con.register("edges", pd.DataFrame({"one": order[:-1], "other": order[1:]}))
    components(engine, "SELECT one, other FROM edges", "found")
    assert engine.con.execute("SELECT DISTINCT component FROM found").fetchall() == [("0",)]


def test_the_curve_counts_components_at_each_threshold(engine):
    frame = graph(9, 300, 400).drop_duplicates()
    frame["probability"] = np.random.default_rng(9).uniform(0.5, 1, len(frame)).round(6)
    engine.con.register("drawn", frame.assign(reason=""))
    engine.raw_sql("CREATE TABLE pairs AS FROM drawn")
    curve = threshold_curve(engine, 300, (0.5, 0.7, 0.9, 0.99)).set_index("threshold")["people"]
    for threshold, people in curve.items():
        kept = frame[frame["probability"] >= threshold].astype({"one": int, "other": int})
        matrix = coo_array((np.ones(len(kept)), (kept["one"], kept["other"])), shape=(300, 300))
        assert people == connected_components(matrix, directed=False)[0]


def test_the_weakest_link_between_two_people_is_refused():
    edges = [("a", "b"), ("c", "d"), ("b", "c")]
    assert hold_apart(edges, [("a", "d")], most=8) == [("b", "c", CONTRADICTION)]


def test_a_dense_person_may_be_large_and_a_chain_may_not():
    names = "abcdefgh"
    dense = [(x, y) for place, x in enumerate(names) for y in names[place + 1 :]]
    chain = list(pairwise(names))
    assert hold_apart(dense, [], most=4) == []
    assert {reason for *_, reason in hold_apart(chain, [], most=4)} == {CHAIN}
