"""How content is whoever left no score? Learned from those who did, and only if it beats guessing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from crm_helpers.analysis.estimates import Estimate, quantile_estimate
from crm_helpers.analysis.needs.words import Words

__all__ = ["FEWEST_SCORES", "Sentiment", "learn_sentiment"]

FEWEST_SCORES = 300
_HELD_OUT = 0.3  # of the customers
_PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
_DRAWS = 200
_VOCABULARY = 2_000


@dataclass(frozen=True)
class Sentiment:
    """Scores as the words of comments let expect them."""

    scores: np.ndarray
    """Expected score of each comment; not numbers where nothing was learned."""
    learned: int
    """Comments with a score."""
    better: Estimate
    """Share of the variance of unseen scores that is explained; 0 is always guessing the mean."""

    @property
    def useful(self) -> bool:
        """Whether words tell scores surely better than the mean does."""
        return self.better.known and self.better.low > 0


def learn_sentiment(comments: pd.DataFrame, words: Words, *, seed: int = 1) -> Sentiment:
    """Learn scores from words by ridge regression, and judge it on customers it has not seen.

    `β = (X'X + λI)⁻¹X'y` on all frequent words of a comment, negations and degrees included, with λ by the
    error on a fifth of the customers learned from. The interval draws the unseen comments again.

    Parameters
    ----------
    comments
        `customer_id` and `satisfaction`, in the order of `words.text`.
    words
        From `find_words`.
    seed
        Seed of the division.

    Returns
    -------
    Sentiment
        Nothing learned where fewer than 300 comments have a score, or all scores are the same.
    """
    y = comments["satisfaction"].to_numpy(float)
    scored = np.isfinite(y)
    unknown = Sentiment(np.full(len(y), np.nan), int(scored.sum()), Estimate(np.nan, np.nan, np.nan))
    if scored.sum() < FEWEST_SCORES or np.ptp(y[scored]) == 0:
        return unknown
    design = _design(words)
    part = _parts(comments["customer_id"], seed)
    learn, tune, test = (
        scored & (part >= low) & (part < high) for low, high in ((0.44, 1), (_HELD_OUT, 0.44), (0, _HELD_OUT))
    )
    if min(learn.sum(), tune.sum(), test.sum()) < 30:
        return unknown
    with threadpool_limits(1):  # sums in one order: the same scores to the last digit
        first, both, all_ = (_moments(design, y, rows) for rows in (learn, learn | tune, scored))
        tuned = [((y - _predict(design, _fit(first, size)))[tune] ** 2).mean() for size in _PENALTIES]
        penalty = _PENALTIES[int(np.argmin(tuned))]
        errors = y[test] - _predict(design, _fit(both, penalty))[test]
        expected = np.clip(_predict(design, _fit(all_, penalty)), y[scored].min(), y[scored].max())
    baseline = y[test] - both.mean
    return Sentiment(expected, int(scored.sum()), _gain(errors**2, baseline**2, seed))


def _design(words: Words) -> sparse.csr_array:
    often = np.asarray(words.matrix.sum(axis=0)).ravel()
    column = np.sort(np.argsort(-often, kind="stable")[:_VOCABULARY])
    return sparse.csr_array(words.matrix[:, column][words.text])


def _parts(customers: pd.Series, seed: int) -> np.ndarray:
    """Give each customer a number between 0 and 1, so that nobody is on both sides of a division."""
    code, whose = pd.factorize(customers.fillna(""), sort=True)
    return np.asarray(np.random.default_rng(seed).random(len(whose))[code])


@dataclass(frozen=True)
class _Moments:
    gram: np.ndarray
    cross: np.ndarray
    centre: np.ndarray
    mean: float


def _moments(design: sparse.csr_array, y: np.ndarray, rows: np.ndarray) -> _Moments:
    x, mean = design[rows], float(y[rows].mean())
    centre = np.asarray(x.mean(axis=0)).ravel()
    gram = (x.T @ x).toarray() - rows.sum() * np.outer(centre, centre)
    return _Moments(gram, x.T @ (y[rows] - mean), centre, mean)


def _fit(moments: _Moments, penalty: float) -> tuple[np.ndarray, float]:
    slopes = np.linalg.solve(moments.gram + penalty * np.eye(len(moments.gram)), moments.cross)
    return np.asarray(slopes), moments.mean - float(moments.centre @ slopes)


def _predict(design: sparse.csr_array, fit: tuple[np.ndarray, float]) -> np.ndarray:
    return np.asarray(design @ fit[0] + fit[1])


def _gain(errors: np.ndarray, baseline: np.ndarray, seed: int) -> Estimate:
    random = np.random.default_rng(seed)
    rows = random.integers(0, len(errors), (_DRAWS, len(errors)))
    draws = 1 - errors[rows].sum(axis=1) / baseline[rows].sum(axis=1)
    return quantile_estimate(float(1 - errors.sum() / baseline.sum()), draws)
