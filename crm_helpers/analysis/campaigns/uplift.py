"""Whom a campaign moves: predicted gain of each customer, proven on customers it was not learnt from.

Only of randomised campaigns: elsewhere who reacts cannot be told from who was chosen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from crm_helpers.analysis.campaigns.doubly_robust import described, folds
from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.estimates import Estimate, normal_estimate

__all__ = ["LEARNERS", "Ranking", "Uplift", "fit_gain", "learn", "rank_by"]

LEARNERS = ("T-learner", "X-learner", "DR-learner")
_PENALTY = 100.0
_STEPS = np.round(np.arange(0.1, 1.01, 0.1), 1)


@dataclass(frozen=True)
class Ranking:
    """What contacting customers in an order brings, on customers the order was not learnt from."""

    rule: str
    qini: Estimate
    """Gain of a customer over contacting as many drawn at random, in the mean over all shares contacted."""
    curve: pd.DataFrame
    """`share` contacted, and `gain` with interval: more spend per customer of those contacted."""


@dataclass(frozen=True)
class Uplift:
    """The learners and the baselines, each as a ranking; `scores` has the learners' held-out gains."""

    rankings: tuple[Ranking, ...]
    scores: pd.DataFrame
    proxies: np.ndarray
    """For each customer an unbiased, noisy value of his own gain."""

    @property
    def best(self) -> Ranking:
        """The learner with the largest Qini."""
        return max((r for r in self.rankings if r.rule in LEARNERS), key=lambda found: found.qini.value)


def learn(rows: pd.DataFrame, *, baselines: dict[str, np.ndarray] | None = None, seed: int = 1) -> Uplift:
    """Learn the gain by T-, X- and DR-learner, cross-fitted, and rank customers by each.

    The proxy of a customer's gain is `Γ = m1 − m0 + T (y − m1)/e − (1 − T)(y − m0)/(1 − e)`, with e the
    share contacted and m1, m0 fitted on other customers: its mean over any customers chosen without
    their outcome is their gain (Yadlowsky et al. 2025).

    Parameters
    ----------
    rows
        One row a customer of a randomised campaign: `treated`, `spend`, `COVARIATES`.
    baselines
        Other orders, by name: a score for each row, the highest first.
    seed
        Of the folds.

    Returns
    -------
    Uplift
        Learners first, then the baselines.
    """
    treated, y = rows["treated"].to_numpy(bool), rows["spend"].to_numpy(float)
    design, share = described(rows), float(treated.mean())
    scores = {name: np.empty(len(rows)) for name in LEARNERS}
    proxies = np.empty(len(rows))
    for held in folds(len(rows), seed=seed, by=treated):
        models = _arm_models(design[~held], treated[~held], y[~held])
        one, none = (model.predict(design[held]) for model in models)
        proxies[held] = _proxy(y[held], treated[held], (one, none), share)
        for name in LEARNERS:
            gain = _LEARN[name](design[~held], treated[~held], y[~held])
            scores[name][held] = gain(design[held])
    every = {**scores, **(baselines or {})}
    rankings = tuple(rank_by(name, score, proxies) for name, score in every.items())
    return Uplift(rankings, pd.DataFrame(scores, index=rows.index), proxies)


def rank_by(rule: str, score: np.ndarray, proxies: np.ndarray) -> Ranking:
    """Judge an order of customers by the proxies of their gains.

    Qini is the area between the gain per customer when the first share is contacted and that of a random
    order: `Σ w(i) Γ(i)/n` with `w = 1/2 − rank/n`, a mean, and so is its error.

    Parameters
    ----------
    rule
        What orders.
    score
        Of each customer; the highest is contacted first.
    proxies
        From `learn`, in the same order.

    Returns
    -------
    Ranking
        Qini and the gain at each tenth.
    """
    order = np.argsort(-score, kind="stable")
    gains = proxies[order]
    weight = 0.5 - (np.arange(len(gains)) + 0.5) / len(gains)
    records = []
    for share in _STEPS:
        first = gains[: max(2, round(share * len(gains)))]
        found = normal_estimate(first.mean(), first.std(ddof=1) / math.sqrt(len(first)))
        records.append((float(share), found.value, found.low, found.high))
    part = weight * gains
    qini = normal_estimate(part.mean(), part.std(ddof=1) / math.sqrt(len(part)))
    return Ranking(rule, qini, pd.DataFrame(records, columns=["share", "gain", "gain_low", "gain_high"]))


def fit_gain(rows: pd.DataFrame, rule: str, new: pd.DataFrame) -> np.ndarray:
    """Learn the gain from all rows by one learner and predict that of other customers.

    What lies outside the range of a covariate that was learnt from is set to its end: a straight line goes
    on, and nobody has seen where to.
    """
    known = rows[list(COVARIATES)]
    new = new[list(COVARIATES)].clip(known.min(), known.max(), axis=1)
    treated, y = rows["treated"].to_numpy(bool), rows["spend"].to_numpy(float)
    both = described(pd.concat([known, new], ignore_index=True))
    gain = _LEARN[rule](both[: len(rows)], treated, y)
    return gain(both[len(rows) :])


Gain = Callable[[np.ndarray], np.ndarray]


def _model(design: np.ndarray, outcome: np.ndarray) -> Ridge:
    return Ridge(alpha=_PENALTY, solver="cholesky").fit(design, outcome)


def _arm_models(design: np.ndarray, treated: np.ndarray, y: np.ndarray) -> tuple[Ridge, Ridge]:
    return _model(design[treated], y[treated]), _model(design[~treated], y[~treated])


def _proxy(
    y: np.ndarray, treated: np.ndarray, expected: tuple[np.ndarray, np.ndarray], share: float
) -> np.ndarray:
    one, none = expected
    left = np.where(treated, (y - one) / share, -(y - none) / (1 - share))
    return np.asarray(one - none + left)


def _by_arms(design: np.ndarray, treated: np.ndarray, y: np.ndarray) -> Gain:
    """T-learner: a model for each arm, and their difference."""
    one, none = _arm_models(design, treated, y)
    return lambda new: np.asarray(one.predict(new) - none.predict(new))


def _crossed(design: np.ndarray, treated: np.ndarray, y: np.ndarray) -> Gain:
    """X-learner (Künzel et al. 2019): what each arm has more than the other's model, learnt and mixed."""
    one, none = _arm_models(design, treated, y)
    own = _model(design[treated], y[treated] - none.predict(design[treated]))
    other = _model(design[~treated], one.predict(design[~treated]) - y[~treated])
    share = treated.mean()
    return lambda new: np.asarray(share * other.predict(new) + (1 - share) * own.predict(new))


def _robust(design: np.ndarray, treated: np.ndarray, y: np.ndarray) -> Gain:
    """DR-learner (Kennedy 2023): the proxies, from models of other customers, learnt."""
    proxies, share = np.empty(len(y)), float(treated.mean())
    for held in folds(len(y), seed=2, by=treated, count=2):
        models = _arm_models(design[~held], treated[~held], y[~held])
        one, none = (model.predict(design[held]) for model in models)
        proxies[held] = _proxy(y[held], treated[held], (one, none), share)
    model = _model(design, proxies)
    return lambda new: np.asarray(model.predict(new))


_LEARN: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Gain]] = dict(
    zip(LEARNERS, (_by_arms, _crossed, _robust), strict=True)
)
