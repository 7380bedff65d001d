"""Divide a budget over many draws of curves at once, S-shaped ones too: exact on a grid for each draw.

The dynamic program of `allocation`, with a row a draw, on a coarser grid: it measures how much the best of
uncertain plans flatters itself, where a percent of the budget more or less does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crm_helpers.analysis.channels.budget import Bounded, Curves

__all__ = ["STEPS", "divide_draws"]

STEPS = 150
"""Parts of the money above the channels' least that are placed whole."""


def divide_draws(
    curves: Curves, budget: float, groups: Sequence[Bounded] = (), *, steps: int = STEPS
) -> np.ndarray:
    """Divide a budget for the highest worth on each draw.

    Parameters
    ----------
    curves
        The channels; `scale`, `exponent` and `value` with a row a draw.
    budget
        Money of the month, at least the channels' least together.
    groups
        Channels that together cost at least and at most so much; no channel is in two of them.
    steps
        Parts of the grid.

    Returns
    -------
    numpy.ndarray
        Cost by channel, a row a draw.
    """
    spare = min(budget, float(curves.high.sum())) - float(curves.low.sum())
    if not spare > 0:
        return np.broadcast_to(curves.low, (len(curves.scale), len(curves.low)))
    unit = spare / steps
    rooms = np.minimum(np.ceil((curves.high - curves.low) / unit - 1e-9), steps).astype(int)
    money = np.minimum(curves.low + unit * np.arange(steps + 1)[:, None], curves.high)
    worth = np.stack([curves.worth(each) for each in money])  # units, draws, channels
    outer, chosen = _nothing(len(worth[0]), steps), []
    for members, low, high in _blocks(curves, unit, steps, groups):
        inner, inside = _nothing(len(worth[0]), steps), []
        for k in members:
            inner, taken = _join(inner, worth[: rooms[k] + 1, :, k])
            inside.append((k, taken))
        inner[:, :low] = inner[:, high + 1 :] = -np.inf
        outer, taken = _join(outer, inner.T)
        chosen.append((taken, inside))
    units = _trace(chosen, outer.argmax(axis=1), len(rooms))
    return np.asarray(np.minimum(curves.low + unit * units, curves.high))


_Chosen = list[tuple[np.ndarray, list[tuple[int, np.ndarray]]]]
"""Units that each group takes of each sum, and each of its channels of the group's."""


def _blocks(
    curves: Curves, unit: float, steps: int, groups: Sequence[Bounded]
) -> list[tuple[tuple[int, ...], int, int]]:
    """List the groups with their limits in units above the least, and each channel in none by itself."""
    blocks = []
    for members, least, most in groups:
        low, high = (float(end - curves.low[list(members)].sum()) / unit for end in (least, most))
        lowest = int(np.clip(round(low), 0, steps))
        blocks.append((members, lowest, max(lowest, int(min(high, steps) + 1e-9))))
    grouped = {k for members, _, _ in blocks for k in members}
    return blocks + [((k,), 0, steps) for k in range(len(curves.low)) if k not in grouped]


def _nothing(draws: int, steps: int) -> np.ndarray:
    total = np.full((draws, steps + 1), -np.inf)
    total[:, 0] = 0.0
    return total


def _join(total: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join a channel (a row a number of units): the best worth of each sum, and the units it takes of it."""
    best, taken = np.full_like(total, -np.inf), np.zeros(total.shape, int)
    for units, worth in enumerate(curve):
        moved = total[:, : total.shape[1] - units] + worth[:, None]
        better = moved > best[:, units:]
        best[:, units:][better] = moved[better]
        taken[:, units:][better] = units
    return best, taken


def _trace(chosen: _Chosen, left: np.ndarray, channels: int) -> np.ndarray:
    units, rows = np.zeros((len(left), channels), int), np.arange(len(left))
    for taken, inside in reversed(chosen):
        part = taken[rows, left]
        left = left - part
        for k, own in reversed(inside):
            units[:, k] = own[rows, part]
            part = part - units[:, k]
    return units
