"""`crm run`: validate, lock, stage, execute, check, render, gate, swap, record.

A good run appears whole by one rename. Any other leaves the last good report as it was, to the byte, and
says which page and cell stopped it and which command goes on.
"""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crm_helpers.errors import InputError
from crm_helpers.run import files, publish
from crm_helpers.run.prepare import Prepared, Request, prepare
from crm_helpers.run.progress import Display, quiet
from crm_helpers.tables import TABLES

if TYPE_CHECKING:
    from crm_helpers.run.book import Book

__all__ = ["Report", "run"]


@dataclass(frozen=True)
class Report:
    """How a run ended."""

    run: str
    good: bool
    path: Path  # the report's index.html, or the failed run's folder
    seconds: float
    failures: tuple[str, ...] = ()  # one line each: page, cell, cause
    resume: str = ""


def run(request: Request, display: Display | None = None) -> Report:
    """Run a company's pages and publish the report.

    Parameters
    ----------
    request
        What to run.
    display
        Told what happens; nobody when not given.

    Returns
    -------
    Report
        Where the report is, or why there is none.

    Raises
    ------
    InputError
        When the call or an input is wrong; nothing was written.
    """
    display = display or quiet()
    started, now = time.monotonic(), datetime.now(UTC)
    prepared = prepare(request)
    _check_inputs(prepared, display)
    with publish.lock(prepared.folder), _terminable():
        for name in publish.clean_abandoned(prepared.folder):
            display.note(f"run {name} was abandoned (its runner was killed): cleaned up")
        staging = publish.open_staging(prepared.folder, now)
        try:
            return _run_staged(prepared, staging, display, started)
        finally:
            shutil.rmtree(staging.sockets, ignore_errors=True)
            _rebuild_index(prepared)


def _check_inputs(prepared: Prepared, display: Display) -> None:
    """Make the demo's data when there is none, and look at every source before anything is written."""
    folder, plan = prepared.folder, prepared.plan
    ingests = any("raw" in plan.page(name).writes for name in plan.run)
    cleans = any(set(TABLES) & set(plan.page(name).writes) for name in plan.run)
    if ingests:
        if folder.name == "demo" and not (folder.data / "source").exists():
            from crm_helpers import demo

            display.note("making the data of the simulated company")
            demo.make(folder.data)
        from crm_helpers.ingest import first_faults

        faults = first_faults(folder, prepared.profile)
        if faults:
            more = f" (and {len(faults) - 1} more: crm check {folder.name})" if len(faults) > 1 else ""
            raise InputError(f"{faults[0]}{more}")
    elif not cleans and any(set(TABLES) & set(plan.page(name).reads) for name in plan.run):
        from crm_helpers.lake import current_clean

        current_clean(folder)


def _run_staged(prepared: Prepared, staging: publish.Staging, display: Display, started: float) -> Report:
    # papermill, the engine and the template take a second to import: a refused call does not pay for them.
    # nbformat's schemas check no address, but the grammars for it would take another second
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from crm_helpers.run.book import Book

    book = Book(prepared, staging, display)
    try:
        book.take_over_earlier()
        _execute(book)
        if not book.failures:
            book.render()
    except KeyboardInterrupt:
        book.interrupted()
    except BaseException:
        files.remove_folder(staging.path)
        raise
    return _close(book, time.monotonic() - started)


def _execute(book: Book) -> None:
    from crm_helpers.run.schedule import run_side_by_side

    plan = book.prepared.plan
    jobs = max(1, book.prepared.request.jobs)
    run_side_by_side(
        plan.run, plan.after, begin=book.begin, done=book.done, stop=book.kernels.stop, jobs=jobs
    )


def _close(book: Book, seconds: float) -> Report:
    """Publish a good run, keep a failed one aside, drop one whose input was wrong from the start."""
    staging = book.staging
    if book.input_fault:
        files.remove_folder(staging.path)
        raise InputError("; ".join(book.failures))
    if not book.failures:
        book.check_secrets()
    manifest = book.manifest(seconds)
    if manifest.status == "good":
        path = publish.publish(staging, manifest) / "index.html"
    else:
        book.remove_secrets()
        path = publish.keep_failed(staging, manifest)
    return Report(
        staging.run, manifest.status == "good", path, seconds, tuple(book.failures), manifest.resume
    )


def _rebuild_index(prepared: Prepared) -> None:
    from crm_helpers.report.render import render_company_index

    manifests = publish.read_manifests(prepared.folder)
    if manifests:
        html = render_company_index(manifests, name=prepared.profile.name)
        files.write_text(prepared.folder.reports / "index.html", html)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let a polite end of the runner (SIGTERM) stop kernels and close the record, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt
