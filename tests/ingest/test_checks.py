from __future__ import annotations

from crm_helpers.ingest import check


def faults(shop):
    frame = check(shop.folder, shop.profile)
    return {row.name: row.detail for row in frame.itertuples(index=False) if not row.ok}


def test_a_good_company_has_no_fault_and_nothing_is_loaded(shop):
    assert faults(shop) == {}
    assert not shop.folder.raw.exists()


def test_every_fault_is_named_at_once(shop):
    shop.write("people.csv", "id,name\n1,a\n")
    shop.add("people", feeds="customers", columns={"customer_id": "ident"})
    shop.add("campaigns")
    shop.tables["transactions"]["columns"]["amount"] = {"sql": "paid +"}
    found = faults(shop)
    assert "no file source/campaigns.csv" in found["campaigns"]
    assert found["customers"].startswith(
        'tables.customers.columns.customer_id: source "people" has no column'
    )
    assert found["transactions"].startswith("tables.transactions.columns.amount: not an SQL expression")


def test_a_table_whose_source_is_gone_says_so(shop):
    (shop.source / "lines.csv").unlink()
    assert faults(shop)["transactions"] == 'its source "lines" cannot be read'


def test_a_date_nobody_can_read_is_found_before_anything_is_loaded(shop):
    lines = shop.source / "lines.csv"
    header, *rows = lines.read_text(encoding="utf-8").splitlines()
    day = header.split(",").index(shop.tables["transactions"]["columns"]["ordered_at"])
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[day] = "someday"
    lines.write_text("\n".join([header, *(",".join(row) for row in cells)]) + "\n", encoding="utf-8")
    assert "ordered_at" in faults(shop)["transactions"]
    assert "cannot be read as datetime" in faults(shop)["transactions"]
    assert not shop.folder.raw.exists()
