"""What a page found and what a run did, as files: `*.result.json` of a page, `manifest.json` of a run."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "Check",
    "Headline",
    "Manifest",
    "PageRecord",
    "PageResult",
    "RunContext",
    "TableRecord",
    "Verdict",
]

Verdict = Literal["solid", "indicative", "not enough data"]
PageStatus = Literal["good", "failed", "skipped", "not run", "reused"]
RunStatus = Literal["running", "good", "failed", "abandoned"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableRecord(_Record):
    """One table read or written: enough to lead a number back to its rows."""

    name: str
    rows: int
    fingerprint: str  # sha256 of the Parquet file, first 16 hex digits


class Headline(_Record):
    """One number a page stands on."""

    key: str
    label: str
    value: float | int | str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    text: str = ""  # as the report writes it


class Check(_Record):
    """One statement tested by the page."""

    text: str
    outcome: Literal["pass", "warn", "fail"]
    detail: str = ""


class PageResult(_Record):
    """What one page found: feeds the executive page, the index, `what changed` and the tests."""

    page: str
    title: str
    question: str
    as_of: date | None = None
    verdict: Verdict | None = None
    answer: str = ""  # plain text, as the report writes it
    actions: tuple[str, ...] = ()
    headlines: tuple[Headline, ...] = ()
    checks: tuple[Check, ...] = ()
    missing: tuple[str, ...] = ()  # optional tables this company does not have
    reads: tuple[TableRecord, ...] = ()
    writes: tuple[TableRecord, ...] = ()
    peak_memory_mb: float = 0.0  # of the kernel; goes to the manifest, never into HTML


class PageRecord(_Record):
    """What became of one page in a run."""

    page: str
    status: PageStatus
    notebook_sha256: str
    parameters: dict[str, bool | int | float | str]
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    failed_cell: int | None = None  # counted from 1 in the notebook as it is stored
    failed_cell_id: str = ""
    error: str = ""  # one line, no customer values; of a skipped page: why


class Manifest(_Record):
    """The record of one run: written last, and the only thing the index of runs is made from."""

    run: str
    company: str
    status: RunStatus
    started_at: str
    seconds: float
    as_of: date | None
    clean_version: str
    profile_sha256: str
    pages: tuple[PageRecord, ...]
    inputs: tuple[TableRecord, ...] = ()  # what the pages read
    tables: tuple[TableRecord, ...]  # what the pages wrote
    packages: dict[str, str]
    code_sha256: str = ""  # of crm_helpers
    error: str = ""  # why the run failed when no page did
    resume: str = ""  # the command that goes on after a failure


class RunContext(_Record):
    """What the runner tells a page's kernel, by the file that the variable CRM_RUN names."""

    run: str
    company: str
    root: str
    staging: str
    as_of: date | None = None
    clean_version: str = ""  # the tables all pages of the run read; empty before cleaning
    skipped: dict[str, str] = {}  # pages this company cannot have, and what they would need
    scratch: bool = False
