"""Divide a budget over curves of any shape: exact on a grid by dynamic programming, with a certificate.

With `W_k(x)` the most that the first k channels bring from x units, `W_k(x) = max over l of W_{k−1}(x − l) +
w_k(l)`: no shape is asked of w, so S-shaped curves, minimums and gaps are no obstacle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from crm_helpers.analysis.channels.allocation_limits import Limits, conflict
from crm_helpers.analysis.channels.envelope import envelope_bound

__all__ = ["GridPlan", "Unspent", "allocate"]

_CLOSED = 1e-9  # share of the bound below which a gap is rounding

Unspent = Literal["", "channels take no more", "more would bring less", "no division makes this sum"]


@dataclass(frozen=True)
class GridPlan:
    """A division in whole units; `units` by channel, empty where the limits conflict.

    `bound` is what no division can pass, from the concave envelopes; `gap` the share the plan stays below it.
    It is 0 for concave curves; for others the plan is still the best on the grid. `price` is what one more
    unit of budget would bring, `group_prices` and `limit_prices` what easing the limit of a group or of a
    channel by one unit would: from the envelopes where there is no gap, else by dividing once more.
    `why_unspent` says why money is left, `conflict` which limits cannot hold.
    """

    units: np.ndarray
    worth: float
    bound: float
    price: float
    group_prices: np.ndarray
    limit_prices: np.ndarray
    unspent: int
    why_unspent: Unspent
    conflict: tuple[str, ...] = ()

    @property
    def gap(self) -> float:
        """Share of the bound that the plan stays below it."""
        return max(0.0, (self.bound - self.worth) / abs(self.bound)) if self.bound else 0.0


def allocate(worth: np.ndarray, budget: int, *, limits: Limits) -> GridPlan:
    """Divide a budget in whole units for the highest worth.

    Parameters
    ----------
    worth
        Worth of 0, 1, 2 … units, a row a channel; any shape.
    budget
        Units to divide; as many are spent as bring something.
    limits
        Bounds of channels and groups, and the least return.

    Returns
    -------
    GridPlan
        The division and its certificate, or the limits that conflict.

    Examples
    --------
    >>> steps = np.array([[0.0, 1.0, 5.0], [0.0, 3.0, 4.0]])
    >>> plan = allocate(steps, 2, limits=Limits.none(steps))
    >>> plan.units.tolist(), plan.worth
    ([2, 0], 5.0)
    """
    allowed = np.where(limits.allowed(worth), worth, -np.inf)
    total, choices = _divide(allowed, budget, limits)
    if not np.isfinite(total).any():
        nothing = np.full(len(worth), np.nan)
        names = conflict(worth, budget, limits)
        return GridPlan(np.array([]), np.nan, np.nan, np.nan, np.array([]), nothing, 0, "", names)
    spent = budget - int(np.argmax(total[::-1]))  # of equal divisions the one that spends most
    units = _trace(choices, spent, len(worth))
    bound, price, groups = envelope_bound(allowed, budget, limits)
    why = _why_unspent(total, spent, budget)
    value = float(total[spent])
    if bound - value > _CLOSED * abs(bound):
        price, groups = _eased(allowed, budget, limits, value)
    prices = _limit_prices(worth, units, price, limits)
    return GridPlan(units, value, max(bound, value), price, groups, prices, budget - spent, why)


def _eased(allowed: np.ndarray, budget: int, limits: Limits, value: float) -> tuple[float, np.ndarray]:
    """Divide again with a unit more of budget, and with each group's limits a unit wider."""
    more = float(_divide(allowed, budget + 1, limits)[0].max()) - value
    groups = []
    for k, group in enumerate(limits.groups):
        wider = replace(group, low=max(group.low - 1, 0), high=group.high + 1)
        eased = replace(limits, groups=(*limits.groups[:k], wider, *limits.groups[k + 1 :]))
        groups.append(float(_divide(allowed, budget, eased)[0].max()) - value)
    return more, np.array(groups)


_Step: TypeAlias = tuple[np.ndarray, list[tuple[np.ndarray, int]]]
"""Units that a group takes of each sum, and each of its channels of the group's."""


def _divide(allowed: np.ndarray, budget: int, limits: Limits) -> tuple[np.ndarray, list[_Step]]:
    outer, steps = _nothing(budget), list[_Step]()
    for members, low, high in limits.blocks(len(allowed), budget):
        curve, inner = _nothing(budget), []
        for k in members:
            curve, taken = _join(curve, allowed[k])
            inner.append((taken, k))
        inside = np.arange(budget + 1)
        curve = np.where((inside >= low) & (inside <= high), curve, -np.inf)
        outer, taken = _join(outer, curve)
        steps.append((taken, inner))
    return outer, steps


def _nothing(budget: int) -> np.ndarray:
    return np.append(0.0, np.full(budget, -np.inf))


def _join(total: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join a channel: the best worth of each sum, and the units the channel takes of it."""
    size, levels = len(total), min(len(curve), len(total))
    padded = np.concatenate([np.full(levels - 1, -np.inf), total])
    windows = np.lib.stride_tricks.sliding_window_view(padded, levels)[:, ::-1]
    sums = windows + curve[:levels]
    taken = sums.argmax(axis=1)
    return sums[np.arange(size), taken], taken


def _trace(steps: list[_Step], spent: int, channels: int) -> np.ndarray:
    units = np.zeros(channels, int)
    left = spent
    for taken, inner in reversed(steps):
        part = int(taken[left])
        left -= part
        for own, k in reversed(inner):
            units[k] = own[part]
            part -= int(own[part])
    return units


def _why_unspent(total: np.ndarray, spent: int, budget: int) -> Unspent:
    if spent == budget:
        return ""
    reachable = np.flatnonzero(np.isfinite(total))
    if reachable[-1] > spent:
        return "more would bring less"
    return (
        "no division makes this sum"
        if np.isfinite(total[: spent + 1]).sum() < spent + 1
        else "channels take no more"
    )


def _limit_prices(worth: np.ndarray, units: np.ndarray, price: float, limits: Limits) -> np.ndarray:
    """Say what easing each channel's own limit by one unit would bring beyond the price of the unit."""
    rows, last = np.arange(len(worth)), worth.shape[1] - 1
    above = worth[rows, np.minimum(units + 1, last)] - worth[rows, units] - price
    below = price - (worth[rows, units] - worth[rows, np.maximum(units - 1, 0)])
    at_high, at_low = (units == limits.high) & (units < last), (units == limits.low) & (units > 0)
    return np.maximum(np.where(at_high, above, np.where(at_low, below, 0.0)), 0.0)
