from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_helpers.engine import connect
from crm_helpers.row_groups import GROUP_ROWS, RowGroups, in_order, stream, write_stream

ROWS = 2 * GROUP_ROWS + 5_000


@pytest.fixture(scope="module")
def table():
    numbers = range(ROWS)
    return pa.table({
        "n": numbers,
        "word": [f"word {n % 7}" if n % 11 else None for n in numbers],
        "id": [f"C{n * 7919 % ROWS:07d}" for n in numbers],
        "amount": pa.array(numbers, pa.float64()).cast(pa.decimal128(18, 4)),
    })  # fmt: skip


@pytest.fixture(scope="module")
def whole(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "rows.parquet"
    write_stream([table], path, table.schema)
    return path.read_bytes()


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=20))
def test_the_bytes_do_not_depend_on_how_the_rows_come(table, whole, tmp_path_factory, cuts):
    path = tmp_path_factory.mktemp("parts") / "rows.parquet"
    write_stream([table.slice(a, b - a) for a, b in pairwise(sorted({0, *cuts, ROWS}))], path, table.schema)
    assert path.read_bytes() == whole


def test_groups_have_one_size_and_all_rows_are_there(table, tmp_path):
    path = tmp_path / "rows.parquet"
    assert write_stream([table.slice(0, 7), table.slice(7)], path, table.schema) == ROWS
    file = pq.read_metadata(path)
    assert [file.row_group(i).num_rows for i in range(file.num_row_groups)] == [GROUP_ROWS, GROUP_ROWS, 5_000]
    assert pq.read_table(path).equals(table)


def test_a_file_without_rows_has_its_columns(tmp_path):
    path = tmp_path / "none.parquet"
    write_stream([], path, pa.schema({"n": pa.int64()}))
    assert pq.read_table(path).schema == pa.schema({"n": pa.int64()})


def test_a_fault_while_writing_is_not_swallowed(tmp_path):
    with (
        pytest.raises(ValueError, match="schema"),
        RowGroups(tmp_path / "p", pa.schema({"n": pa.int64()})) as f,
    ):
        f.write(pa.table({"n": ["x"] * GROUP_ROWS}))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_engine_gives_many_rows_in_their_order(table, tmp_path, threads):
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path, row_group_size=10_007)
    rows = stream(connect(threads=threads), f"SELECT n FROM read_parquet('{path}') WHERE n % 3 = 0")
    assert pa.concat_tables(rows)["n"].to_pylist() == list(range(0, ROWS, 3))


@pytest.mark.parametrize("order", ["n", "-n", "n % 1000, n"])
def test_rows_are_used_in_the_order_of_their_numbers(tmp_path, order):
    used: list[list[int]] = []

    def use(rows):
        used.append([])
        for part in rows:
            used[-1] += part["n"].to_pylist()

    in_order(connect(), f"SELECT n FROM range(300000) r(n) ORDER BY {order}", "n", use)
    assert used[-1] == list(range(300_000))
    assert len(used) == (1 if order == "n" else 2)


def test_few_rows_out_of_order_are_asked_for_once():
    used: list[list[int]] = []
    query = "SELECT n, -n AS m FROM range(200000) r(n) ORDER BY n % 1000, n"
    in_order(connect(), query, "n", lambda rows: used.append(pa.concat_tables(rows).to_pydict()["m"]))
    assert used == [[-n for n in range(200_000)]]
