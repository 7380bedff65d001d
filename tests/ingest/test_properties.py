"""What must hold for any table: every row accounted for, identifiers exact, money exact to the cent."""

from __future__ import annotations

import csv
import io
import string
import tempfile
from decimal import Decimal
from pathlib import Path

import ibis.expr.datatypes as dt
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_company import SmallCompany

from crm_helpers.ingest.conversion import Locale, converted, present
from crm_helpers.ingest.parts import distinct_parts, read_parts
from crm_helpers.lake import connect
from crm_helpers.profile import ColumnMapping, Source
from crm_helpers.tables import Column

CONNECTION = connect()
TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12
)
IDENTIFIER = st.text(string.ascii_letters + string.digits + "-_.客户", min_size=1, max_size=20)
CENTS = st.integers(-(10**13), 10**13).map(lambda cents: Decimal(cents) / 100)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(IDENTIFIER, TEXT, TEXT), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
    junk=st.integers(0, 3),
    ragged=st.sampled_from([0.0, 0.5]),
)
def test_any_text_survives_a_csv_to_the_letter(rows, delimiter, encoding, junk, ragged):
    buffer = io.StringIO()
    buffer.write("exported by nobody\n" * junk)
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("id", "a", "b"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(buffer.getvalue().encode(encoding))
        source = Source(
            kind="csv", path="x", delimiter=delimiter, encoding=encoding, skip_rows=junk, ragged=ragged
        )
        found = pa.concat_tables(
            read_parts(distinct_parts([path]), source, Path(folder), label="x")
        ).to_pylist()
    # the tolerant reader cannot tell an empty text between quotes from nothing
    assert [(r["id"], r["a"] or "", r["b"] or "") for r in found] == rows
    assert [r["_row"] for r in found] == list(range(junk + 2, junk + 2 + len(rows)))


def _written(amount, style, currency):
    whole, cents = f"{abs(amount):,.2f}".split(".")
    between, before = {
        "1,234.56": (",", "."),
        "1.234,56": (".", ","),
        "1 234,56": (" ", ","),
        "1'234.56": ("'", "."),
    }[style]
    text = whole.replace(",", between) + before + cents
    return {"plain": text, "sign": f"€{text}", "code": f"{text} EUR"}[currency]


@settings(max_examples=80, deadline=None)
@given(
    amounts=st.lists(CENTS, min_size=1, max_size=20),
    style=st.sampled_from(["1,234.56", "1.234,56", "1 234,56", "1'234.56"]),
    currency=st.sampled_from(["plain", "sign", "code"]),
    negative=st.sampled_from(["-{}", "({})", "{}-"]),
)
def test_money_is_exact_in_every_declared_way_of_writing(amounts, style, currency, negative):
    texts = [
        negative.format(_written(a, style, currency)) if a < 0 else _written(a, style, currency)
        for a in amounts
    ]
    column = Column("x", "money", "")
    value = converted(
        present("v", dt.string, ()), dt.string, column,
        origin=ColumnMapping(column="x", decimals=style), locale=Locale(currency="EUR"),
    )  # fmt: skip
    literals = ", ".join(f"({i}, '{text.replace(chr(39), chr(39) * 2)}')" for i, text in enumerate(texts))
    query = f"SELECT {value} FROM (VALUES {literals}) t(i, v) ORDER BY i"
    assert [row[0] for row in CONNECTION.raw_sql(query).fetchall()] == amounts


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(
        st.tuples(
            st.one_of(IDENTIFIER, st.just("")),
            st.one_of(CENTS.map(str), st.sampled_from(["", "x", "$5", "1.2.3"])),
            st.sampled_from(["2024-01-05", "2024-01-06 23:59:59", "", "2024-02-30"]),
        ),
        min_size=3,
        max_size=30,
    )
)
def test_every_row_of_any_source_is_clean_or_named(lines):
    buffer = io.StringIO()
    rows = [(f"A{i}", *line) for i, line in enumerate(lines)]
    sure = [("G1", "007", "10.01", "2024-01-05")] * (
        len(rows) + 1
    )  # most values can be read: else it is refused
    csv.writer(buffer).writerows([("order", "person", "paid", "day"), *rows, *sure])
    with tempfile.TemporaryDirectory() as folder:
        shop = SmallCompany(Path(folder))
        shop.write("lines.csv", buffer.getvalue())
        result = shop.clean()
        kept = shop.table("transactions")
    totals = result.reconciliation.set_index("table").loc["transactions"]
    assert totals["read"] == len(rows) + len(sure) == len(kept) + totals["quarantined"]
    assert set(result.quarantine["row"]) == set(range(2, totals["read"] + 2)) - _good_rows(rows + sure)
    expected = {
        order: (who, Decimal(paid)) for order, who, paid, _ in rows + sure if order in set(kept["order_id"])
    }
    assert {r.order_id: (r.customer_id, Decimal(str(r.amount))) for r in kept.itertuples()} == expected


def _good_rows(rows):
    days = {"2024-01-05", "2024-01-06 23:59:59"}
    readable = {"", "x", "$5", "1.2.3"}
    return {
        i
        for i, (_, who, paid, day) in enumerate(rows, start=2)
        if who and paid not in readable and day in days
    }


@pytest.mark.parametrize("size", [1, 50_000, 50_001])
def test_rows_keep_their_numbers_over_the_borders_of_batches(tmp_path, size):
    path = tmp_path / "a.csv"
    path.write_text("id\n" + "".join(f"{i}\n" for i in range(size)))
    for ragged in (0.0, 0.1):
        source = Source(kind="csv", path="x", ragged=ragged)
        found = pa.concat_tables(read_parts(distinct_parts([path]), source, tmp_path, label="x"))
        assert found.column("_row").to_pylist() == list(range(2, size + 2))
