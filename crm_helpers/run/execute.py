"""Execute one page: papermill drives the cells, our own events and the kernel's exit say what happened.

papermill's own record is not asked: after a killed kernel or a timeout it calls cells completed that
never ran.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat
import papermill
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import ERROR_MARKER_TAG

from crm_helpers.run.failure import Failure, exception_cause, exit_cause, places, time_cause
from crm_helpers.run.kernels import LOG, KernelGroup, WarmKernelClient, WarmKernelManager
from crm_helpers.run.plan import Page

__all__ = ["Event", "Job", "Outcome", "execute_page"]

_START_SECONDS = 120
_INJECTED = "injected-parameters"
_LOG = logging.getLogger("crm_helpers.run.execute")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False
# papermill reads parameters by guess and complains of ours; we have read and checked them already
logging.getLogger("papermill").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Event:
    """Something that happened to a cell, while it happens."""

    page: str
    kind: Literal["started", "finished", "failed"]
    cell: int  # counted from 1 in the notebook as it is stored
    cell_id: str
    step: str  # nearest heading above


@dataclass(frozen=True)
class Job:
    """Everything one page needs to be executed."""

    page: Page
    parameters: dict[str, bool | int | float | str]
    environment: dict[str, str]
    folder: Path  # working directory
    sockets: Path  # short path, for Unix sockets
    log: Path  # takes what the kernel writes past IPython
    seconds: float  # budget, from the kernel's start on
    observe: Callable[[Event], None]
    kernels: KernelGroup = field(default_factory=KernelGroup)


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    page: str
    seconds: float
    notebook: nbformat.NotebookNode | None = None
    failure: Failure | None = None
    peak_memory_mb: float = 0.0


class _Session:
    """One attempt: the running account of cells, and how the kernel did."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.deadline = time.monotonic() + job.seconds
        self.numbers = {cell_id: number for number, cell_id in enumerate(job.page.cells, start=1)}
        self.notebook: nbformat.NotebookNode | None = None
        self.current: tuple[int, str] | None = None
        self.failure: Failure | None = None
        self.exit_code: int | None = None
        self.peak_memory_mb = 0.0

    def remaining(self, _cell: object = None) -> float:
        """Seconds left; never zero, which would mean no limit."""
        return max(self.deadline - time.monotonic(), 0.001)

    def tell(self, kind: Literal["started", "finished", "failed"], cell: nbformat.NotebookNode) -> None:
        """Note what happened to a cell and pass it on; cells papermill adds are not the notebook's."""
        number = self.numbers.get(cell.id)
        if number is None:
            return
        self.current = (number, cell.id)
        self.job.observe(Event(self.job.page.name, kind, number, cell.id, self.job.page.headings[number - 1]))

    def fail(self, cause: str, *, input_fault: bool = False) -> None:
        """Note why the current cell failed."""
        number, cell_id = self.current or (None, "")
        self.failure = Failure(cause, number, cell_id, input_fault)


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """papermill's client with our kernel, our time budget and our events."""

    session: _Session

    def create_kernel_manager(self) -> WarmKernelManager:
        """Make the manager of one warm kernel, reachable by sockets in a private folder."""
        name = f"{self.session.job.page.number}-{time.monotonic_ns()}"
        self.km = WarmKernelManager(
            kernel_name="python3", client_factory=WarmKernelClient, config=self.config
        )
        self.km.connect_in(self.session.job.sockets, name)
        return self.km

    def execute(self, **kwargs: Any) -> nbformat.NotebookNode:
        """Run the cells one after another, until one fails; ask a dead or busy kernel nothing more."""
        self.reset_execution_trackers()
        with self.setup_kernel(**kwargs):
            self.session.job.kernels.add(self.km)
            self.session.deadline = time.monotonic() + self.session.job.seconds
            try:
                all(self._run(cell, index) for index, cell in enumerate(self.nb.cells))
            finally:
                self.session.peak_memory_mb = self.km.peak_memory_mb()
                self.shutdown_kernel = "immediate" if self.session.failure else "graceful"
                self.session.job.kernels.remove(self.km)
        return self.nb

    def _run(self, cell: nbformat.NotebookNode, index: int) -> bool:
        session = self.session
        session.tell("started", cell)
        try:
            self.execute_cell(cell, index)
        except CellExecutionError as error:
            cause = exception_cause(error.ename, error.evalue, error.traceback)
            session.fail(cause, input_fault=error.ename == "InputError")
        except CellTimeoutError:
            session.fail(time_cause(session.job.seconds))
        except DeadKernelError:
            session.fail(exit_cause(self.km.exit_code))
        session.tell("failed" if session.failure else "finished", cell)
        return session.failure is None


class _Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Registered with papermill as `crm`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, session: _Session, **_: Any) -> None:
        """Execute with our client."""
        session.notebook = nb_man.nb
        for cell in nb_man.nb.cells:
            if _INJECTED in cell.metadata.get("tags", ()):
                cell.id = _INJECTED
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            startup_timeout=int(min(_START_SECONDS, session.remaining())) or 1,
            timeout_func=session.remaining,
            record_timing=False,
            log=_LOG,
        )
        client.session = session
        environment = session.job.environment | {LOG: str(session.job.log)}
        client.execute(env=environment, cwd=str(session.job.folder))


papermill_engines.register("crm", _Engine)


def execute_page(job: Job) -> Outcome:
    """Execute one page in a kernel of its own; a kernel that does not start is tried once more.

    Parameters
    ----------
    job
        The page, its parameters, environment and budget.

    Returns
    -------
    Outcome
        With the executed notebook, cleaned of times, and the failure if there was one.
    """
    started = time.monotonic()
    session = _attempt(job)
    if session.failure and session.current is None:
        session = _attempt(job)
    notebook = _cleaned(session.notebook) if session.notebook is not None else None
    return Outcome(
        job.page.name, time.monotonic() - started, notebook, session.failure, session.peak_memory_mb
    )


def _attempt(job: Job) -> _Session:
    session = _Session(job)
    try:
        papermill.execute_notebook(
            _without_outputs(job.page.path),
            None,
            parameters=job.parameters,
            engine_name="crm",
            kernel_name="python3",
            progress_bar=False,
            session=session,
        )
    except PapermillExecutionError:
        pass  # told by our own events already
    # whatever fails around a kernel ends this page, never the runner with the other pages in it
    except Exception as error:  # noqa: BLE001
        if session.failure is None:
            session.fail(f"the kernel failed ({type(error).__name__})")
        with job.log.open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
    finally:
        ensure_event_loop().close()  # Jupyter opens one for each thread and leaves it open
    return session


def _without_outputs(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    notebook.metadata.pop("papermill", None)
    notebook.cells = [
        cell for cell in notebook.cells if ERROR_MARKER_TAG not in cell.metadata.get("tags", ())
    ]
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if not cell.metadata.get("tags", ["kept"]):
            cell.metadata.pop("tags")
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                # messages and source lines of a traceback may hold values; the places do not
                output.traceback = places("\n".join(output.traceback))
                output.evalue = exception_cause(output.ename, output.evalue, "")
    return notebook
