"""What a page's HTML is told beside the page itself: company, day, the other pages, the last results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from crm_helpers.record import PageResult, PageStatus
from crm_helpers.report.outline import page_title

__all__ = ["PageLink", "RenderContext"]


@dataclass(frozen=True)
class PageLink:
    """Another page of the same run, for the navigation."""

    page: str
    status: PageStatus = "good"

    @property
    def title(self) -> str:
        """The page's short name."""
        return page_title(self.page)

    @property
    def href(self) -> str:
        """Its file, or nothing when this run has no such page."""
        return f"{self.page}.html" if self.status in ("good", "reused") else ""


@dataclass(frozen=True)
class RenderContext:
    """One run as its pages see it; holds no time, run id or duration, so that equal runs give equal bytes."""

    company: str  # folder name
    name: str  # as the profile says it
    currency: str
    language: str = "en"
    as_of: date | None = None
    period: tuple[date, date] | None = None  # first and last day of the transactions
    pages: tuple[PageLink, ...] = ()
    # results of the last run on different inputs, by page; empty for the first
    previous: Mapping[str, PageResult] = field(default_factory=dict)
