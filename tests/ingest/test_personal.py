from __future__ import annotations

import pyarrow as pa
import pytest

from crm_helpers.ingest.personal import personal_columns


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("x", ["ann@example.com", "b@c.de", "unknown"], "e-mail"),
        ("x", ["13912345678", "138 1234 5678"], "phone"),
        ("x", ["+49 30 1234567", "(555) 123-4567"], "phone"),
        ("x", ["11010519491231002X"], "identity number"),
        ("x", ["DE89 3704 0044 0532 0130 00"], "bank account"),
        ("姓名", ["张伟"], "name"),
        ("Full Name", ["Ann"], "name"),
        ("Consumer complaint narrative", ["they called"], "comment"),
        ("Description", ["WHITE LANTERN"], None),
        ("order", ["110105194912310021", "110105194912310022"], None),
        ("day", ["2024-01-05", "2024-01-06"], None),
        ("amount", ["12.50", "1,234.00"], None),
        ("email", [None, ""], None),
    ],
)
def test_columns_of_personal_data_are_found_by_values_or_name(header, values, kind):
    found = personal_columns(pa.table({header: pa.array(values, pa.string())}))
    assert found == ({header: kind} if kind else {})


def test_an_address_in_a_few_comments_makes_no_column_of_addresses():
    values = ["fine"] * 9 + ["ann@example.com"]
    assert personal_columns(pa.table({"x": values})) == {}
