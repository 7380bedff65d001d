"""The executive page says what the pages say, the surest first."""

from __future__ import annotations

import pytest

from crm_helpers.analysis.estimates import Estimate
from crm_helpers.record import Check, Headline, PageResult
from crm_helpers.report import summary


def result(page: str, **values: object) -> PageResult:
    return PageResult.model_validate({"page": page, "title": page, "question": "?", **values})


RESULTS = [
    result("01_ingestion", verdict="solid", answer="all read", actions=("map more",)),
    result("03_segmentation", verdict="indicative", answer="champions pay", actions=("call", "write")),
    result("07_campaign_regression", verdict="solid", answer="one pays", actions=("repeat it",)),
]


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([], "not enough data"),
        (RESULTS, "indicative"),
        (RESULTS[::2], "solid"),
        ([result("x")], "not enough data"),
    ],
)
def test_the_whole_is_no_surer_than_its_parts(results: list[PageResult], verdict: str) -> None:
    assert summary.standing(results).verdict == verdict


def test_the_surest_answer_about_customers_leads() -> None:
    assert summary.standing(RESULTS).lead == "one pays"


def test_what_cannot_be_told_of_customers_neither_leads_nor_comes_first() -> None:
    few = result("03_segmentation", verdict="not enough data", answer="too few", actions=("wait",))
    found = summary.standing([RESULTS[0], few])
    assert (found.lead, found.verdict) == ("all read", "not enough data")
    assert [step["action"] for step in summary.actions([RESULTS[0], few], most=2)] == ["map more", "wait"]


def test_actions_take_turns_surest_page_first() -> None:
    chosen = [step["action"] for step in summary.actions(RESULTS, most=3)]
    assert chosen == ["repeat it", "call", "map more"]


def test_numbers_keep_their_intervals_and_leave_out_the_foundations() -> None:
    share = Headline(key="share", label="Share", value=0.6, unit="share", low=0.5, high=0.7, text="60%")
    count = Headline(key="rows", label="Rows", value=5, unit="count", text="5")
    pages = [result("01_ingestion", headlines=(count,)), result("03_segmentation", headlines=(share,))]
    (number,) = summary.leading_numbers(pages, most=5)
    assert (number["key"], number["value"]) == ("03_segmentation.share", Estimate(0.6, 0.5, 0.7))


def test_a_page_that_knows_nothing_leads_with_no_number() -> None:
    none = Headline(key="comments", label="Comments", value=0, unit="count", text="0")
    unknown = result("05_customer_needs", verdict="not enough data", headlines=(none,))
    assert summary.leading_numbers([unknown], most=5) == []


def test_trust_counts_outcomes_and_names_what_is_missing() -> None:
    checks = (Check(text="a", outcome="pass"), Check(text="b", outcome="fail"))
    table = summary.trust([result("03_segmentation", checks=checks, missing=("campaign_contacts",))])
    assert table.loc[0, ["passed", "warnings", "failed", "missing"]].tolist() == [
        1,
        0,
        1,
        "campaign contacts",
    ]


def test_no_results_give_empty_tables() -> None:
    assert [len(table([])) for table in (summary.answers, summary.numbers, summary.trust)] == [0, 0, 0]


def test_pages_left_out_are_named_with_what_they_need() -> None:
    skipped = {"03_segmentation": "needs transactions: not in this company"}
    assert summary.left_out(skipped) == "Segmentation (needs transactions)"
