"""The effect of a targeted campaign on those it contacted, right when either of two models is.

One model says how likely a customer was to be contacted, the other what he would have spent if not; each is
fitted on other customers than it is used for (cross-fitting; Chernozhukov et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.estimates import Estimate, log_odds, normal_estimate

__all__ = [
    "BY_RHYTHM",
    "EXPECTED",
    "HIGHEST_CHANCE",
    "Comparison",
    "compare",
    "described",
    "folds",
    "logistic",
    "ridge",
]

EXPECTED = "spend_expected"
"""What the whole past makes expect in the window: who has left of late is contacted no more, and spends no
more, and the days before the start alone do not show him."""

BY_RHYTHM = ("order_chance", "spend_by_rhythm")
"""The chance of an order by the rhythm of alike customers, and the money that comes of it: what is expected
once more, by another model, which sees sooner who has left."""

HIGHEST_CHANCE = 0.95
"""Customers likelier than this to be contacted have no likes among the others and take no part."""

_FOLDS = 5
_STEPS = 30
_CLOSE = 1e-5
_LONGEST = 5.0  # of a step of Newton's method: where the arms are nearly apart it would run away


@dataclass(frozen=True)
class Comparison:
    """What a campaign changed for those contacted who have likes among the others."""

    effect: Estimate
    p_value: float
    trimmed: float
    """Share of the contacted left out because they have no likes."""
    balance: pd.DataFrame
    """One row a covariate: standardised difference of the arms `before` and `after` weighting."""

    @property
    def imbalance(self) -> float:
        """Largest difference that is left after weighting, in deviations."""
        return float(self.balance["after"].abs().max())


def compare(
    rows: pd.DataFrame, *, outcomes: Sequence[str] = ("spend",), seed: int = 1
) -> dict[str, Comparison]:
    """Estimate the effect on the contacted, cross-fitted and doubly robust (AIPW).

    `τ = Σ(T=1)(y − m(x))/n1 − Σ(T=0) w (y − m(x)) / Σ(T=0) w` with `w = e(x)/(1 − e(x))`; e from a
    logistic, m from a ridge regression of those not contacted, both on `described(x)`. The error is that
    of the mean of its influence function.

    Parameters
    ----------
    rows
        One row a customer: `treated`, the outcomes, `COVARIATES` and, where they are known, `EXPECTED` and
        `BY_RHYTHM`.
    outcomes
        What is compared.
    seed
        Of the folds.

    Returns
    -------
    dict of str to Comparison
        By outcome; none where a fold would lack an arm, or nobody contacted has likes.
    """
    treated, y = rows["treated"].to_numpy(bool), rows[list(outcomes)].to_numpy(float)
    if min(treated.sum(), (~treated).sum()) < 4 * _FOLDS:
        return {}
    design = described(rows)
    chance, expected = np.empty(len(rows)), np.empty(y.shape)
    start = logistic(design, treated)  # where the folds' own steps begin: few are left to go
    for held in folds(len(rows), seed=seed, by=treated):
        chance[held] = special.expit(design[held] @ logistic(design[~held], treated[~held], start=start))
        fitted = ~held & ~treated
        expected[held] = design[held] @ ridge(design[fitted], y[fitted])
    kept = chance <= HIGHEST_CHANCE
    if not (kept & treated).any() or not (kept & ~treated).any():
        return {}
    weight = np.where(treated, 1.0, chance / (1 - np.minimum(chance, HIGHEST_CHANCE)))[kept]
    balance, trimmed = _balance(rows[kept], treated[kept], weight), float(1 - kept[treated].mean())
    return {
        name: Comparison(*_difference(treated[kept], left, weight), trimmed, balance)
        for name, left in zip(outcomes, (y - expected)[kept].T, strict=True)
    }


def described(rows: pd.DataFrame) -> np.ndarray:
    """Describe customers by logarithms and their squares and products, standardised, with a constant.

    Spend of customers spans powers of ten: on logarithms both models are nearer to straight lines, and a
    chance is on log odds.
    """
    plain = rows[_known(rows)].to_numpy(float)
    logs = np.log1p(np.maximum(plain, 0.0))
    logs = _standardised(logs)
    few = range(len(COVARIATES))  # products of what is expected would add noise: it is made of the others
    pairs = [logs[:, i] * logs[:, j] for i in few for j in few[i:]]
    every = np.column_stack([_standardised(plain), logs, *pairs, *_by_rhythm(rows)])
    return np.column_stack([np.ones(len(rows)), _standardised(every)])


def folds(size: int, *, seed: int, by: np.ndarray, count: int = _FOLDS) -> list[np.ndarray]:
    """Divide rows at random into folds, each with its part of both arms; as masks."""
    place = np.empty(size, int)
    random = np.random.default_rng(seed)
    for arm in (False, True):
        inside = np.flatnonzero(by == arm)
        place[random.permutation(inside)] = np.arange(len(inside)) % count
    return [place == fold for fold in range(count)]


def ridge(design: np.ndarray, outcome: np.ndarray, *, penalty: float = 1.0) -> np.ndarray:
    """Fit by least squares with a small penalty on all but the constant (first) column."""
    gram = design.T @ design
    shrink = np.full(len(gram), penalty)
    shrink[0] = 0.0
    return np.asarray(np.linalg.solve(gram + np.diag(shrink), design.T @ outcome))


def logistic(
    design: np.ndarray, outcome: np.ndarray, *, penalty: float = 5.0, start: np.ndarray | None = None
) -> np.ndarray:
    """Fit a logistic regression by Newton's method, with a small penalty on all but the constant (first)."""
    slopes = np.zeros(design.shape[1]) if start is None else start
    shrink = np.full(len(slopes), penalty)
    shrink[0] = 1e-9
    for _step in range(_STEPS):
        chance = special.expit(design @ slopes)
        weight = np.maximum(chance * (1 - chance), 1e-9)
        uphill = design.T @ (outcome - chance) - shrink * slopes
        step = np.linalg.solve((design * weight[:, None]).T @ design + np.diag(shrink), uphill)
        slopes = slopes + step * min(1.0, _LONGEST / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < _CLOSE:
            break
    return slopes


def _known(rows: pd.DataFrame) -> list[str]:
    return [*COVARIATES, EXPECTED] if EXPECTED in rows else list(COVARIATES)


def _by_rhythm(rows: pd.DataFrame) -> list[np.ndarray]:
    if not set(BY_RHYTHM) <= set(rows):
        return []
    chance, money = (rows[name].to_numpy(float) for name in BY_RHYTHM)
    return [log_odds(chance), money]


def _standardised(columns: np.ndarray) -> np.ndarray:
    spread = columns.std(axis=0)
    return np.asarray((columns - columns.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0))


def _difference(treated: np.ndarray, left: np.ndarray, weight: np.ndarray) -> tuple[Estimate, float]:
    own = left[treated].mean()
    other = np.average(left[~treated], weights=weight[~treated])
    effect = own - other
    influence = np.where(treated, (left - own) / treated.mean(), 0.0)
    scale = weight[~treated].sum() / len(left)
    influence[~treated] = -weight[~treated] * (left[~treated] - other) / scale
    error = math.sqrt((influence**2).sum()) / len(left)
    if not error > 0:
        return Estimate(float(effect), math.nan, math.nan), math.nan
    return normal_estimate(effect, error), float(2 * stats.norm.sf(abs(effect) / error))


def _balance(rows: pd.DataFrame, treated: np.ndarray, weight: np.ndarray) -> pd.DataFrame:
    values = rows[_known(rows)].to_numpy(float)
    spread = np.sqrt((values[treated].var(axis=0) + values[~treated].var(axis=0)) / 2)
    spread = np.where(spread > 0, spread, math.nan)
    own, other = values[treated].mean(axis=0), values[~treated].mean(axis=0)
    weighted = np.average(values[~treated], axis=0, weights=weight[~treated])
    return pd.DataFrame(
        {"covariate": _known(rows), "before": (own - other) / spread, "after": (own - weighted) / spread}
    )
