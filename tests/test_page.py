"""A page at work on a company of ten rows."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbformat import v4

from crm_helpers import lake
from crm_helpers.analysis.estimates import Estimate
from crm_helpers.errors import InputError, RunError
from crm_helpers.layout import company_folder
from crm_helpers.page import Page, open_page
from crm_helpers.record import Manifest, PageResult, RunContext
from crm_helpers.report.figures import Chart
from crm_helpers.report.published import publish_frame
from crm_helpers.tables import TABLES

PROFILE = """
name = "Little shop"
currency = "USD"
[sources.orders]
kind = "csv"
path = "orders.csv"
[tables.transactions]
source = "orders"
[tables.transactions.columns]
order_id = "id"
customer_id = "who"
ordered_at = "when"
amount = "paid"
"""
PARAMETERS = (
    'company: str = "little"  # name: folder under data/\n'
    'as_of: str = ""  # date: the day the numbers stand for\n'
    "clusters: int = 0  # count [0..12]: clusters to make"
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    monkeypatch.delenv("CRM_RUN", raising=False)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "little").mkdir(parents=True)
    (tmp_path / "data" / "little" / "profile.toml").write_text(PROFILE, encoding="utf-8")
    reads = {"required": ["transactions"], "optional": ["communications"]}
    notebook = v4.new_notebook(metadata={"crm": {"reads": reads, "writes": ["segments"]}})
    notebook.cells = [
        v4.new_markdown_cell("# 03 · Who are our customers?", id="title"),
        v4.new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]}),
    ]
    path = tmp_path / "notebooks" / "03_segmentation.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    rows = {
        "order_id": ["1", "2"],
        "customer_id": ["a", "b"],
        "ordered_at": pd.to_datetime(["2017-01-03 10:00", "2018-01-01 23:59"]),
        "amount": [10.0, 20.5],
    }
    frame = pd.DataFrame(rows).reindex(columns=[column.name for column in TABLES["transactions"].columns])
    folder = company_folder("little", tmp_path)
    expression = lake.connect().create_table("t", frame.convert_dtypes(), temp=True)
    typed = expression.cast(lake.schema_of(TABLES["transactions"]))
    lake.publish_clean(folder, "v1", dt.date(2018, 1, 2), {"transactions": typed})
    return tmp_path


@pytest.fixture
def page(root: Path) -> Page:
    return open_page("03_segmentation", company="little", as_of="", clusters=3)


def kinds(page: Page) -> list[str]:
    return [block["kind"] for block in page.blocks]


def closed(page: Page) -> PageResult:
    page.close()
    text = (page.staging / f"{page.name}.result.json").read_text(encoding="utf-8")
    return PageResult.model_validate_json(text)


def test_without_a_run_it_writes_to_the_scratch_run(page: Page, root: Path) -> None:
    assert page.staging == root / "reports" / "little" / ".scratch"


def test_in_a_run_it_writes_to_the_runs_staging(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = root / "reports" / "little" / ".staging-1"
    context = RunContext(run="1", company="little", root=str(root), staging=str(staging))
    (root / "context.json").write_text(context.model_dump_json(), encoding="utf-8")
    monkeypatch.setenv("CRM_RUN", str(root / "context.json"))
    assert open_page("03_segmentation", company="little", as_of="", clusters=0).staging == staging


def test_another_company_than_the_runs_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = RunContext(run="1", company="other", root=str(root), staging=str(root))
    (root / "context.json").write_text(context.model_dump_json(), encoding="utf-8")
    monkeypatch.setenv("CRM_RUN", str(root / "context.json"))
    with pytest.raises(InputError, match="not the run's company"):
        open_page("03_segmentation", company="little", as_of="", clusters=0)


def test_a_parameter_the_cell_does_not_name_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="clusters"):
        open_page("03_segmentation", company="little", as_of="", cluster=3)


def test_as_of_is_the_day_after_the_last_transaction_or_the_parameter(page: Page) -> None:
    stated = open_page("03_segmentation", company="little", as_of="2017-06-30", clusters=0)
    assert (page.as_of, stated.as_of) == (dt.date(2018, 1, 2), dt.date(2017, 6, 30))


def test_a_day_before_all_data_is_refused(root: Path) -> None:
    early = open_page("03_segmentation", company="little", as_of="2017-01-03", clusters=0)
    with pytest.raises(InputError, match=r"as_of: 2017-01-03 is not after the first transaction, 2017-01-03"):
        early.read("transactions")
    later = open_page("03_segmentation", company="little", as_of="2017-01-04", clusters=0)
    assert later.read("transactions").count().execute() == 2


def test_reading_records_rows_fingerprint_and_period(page: Page) -> None:
    assert page.read("transactions").count().execute() == 2
    block = page.blocks[-1]
    assert (block["rows"], len(block["fingerprint"])) == (2, 16)
    assert (block["first"], block["last"]) == ("3 January 2017", "1 January 2018")


def publish_run(root: Path, run: str, version: str, share: float, *, status: str = "good") -> None:
    manifest = Manifest(
        run=run, company="little", status=status, started_at="", seconds=1.0, as_of=dt.date(2018, 1, 2),
        clean_version=version, profile_sha256="", pages=(), tables=(), packages={},
    )  # fmt: skip
    folder = root / "reports" / "little" / run
    measures = {
        "table": ["customers"], "dimension": ["validity"], "share": [share], "good": [1], "cases": [2],
        "cases_of": ["rows"],
    }  # fmt: skip
    publish_frame("quality_dimensions", pd.DataFrame(measures), folder / "tables")
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")


def test_a_table_is_compared_with_the_newest_run_on_other_data(page: Page, root: Path) -> None:
    publish_run(root, "20250101T000000Z-aaaa", "v0", 0.5)
    publish_run(root, "20250102T000000Z-aaaa", "v9", 0.75)
    publish_run(root, "20250103T000000Z-aaaa", "v1", 0.9)  # the same tables and day: an equal run
    frame, day = page.before("quality_dimensions")
    assert (frame["share"].tolist(), day) == ([0.75], dt.date(2018, 1, 2))


def test_a_report_of_some_pages_only_does_not_hide_an_earlier_table(page: Page, root: Path) -> None:
    publish_run(root, "20250101T000000Z-aaaa", "v0", 0.5)
    publish_run(root, "20250102T000000Z-aaaa", "v9", 0.75)
    next((root / "reports").glob("*/20250102T000000Z-aaaa/tables/quality_dimensions.parquet")).unlink()
    assert page.before("quality_dimensions")[0]["share"].tolist() == [0.5]


def test_without_a_run_on_other_data_or_without_its_table_nothing_is_compared(page: Page, root: Path) -> None:
    publish_run(root, "20250103T000000Z-aaaa", "v1", 0.9)
    for table in ("quality_dimensions", "returns"):
        frame, day = page.before(table)
        assert (len(frame), day) == (0, None)
        publish_run(root, "20250102T000000Z-aaaa", "v9", 0.75)


def test_what_a_page_learnt_is_kept_beside_its_tables(page: Page) -> None:
    page.keep("scaler", '{"center": 1}\n', rows=1)
    assert json.loads((page.staging / "tables" / "scaler.json").read_text(encoding="utf-8")) == {"center": 1}
    assert [record.name for record in closed(page).writes] == ["scaler"]


def test_an_optional_table_that_is_missing_is_empty_and_said(page: Page) -> None:
    assert page.read("communications").count().execute() == 0
    assert page.blocks[-1]["meaning"].startswith("satisfaction, complaints and service cannot be known")
    assert closed(page).missing == ("communications",)


def test_a_table_the_metadata_does_not_state_is_refused(page: Page) -> None:
    with pytest.raises(RunError, match="not under reads"):
        page.read("campaigns")


def test_a_failed_check_takes_away_solid(page: Page) -> None:
    page.check("Shares sum to one", False, detail="0.98")
    page._found.verdict = "solid"
    result = closed(page)
    assert (result.verdict, result.checks[0].outcome) == ("indicative", "fail")


def test_a_check_that_only_warns_leaves_solid(page: Page) -> None:
    page.check("No segment is tiny", False, level="warn")
    page._found.verdict = "solid"
    assert closed(page).verdict == "solid"


def test_a_headline_keeps_number_interval_and_words(page: Page) -> None:
    page.headline("share", "Share of sales", Estimate(0.61, 0.58, 0.64), unit="share")
    headline = closed(page).headlines[0]
    assert (headline.value, headline.low, headline.high) == (0.61, 0.58, 0.64)
    assert headline.text == "61% (58% to 64%)"


def test_a_missing_headline_is_not_known(page: Page) -> None:
    page.headline("share", "Share of sales", float("nan"), unit="share")
    assert (closed(page).headlines[0].value, closed(page).headlines[0].text) == ("not known", "not known")


def test_a_headline_is_given_once(page: Page) -> None:
    page.headline("customers", "Customers", 2, unit="count")
    with pytest.raises(RunError, match="twice"):
        page.headline("customers", "Customers", 2, unit="count")


def test_an_unknown_verdict_and_an_unknown_sentence_are_refused(page: Page) -> None:
    with pytest.raises(RunError, match='did you mean "solid"'):
        page.answer("segmentation.answer", verdict="solidd")  # type: ignore[arg-type]
    with pytest.raises(RunError, match="no sentence"):
        page.say("segmentation.nothing_like_it")


def test_a_chart_needs_words_for_whom_it_cannot_be_seen(page: Page) -> None:
    with pytest.raises(RunError, match="needs alt"):
        page.show(Chart("<svg/>", "<svg/>"), caption="A chart")
    with pytest.raises(RunError, match="needs caption"):
        page.show(Figure(), alt="A figure of one's own", caption="")


def test_the_result_names_question_day_reads_and_writes(page: Page) -> None:
    page.read("transactions")
    assert page.as_of == dt.date(2018, 1, 2)
    result = closed(page)
    assert (result.question, result.title) == ("Who are our customers?", "Segmentation")
    assert (result.as_of, result.reads[0].name) == (dt.date(2018, 1, 2), "transactions")


def test_results_are_those_of_the_other_pages(page: Page) -> None:
    closed(page)
    other = PageResult(page="01_ingestion", title="Ingestion", question="What came in?")
    (page.staging / "01_ingestion.result.json").write_text(other.model_dump_json(), encoding="utf-8")
    assert [result.page for result in page.results()] == ["01_ingestion"]


def test_tables_of_other_steps_enter_the_lineage(page: Page) -> None:
    records = list(page.version.tables.values())
    page.lineage(reads=records, writes=records)
    assert kinds(page)[-2:] == ["read", "write"]
    assert closed(page).writes == tuple(records)


def test_the_executive_page_repeats_numbers_and_actions_of_the_others(page: Page) -> None:
    from crm_helpers.report import summary

    headline = {"key": "share", "label": "Share", "value": 0.6, "unit": "share", "low": 0.5, "high": 0.7}
    other = PageResult.model_validate(
        {"page": "07_x", "title": "X", "question": "?", "verdict": "solid", "actions": ("Repeat it.",),
         "headlines": [headline]}
    )  # fmt: skip
    summary.give_headlines(page, [other], most=3)
    summary.give_actions(page, [other], most=3)
    result = closed(page)
    assert result.headlines[0].text == "60% (50% to 70%)"
    assert result.actions == ("X: Repeat it.",)
