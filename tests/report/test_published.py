"""Published tables: typed by the vocabulary, and harmless in a spreadsheet."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_helpers.errors import RunError
from crm_helpers.report.published import _harmless, publish_frame, typed
from crm_helpers.tables import Column, Table

TABLE = Table(
    "little",
    "a table to try",
    (
        Column("name", "text", "a name", required=True),
        Column("n", "integer", "a count", "count", minimum=0),
        Column("paid", "money", "money", "money"),
        Column("share", "number", "a share", "share", minimum=0, maximum=1),
    ),
    key=("name",),
)


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"name": ["a", "b"], "n": [1, 2], "paid": [1.005, 2.0], "share": [0.0, 1.0]} | columns
    )


def test_columns_come_in_the_tables_order_and_types() -> None:
    table = typed(frame()[["share", "n", "name", "paid"]], TABLE)
    assert [str(field.type) for field in table.schema] == ["string", "int64", "decimal128(18, 4)", "double"]
    assert table["paid"][0].as_py() == Decimal("1.0050")


def test_an_optional_column_may_be_absent() -> None:
    assert typed(frame().drop(columns="paid"), TABLE)["paid"].null_count == 2


def test_an_empty_frame_is_an_empty_table() -> None:
    assert typed(frame().head(0), TABLE).num_rows == 0


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (frame(nmae=1), 'unknown column "nmae"; did you mean "name"'),
        (frame().drop(columns="name"), 'column "name" is missing; have n, paid, share'),
        (frame(name=["a", None]), 'column "name" is empty in 1 rows'),
        (frame(n=["x", "y"]), 'column "n" is (str|object), not integer'),
        (frame(name=[1, 2]), 'column "name" is int64, not text'),
        (frame(share=[0.5, 1.5]), 'column "share" has values outside its range'),
        (frame(name=["a", "a"]), "1 rows repeat the key name"),
    ],
)
def test_a_wrong_frame_is_refused(wrong: pd.DataFrame, fault: str) -> None:
    with pytest.raises(RunError, match=fault):
        typed(wrong, TABLE)


def test_an_unknown_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match='did you mean "segments"'):
        publish_frame("segmets", frame(), tmp_path)


def segments() -> pd.DataFrame:
    from crm_helpers.results import RESULTS

    rows = {}
    for column in RESULTS["segments"].columns:
        if column.required:
            rows[column.name] = ["=1+1", "007"] if column.type == "text" else [1, 1]
    return pd.DataFrame(rows)


def test_parquet_keeps_the_text_and_csv_quotes_the_formula(tmp_path: Path) -> None:
    record = publish_frame("segments", segments(), tmp_path)
    assert (record.rows, record.name) == (2, "segments")
    assert pq.read_table(tmp_path / "segments.parquet")["customer_id"].to_pylist() == ["=1+1", "007"]
    assert '"\'=1+1"' in (tmp_path / "segments.csv").read_text(encoding="utf-8")


def test_equal_frames_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        publish_frame("segments", segments(), tmp_path / name)
    files = ("segments.parquet", "segments.csv")
    assert [(tmp_path / "one" / f).read_bytes() for f in files] == [
        (tmp_path / "two" / f).read_bytes() for f in files
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\x00", "＝"])
def test_a_cell_that_looks_like_a_formula_is_quoted(start: str) -> None:
    import pyarrow as pa

    assert _harmless(pa.chunked_array([[f"{start}cmd|x"]])).to_pylist() == [f"'{start}cmd|x"]


@given(st.text(min_size=1))
def test_quoting_only_ever_adds_one_apostrophe(text: str) -> None:
    import pyarrow as pa

    clean = text.encode("utf-8", "ignore").decode()
    (quoted,) = _harmless(pa.chunked_array([[clean]], pa.string())).to_pylist()
    assert quoted in (clean, f"'{clean}")
