"""A number and how sure we are of it: intervals for shares, means, ratios and simulated draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy import special

__all__ = [
    "LEVEL",
    "Estimate",
    "RatioSums",
    "benjamini_hochberg",
    "log_odds",
    "mean_estimate",
    "normal_estimate",
    "quantile_estimate",
    "ratio_estimate",
    "rounded",
    "scaled",
    "wilson_estimate",
]

Numbers: TypeAlias = Sequence[float] | np.ndarray

LEVEL = 0.95
"""The level of every interval in the reports."""


@dataclass(frozen=True)
class Estimate:
    """A value with the interval that holds the truth in 95 of 100 such samples.

    Examples
    --------
    >>> Estimate(0.61, 0.58, 0.64).half_width
    0.03
    """

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval's length, in the value's unit."""
        return round((self.high - self.low) / 2, 12)

    @property
    def known(self) -> bool:
        """Whether value and both ends are finite."""
        return all(math.isfinite(number) for number in (self.value, self.low, self.high))

    def excludes(self, number: float) -> bool:
        """Whether the interval is known and leaves `number` outside."""
        return self.known and not self.low <= number <= self.high


@dataclass(frozen=True)
class RatioSums:
    """Sums over independent units that give a ratio `Σy/Σx` and its interval."""

    n: float
    y: float
    x: float
    yy: float
    xy: float
    xx: float

    def estimate(self, *, level: float = LEVEL) -> Estimate:
        """Estimate `R = Σy/Σx` with `se(R) = √(n/(n − 1) · Σ(y − Rx)²) / Σx`, by Student's t with n − 1."""
        if not self.n or not self.x:
            return _UNKNOWN
        ratio = self.y / self.x
        if self.n < 2:
            return Estimate(float(ratio), math.nan, math.nan)
        squares = max(0.0, self.yy - 2 * ratio * self.xy + ratio * ratio * self.xx)
        error = math.sqrt(self.n / (self.n - 1) * squares) / abs(self.x)
        return normal_estimate(ratio, error, quantile=float(special.stdtrit(self.n - 1, 0.5 + level / 2)))


_UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def wilson_estimate(successes: float, trials: float, *, level: float = LEVEL) -> Estimate:
    """Estimate a share by Wilson's score interval.

    Solves `|p̂ − p| = z √(p(1 − p)/n)` for p (Wilson 1927); unlike p̂ ± z·se it stays within 0 and 1
    and is of use with few trials.

    Parameters
    ----------
    successes
        How many of the trials succeeded.
    trials
        How many there were.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    Estimate
        The share; not a number when there was no trial.

    Examples
    --------
    >>> share = wilson_estimate(8, 10)
    >>> round(share.value, 2), round(share.low, 3), round(share.high, 3)
    (0.8, 0.49, 0.943)
    """
    if not trials > 0:
        return _UNKNOWN
    z, p, n = _normal_quantile(level), successes / trials, trials
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, min(p, centre - half), max(p, centre + half))


def mean_estimate(mean: float, deviation: float, count: float, *, level: float = LEVEL) -> Estimate:
    """Estimate a mean by Student's t interval `mean ± t(n − 1) · s/√n`.

    Parameters
    ----------
    mean
        The sample's mean.
    deviation
        The sample's standard deviation (divisor n − 1).
    count
        How many values it has.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    Estimate
        The mean; without interval when there are fewer than two values.
    """
    if count < 2:
        return Estimate(mean if count else math.nan, math.nan, math.nan)
    t = float(special.stdtrit(count - 1, 0.5 + level / 2))
    return normal_estimate(mean, deviation / math.sqrt(count), quantile=t)


def normal_estimate(
    value: float, error: float, *, level: float = LEVEL, quantile: float | None = None
) -> Estimate:
    """Estimate by `value ± quantile · error`.

    Parameters
    ----------
    value
        The point estimate.
    error
        Its standard error.
    level
        Share of such intervals that hold the truth.
    quantile
        Standard errors to either side; the normal quantile of `level` when not given.

    Returns
    -------
    Estimate
        The value with its interval.
    """
    half = float((_normal_quantile(level) if quantile is None else quantile) * error)
    return Estimate(float(value), float(value) - half, float(value) + half)


def ratio_estimate(numerators: Numbers, denominators: Numbers, *, level: float = LEVEL) -> Estimate:
    """Estimate a ratio of two sums over independent units, by the delta method.

    With `R = Σy/Σx`, `se(R) = √(n/(n − 1) · Σ(y − Rx)²) / Σx`: the units (customers, months) are
    the clusters, so that lines of one unit need not be independent.

    Parameters
    ----------
    numerators
        The numerator of each unit.
    denominators
        The denominator of each unit.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    Estimate
        The ratio, by Student's t with n − 1 degrees of freedom.

    Examples
    --------
    >>> ratio_estimate([2, 4, 6], [1, 2, 3])
    Estimate(value=2.0, low=2.0, high=2.0)
    """
    y, x = np.asarray(numerators, float), np.asarray(denominators, float)
    sums = RatioSums(len(x), y.sum(), x.sum(), (y * y).sum(), (x * y).sum(), (x * x).sum())
    return sums.estimate(level=level)


def quantile_estimate(value: float, draws: Numbers, *, level: float = LEVEL) -> Estimate:
    """Put the middle `level` of simulated draws around a value.

    Parameters
    ----------
    value
        The point estimate.
    draws
        Bootstrap draws of it.
    level
        Share of the draws inside the interval.

    Returns
    -------
    Estimate
        The value; without interval when there are fewer than two draws.
    """
    if len(draws) < 2:
        return Estimate(value, math.nan, math.nan)
    low, high = np.quantile(np.asarray(draws, float), [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(value, float(low), float(high))


def benjamini_hochberg(p_values: Numbers) -> np.ndarray:
    """Adjust p-values so that rejecting those ≤ q keeps the false-discovery rate at q.

    `p*(i) = min over j ≥ i of p(j) · m/j` on the sorted values (Benjamini & Hochberg 1995); values
    that are not numbers take no part and stay so.

    Parameters
    ----------
    p_values
        One p-value a hypothesis.

    Returns
    -------
    numpy.ndarray
        The adjusted values, in the same order.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    p = np.asarray(p_values, float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(1, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """Multiply a value and both ends of its interval by a factor of zero or more."""
    return Estimate(estimate.value * factor, estimate.low * factor, estimate.high * factor)


def rounded(frame: pd.DataFrame, *, digits: int = 9) -> pd.DataFrame:
    """Round floating-point columns to significant digits.

    An engine with threads adds in no fixed order, so the last digits of a sum differ from run to run:
    what is published must not hold them.

    Parameters
    ----------
    frame
        Any frame.
    digits
        Digits kept.

    Returns
    -------
    pandas.DataFrame
        The frame, other columns as they are.

    Examples
    --------
    >>> rounded(pd.DataFrame({"x": [0.1 + 0.2, 1234567.891234]}))["x"].tolist()
    [0.3, 1234567.89]
    """
    floats = frame.select_dtypes("float64")
    return frame.assign(**{str(name): [float(f"{x:.{digits}g}") for x in floats[name]] for name in floats})


def log_odds(probability: np.ndarray | float, *, surest: float = 1e-4) -> np.ndarray:
    """Take the logarithm of p / (1 − p), with p held so far from 0 and 1: beyond it is how a fit ended.

    Examples
    --------
    >>> log_odds(np.array([0.5, 0.0]), surest=0.2).round(3).tolist()
    [0.0, -1.386]
    """
    return np.asarray(special.logit(np.clip(probability, surest, 1 - surest)))


def _normal_quantile(level: float) -> float:
    return float(special.ndtri(0.5 + level / 2))
