"""Where a month's budget does most: three exact ways to divide it over concave curves, and they agree.

Value of channel k at cost c: `V(c) = v · s · g(c / m; e)` with v the money an order brings and g one of
`shapes` (`g = c^e` with m = 1 for the power). With diminishing returns the best split gives every channel not
at a bound the same marginal value `λ = V'(c)`, the shadow price of the budget: what one more unit of money
would bring. Where a curve is an S that is not enough: `stated_limits.divide` and `draws_on_grid` are for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from scipy.optimize import linprog

from crm_helpers.analysis.channels.shapes import (
    S_SHAPED,
    ShapeName,
    Shapes,
    by_channel,
    inverse,
    relative,
    slope,
)

__all__ = ["Allocation", "Bounded", "Curves", "by_greedy", "by_linear_program", "by_marginal_value"]

Bounded: TypeAlias = tuple[tuple[int, ...], float, float]
"""Places of channels, and what they cost together at least and at most."""

STEPS = 400
"""Straight pieces that stand for one curve."""


@dataclass(frozen=True)
class Curves:
    """Curves to divide a budget over; one entry (or, in `scale` and `exponent`, one column) a channel.

    Bounds are the least and the most that may be spent: what was observed, for nothing is known beyond.
    """

    scale: np.ndarray
    exponent: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    middle: np.ndarray = field(default_factory=lambda: np.ones(1))
    shape: Shapes = "power"

    @property
    def shapes(self) -> tuple[ShapeName, ...]:
        """Shape of each channel."""
        return (self.shape,) * len(self.low) if isinstance(self.shape, str) else self.shape

    @property
    def concave(self) -> bool:
        """Whether no channel has an S: each further unit of money brings less than the one before."""
        return not set(self.shapes) & set(S_SHAPED)

    def orders(self, cost: np.ndarray) -> np.ndarray:
        """Orders a month that each channel brings at a cost; draws of curves give a row each."""
        return np.asarray(self.scale * by_channel(relative, self.shape, cost / self.middle, self.exponent))

    def worth(self, cost: np.ndarray) -> np.ndarray:
        """Money a month that each channel brings at a cost; draws of curves give a row each."""
        return np.asarray(self.value * self.orders(cost))

    def marginal(self, cost: np.ndarray) -> np.ndarray:
        """Money that one more unit of cost brings in each channel."""
        least = np.maximum(cost, 1e-12) / self.middle
        steep = by_channel(slope, self.shape, least, self.exponent)
        return np.asarray(self.value * self.scale / self.middle * steep)

    def cost_at(self, marginal: np.ndarray) -> np.ndarray:
        """Find the cost at which one more unit brings so much, whatever the bounds."""
        steep = marginal * self.middle / np.maximum(self.value * self.scale, 1e-300)
        return np.asarray(self.middle * by_channel(inverse, self.shape, steep, self.exponent))


@dataclass(frozen=True)
class Allocation:
    """A division of a budget: cost by channel, what it brings, and the worth of one unit more.

    `infeasible` asks less than the channels' least; `not placed` is money beyond what was ever spent.
    """

    cost: np.ndarray
    worth: float
    shadow_price: float
    not_placed: float
    status: Literal["optimal", "infeasible"]


def by_linear_program(curves: Curves, budget: float, *, steps: int = STEPS) -> Allocation:
    """Divide by a linear program over straight pieces of the curves, solved by HiGHS.

    Maximise `Σ slope · x` over pieces `0 ≤ x ≤ width` with `Σ x ≤ budget − Σ low`. Concave curves have
    falling slopes, so the pieces fill in order by themselves.

    Parameters
    ----------
    curves
        The channels.
    budget
        Money of the month.
    steps
        Pieces a channel.

    Returns
    -------
    Allocation
        The division, exact for the pieces.

    Examples
    --------
    >>> alike = Curves(*(np.array(x) for x in ([9.0, 9.0], [0.5, 0.5], [1.0, 1.0], [0.0, 0.0], [80.0, 80.0])))
    >>> by_linear_program(alike, 100.0).cost.round(6).tolist()
    [50.0, 50.0]
    """
    spare = budget - float(curves.low.sum())
    if spare < 0:
        return _infeasible(curves)
    widths, slopes = _pieces(curves, steps)
    free = widths.ravel() > 0
    ends = np.column_stack([np.zeros(int(free.sum())), widths.ravel()[free]])
    if not free.any():
        return _finished(curves, curves.low, budget, 0.0)
    solved = linprog(
        -slopes.ravel()[free], A_ub=np.ones((1, len(ends))), b_ub=[spare], bounds=ends, method="highs"
    )
    filled = np.zeros(widths.size)
    filled[free] = solved.x
    cost = curves.low + filled.reshape(widths.shape).sum(axis=1)
    return _finished(curves, cost, budget, -float(solved.ineqlin.marginals[0]))


def by_greedy(curves: Curves, budget: float, *, steps: int = STEPS) -> Allocation:
    """Divide by spending each next unit where it brings most: exact for concave curves (Fox 1966).

    Parameters and result are those of `by_linear_program`, on the same pieces.
    """
    spare = budget - float(curves.low.sum())
    if spare < 0:
        return _infeasible(curves)
    widths, slopes = _pieces(curves, steps)
    order = np.argsort(-slopes.ravel(), kind="stable")
    offered = widths.ravel()[order]
    taken = np.clip(spare - (np.cumsum(offered) - offered), 0, offered)
    filled = np.zeros(widths.size)
    filled[order] = taken
    last = np.flatnonzero(taken < offered - 1e-12)
    price = float(slopes.ravel()[order][last[0]]) if len(last) else 0.0
    return _finished(curves, curves.low + filled.reshape(widths.shape).sum(axis=1), budget, price)


def by_marginal_value(curves: Curves, budget: float, groups: Sequence[Bounded] = ()) -> np.ndarray:
    """Divide by one multiplier: each channel's `V'(c) = λ` within its bounds, λ found by bisection.

    Parameters
    ----------
    curves
        The channels; `scale` and `exponent` may have a row a draw.
    budget
        Money of the month, at least the channels' least together.
    groups
        Channels that together cost at least and at most so much; no channel is in two of them.

    Returns
    -------
    numpy.ndarray
        Cost by channel, a row a draw.
    """
    target, size = min(budget, float(curves.high.sum())), len(np.atleast_2d(curves.scale))
    low, high = np.full((size, 1), -60.0), np.full((size, 1), 60.0)
    cost = np.broadcast_to(curves.low, (size, len(curves.low)))
    for _ in range(100):
        middle = (low + high) / 2
        cost = _at_price(curves, middle, groups)
        over = cost.sum(axis=1, keepdims=True) > target
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return np.asarray(cost)


def _at_price(curves: Curves, price: np.ndarray, groups: Sequence[Bounded]) -> np.ndarray:
    """Spend as far as the price (its logarithm, a row a draw) allows; a group at its limit has its own."""
    cost = np.clip(curves.cost_at(np.exp(price)), curves.low, curves.high)
    for members, least, most in groups:
        own = np.isin(np.arange(len(curves.low)), members)
        spent = cost[:, own].sum(axis=1, keepdims=True)
        target = np.clip(spent, least, most)
        low, high = np.full_like(price, -60.0), np.full_like(price, 60.0)
        inside = cost
        for _ in range(60 if np.any(target != spent) else 0):
            middle = (low + high) / 2
            inside = np.clip(curves.cost_at(np.exp(middle)), curves.low, curves.high)
            over = inside[:, own].sum(axis=1, keepdims=True) > target
            low, high = np.where(over, middle, low), np.where(over, high, middle)
        cost = np.where(own & (target != spent), inside, cost)
    return np.asarray(cost)


def _pieces(curves: Curves, steps: int) -> tuple[np.ndarray, np.ndarray]:
    ends = curves.low[:, None] + (curves.high - curves.low)[:, None] * np.linspace(0, 1, steps + 1)
    worth = curves.worth(ends.T).T
    widths = np.diff(ends, axis=1)
    return widths, np.diff(worth, axis=1) / np.where(widths > 0, widths, 1)


def _finished(curves: Curves, cost: np.ndarray, budget: float, price: float) -> Allocation:
    left = max(0.0, budget - float(curves.high.sum()))
    return Allocation(cost, float(curves.worth(cost).sum()), max(0.0, price), left, "optimal")


def _infeasible(curves: Curves) -> Allocation:
    return Allocation(np.full(len(curves.low), np.nan), np.nan, np.nan, 0.0, "infeasible")
