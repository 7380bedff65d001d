"""Solve `X'X b = X'y` from the sums alone: which columns are independent, and the inverse of the rest."""

from __future__ import annotations

import numpy as np

__all__ = ["ROUNDING", "independent", "inverse"]

ROUNDING = 1e-12
"""A deviation this small beside the mean is rounding: the column is constant."""

_INDEPENDENT = 1e-9  # share of a column's variance that must be left after the columns before it


def independent(gram: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Sweep columns in order and keep those of which something is left after the ones before.

    Parameters
    ----------
    gram
        Cross-products of the centred columns.
    constant
        For each column the sum of squares that rounding alone may leave.

    Returns
    -------
    numpy.ndarray
        Whether each column is kept.

    Examples
    --------
    >>> independent(np.array([[4.0, 8.0], [8.0, 16.0]]), np.zeros(2)).tolist()
    [True, False]
    """
    varies = np.diag(gram) > constant
    scale = np.where(varies, np.sqrt(np.diag(gram)), 1)
    left = gram / np.outer(scale, scale)
    kept = np.zeros(len(gram), dtype=bool)
    for place in range(len(gram)):
        kept[place] = varies[place] and left[place, place] > _INDEPENDENT
        if kept[place]:
            left = left - np.outer(left[:, place], left[place]) / left[place, place]
    return kept


def inverse(gram: np.ndarray) -> np.ndarray:
    """Invert cross-products of independent columns, each scaled to length one first."""
    scale = np.sqrt(np.diag(gram))
    inverted: np.ndarray = np.linalg.inv(gram / np.outer(scale, scale)) / np.outer(scale, scale)
    return inverted
