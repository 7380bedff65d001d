from __future__ import annotations

import io

from crm_helpers.ingest import check
from crm_helpers.ingest.check_table import print_check


def printed(shop):
    stream = io.StringIO()
    print_check(check(shop.folder, shop.profile), stream)
    return [line.split() for line in stream.getvalue().splitlines()]


def test_each_source_and_table_is_a_row(shop):
    shop.write("lines.csv", "order,person,day,paid,shelf\nA1,007,2024-01-05,10,x\n")
    lines = printed(shop)
    assert ["good", "lines", "yes", "1", "rows", "4", "of", "5"] in lines
    assert ["good", "transactions", "4", "100.00%"] in lines


def test_a_source_that_is_not_there_is_a_fault(shop):
    (shop.source / "lines.csv").unlink()
    assert ["FAULT", "lines", "no"] in printed(shop)


def test_the_company_itself_is_no_table(shop):
    shop.top["currency"] = "XXX"
    lines = printed(shop)
    assert any("currency:" in line for line in lines)
    assert ["good", "shop"] not in lines
