"""What a page has found so far, and the `result.json` it becomes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from crm_helpers.record import Check, Headline, PageResult, TableRecord, Verdict
from crm_helpers.report.format import is_missing, visible, write

__all__ = ["Findings", "make_headline", "peak_memory_mb"]


@dataclass
class Findings:
    """Everything a page states while it runs, in order."""

    reads: list[TableRecord] = field(default_factory=list)
    writes: list[TableRecord] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    headlines: list[Headline] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    answer: str = ""

    def result(self, page: str, *, title: str, question: str, as_of: date | None) -> PageResult:
        """Make the page's result; with a failed check nothing is solid.

        Parameters
        ----------
        page, title, question
            Name, short title and question of the page.
        as_of
            The day the numbers stand for, where the page has one.

        Returns
        -------
        PageResult
            The record that is written to `<page>.result.json`.
        """
        failed = any(check.outcome == "fail" for check in self.checks)
        return PageResult(
            page=page,
            title=title,
            question=question,
            as_of=as_of,
            verdict="indicative" if failed and self.verdict == "solid" else self.verdict,
            answer=self.answer,
            actions=tuple(self.actions),
            headlines=tuple(self.headlines),
            checks=tuple(self.checks),
            missing=tuple(self.missing),
            reads=tuple(self.reads),
            writes=tuple(self.writes),
            peak_memory_mb=peak_memory_mb(),
        )


def make_headline(key: str, label: str, value: Any, *, unit: str, currency: str) -> Headline:
    """Write a number as a headline: the words for people, value and interval for machines.

    Parameters
    ----------
    key, label
        Its name and what it counts.
    value
        A number, words or an `Estimate`.
    unit, currency
        How it is written.

    Returns
    -------
    Headline
        The record; a missing value is "not known".
    """
    low, high = (_bound(getattr(value, end, None)) for end in ("low", "high"))
    number = _plain(value.value if hasattr(value, "low") else value)
    return Headline(
        key=key,
        label=visible(label),
        value="not known" if number is None else number,
        unit=unit,
        low=low,
        high=high,
        text=write(value, unit, currency=currency),
    )


def peak_memory_mb() -> float:
    """Most memory this process has held, in MB (2**20 bytes); 0 where the system does not say."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)
    if sys.platform == "darwin":
        import resource  # noqa: PLC0415 - Windows has none

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return 0.0


def _bound(value: Any) -> float | None:
    return None if is_missing(value) else float(value)


def _plain(value: Any) -> float | int | str | None:
    if is_missing(value):
        return None
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, date):
        return value.isoformat()
    number = float(value)
    return int(number) if number.is_integer() and not isinstance(value, float) else number
