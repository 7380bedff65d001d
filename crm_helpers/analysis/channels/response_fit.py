"""Fit `log E(orders) = a + log g(cost / middle; b)` by channel, and draw what else it could have been.

The middle is the geometric mean of a channel's costs, and g one of `shapes`; the power gives a straight line
in the logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_helpers.analysis.channels.shapes import LARGEST, SMALLEST, ShapeName, log_relative, order_of

__all__ = ["Fit", "fit_each", "middle_cost", "shrink", "weighted_fits"]

LARGEST_STEP = 2.0
_CLOSE = 1e-12  # change of an elasticity at which a fit stands still
_START = 0.5  # elasticity from which bounded shapes are fitted
_FEWEST_TO_SHRINK = 4  # channels: with fewer, their common mean is no better known than each


@dataclass(frozen=True)
class Fit:
    """Levels a and slopes b by channel, and how they change when a month is left out.

    `left_out` has a row a month and a column a parameter (all levels, then all slopes), scaled so that its
    cross-products are the jackknife covariance; one month moves all channels together.
    """

    level: np.ndarray
    slope: np.ndarray
    left_out: np.ndarray
    freedom: int

    @property
    def slope_variance(self) -> np.ndarray:
        """Jackknife variance of each slope."""
        return np.asarray((self.left_out[:, len(self.slope) :] ** 2).sum(axis=0))

    def draw(self, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw levels and slopes from the multivariate t of the estimates; a row a draw."""
        normal = random.standard_normal((count, len(self.left_out)))
        wide = np.sqrt(self.freedom / random.chisquare(self.freedom, (count, 1)))
        moved = np.concatenate([self.level, self.slope]) + wide * (normal @ self.left_out)
        return moved[:, : len(self.level)], moved[:, len(self.level) :]


def middle_cost(rows: pd.DataFrame) -> float:
    """Take the geometric mean of a channel's costs."""
    return float(np.exp(np.log(rows["cost"].to_numpy(float)).mean()))


def fit_each(channels: list[pd.DataFrame], shapes: Sequence[ShapeName]) -> Fit:
    """Fit each channel by Poisson likelihood, with the covariance of the delete-one-month jackknife.

    The jackknife asks nothing of the variance of the orders, and holds with few months where a bootstrap's
    percentiles are too narrow (Efron & Tibshirani 1993, ch. 11).

    Parameters
    ----------
    channels
        `period`, `cost` (above zero) and `orders` of each.
    shapes
        Of each.

    Returns
    -------
    Fit
        Levels and slopes in the order given.
    """
    months = sorted(set().union(*(rows["period"] for rows in channels)))
    levels, slopes, scaled = [], [], []
    for rows, shape in zip(channels, shapes, strict=True):
        weights = 1 - np.vstack([np.zeros(len(rows)), _leave_out(rows, months)])
        a, b = weighted_fits(rows, weights, shape)
        levels.append(a)
        slopes.append(b)
        scaled.append(np.sqrt((len(rows) - 1) / len(rows)))
    every = np.column_stack([*levels, *slopes]) if channels else np.zeros((1, 0))
    left_out = (every[1:] - every[0]) * np.array([*scaled, *scaled])
    freedom = max(1, min((len(rows) for rows in channels), default=3) - 2)
    return Fit(every[0, : len(channels)], every[0, len(channels) :], left_out, freedom)


def weighted_fits(
    rows: pd.DataFrame, w: np.ndarray, shape: ShapeName, *, steps: int = 25
) -> tuple[np.ndarray, np.ndarray]:
    """Maximise the Poisson likelihood under many weightings of the months at once, by Fisher's scoring.

    Parameters
    ----------
    rows
        A channel's `cost` (above zero) and `orders`.
    w
        Weights, a row a fit and a column a month.
    shape
        Of the curve.

    Returns
    -------
    tuple of numpy.ndarray
        Level a and elasticity b, one a fit.
    """
    y, r = rows["orders"].to_numpy(float), rows["cost"].to_numpy(float) / middle_cost(rows)
    a = np.log(np.maximum(w @ y, 0.5) / w.sum(axis=1))
    b, n = np.zeros(len(w)) if shape == "power" else np.full(len(w), _START), order_of(shape)
    for _ in range(steps):
        curve = log_relative(shape, r, b[:, None])
        x, mu = curve.by_b, w * np.exp(np.clip(a[:, None] + curve.level, -50, 50))
        g0, g1 = (w * y - mu).sum(axis=1), ((w * y - mu) * x).sum(axis=1)
        h00, h01, h11 = mu.sum(axis=1), (mu * x).sum(axis=1), (mu * x * x).sum(axis=1)
        # where the months left in have one cost only, the ridge keeps the slope where it is
        det = h00 * h11 - h01 * h01 + 1e-9 * h00 * h00
        before = b
        a = a + np.clip((h11 * g0 - h01 * g1) / det, -LARGEST_STEP, LARGEST_STEP)
        b = b + np.clip((h00 * g1 - h01 * g0) / det, -LARGEST_STEP, LARGEST_STEP)
        b = b if shape == "power" else np.clip(b, SMALLEST * n, LARGEST * n)
        if np.abs(b - before).max(initial=0.0) < _CLOSE:
            break
    return a, b


def shrink(
    slopes: np.ndarray, variance: np.ndarray, drawn: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the slopes towards their common mean by as much as their differences are noise.

    With τ² the variance between channels (DerSimonian & Laird 1986) each slope keeps
    `1 − (K − 3)/(K − 1) · v/(v + τ²)` of its distance from the weighted mean; the draws get the variance
    that goes with it (Morris 1983). Fewer than four slopes are left alone.

    Parameters
    ----------
    slopes, variance
        Slopes b, and their variance v.
    drawn
        Draws of the slopes, a row a draw.
    random
        Random numbers.

    Returns
    -------
    tuple of numpy.ndarray
        Slopes and draws.
    """
    count = len(slopes)
    if count < _FEWEST_TO_SHRINK:
        return slopes, drawn
    v = np.maximum(variance, 1e-12)
    tau = _between(slopes, v)
    lost = (count - 3) / (count - 1) * v / (v + tau)
    weight = 1 / (v + tau)
    centre = (weight * slopes).sum() / weight.sum()
    centres = (drawn * weight).sum(axis=1, keepdims=True) / weight.sum()
    more = (1 - lost) * lost * v + 2 * lost**2 * (slopes - centre) ** 2 / (count - 3)
    noise = random.standard_normal(drawn.shape) * np.sqrt(more)
    return slopes + lost * (centre - slopes), drawn + lost * (centres - drawn) + noise


def _between(slopes: np.ndarray, v: np.ndarray) -> float:
    weight = 1 / v
    mean = (weight * slopes).sum() / weight.sum()
    excess = (weight * (slopes - mean) ** 2).sum() - (len(v) - 1)
    return max(0.0, float(excess / (weight.sum() - (weight**2).sum() / weight.sum())))


def _leave_out(rows: pd.DataFrame, months: list[pd.Timestamp]) -> np.ndarray:
    own, every = rows["period"].to_numpy(), np.array(months, dtype="datetime64[ns]")
    return np.asarray(own == every[:, None], float)
