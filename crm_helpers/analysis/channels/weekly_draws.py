"""What the weeks could also have shown: draws of carry-over and saturation from blocks of what a fit misses.

Each draw resamples the residuals in blocks and takes one Gauss-Newton step to where a fit to them would go
(score bootstrap; Kline & Santos 2012), so thousands cost less than one more fit. Saturation is drawn on its
logarithm, where the step holds further.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["block_length", "draw_steps"]

_STEP = 1e-5
_MOST = 0.9  # correlation from one week to the next that is still told from a trend


def block_length(missed: np.ndarray, turned: int) -> int:
    """Choose how many weeks stay together, from how far one week's miss goes on into the next.

    `(3/2 · (2ρ / (1 − ρ²))² · T)^(1/3)`, best for a chain in which each week remembers the last one only
    (Politis & White 2004); 1 where weeks do not remember. Blocks longer than that leave too few of them, and
    intervals come out too narrow.

    Parameters
    ----------
    missed
        Residuals by week.
    turned
        Numbers that were fitted; each draws the correlation down.

    Examples
    --------
    >>> block_length(np.array([1.0, -1.0] * 60), 4)
    1
    """
    weeks = len(missed)
    found = float(missed[1:] @ missed[:-1]) / max(float(missed @ missed), 1e-300) + turned / weeks / 2
    kept = float(np.clip(found, 0.0, _MOST))
    best = (1.5 * (2 * kept / (1 - kept**2)) ** 2 * weeks) ** (1 / 3)
    return max(1, int(best + 0.5))


def draw_steps(
    design: Callable[[np.ndarray], np.ndarray],
    place: np.ndarray,
    missed: np.ndarray,
    *,
    coefficients: np.ndarray,
    draws: int,
    random: np.random.Generator,
) -> np.ndarray:
    """Draw how far the parameters of a design could be from where they were found.

    Parameters
    ----------
    design
        The regressors, a row a week, at given parameters.
    place
        The parameters found.
    missed
        Residuals by week.
    coefficients
        Of the regressors.
    draws, random
        How many, and random numbers.

    Returns
    -------
    numpy.ndarray
        A row a draw and a column a parameter.
    """
    moved = [(place + sign * _STEP * unit) for unit in np.eye(len(place)) for sign in (1, -1)]
    ends = np.column_stack([design(at) @ coefficients for at in moved])
    slopes = (ends[:, ::2] - ends[:, 1::2]) / (2 * _STEP)
    whole = np.column_stack([slopes, design(place)])
    weeks, turned = whole.shape
    size = block_length(missed, turned)
    starts = random.integers(0, weeks, (draws, -(-weeks // size)))
    taken = ((starts[:, :, None] + np.arange(size)) % weeks).reshape(draws, -1)[:, :weeks]
    # a fit leaves over less than it misses, by as much as it has numbers to turn
    spread = (missed - missed.mean()) * np.sqrt(weeks / max(weeks - turned, 1))
    return np.asarray(spread[taken] @ np.linalg.pinv(whole)[: len(place)].T)
