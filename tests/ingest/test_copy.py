"""A delimited file copied by the engine holds what the reader of batches reads."""

from __future__ import annotations

import pytest

from crm_helpers.ingest.batches import ROW
from crm_helpers.ingest.fetch import fetch
from crm_helpers.ingest.ledger import newest_loads, read_raw
from crm_helpers.lake import connect

CONTENT = 'made by nobody\norder;person;day;paid\n"A;1";" 007";"";10.50\n\nA2;NA;2024-01-06;"say ""2"""\n'


def raw(shop):
    shop.ingest()
    load = newest_loads(shop.folder)["lines"]
    rows = read_raw(connect(), load).drop("_dlt_load_id").order_by(ROW).to_pyarrow()
    return load, rows.select(sorted(rows.column_names)).to_pylist()


@pytest.fixture
def written(shop):
    shop.write("lines.csv", CONTENT)
    shop.sources["lines"] |= {"delimiter": ";", "skip_rows": 1}
    return shop


def test_a_copy_and_batches_give_the_same_rows(written, tmp_path):
    _, copied = raw(written)
    fetched = fetch(written.folder, "lines", written.profile.sources["lines"], tmp_path)
    assert copied == [row for batch in fetched.batches(tmp_path) for row in batch.to_pylist()]
    assert copied == [
        {"_row": 3, "order": "A;1", "person": " 007", "day": "", "paid": "10.50"},
        {"_row": 4, "order": "A2", "person": "NA", "day": "2024-01-06", "paid": 'say "2"'},
    ]


def test_a_column_of_the_engines_own_name_is_kept(shop):
    content = "order,person,day,paid,File_Row_Number\nA1,007,2024-01-05,10.50,x\n"
    shop.write("lines.csv", content)
    load, rows = raw(shop)
    assert rows[0]["File_Row_Number"] == "x"
    assert (load.rows, rows[0]["_row"]) == (1, 2)


def test_columns_of_few_values_are_known(shop):
    lines = "".join(f"A{i},{i % 3},2024-01-05,1\n" for i in range(20_000))
    shop.write("lines.csv", f"order,person,day,paid\n{lines}")
    load, _ = raw(shop)
    assert load.repeated == {"person", "day", "paid"}


def test_blanks_go_whether_values_are_few_or_many(shop):
    lines = "".join(f" A{i}\t,\u3000{i % 3}\u00a0,2024-01-05,1 \n" for i in range(20_000))
    shop.write("lines.csv", f"order,person,day,paid\n{lines}")
    found = shop.table("transactions")
    assert list(found["order_id"]) == [f"A{i}" for i in range(20_000)]
    assert set(found["customer_id"]) == {"0", "1", "2"}
