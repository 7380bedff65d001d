"""A page as the template needs it: cards in order, the answer first, nothing left to decide."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from crm_helpers.record import Headline, PageResult
from crm_helpers.report.blocks import Block
from crm_helpers.report.context import RenderContext
from crm_helpers.report.format import visible, write_date, write_value
from crm_helpers.report.outline import Outline, Section, page_title
from crm_helpers.report.prose import prose
from crm_helpers.report.svg import Sprites
from crm_helpers.report.wording import Spans

__all__ = ["Card", "Change", "PageView", "page_view"]

_OWN_CARDS = ("checks", "so what")


@dataclass(frozen=True)
class Card:
    """One finding: what was asked (eyebrow), what was found (title), and what shows it."""

    anchor: str
    heading: str
    title: Spans
    parts: tuple[tuple[str, Any], ...]

    @property
    def eyebrow(self) -> str:
        """The heading, where the title says something else."""
        return "" if self.title == [(self.heading, False)] else self.heading


@dataclass(frozen=True)
class Change:
    """One headline number now and in the last run on different inputs."""

    label: str
    now: str
    before: str
    by: str


@dataclass(frozen=True)
class PageView:
    """Everything the page's template shows."""

    title: str
    question: str
    introduction: Markup
    result: PageResult
    answer: Spans
    actions: tuple[Spans, ...]
    cards: tuple[Card, ...]
    missing: tuple[Block, ...]
    checks_prose: tuple[Markup, ...]
    so_what: tuple[tuple[str, Any], ...]
    changes: tuple[Change, ...]
    compared_with: str
    method: tuple[Markup, ...]
    code: tuple[str, ...]
    parameters: dict[str, str]
    published: frozenset[str]  # tables of the run's folder
    period: str
    shapes: Markup = field(default=Markup(""))

    @property
    def check_words(self) -> tuple[str, dict[str, int]]:
        """Sentence of the badge: how many checks there are, and how many of them warn or fail."""
        outcomes = [check.outcome for check in self.result.checks]
        failed, warned, checks = outcomes.count("fail"), outcomes.count("warn"), len(outcomes)
        if failed:
            return "checks_failed", {"failed": failed, "checks": checks}
        if warned:
            return "checks_warned", {"warned": warned, "checks": checks}
        return "checks_passed", {"checks": checks}


def page_view(page: Outline, *, result: PageResult, context: RenderContext) -> PageView:
    """Arrange a page.

    Parameters
    ----------
    page
        The notebook taken apart.
    result
        What it found.
    context
        The run it belongs to.

    Returns
    -------
    PageView
        What the template shows, drawings sharing their shapes.
    """
    sprites = Sprites()
    cards = [
        _card(number, section, sprites) for number, section in enumerate(page.sections) if _is_card(section)
    ]
    before = context.previous.get(result.page)
    return PageView(
        title=page_title(result.page),
        question=visible(page.question),
        introduction=prose(page.introduction),
        result=result,
        answer=_spans_of(page, "answer")[-1] if _spans_of(page, "answer") else [],
        actions=tuple(_spans_of(page, "action")),
        cards=tuple(card for card in cards if card.parts or card.eyebrow),
        missing=tuple(block for block in page.blocks if block["kind"] == "missing"),
        checks_prose=_proses(page, "checks"),
        so_what=tuple(part for section in _named(page, "so what") for part in _parts(section, sprites)),
        changes=_changes(result, before),
        compared_with=_compared_with(context),
        method=tuple(
            prose(text) for section in page.sections if section.appendix for text in _with_heading(section)
        ),
        code=tuple(visible_code(source) for source in page.code),
        parameters=next((block["parameters"] for block in page.blocks if block["kind"] == "open"), {}),
        published=frozenset(block["name"] for block in page.blocks if block["kind"] == "publish"),
        period=_period(page, context),
        shapes=Markup(sprites.shapes()),  # noqa: S704 - parts of drawings that were looked at
    )


def visible_code(source: str) -> str:
    """Show hidden characters of code, line by line."""
    return "\n".join(visible(line) for line in source.replace("\t", "    ").split("\n"))


def _is_card(section: Section) -> bool:
    return not section.appendix and section.heading.casefold() not in _OWN_CARDS


def _card(number: int, section: Section, sprites: Sprites) -> Card:
    says = [block["spans"] for block in section.blocks if block["kind"] == "say"]
    heading = visible(section.heading or "Overview")
    title = says[0] if says and section.heading else [(heading, False)]
    parts = _parts(section, sprites)
    if says and section.heading:
        parts.remove(("say", says[0]))
    return Card(f"{number}-{_slug(heading)}", heading, [(words, bold) for words, bold in title], tuple(parts))


def _parts(section: Section, sprites: Sprites) -> list[tuple[str, Any]]:
    parts: list[tuple[str, Any]] = [("prose", prose(text)) for text in section.prose]
    for block in section.blocks:
        if block["kind"] == "say":
            parts.append(("say", block["spans"]))
        elif block["kind"] == "chart":
            drawn = {width: sprites.without_shapes(block[width]) for width in ("wide", "narrow")}
            parts.append(("chart", {**block, **drawn}))
        elif block["kind"] == "table":
            parts.append(("table", block))
    return parts


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.casefold()).strip("-")[:40] or "card"


def _spans_of(page: Outline, kind: str) -> list[Spans]:
    return [block["spans"] for block in page.blocks if block["kind"] == kind]


def _named(page: Outline, heading: str) -> list[Section]:
    return [section for section in page.sections if section.heading.casefold() == heading]


def _proses(page: Outline, heading: str) -> tuple[Markup, ...]:
    return tuple(prose(text) for section in _named(page, heading) for text in section.prose)


def _with_heading(section: Section) -> tuple[str, ...]:
    return (f"### {section.heading}", *section.prose) if section.heading else section.prose


def _period(page: Outline, context: RenderContext) -> str:
    if context.period:
        return f"{write_date(context.period[0])} to {write_date(context.period[1])}"
    read = [block for block in page.blocks if block["kind"] == "read" and "first" in block]
    return f"{read[0]['first']} to {read[0]['last']}" if read else ""


def _compared_with(context: RenderContext) -> str:
    # a page that reads no table names no day of its own: that of its run is the other pages'
    days = [result.as_of for result in context.previous.values() if result.as_of]
    return write_date(max(days)) if days else ""


def _changes(result: PageResult, before: PageResult | None) -> tuple[Change, ...]:
    if before is None:
        return ()
    old = {headline.key: headline for headline in before.headlines}
    return tuple(_change(headline, old.get(headline.key)) for headline in result.headlines)


def _change(now: Headline, before: Headline | None) -> Change:
    if before is None:
        return Change(now.label, now.text, "–", "new")
    numbers = [value for value in (now.value, before.value) if not isinstance(value, str)]
    if len(numbers) < 2 or numbers[0] == numbers[1]:
        return Change(now.label, now.text, before.text, "unchanged" if now.text == before.text else "changed")
    difference = numbers[0] - numbers[1]
    words = write_value(abs(difference), now.unit if now.unit != "money" else "rounded money")
    unit = " points" if now.unit == "share" else ""
    sign = "+" if difference > 0 else "−"
    return Change(
        now.label, now.text, before.text, sign + words.replace("%", "") + unit if unit else sign + words
    )
