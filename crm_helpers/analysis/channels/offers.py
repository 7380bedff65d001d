"""What each customer could be offered through each channel, and what may be spent and sent altogether."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm_helpers.errors import InputError

__all__ = ["Offers", "choices", "make_offers"]


@dataclass(frozen=True)
class Offers:
    """A problem of contacts: `gain` has a row a channel and a column a customer.

    Maximise `Σ gain · x` with x 0 or 1, at most `most` contacts a customer, `capacity` contacts a channel and
    `Σ cost · x ≤ budget`. A pair that must not be is −∞ (no consent, contacted lately).
    """

    gain: np.ndarray
    cost: np.ndarray
    capacity: np.ndarray
    budget: float
    most: int

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return int(self.gain.shape[1])

    @property
    def has_budget(self) -> bool:
        """Whether the budget can bind at all."""
        return bool(np.isfinite(self.budget) and (self.cost * self.capacity).sum() > self.budget)

    def sample(self, places: np.ndarray) -> Offers:
        """Take some customers, with capacity and budget in proportion."""
        share = len(places) / self.customers
        gain = np.ascontiguousarray(self.gain[:, places])
        return Offers(gain, self.cost, self.capacity * share, self.budget * share, self.most)


def make_offers(
    gain: np.ndarray,
    capacity: np.ndarray,
    *,
    cost: np.ndarray | None = None,
    budget: float = np.inf,
    most: int = 1,
) -> Offers:
    """Check a problem of contacts and lay it out for the engine of numbers.

    Parameters
    ----------
    gain
        Money a contact is expected to bring, net of its cost: a row a customer, a column a channel; −∞ or
        missing where it must not be.
    capacity
        Contacts a channel can make; ∞ where nothing limits it.
    cost
        Money a contact costs, by channel; none when not given.
    budget
        Money for all contacts.
    most
        Contacts a customer may get, through different channels.

    Returns
    -------
    Offers
        The problem.

    Raises
    ------
    InputError
        A capacity, cost or budget below zero, or lengths that differ.
    """
    columns = np.ascontiguousarray(np.asarray(gain, dtype=float).T)
    np.copyto(columns, -np.inf, where=np.isnan(columns))
    each = np.zeros(len(columns)) if cost is None else np.asarray(cost, dtype=float)
    if len(each) != len(columns) or len(capacity) != len(columns):
        raise InputError("contacts: capacity and cost need one number a channel")
    if (each < 0).any() or (np.asarray(capacity) < 0).any() or budget < 0 or most < 1:
        raise InputError("contacts: capacity, cost and budget must be zero or more, contacts one or more")
    whole = np.floor(np.minimum(np.asarray(capacity, dtype=float), columns.shape[1]))
    return Offers(columns, each, whole, float(budget), min(most, len(columns)))


def choices(reduced: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the best `most` entries above zero of each column.

    Parameters
    ----------
    reduced
        Worth of each pair, a row a channel.
    most
        How many of a column; a number, or one a column.

    Returns
    -------
    tuple of numpy.ndarray
        The chosen pairs as a mask, and the best worth left unchosen in each column, at least 0.
    """
    left, chosen = reduced.copy(), np.zeros(reduced.shape, bool)
    places = np.arange(reduced.shape[1])
    for _ in range(most):
        best = _largest(left)
        above = left[best, places] > 0
        chosen[best[above], places[above]] = True
        left[best, places] = -np.inf
    return chosen, np.maximum(left[_largest(left), places], 0.0)


def _largest(rows: np.ndarray) -> np.ndarray:
    """Find the row of the largest entry of each column; row by row, which is how they lie in memory."""
    best, where = rows[0].copy(), np.zeros(rows.shape[1], np.intp)
    for k in range(1, len(rows)):
        better = rows[k] > best
        np.copyto(best, rows[k], where=better)
        where[better] = k
    return where
