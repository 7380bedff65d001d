"""Any small table survives source, raw and clean: every row accounted for, ids exact, money to the cent."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_company import SmallCompany

from crm_helpers.lake import connect, read_clean

identifiers = st.one_of(
    st.integers(0, 10**20).map(str),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=8),
    st.sampled_from(["007", "NA", "None", "null", "nan", "17850.0", "1e5", "TRUE"]),
)
money = st.decimals(-(10**9), 10**9, places=2, allow_nan=False)
bad_money = st.sampled_from(["", " ", "x", "1,23", "--", "NaN", "inf"])
rows = st.lists(st.tuples(identifiers, identifiers, st.one_of(money.map(str), bad_money)), max_size=12)


def as_csv(lines):
    text = io.StringIO()
    csv.writer(text).writerows([("order", "person", "day", "paid"), *lines])
    return text.getvalue()


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=st.tuples(identifiers, identifiers, money.map(str)), more=rows)
def test_every_row_is_accounted_for(first, more):
    # as many good rows again, so that the table is never mostly unreadable
    good = [first] * (len(more) + 1)
    lines = [(order, person, "2024-01-05", paid) for order, person, paid in [*good, *more]]
    readable = [line for line in lines if line[3].lstrip("-").replace(".", "", 1).isdecimal()]
    with tempfile.TemporaryDirectory() as root:
        shop = SmallCompany(Path(root))
        shop.write("lines.csv", as_csv(lines))
        result = shop.clean()
        clean = read_clean(connect(), result.version, "transactions").to_pandas()
    line = result.reconciliation.set_index("table").loc["transactions"]
    assert line["read"] == len(lines) == line["clean"] + line["quarantined"] + line["merged"]
    assert line["clean"] == len(clean) == len(readable)
    kept = zip(clean["order_id"], clean["customer_id"], clean["amount"], strict=True)
    assert Counter(kept) == Counter((order, person, Decimal(paid)) for order, person, _, paid in readable)
    assert sorted(result.quarantine["row"]) == [
        i for i, row in enumerate(lines, start=2) if row not in readable
    ]
