"""Shapes that a response curve may have: power, logarithm and Hill, and Hill of higher order, which is an S.

`orders(c) = scale · g(c / middle; b)`, with `g(1) = 1` and b the elasticity at the middle cost: the share by
which orders rise there for each share by which cost rises. Written so, b means the same in every shape. Hill
of order n is Hill's curve in r^n: below its turning point each further unit of money brings more than the one
before, so that a channel may have to be fed well or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

__all__ = [
    "CONCAVE",
    "LARGEST",
    "SHAPES",
    "SMALLEST",
    "S_SHAPED",
    "ShapeName",
    "Shapes",
    "Slope",
    "by_channel",
    "inverse",
    "log_relative",
    "order_of",
    "relative",
    "slope",
]

ShapeName = Literal["power", "log", "hill", "hill2", "hill2.5", "hill3"]
"""`g = r^b`; `log(1 + x r) / log(1 + x)`; Hill's `r / (b + (1 − b) r)`, and the same in r^n and b/n."""

SHAPES: tuple[ShapeName, ...] = get_args(ShapeName)
CONCAVE, S_SHAPED = SHAPES[:3], SHAPES[3:]

Shapes: TypeAlias = ShapeName | tuple[ShapeName, ...]
"""One of all channels, or one a channel."""

SMALLEST, LARGEST = 0.01, 0.99
"""Where an elasticity, over the order of its shape, is held: returns diminish in the end."""

_ORDER: dict[str, float] = {"hill2": 2, "hill2.5": 2.5, "hill3": 3}

_STEP = 1e-5


@dataclass(frozen=True)
class Slope:
    """Logarithm of g, and its derivative by b: what a fit needs."""

    level: np.ndarray
    by_b: np.ndarray


def relative(shape: ShapeName, r: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Work out g: orders at r times the middle cost, over those at the middle cost.

    Examples
    --------
    >>> [float(relative(shape, np.array(4.0), np.array(0.5)).round(3)) for shape in SHAPES]
    [2.0, 1.766, 1.6, 1.306, 1.24, 1.196]
    """
    if shape in S_SHAPED:
        n = order_of(shape)
        return relative("hill", r**n, b / n)
    if shape == "power":
        return np.asarray(r**b)
    if shape == "hill":
        return np.asarray(r / (b + (1 - b) * r))
    x = _bend(b)
    return np.asarray(np.log1p(x * r) / np.log1p(x))


def log_relative(shape: ShapeName, r: np.ndarray, b: np.ndarray) -> Slope:
    """Work out log g and its derivative by b; b is held inside its range but for the power."""
    if shape in S_SHAPED:
        n = order_of(shape)
        curve = log_relative("hill", r**n, b / n)
        return Slope(curve.level, curve.by_b / n)
    if shape == "power":
        logs = np.log(r)
        return Slope(b * logs, np.broadcast_to(logs, np.broadcast_shapes(np.shape(b), logs.shape)))
    inside = np.clip(b, SMALLEST, LARGEST)
    above, below = (np.log(relative(shape, r, inside + sign * _STEP)) for sign in (1, -1))
    return Slope((above + below) / 2, (above - below) / (2 * _STEP))


def slope(shape: ShapeName, r: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Work out the derivative of g by r."""
    if shape in S_SHAPED:
        n = order_of(shape)
        return np.asarray(n * r ** (n - 1) * slope("hill", r**n, b / n))
    if shape == "power":
        return np.asarray(b * r ** (b - 1))
    if shape == "hill":
        return np.asarray(b / (b + (1 - b) * r) ** 2)
    x = _bend(b)
    return np.asarray(x / (1 + x * r) / np.log1p(x))


def inverse(shape: ShapeName, steep: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Find the r at which the derivative of g is `steep`; below zero where g is flatter everywhere.

    Raises
    ------
    ValueError
        An S is as steep at two costs.
    """
    if shape in S_SHAPED:
        raise ValueError(f"{shape} has no single cost at a slope")
    if shape == "power":
        return np.asarray(np.exp(np.clip((np.log(b) - np.log(steep)) / (1 - b), -700, 700)))
    if shape == "hill":
        return np.asarray((np.sqrt(b / steep) - b) / (1 - b))
    x = _bend(b)
    return np.asarray(1 / (steep * np.log1p(x)) - 1 / x)


def order_of(shape: ShapeName) -> float:
    """Give the order of a shape: its elasticity stays below."""
    return _ORDER.get(shape, 1)


def by_channel(
    of: Callable[[ShapeName, np.ndarray, np.ndarray], np.ndarray],
    shapes: Shapes,
    r: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """Work out `relative`, `slope` or `inverse` where channels (the last axis) differ in shape.

    Examples
    --------
    >>> both = by_channel(relative, ("power", "hill2"), np.array([4.0, 4.0]), np.array([0.5, 0.5]))
    >>> both.round(3).tolist()
    [2.0, 1.306]
    """
    names = {shapes} if isinstance(shapes, str) else set(shapes)
    if len(names) == 1:
        return of(names.pop(), r, b)
    r, b = np.broadcast_arrays(r, b)
    found = np.empty(r.shape)
    for shape in sorted(names):
        own = np.array(shapes) == shape
        found[..., own] = of(shape, r[..., own], b[..., own])
    return found


_LOGS = np.linspace(-9, 101, 4_001)
_AT = (np.exp(_LOGS) / (1 + np.exp(_LOGS)) / np.log1p(np.exp(_LOGS)))[::-1]


def _bend(b: np.ndarray) -> np.ndarray:
    """Solve `x / (1 + x) / log(1 + x) = b` for x: from a table, then two of Newton's steps in log x."""
    u = np.interp(b, _AT, _LOGS[::-1])
    for _ in range(2):
        x = np.exp(u)
        width, rest = np.log1p(x), 1 / (1 + x)
        u = u - (x * rest / width - b) / (x * rest**2 * (1 / width - x / width**2))
    return np.asarray(np.exp(u))
