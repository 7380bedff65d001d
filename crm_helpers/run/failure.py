"""Why did a page stop? One line: what happened and where, and never a value out of the data."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

__all__ = ["Failure", "exception_cause", "exit_cause", "places", "time_cause"]

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CELL = re.compile(r"^ *Cell In\s*\[\d+\], line (?P<line>\d+)", re.MULTILINE)
_FILE = re.compile(r"^ *File (?P<path>.+?):(?P<line>\d+)(?:, in (?P<function>[\w.<>]+))?", re.MULTILINE)
_OURS = ("CrmError", "InputError", "RunError")
_WORDS = {
    "SystemExit": "the page asked to exit (SystemExit); a page ends with page.close()",
    "KeyboardInterrupt": "interrupted (KeyboardInterrupt)",
    "MemoryError": "out of memory (MemoryError): close other programs, or run with --jobs 1",
}
_PRIVATE = {"_IncompleteInputError": "SyntaxError"}  # what Python 3.13 calls a cell that ends too early


@dataclass(frozen=True)
class Failure:
    """Where and why a page stopped."""

    cause: str
    cell: int | None = None  # counted from 1 in the notebook as it is stored
    cell_id: str = ""
    input_fault: bool = False  # the call, the profile or a source is wrong, not the run

    @property
    def place(self) -> str:
        """The cell in words, empty when no cell is to blame."""
        return f'cell {self.cell} "{self.cell_id}"' if self.cell is not None else ""


def places(traceback: str) -> list[str]:
    r"""Name the lines a traceback went through, outermost first, without messages or source.

    Parameters
    ----------
    traceback
        As IPython writes it.

    Returns
    -------
    list of str
        Such as `cell line 2` and `rfm.py line 57, in rfm_table`.

    Examples
    --------
    >>> places("Cell In[3], line 2\nFile ~/crm_helpers/analysis/segments/rfm.py:57, in rfm_table(orders)")
    ['cell line 2', 'rfm.py line 57, in rfm_table']
    """
    text = _COLOUR.sub("", traceback)
    found = [(m.start(), f"cell line {m['line']}") for m in _CELL.finditer(text)]
    for match in _FILE.finditer(text):
        name = match["path"].replace("\\", "/").rpartition("/")[2]
        inside = f", in {match['function']}" if match["function"] else ""
        found.append((match.start(), f"{name} line {match['line']}{inside}"))
    return [place for _, place in sorted(found)]


def exception_cause(name: str, message: str, traceback: str) -> str:
    """Say what an exception in a cell means.

    Parameters
    ----------
    name, message, traceback
        As the kernel reports them. The message is shown for our own errors only, which hold no values
        of customers; of all others the type and the place in code.

    Returns
    -------
    str
        One line.
    """
    if name in _OURS:
        return " ".join(_COLOUR.sub("", message).split())
    if name in _WORDS:
        return _WORDS[name]
    name = _PRIVATE.get(name, name)
    kind = name if name.isidentifier() else "an error"
    return f"{kind} at {_place(traceback)}"


def _place(traceback: str) -> str:
    text = _COLOUR.sub("", traceback)
    ours = [match for match in _FILE.finditer(text) if "crm_helpers" in match["path"]]
    if ours:
        return places(ours[-1][0])[0]
    cells = _CELL.findall(text)
    return f"line {cells[-1]} of the cell" if cells else "the cell"


def exit_cause(code: int | None) -> str:
    """Say what a kernel's end in the middle of a cell means.

    Parameters
    ----------
    code
        Its exit code; negative, or above 128, is a signal.

    Returns
    -------
    str
        One line; for a kill the likely reason.
    """
    number = -code if code is not None and code < 0 else (code or 0) - 128
    if number == signal.SIGTERM:
        return "the kernel was stopped (SIGTERM)"
    if number == 9:  # SIGKILL, a name Windows does not know
        return (
            "the kernel was killed (SIGKILL): most often the machine ran out of memory; "
            "close other programs, or run with --jobs 1"
        )
    if number > 0:
        names = {member.value: member.name for member in signal.Signals}
        return f"the kernel crashed ({names.get(number, f'signal {number}')})"
    return "the kernel ended by itself" + (f" (exit code {code})" if code is not None else "")


def time_cause(budget: float) -> str:
    """Say that a page took longer than it may."""
    return f"not done within {budget:g} s; give it more with --timeout SECONDS"
