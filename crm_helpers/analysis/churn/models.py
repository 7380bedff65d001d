"""Who will not order again? A logistic regression, boosted trees and a small neural network, calibrated.

Scores become probabilities by a calibration fitted on folds that the model had not seen.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from crm_helpers.analysis.churn.calibration import Calibration, fit_calibration
from crm_helpers.analysis.churn.features import PROBABILITIES
from crm_helpers.analysis.estimates import Estimate, log_odds, quantile_estimate
from crm_helpers.analysis.threads import one_thread

__all__ = [
    "ALIKE", "ALONE", "BOOSTING", "KINDS", "LOGISTIC", "MOST_LEARNED", "NETWORK", "SCORED", "TRAINED",
    "ChurnModel", "areas", "compare_models", "fit_churn", "score_of", "simplest",
]  # fmt: skip

ALONE, ALIKE = "model of buying alone", "rhythm of alike customers"
LOGISTIC, BOOSTING, NETWORK = "logistic regression", "boosted trees", "neural network"
TRAINED = (LOGISTIC, BOOSTING, NETWORK)
"""Those that learn from features."""
KINDS = (ALONE, ALIKE, *TRAINED)
"""From the simplest to the most complex."""

_ENDS, _SCORES = ("", "_low", "_high"), ("auc", "brier", "behind", "excess")
SCORED = [
    "model",
    *(f"{name}{end}" for name in ("auc", "brier", "behind", "excess") for end in _ENDS),
    "kept",
]
"""Columns of `compare_models`."""

FOLDS = 3
NETWORK_STEPS = 40
MOST_LEARNED = 4_000  # customers a model learns from; more change nothing at a tenth of the speed
MOST_DRAWN = 8_000  # customers behind a resampled area


@dataclass(frozen=True)
class ChurnModel:
    """A fitted model: what it expects of the columns, and what makes its scores probabilities."""

    kind: str
    columns: list[str]
    middles: pd.Series
    centre: np.ndarray
    scale: np.ndarray
    estimator: Any
    calibration: Calibration

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Predict the probability of no order, for features of any customers."""
        return self.predict_matrix(self.matrix(features))

    def matrix(self, features: pd.DataFrame) -> np.ndarray:
        """Bring features to what the estimator learned from: columns, logarithms, scale."""
        return _matrix(features.reindex(columns=self.columns), self.middles, self.centre, self.scale)

    def predict_matrix(self, matrix: np.ndarray) -> np.ndarray:
        """Predict from the result of `matrix`."""
        with one_thread():
            score = self.estimator.predict_proba(matrix)[:, 1]
        return self.calibration(score)


def fit_churn(
    features: pd.DataFrame,
    churned: np.ndarray,
    *,
    kind: str,
    customers: pd.Series | None = None,
    seed: int = 1,
) -> ChurnModel:
    """Fit one kind of model and calibrate it on folds held out in turn.

    Counts and money are taken as logarithms, probabilities as log odds, missing values as the middle one,
    all standardised; what is learned of the columns comes from the customers learned from.

    Parameters
    ----------
    features
        One column a feature.
    churned
        Whether each did not order.
    kind
        `LOGISTIC`, `BOOSTING` or `NETWORK`.
    customers
        Whose rows they are, where a customer has several: those are held out together.
    seed
        Of folds, sample and network.

    Returns
    -------
    ChurnModel
        The model.
    """
    generator = np.random.default_rng(seed)
    codes = np.arange(len(churned)) if customers is None else pd.factorize(customers)[0]
    places = generator.permutation(int(codes.max()) + 1)
    chosen = np.flatnonzero(places[codes] < MOST_LEARNED)
    learned, label = features.iloc[chosen], churned[chosen]
    middles = learned.median().fillna(0.0)
    logs = _logs(learned, middles)
    centre, scale = logs.mean(axis=0), logs.std(axis=0)
    scale[scale == 0] = 1.0
    matrix = (logs - centre) / scale
    folds = places[codes[chosen]] % FOLDS
    unseen = np.zeros(len(label))
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a network is stopped early: more steps overfit
        for fold in range(FOLDS):
            part = _estimator(kind, seed).fit(matrix[folds != fold], label[folds != fold])
            unseen[folds == fold] = part.predict_proba(matrix[folds == fold])[:, 1]
        estimator = _estimator(kind, seed).fit(matrix, label)
    columns = [str(name) for name in features]
    calibration = fit_calibration(unseen, label, seed=seed)
    return ChurnModel(kind, columns, middles, centre, scale, estimator, calibration)


def compare_models(
    predicted: Mapping[str, np.ndarray], churned: np.ndarray, *, draws: int = 200, seed: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Score models on the same customers, resampled together.

    Parameters
    ----------
    predicted
        By model, from simple to complex: probability of no order.
    churned
        What came.
    draws, seed, level
        Of the bootstrap intervals.

    Returns
    -------
    pandas.DataFrame
        `model`, `auc` (area under the curve) and `brier` (mean squared error) with `_low` and `_high`,
        `behind` (by how much the area is below the best one's) and `excess` (by how much the error is above
        the least) with their intervals, `kept`.
    """
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(churned))[:MOST_DRAWN])
    weights = generator.poisson(1.0, (1 + draws, len(chosen))).astype(np.float32)
    weights[0] = 1.0
    label = churned[chosen].astype(np.float32)
    drawn = {name: areas(p[chosen], label, weights) for name, p in predicted.items()}
    errors = {
        name: (weights @ (p[chosen] - label) ** 2) / weights.sum(axis=1) for name, p in predicted.items()
    }
    best = max(drawn, key=lambda name: float(drawn[name][0]))
    truest = min(errors, key=lambda name: float(errors[name][0]))
    rows = []
    for name, area in drawn.items():
        parts = {"auc": area, "brier": errors[name], "behind": drawn[best] - area}
        parts |= {"excess": errors[name] - errors[truest]}
        estimates = {key: quantile_estimate(float(d[0]), d[1:], level=level) for key, d in parts.items()}
        row: dict[str, object] = {"model": name}
        for key, found in estimates.items():
            row |= {key: found.value, f"{key}_low": found.low, f"{key}_high": found.high}
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.assign(kept=table["model"] == simplest(table))


def simplest(table: pd.DataFrame) -> str:
    """Choose the first model that is surely worse than the best in neither area nor error."""
    good = table[(table["behind_low"] <= 0) & (table["excess_low"] <= 0)]
    return str((good if len(good) else table.nlargest(1, "auc"))["model"].iloc[0])


def areas(score: np.ndarray, label: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the area under the curve for each row of weights; ties count one half.

    Parameters
    ----------
    score, label
        Of each customer; the label is 0 or 1.
    weights
        Draws × customers.

    Returns
    -------
    numpy.ndarray
        One area a draw; not a number where one outcome is missing.

    Examples
    --------
    >>> areas(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]), np.ones((1, 4))).tolist()
    [0.875]
    """
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(score[order]) > 0))
    sorted_weights = weights[:, order]
    positive = np.add.reduceat(sorted_weights * label[order], starts, axis=1)
    negative = np.add.reduceat(sorted_weights * (1 - label[order]), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    won = (positive * below).sum(axis=1)
    return np.asarray(np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))


def score_of(table: pd.DataFrame, model: str, name: str) -> Estimate:
    """Return a score of one model with its interval."""
    row = table[table["model"] == model].iloc[0]
    return Estimate(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))


def _estimator(kind: str, seed: int) -> Any:
    if kind == LOGISTIC:
        return LogisticRegression(max_iter=500)
    if kind == BOOSTING:
        return HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.06, max_leaf_nodes=3, min_samples_leaf=100, l2_regularization=5.0,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
    return MLPClassifier((8,), solver="lbfgs", alpha=30.0, max_iter=NETWORK_STEPS, random_state=seed)


def _logs(features: pd.DataFrame, middles: pd.Series) -> np.ndarray:
    values = features.to_numpy(float)
    filled = np.where(np.isnan(values), middles.to_numpy(float), values)
    logs = np.sign(filled) * np.log1p(np.abs(filled))
    shares = features.columns.isin(PROBABILITIES)
    logs[:, shares] = log_odds(filled[:, shares])
    return np.asarray(logs)


def _matrix(features: pd.DataFrame, middles: pd.Series, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.asarray((_logs(features, middles) - centre) / scale)
