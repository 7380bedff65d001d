"""Say what a run is doing: bars with page and step names on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import TaskID

__all__ = ["Display", "quiet", "terminal_or_log"]


class Display(ABC):
    """Is told what happens, from several threads."""

    @abstractmethod
    def page_started(self, page: str, cells: int) -> None:
        """Tell that a page begins."""

    @abstractmethod
    def cell_started(self, page: str, cell: int, step: str) -> None:
        """Tell that one of its cells begins."""

    @abstractmethod
    def page_done(self, page: str, seconds: float, *, good: bool) -> None:
        """Tell that a page ended."""

    @abstractmethod
    def note(self, text: str, *, log: bool = True) -> None:
        """Tell something else; `log` says whether a log wants to know."""

    def close(self) -> None:  # noqa: B027 - only a terminal needs it
        """Leave the terminal as it was."""


class _Quiet(Display):
    def page_started(self, page: str, cells: int) -> None: ...

    def cell_started(self, page: str, cell: int, step: str) -> None: ...

    def page_done(self, page: str, seconds: float, *, good: bool) -> None: ...

    def note(self, text: str, *, log: bool = True) -> None: ...


class _Log(Display):
    """One plain line for each page and each step, whole lines only."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._steps: dict[str, str] = {}

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def page_started(self, page: str, cells: int) -> None:
        self._line(f"{page}: started, {cells} cells")

    def cell_started(self, page: str, cell: int, step: str) -> None:
        if step and self._steps.get(page) != step:
            self._steps[page] = step
            self._line(f"{page}: cell {cell}, {step}")

    def page_done(self, page: str, seconds: float, *, good: bool) -> None:
        self._line(f"{page}: {'good' if good else 'failed'} after {seconds:.1f} s")

    def note(self, text: str, *, log: bool = True) -> None:
        if log:
            self._line(text)


class _Bars(Display):
    """One bar a page, with the step it is at."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.text import Text

        self._text = Text
        self._progress = Progress(
            TextColumn("{task.fields[page]}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
        )
        self._tasks: dict[str, TaskID] = {}
        self._cells: dict[str, int] = {}
        self._progress.start()

    def page_started(self, page: str, cells: int) -> None:
        self._cells[page] = cells
        self._tasks[page] = self._progress.add_task("", total=cells, page=page)

    def cell_started(self, page: str, cell: int, step: str) -> None:
        self._progress.update(self._tasks[page], completed=cell - 1, description=step)

    def page_done(self, page: str, seconds: float, *, good: bool) -> None:
        task = self._tasks[page]
        if good:
            self._progress.update(task, completed=self._cells[page])
        self._progress.update(task, description=f"{'good' if good else 'failed'} after {seconds:.1f} s")
        self._progress.stop_task(task)

    def note(self, text: str, *, log: bool = True) -> None:
        if log:
            self._progress.console.print(self._text(text))

    def close(self) -> None:
        self._progress.stop()


def quiet() -> Display:
    """Tell nobody."""
    return _Quiet()


def terminal_or_log(stream: TextIO | None = None) -> Display:
    """Choose by what the stream is.

    Parameters
    ----------
    stream
        Where to; standard error when not given.

    Returns
    -------
    Display
        Bars on a terminal, plain lines elsewhere.
    """
    stream = stream or sys.stderr
    return _Bars(stream) if stream.isatty() else _Log(stream)
