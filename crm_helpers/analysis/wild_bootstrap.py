"""Test a coefficient when clusters are few: the wild cluster bootstrap, from the sums of each cluster.

Residuals of the fit under the hypothesis are turned as a whole, cluster by cluster (Cameron, Gelbach &
Miller 2008); as only scores of clusters are needed, a draw costs the same whatever the rows (Roodman,
MacKinnon, Nielsen & Webb 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from crm_helpers.analysis.clustered import ClusterSums
from crm_helpers.analysis.estimates import LEVEL, Estimate

__all__ = ["FEW_CLUSTERS", "wild_estimate", "wild_p_value"]

FEW_CLUSTERS = 40
"""Below so many clusters their number alone makes errors too small, and the bootstrap speaks."""

_WEBB = np.sqrt([0.5, 1.0, 1.5])  # six points with signs: with fewer than 12 clusters two signs repeat
_SIGNS_FROM = 12


@dataclass(frozen=True)
class _Trial:
    """What the draws of one coefficient share."""

    sums: ClusterSums
    place: int
    turns: np.ndarray  # draws × clusters

    def p_value(self, value: float) -> float:
        """Share of draws as far from the hypothesis `β = value` as the data."""
        sums, row = self.sums, self.sums.inverse[self.place]
        away = sums.slopes[self.place] - value
        restricted = sums.slopes - row / row[self.place] * away
        scores = sums.moment - sums.gram @ restricted
        moved = self.turns @ scores @ sums.inverse
        spread = self.turns * (scores @ row) - moved @ (sums.gram @ row).T
        drawn = np.abs(moved[:, self.place]) / np.sqrt((spread**2).sum(axis=1))
        seen = abs(away) / math.sqrt(((sums.scores @ row) ** 2).sum())
        return float((drawn >= seen * (1 - 1e-12)).mean())


def wild_p_value(
    sums: ClusterSums, name: str, *, value: float = 0.0, draws: int = 1999, seed: int = 1
) -> float:
    """Test whether a coefficient is `value`, by t of CR1 and the restricted wild cluster bootstrap.

    Parameters
    ----------
    sums
        From `cluster_sums`.
    name
        A regressor.
    value
        The hypothesis.
    draws, seed
        How many draws, and the seed; Webb's six-point weights below 12 clusters, signs from there on.

    Returns
    -------
    float
        The p-value; not a number with fewer than two clusters or a dropped regressor.
    """
    trial = _trial(sums, name, draws, seed)
    return trial.p_value(value) if trial else math.nan


def wild_estimate(
    sums: ClusterSums, name: str, *, draws: int = 1999, seed: int = 1, level: float = LEVEL
) -> Estimate:
    """Give a coefficient the interval of all values that `wild_p_value` does not reject.

    Parameters
    ----------
    sums, name, draws, seed
        As in `wild_p_value`.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    Estimate
        The coefficient; without interval where it cannot be tested.
    """
    trial = _trial(sums, name, draws, seed)
    if trial is None:
        return Estimate(math.nan, math.nan, math.nan)
    value = float(sums.slopes[trial.place])
    step = math.sqrt(((sums.scores @ sums.inverse[trial.place]) ** 2).sum())
    if not step > 0:
        return Estimate(value, math.nan, math.nan)
    low, high = (_end(trial, value, sign * step, 1 - level) for sign in (-1, 1))
    return Estimate(value, low, high)


def _trial(sums: ClusterSums, name: str, draws: int, seed: int) -> _Trial | None:
    place, clusters = sums.names.index(name), len(sums.rows)
    if clusters < 2 or not sums.kept[place]:
        return None
    random = np.random.default_rng(seed)
    turns = random.choice([-1.0, 1.0], (draws, clusters))
    if clusters < _SIGNS_FROM:
        turns *= random.choice(_WEBB, turns.shape)
    return _Trial(sums, place, turns)


def _end(trial: _Trial, value: float, step: float, alpha: float) -> float:
    """Walk from the coefficient until the hypothesis is rejected, then halve."""
    for factor in (2.0, 4.0, 8.0, 16.0, 32.0):
        if trial.p_value(value + factor * step) < alpha:
            end = optimize.bisect(lambda at: trial.p_value(value + at * step) - alpha, 0.0, factor, xtol=1e-4)
            return float(value + end * step)
    return math.copysign(math.inf, step)
