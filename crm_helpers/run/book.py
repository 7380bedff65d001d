"""The running account of one run: what each page gets, what became of it, and what is written of it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial

import nbformat
from pydantic import ValidationError

from crm_helpers.errors import InputError, RunError
from crm_helpers.lake import CleanVersion, current_clean
from crm_helpers.record import Manifest, PageRecord, PageResult, RunContext, TableRecord
from crm_helpers.report.render import PageLink, RenderContext
from crm_helpers.run import files, gate, publish
from crm_helpers.run.execute import Event, Job, Outcome, execute_page
from crm_helpers.run.failure import Failure
from crm_helpers.run.kernels import KernelGroup
from crm_helpers.run.prepare import Prepared, resume_command
from crm_helpers.run.progress import Display
from crm_helpers.run.rendering import import_template_aside, previous_results, write_pages
from crm_helpers.run.reuse import Circumstances, find_earlier, take_over
from crm_helpers.tables import TABLES

__all__ = ["Book"]


class Book:
    """One run from its first page to its record."""

    def __init__(self, prepared: Prepared, staging: publish.Staging, display: Display) -> None:
        self.prepared = prepared
        self.staging = staging
        self.display = display
        self.kernels = KernelGroup()
        self.failures: list[str] = []
        self.input_fault = False
        self.clean: CleanVersion | None = None
        self._error = ""
        self._records: dict[str, PageRecord] = {}
        self._notebooks: dict[str, nbformat.NotebookNode] = {}
        self._deadline = time.monotonic() + prepared.request.run_seconds
        self._events = threading.Lock()
        self._open_clean()
        import_template_aside()

    def take_over_earlier(self) -> None:
        """Take over the pages before the one a resumed run starts at."""
        plan, folder = self.prepared.plan, self.prepared.folder
        if not plan.reused:
            return
        now = Circumstances(
            self.prepared.values,
            self.prepared.profile_sha256,
            self._clean_name,
            self.prepared.code_sha256,
            self.prepared.packages,
        )
        earlier = find_earlier(folder, plan, now)
        source = publish.run_folder(folder, earlier)
        for name in plan.reused:
            self._notebooks[name] = take_over(source, name, self.staging.path)
            before = next(record for record in earlier.pages if record.page == name)
            self._records[name] = before.model_copy(update={"status": "reused"})
            self.display.note(f"{name}: taken over from run {earlier.run}")

    def begin(self, name: str) -> Callable[[], Outcome]:
        """Prepare a page's job; the work itself is done in another thread."""
        context = RunContext(
            run=self.staging.run, company=self.prepared.folder.name, root=str(self.prepared.root),
            staging=str(self.staging.path), as_of=self.as_of,
            clean_version=self._clean_name, skipped=self.prepared.plan.skipped,
        )  # fmt: skip
        path = self.staging.private / f"{name}.context.json"
        files.write_text(path, context.model_dump_json())
        page = self.prepared.plan.page(name)
        private = {"CRM_RUN": str(path), "IPYTHONDIR": str(self.staging.private / "ipython")}
        self.display.page_started(name, len(page.cells))
        return partial(execute_page, Job(
            page=page,
            parameters=self._injected(name),
            environment=dict(os.environ) | private,
            folder=self.prepared.root,
            sockets=self.staging.sockets,
            log=self.staging.private / f"{name}.log",
            seconds=max(0.0, min(self.prepared.request.page_seconds, self._deadline - time.monotonic())),
            kernels=self.kernels,
            observe=self._observe,
        ))  # fmt: skip

    def _injected(self, name: str) -> dict[str, bool | int | float | str]:
        """Only what differs from the cell: the report's code then shows what was asked for."""
        declared = {
            parameter.name: parameter.default for parameter in self.prepared.plan.page(name).parameters
        }
        values = self.prepared.values[name]
        return {key: value for key, value in values.items() if value != declared[key] or key == "company"}

    def _observe(self, event: Event) -> None:
        line = {"page": event.page, "kind": event.kind, "cell": event.cell, "id": event.cell_id}
        with self._events, (self.staging.private / publish.EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if event.kind == "started":
            self.display.cell_started(event.page, event.cell, event.step)

    def done(self, outcome: Outcome) -> bool:
        """Note what became of a page; False when the run cannot go on."""
        name = outcome.page
        if outcome.notebook is not None:
            text = nbformat.writes(outcome.notebook) + "\n"
            files.write_text(self.staging.notebooks / f"{name}.ipynb", text)
            # rendered from what is stored, so that a page taken over later comes out the same
            self._notebooks[name] = nbformat.reads(text, as_version=4)
        failure = outcome.failure or self._fault_of_result(name)
        self._records[name] = self._record(name, outcome, failure)
        self.display.page_done(name, outcome.seconds, good=failure is None)
        if failure is not None:
            place = f", {failure.place}" if failure.place else ""
            self.failures.append(f"{name}{place}: {failure.cause}")
            made = set(self.prepared.plan.page(name).writes)
            self.input_fault = failure.input_fault and bool(made & {"raw", *TABLES})
            return False
        self._open_clean()
        return True

    def _fault_of_result(self, name: str) -> Failure | None:
        result = self._result(name)
        if result is None:
            return Failure("it ended without a result: page.close() is missing")
        failed = [check.text for check in result.checks if check.outcome == "fail"]
        return Failure(f"its own check failed: {'; '.join(failed)}") if failed else None

    def _result(self, name: str) -> PageResult | None:
        path = self.staging.path / f"{name}.result.json"
        try:
            return PageResult.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def _peak_memory(self, name: str, outcome: Outcome) -> float:
        """Move the page's own measure out of its result, which equal runs write with equal bytes."""
        result = self._result(name)
        if result is None:
            return outcome.peak_memory_mb
        still = result.model_copy(update={"peak_memory_mb": 0.0})
        files.write_text(self.staging.path / f"{name}.result.json", still.model_dump_json(indent=1) + "\n")
        return max(outcome.peak_memory_mb, result.peak_memory_mb)

    def _require_result(self, name: str) -> PageResult:
        result = self._result(name)
        if result is None:
            raise RunError(f"{name}: its result.json is gone")
        return result

    def _record(self, name: str, outcome: Outcome, failure: Failure | None) -> PageRecord:
        return PageRecord(
            page=name,
            status="failed" if failure else "good",
            notebook_sha256=self.prepared.plan.page(name).sha256,
            parameters=self.prepared.values[name],
            seconds=round(outcome.seconds, 2),
            peak_memory_mb=round(self._peak_memory(name, outcome), 1),
            failed_cell=failure.cell if failure else None,
            failed_cell_id=failure.cell_id if failure else "",
            error=failure.cause if failure else "",
        )

    def _open_clean(self) -> None:
        """Settle which clean tables the pages read, once no page of this run can replace them any more."""
        plan = self.prepared.plan
        makers = {name for name in plan.run if set(plan.page(name).writes) & set(TABLES)}
        if self.clean is None and makers <= set(self._records):
            try:
                self.clean = current_clean(self.prepared.folder)
            except InputError:
                self.clean = None

    @property
    def _clean_name(self) -> str:
        return self.clean.version if self.clean else ""

    @property
    def as_of(self) -> date | None:
        """The day the numbers stand for, once known."""
        stated = self.prepared.request.as_of
        if stated:
            return date.fromisoformat(stated)
        return self.clean.as_of if self.clean else None

    def interrupted(self) -> None:
        """Note that somebody stopped the run."""
        self._error = "stopped before its end (Ctrl-C or SIGTERM)"
        self.failures.append(self._error)

    def render(self) -> None:
        """Write every page's HTML and the run's first page."""
        folder, profile, records = self.prepared.folder, self.prepared.profile, self._page_records()
        self.display.note("rendering")
        context = RenderContext(
            company=folder.name, name=profile.name, currency=profile.currency, language=profile.language,
            as_of=self.as_of, pages=tuple(PageLink(record.page, record.status) for record in records),
            previous=previous_results(folder, self._clean_name, self.as_of),
        )  # fmt: skip
        results = {name: self._require_result(name) for name in self._notebooks}
        fault = write_pages(
            self.staging.path, self._notebooks, results=results, records=records, context=context
        )
        if fault:
            self._error = fault
            self.failures.append(fault)

    def check_secrets(self) -> None:
        """Fail the run when a secret stands in any of its files."""
        for path, variable in self._leaks():
            place = path.relative_to(self.staging.path).as_posix()
            self.failures.append(
                f"{place} holds the value of the environment variable {variable}: nothing published"
            )
        self._error = self._error or next(iter(self.failures), "")

    def remove_secrets(self) -> None:
        """Remove files that hold a secret from a run that is kept for its record."""
        for path, _ in self._leaks():
            path.unlink(missing_ok=True)

    def _leaks(self) -> list[gate.Leak]:
        return gate.find_secrets(self.staging.path, gate.secret_values(self.prepared.profile))

    def _page_records(self) -> list[PageRecord]:
        plan = self.prepared.plan
        return [self._records.get(page.name) or self._unrun(page.name, page.sha256) for page in plan.pages]

    def _unrun(self, name: str, sha256: str) -> PageRecord:
        why = self.prepared.plan.skipped.get(name, "")
        return PageRecord(
            page=name, status="skipped" if why else "not run", notebook_sha256=sha256,
            parameters=self.prepared.values[name], error=why,
        )  # fmt: skip

    def _resume(self) -> str:
        """Go on at the first page that did not end well; when all did, at the last one."""
        run = self.prepared.plan.run
        good = {name for name, record in self._records.items() if record.status == "good"}
        page = next((name for name in run if name not in good), run[-1])
        return resume_command(self.prepared.request, page)

    def manifest(self, seconds: float) -> Manifest:
        """Write up the run."""
        prepared = self.prepared
        results = [result for name in sorted(self._records) if (result := self._result(name))]
        return Manifest(
            run=self.staging.run,
            company=prepared.folder.name,
            status="failed" if self.failures else "good",
            started_at=self.staging.started.isoformat(timespec="seconds"),
            seconds=round(seconds, 2),
            as_of=self.as_of,
            clean_version=self._clean_name,
            profile_sha256=prepared.profile_sha256,
            pages=tuple(self._page_records()),
            inputs=_distinct(table for result in results for table in result.reads),
            tables=_distinct(table for result in results for table in result.writes),
            packages=prepared.packages,
            code_sha256=prepared.code_sha256,
            error=self._error,
            resume=self._resume() if self.failures else "",
        )


def _distinct(tables: Iterable[TableRecord]) -> tuple[TableRecord, ...]:
    found = {(table.name, table.fingerprint): table for table in tables}
    return tuple(found[key] for key in sorted(found))
