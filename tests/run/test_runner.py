"""A run publishes whole or not at all, says what stopped it, and goes on where it stopped."""

from __future__ import annotations

import json

from crm_helpers.layout import company_folder
from crm_helpers.run.publish import read_manifests


def test_a_good_run_is_published_with_pages_results_and_record(shop):
    shop.page("01_alpha", "number = size * 2", writes=("alpha",))
    shop.page("10_reporting", optional=("results",))
    report = shop.run(assignments=("01.size=5",))
    assert report.failures == ()
    folder = report.path.parent
    assert sorted(path.name for path in folder.iterdir()) == [
        "01_alpha.html", "01_alpha.result.json", "10_reporting.html", "10_reporting.result.json",
        "index.html", "manifest.json", "notebooks", "tables",
    ]  # fmt: skip
    manifest = read_manifests(company_folder("shop"))[0]
    assert (manifest.status, [page.status for page in manifest.pages]) == ("good", ["good", "good"])
    assert manifest.pages[0].parameters == {"company": "shop", "as_of": "", "size": 5}
    assert manifest.pages[0].peak_memory_mb > 10
    assert json.loads((folder / "01_alpha.result.json").read_text())["answer"] == "5"
    assert (shop.reports / "index.html").is_file()
    assert not list(shop.reports.glob(".staging-*"))
