"""Shapes that a response curve may have: power, logarithm and Hill, each bending more the more is spent.

`orders(c) = scale · g(c / middle; b)`, with `g(1) = 1` and b the elasticity at the middle cost: the share by
which orders rise there for each share by which cost rises. Written so, b means the same in every shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

__all__ = [
    "LARGEST",
    "SHAPES",
    "SMALLEST",
    "ShapeName",
    "Slope",
    "inverse",
    "log_relative",
    "relative",
    "slope",
]

ShapeName = Literal["power", "log", "hill"]
"""`g = r^b`; `log(1 + x r) / log(1 + x)`; Hill's `(1 + q) r / (1 + q r)` with q = 1/b − 1."""

SHAPES: tuple[ShapeName, ...] = get_args(ShapeName)

SMALLEST, LARGEST = 0.01, 0.99
"""Where an elasticity is held, so that returns diminish."""

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
    [2.0, 1.766, 1.6]
    """
    if shape == "power":
        return np.asarray(r**b)
    if shape == "hill":
        return np.asarray(r / (b + (1 - b) * r))
    x = _bend(b)
    return np.asarray(np.log1p(x * r) / np.log1p(x))


def log_relative(shape: ShapeName, r: np.ndarray, b: np.ndarray) -> Slope:
    """Work out log g and its derivative by b; b is held inside its range but for the power."""
    if shape == "power":
        logs = np.log(r)
        return Slope(b * logs, np.broadcast_to(logs, np.broadcast_shapes(np.shape(b), logs.shape)))
    inside = np.clip(b, SMALLEST, LARGEST)
    above, below = (np.log(relative(shape, r, inside + sign * _STEP)) for sign in (1, -1))
    return Slope((above + below) / 2, (above - below) / (2 * _STEP))


def slope(shape: ShapeName, r: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Work out the derivative of g by r."""
    if shape == "power":
        return np.asarray(b * r ** (b - 1))
    if shape == "hill":
        return np.asarray(b / (b + (1 - b) * r) ** 2)
    x = _bend(b)
    return np.asarray(x / (1 + x * r) / np.log1p(x))


def inverse(shape: ShapeName, steep: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Find the r at which the derivative of g is `steep`; below zero where g is flatter everywhere."""
    if shape == "power":
        return np.asarray(np.exp(np.clip((np.log(b) - np.log(steep)) / (1 - b), -700, 700)))
    if shape == "hill":
        return np.asarray((np.sqrt(b / steep) - b) / (1 - b))
    x = _bend(b)
    return np.asarray(1 / (steep * np.log1p(x)) - 1 / x)


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
