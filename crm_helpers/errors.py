"""What went wrong, said once: the errors a person meets, with the place and the way out.

A message names the file, row, key or parameter, and never a customer's value.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["CrmError", "InputError", "RunError", "suggest"]


class CrmError(Exception):
    """A fault that a person can act on; `exit_code` is what the command returns."""

    exit_code = 1


class InputError(CrmError):
    """The call, the profile or a source is wrong: nothing was written."""

    exit_code = 2


class RunError(CrmError):
    """A run started and failed: the last good report stands untouched."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Say what was probably meant.

    Parameters
    ----------
    name
        The word that is not known.
    known
        The words that are.

    Returns
    -------
    str
        A clause to end an error message with.

    Examples
    --------
    >>> suggest("trasactions", ["customers", "transactions"])
    'did you mean "transactions"?'
    >>> suggest("zzz", ["customers", "transactions"])
    'known: customers, transactions'
    """
    words = sorted(known)
    close = get_close_matches(name, words, n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else f"known: {', '.join(words)}"
