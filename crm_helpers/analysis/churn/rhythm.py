"""Who orders no more, by the rhythm of customers who spend alike.

Customers order at random, each at a rate of his own, and leave at any time with the same small chance
(Schmittlein, Morrison and Colombo 1987, with one rate of leaving). Rates vary among customers whose
orders are worth alike (gamma, by moments), not among all: who spends much on an order often orders seldom.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

__all__ = ["LEAVING", "fit_leaving", "no_order", "rhythm"]

LEAVING = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
"""Chances of leaving in a week that are tried: 2.6 % of customers a year at least, four of five at most."""
_GROUPS, _FEWEST = 20, 50  # groups of customers who spend alike, and customers of one at least
_NODES = special.ndtri((np.arange(12) + 0.5) / 12)  # rates that a customer may have, equally likely
_EVENEST, _UNEVENEST = 50.0, 0.2  # shapes of a gamma distribution of rates
_SHORTEST = 1 / 7  # weeks
_MOST_EXPONENT = 300.0
_LEAST = 1e-6


def rhythm(table: pd.DataFrame) -> np.ndarray:
    """Describe what is known of each customer's rate of orders, and for how long he has been silent.

    Parameters
    ----------
    table
        Histories of active customers: `x`, `t_x`, `T` (weeks) and `mean` (money an order).

    Returns
    -------
    numpy.ndarray
        A row a customer: shape of his gamma distribution of rates, weeks behind it up to the last order,
        weeks of silence.
    """
    x, t_x, age = (table[name].to_numpy(float) for name in ("x", "t_x", "T"))
    exposed = np.maximum(age, _SHORTEST)
    order = np.argsort(table["mean"].to_numpy(float), kind="stable")
    mean = _alike(x, order) / _alike(exposed, order)
    spread = _alike((x - mean * exposed) ** 2 - x, order) / np.maximum(
        _alike((mean * exposed) ** 2, order), _LEAST
    )
    shape = np.clip(1 / np.maximum(spread, _LEAST), _UNEVENEST, _EVENEST)
    return np.column_stack([shape + x, shape / np.maximum(mean, _LEAST) + t_x, age - t_x])


def no_order(known: np.ndarray, *, leaving: float, window: int) -> np.ndarray:
    """Compute the probability of no order in the days ahead.

    Parameters
    ----------
    known
        From `rhythm`.
    leaving
        Chance of leaving in a week.
    window
        Days ahead.

    Returns
    -------
    numpy.ndarray
        Of each customer: the mean over rates he may have, by how likely they make his silence.
    """
    shape, behind, silent = (column[:, None] for column in known.T)
    weeks = window / 7
    # Wilson & Hilferty 1931: a gamma variable's cube root is nearly normal
    root = 1 - 1 / (9 * shape) + _NODES / (3 * np.sqrt(shape))
    rate = shape * np.maximum(root, 1e-3) ** 3 / behind
    gone = leaving * np.expm1(np.minimum(rate * silent, _MOST_EXPONENT)) / rate
    likely = np.exp(-rate * silent) * (1 + gone)
    orders = np.exp(-leaving * weeks) * -np.expm1(-rate * weeks) / (1 + gone)
    return np.asarray(1 - (likely * orders).sum(axis=1) / likely.sum(axis=1))


def fit_leaving(known: np.ndarray, churned: np.ndarray, *, window: int) -> float:
    """Choose the chance of leaving in a week that makes what customers did next likeliest.

    Parameters
    ----------
    known
        From `rhythm`.
    churned
        Whether each did not order in the days after.
    window
        Those days.

    Returns
    -------
    float
        One of `LEAVING`.
    """
    tried = (np.clip(no_order(known, leaving=each, window=window), _LEAST, 1 - _LEAST) for each in LEAVING)
    likelihoods = [float(np.log(np.where(churned, p, 1 - p)).sum()) for p in tried]
    return LEAVING[int(np.argmax(likelihoods))]


def _alike(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Sum over the customers next to each in an order, equally many on both sides where there are."""
    size, half = len(values), max(len(values) // _GROUPS, _FEWEST) // 2
    sums = np.append(0.0, np.cumsum(values[order]))
    place = np.arange(size)
    around = np.empty(size)
    around[order] = sums[np.minimum(place + half, size)] - sums[np.maximum(place - half, 0)]
    return around
