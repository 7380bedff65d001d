"""The workbook whole: both companies from their sources to a published report, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Workbook

pytestmark = pytest.mark.xdist_group("workbook")


@pytest.fixture(scope="module")
def demo_run(workbook: Workbook) -> Path:
    outcome = workbook.crm("run", "demo")
    assert outcome.returncode == 0, outcome.stderr + outcome.stdout
    return workbook.runs("demo")[-1]


@pytest.fixture(scope="module")
def journey_run(workbook: Workbook) -> Path:
    outcome = workbook.crm("run", "completejourney")
    assert outcome.returncode == 0, outcome.stderr + outcome.stdout
    return workbook.runs("completejourney")[-1]


def published(run: Path) -> dict[str, bytes]:
    """Bytes of everything published but the record, which alone knows times and memory."""
    files = [path for path in run.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_the_demo_publishes_every_page_and_its_record(demo_run: Path):
    manifest = json.loads(text_of(demo_run / "manifest.json"))
    assert manifest["status"] == "good"
    assert [page["status"] for page in manifest["pages"]] == ["good"] * 8
    for page in manifest["pages"]:
        assert (demo_run / f"{page['page']}.html").is_file()
        assert json.loads(text_of(demo_run / f"{page['page']}.result.json"))["answer"]
        assert page["peak_memory_mb"] > 0
    assert (demo_run / "index.html").is_file()
    assert demo_run.name in text_of(demo_run.parent / "index.html")


def test_no_page_of_the_demo_fails_a_check(demo_run: Path):
    checks = [
        (path.stem, check["text"])
        for path in demo_run.glob("*.result.json")
        for check in json.loads(text_of(path))["checks"]
        if check["outcome"] == "fail"
    ]
    assert checks == []


def test_the_same_run_twice_gives_the_same_bytes(demo_run: Path, workbook: Workbook):
    outcome = workbook.crm("run", "demo")
    assert outcome.returncode == 0, outcome.stderr
    again = workbook.runs("demo")[-1]
    assert again != demo_run
    first, second = published(demo_run), published(again)
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_real_households_come_out_with_their_known_figures(journey_run: Path):
    pages = "".join(text_of(path) for path in sorted(journey_run.glob("*.html")))
    for figure in ("2,469", "155,848", "1,469,307", "4,596,039.58", "1,559"):
        assert figure in pages, figure


def test_the_traps_in_the_real_data_are_said(journey_run: Path):
    cleaning = text_of(journey_run / "02_cleaning.html")
    for figure in ("89,638", "11,226", "4,836"):
        assert figure in cleaning, figure


def test_absent_tables_are_named_and_not_invented(journey_run: Path):
    result = json.loads(text_of(journey_run / "06_channel_optimization.result.json"))
    assert {"communications", "channels"} <= set(result["missing"])


def test_plain_papermill_runs_page_after_page_into_a_scratch_run(demo_run: Path, workbook: Workbook):
    before = {path: published(path) for path in workbook.runs("demo")}
    pages = sorted((workbook.root / "notebooks").glob("*.ipynb"))
    for page in pages:
        executed = workbook.root / f"executed_{page.name}"
        workbook.papermill(page, executed, "-p", "company", "demo")
    scratch = workbook.root / "reports" / "demo" / ".scratch"
    assert [path.name.split(".")[0] for path in sorted(scratch.glob("*.result.json"))] == [
        p.stem for p in pages
    ]
    assert {path: published(path) for path in workbook.runs("demo")} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "dmeo"], 'did you mean "demo"?'),
        (["run", "demo", "-p", "03.clutsers=4"], 'did you mean "clusters"?'),
        (["run", "demo", "-p", "03.clusters=many"], "03_segmentation.clusters"),
        (["run", "demo", "--only", "11"], "11"),
        (["run", "demo", "--as-of", "2024-13-01"], "as_of"),
        (["run", "demo", "-p", "03.password=x"], "password"),
    ],
)
def test_a_wrong_call_is_one_clear_line_and_writes_nothing(workbook: Workbook, words: list[str], said: str):
    before = sorted(workbook.root.rglob("*"))
    outcome = workbook.crm(*words)
    assert outcome.returncode == 2
    assert said in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert sorted(workbook.root.rglob("*")) == before
