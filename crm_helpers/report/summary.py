"""What do all pages together say? Their answers, actions and numbers, and how far each can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from crm_helpers.analysis.estimates import Estimate
from crm_helpers.record import Headline, PageResult, Verdict
from crm_helpers.report.outline import page_title

if TYPE_CHECKING:
    from crm_helpers.page import Page

__all__ = [
    "FOUNDATIONS",
    "Standing",
    "actions",
    "answers",
    "give_actions",
    "give_headlines",
    "leading_numbers",
    "left_out",
    "numbers",
    "standing",
    "trust",
]

FOUNDATIONS = ("01_ingestion", "02_cleaning")  # they answer for the data, not for the customers
_ORDER: dict[Verdict | None, int] = {"solid": 0, "indicative": 1, "not enough data": 2, None: 3}


@dataclass(frozen=True)
class Standing:
    """How the questions stand, and the answer that carries most."""

    pages: int
    solid: int
    indicative: int
    unknown: int
    lead: str
    verdict: Verdict

    @property
    def values(self) -> dict[str, Any]:
        """What the answer's sentence names."""
        counts = {"pages": self.pages, "solid": self.solid, "indicative": self.indicative}
        return counts | {"unknown": self.unknown, "lead": self.lead}


def standing(results: Sequence[PageResult]) -> Standing:
    """Count verdicts, and pick the first of the surest answers, one about customers where there is any.

    Parameters
    ----------
    results
        What the pages found.

    Returns
    -------
    Standing
        The verdict on the whole is that of the surest answer about customers, `indicative` when any page is
        less sure.
    """
    verdicts = [result.verdict for result in results]
    solid, indicative = verdicts.count("solid"), verdicts.count("indicative")
    answered = [result for result in _surest(results) if result.answer]
    known = [result for result in results if result.page not in FOUNDATIONS and _is_answered(result)]
    whole: Verdict = "indicative" if known else "not enough data"
    if results and solid == len(results):
        whole = "solid"
    lead = answered[0].answer if answered else "no page has answered its question yet."
    return Standing(len(results), solid, indicative, len(results) - solid - indicative, lead, whole)


def answers(results: Sequence[PageResult]) -> pd.DataFrame:
    """One row a page: its question, its answer and the verdict on it."""
    rows = [(r.title, r.question, r.answer or "no answer", r.verdict or "no verdict") for r in results]
    return pd.DataFrame(rows, columns=["page", "question", "answer", "verdict"])


def numbers(results: Sequence[PageResult]) -> pd.DataFrame:
    """One row a headline number, written as its page writes it."""
    rows = [(headline.label, headline.text, r.title) for r in results for headline in r.headlines]
    return pd.DataFrame(rows, columns=["number", "value", "page"]).rename(columns={"value": "amount"})


def trust(results: Sequence[PageResult]) -> pd.DataFrame:
    """One row a page: verdict, checks by outcome, and the tables it had to do without."""
    rows = [
        (
            r.title,
            r.verdict or "no verdict",
            *(_outcomes(r, kind) for kind in ("pass", "warn", "fail")),
            _without(r),
        )
        for r in results
    ]
    return pd.DataFrame(rows, columns=["page", "verdict", "passed", "warnings", "failed", "missing"])


def actions(results: Sequence[PageResult], *, most: int) -> list[dict[str, str]]:
    """Choose what to do first: actions of the surest pages, one of each before a second of any.

    Parameters
    ----------
    results
        What the pages found.
    most
        How many actions at most.

    Returns
    -------
    list of dict
        `page` and `action` of each.
    """
    ranked = [
        (place, order, {"page": result.title, "action": words})
        for order, result in enumerate(_surest(results))
        for place, words in enumerate(result.actions)
    ]
    return [action for _, _, action in sorted(ranked, key=lambda item: item[:2])][:most]


def left_out(skipped: Mapping[str, str]) -> str:
    """Name the pages that were skipped, each with what it needs.

    Examples
    --------
    >>> left_out({"03_segmentation": "needs transactions: not in this company"})
    'Segmentation (needs transactions)'
    """
    return "; ".join(f"{page_title(page)} ({why.partition(':')[0]})" for page, why in skipped.items())


def leading_numbers(results: Sequence[PageResult], *, most: int) -> list[dict[str, Any]]:
    """Choose the headline numbers of the pages that know of customers, the first of each before any second.

    Parameters
    ----------
    results
        What the pages found.
    most
        How many numbers at most.

    Returns
    -------
    list of dict
        `key`, `label`, `value` and `unit`, as `page.headline` takes them.
    """
    ranked = [
        (place, order, _number(result, headline))
        for order, result in enumerate(results)
        if result.page not in FOUNDATIONS and result.verdict != "not enough data"
        for place, headline in enumerate(result.headlines)
    ]
    return [number for _, _, number in sorted(ranked, key=lambda item: item[:2])][:most]


def give_headlines(page: Page, results: Sequence[PageResult], *, most: int) -> None:
    """Put the leading numbers of the other pages among this page's headlines."""
    for number in leading_numbers(results, most=most):
        page.headline(number.pop("key"), number.pop("label"), number.pop("value"), **number)


def give_actions(page: Page, results: Sequence[PageResult], *, most: int) -> None:
    """Say the chosen actions of the other pages, each with its page."""
    for action in actions(results, most=most):
        page.action("summary.action", **action)


def _surest(results: Sequence[PageResult]) -> list[PageResult]:
    # what cannot be told of customers comes after what can be told of the data
    return sorted(
        results, key=lambda r: (not _is_answered(r), r.page in FOUNDATIONS, _ORDER[r.verdict], r.page)
    )


def _is_answered(result: PageResult) -> bool:
    return result.verdict in {"solid", "indicative"}


def _outcomes(result: PageResult, outcome: str) -> int:
    return sum(check.outcome == outcome for check in result.checks)


def _without(result: PageResult) -> str:
    return ", ".join(name.replace("_", " ") for name in result.missing) or "nothing"


def _number(result: PageResult, headline: Headline) -> dict[str, Any]:
    value: Any = headline.value
    if headline.low is not None and headline.high is not None:
        value = Estimate(float(headline.value), headline.low, headline.high)
    return {
        "key": f"{result.page}.{headline.key}",
        "label": headline.label,
        "value": value,
        "unit": headline.unit,
    }
