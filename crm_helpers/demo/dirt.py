"""Dirt as real exports have it, and the ledger of how much was planted."""

from __future__ import annotations

from collections import Counter

import numpy as np

__all__ = ["Ledger", "hits", "plant", "repeated"]

Ledger = Counter[tuple[str, str, str]]
"""Rows planted by (table, kind, what cleaning does with them under the company's profile).

That is: merged, quarantined (the whole row), set missing (the value only), flagged (kept and counted),
declared missing (the profile says which text stands for nothing), none.
"""


def hits(random: np.random.Generator, size: int, *, share: float) -> np.ndarray:
    """Choose places at random, each with the same chance.

    Parameters
    ----------
    random
        Random numbers.
    size
        Places there are.
    share
        Chance of each.

    Returns
    -------
    numpy.ndarray
        Places, ascending.
    """
    return np.flatnonzero(random.random(size) < share)


def plant(ledger: Ledger, place: tuple[str, str, str], *, rows: int, chosen: np.ndarray) -> np.ndarray:
    """Count the chosen rows in the ledger and return them as a mask.

    Parameters
    ----------
    ledger
        Grows by the rows chosen.
    place
        Table, kind of dirt, what cleaning does.
    rows
        Rows of the table.
    chosen
        Places of the rows.

    Returns
    -------
    numpy.ndarray
        True where a row was chosen.
    """
    ledger[place] += len(chosen)
    mask = np.zeros(rows, bool)
    mask[chosen] = True
    return mask


def repeated(size: int, again: np.ndarray) -> np.ndarray:
    """Return the places of all rows with the chosen ones twice, one right after the other.

    Examples
    --------
    >>> repeated(4, np.array([1, 3])).tolist()
    [0, 1, 1, 2, 3, 3]
    """
    return np.sort(np.concatenate([np.arange(size), again]), kind="stable")
