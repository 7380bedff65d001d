"""A club of few members that records only its sales: every page runs, and none promises much."""

from __future__ import annotations

import json

import pytest

MEMBERS, SALES = 60, 140
ROWS = "receipt,member,date,paid\n" + "".join(
    f"{n},M{n * n % MEMBERS},2025-{1 + n % 12:02d}-{1 + n % 28:02d},{5 + n % 7}\n" for n in range(SALES)
)


@pytest.fixture(scope="module")
def results(workbook, tmp_path_factory):
    path = tmp_path_factory.mktemp("club") / "sales.csv"
    path.write_text(ROWS)
    made = workbook.crm("new", "club", "--from", str(path))
    assert made.returncode == 0, made.stderr
    finished = workbook.crm("run", "club")
    assert finished.returncode == 0, finished.stderr
    files = sorted(workbook.runs("club")[-1].glob("*.result.json"))
    return {path.name.split(".")[0]: json.loads(path.read_text(encoding="utf-8")) for path in files}


def test_every_page_runs_without_contacts_channels_and_campaigns(results):
    assert results["07_campaign_regression"]["answer"] == "No campaign is recorded, so none can be judged."
    sales = sum(5 + n % 7 for n in range(SALES))
    headlines = {item["key"]: item["value"] for item in results["02_cleaning"]["headlines"]}
    assert (headlines["orders"], headlines["sales"]) == (SALES, pytest.approx(sales))


def test_what_is_too_few_gives_nothing_to_do_and_is_no_sure_answer(results):
    segments, whole = results["03_segmentation"], results["10_reporting"]
    assert (segments["verdict"], segments["actions"]) == ("not enough data", [])
    assert whole["verdict"] == "not enough data"
    assert whole["answer"].endswith(results["01_ingestion"]["answer"])
    details = {check["detail"] for result in results.values() for check in result["checks"]}
    assert not any("nan" in detail for detail in details)
