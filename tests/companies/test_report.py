"""A company that sells nothing gets a report: pages without a question for it are left out, by name."""

from __future__ import annotations

import json

import pytest

ROWS = "date,channel,ticket,text\n" + "".join(
    f"2024-01-{1 + n % 28:02d},{'web' if n % 3 else 'phone'},T{n},late again\n" for n in range(60)
)


@pytest.fixture(scope="module")
def run(workbook, tmp_path_factory):
    path = tmp_path_factory.mktemp("register") / "complaints.csv"
    path.write_text(ROWS)
    made = workbook.crm("new", "register", "--from", str(path))
    assert made.returncode == 0, made.stderr
    profile = workbook.root / "data" / "register" / "profile.toml"
    text = profile.read_text(encoding="utf-8")
    profile.write_text(text.replace('# customer_id = "ticket"', 'customer_id = "ticket"'), encoding="utf-8")
    finished = workbook.crm("run", "register")
    assert finished.returncode == 0, finished.stderr
    return workbook.runs("register")[-1]


def test_pages_that_need_sales_are_left_out_with_the_reason(run):
    pages = {page["page"]: page for page in json.loads((run / "manifest.json").read_text())["pages"]}
    skipped = {name: page["error"] for name, page in pages.items() if page["status"] == "skipped"}
    assert skipped["03_segmentation"] == "needs transactions: not in this company"
    assert {name for name, page in pages.items() if page["status"] == "good"} == set(pages) - set(skipped)
    assert "needs transactions: not in this company" in (run / "index.html").read_text(encoding="utf-8")
    assert "Segmentation (needs transactions)" in (run / "10_reporting.html").read_text(encoding="utf-8")


def test_contacts_are_compared_by_channel_and_no_sale_is_made_up(run):
    channels = json.loads((run / "06_channel_optimization.result.json").read_text())
    assert channels["answer"].startswith("Most contacts come through web, 40 of 60 (67%).")
    cleaning = json.loads((run / "02_cleaning.result.json").read_text())
    assert cleaning["answer"].endswith("These data hold contacts and no sales.")
    assert not {"sales", "orders"} & {headline["key"] for headline in cleaning["headlines"]}
