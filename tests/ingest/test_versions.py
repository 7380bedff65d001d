from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_helpers.ingest.readers import ROW
from crm_helpers.ingest.versions import measure_state, state_query
from crm_helpers.lake import connect
from crm_helpers.sources import Incremental

KEYED = Incremental(key=("a key", "part"), cursor="changed", deleted="gone")
texts = st.sampled_from(["1", "10", "张", "a'b", 'a"b', "", "3:x", "x"])
rows = st.tuples(texts, texts, st.one_of(st.none(), texts), st.booleans())
loads = st.lists(st.lists(rows, min_size=1, max_size=4), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def engine():
    connection = connect()
    yield connection
    connection.disconnect()


def written(root, history):
    """Write loads as Parquet files; the moment grows from row to row, as a clock does."""
    files, moment = [], 0
    for number, load in enumerate(history):
        content = []
        for position, (key, part, value, gone) in enumerate(load, start=1):
            moment += 1
            flag = "true" if gone else None
            content.append((key, part, value, str(moment), flag, position))
        columns = zip(*content, strict=True)
        names = ["a key", "part", "value", "changed", "gone"]
        table = pa.table([pa.array(c, pa.string()) for c in list(columns)[:5]], names=names)
        path = root / f"{number}.0.parquet"
        pq.write_table(table.append_column(ROW, pa.array([c[5] for c in content], pa.int64())), path)
        files.append((str(number), path))
    return files


@settings(max_examples=40, deadline=None)
@given(history=loads)
def test_the_state_is_what_a_dictionary_would_hold(tmp_path_factory, engine, history):
    files = written(tmp_path_factory.mktemp("versions"), history)
    truth = {}
    for key, part, value, gone in (row for load in history for row in load):
        truth[key, part] = (value, gone)
    standing = {key: value for key, (value, gone) in truth.items() if not gone}
    found = engine.sql(state_query(KEYED, files), dialect="duckdb").order_by(ROW).to_pyarrow().to_pylist()
    assert [(row["a key"], row["part"]) for row in found] == sorted(standing, key=_bytes)
    assert {(row["a key"], row["part"]): row["value"] for row in found} == standing
    assert [row[ROW] for row in found] == list(range(1, len(standing) + 1))
    state = measure_state(engine, "s", KEYED, files)
    assert (state.rows, state.keys) == (len(standing), len(truth))


def _bytes(key):
    return tuple(part.encode() for part in key)


@settings(max_examples=40, deadline=None)
@given(load=st.lists(rows, min_size=2, max_size=8), cut=st.integers(1, 7), other=texts)
def test_equal_content_has_one_name_however_it_is_cut_and_another_when_it_differs(
    tmp_path_factory, engine, load, cut, other
):
    def content(*pieces):
        files = written(tmp_path_factory.mktemp("versions"), [piece for piece in pieces if piece])
        return measure_state(engine, "s", KEYED, files).content

    whole = content(load)
    assert content(load[:cut], load[cut:]) == whole
    key, part, value, gone = load[-1]
    if not gone:
        changed = [*load[:-1], (key, part, None if value == other else other, gone)]
        assert content(changed) != whole
