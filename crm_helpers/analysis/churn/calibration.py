"""Scores become probabilities that come true: by Platt's line, or by isotonic steps where they are truer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special
from sklearn.isotonic import IsotonicRegression

from crm_helpers.analysis.estimates import log_odds, wilson_estimate

__all__ = ["CALIBRATED", "Calibration", "calibration_table", "distance", "fit_calibration"]

CALIBRATED = ["model", "tenth", "customers", "predicted", "actual", "actual_low", "actual_high"]
"""Columns of `calibration_table`."""
FOLDS = 3
STEPS = 50  # of Newton, most
SURELY = 1.96  # standard errors by which isotonic steps must be truer than the line
_LEAST = 1e-6
_ORDER = 1e-3


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities: a line in log-odds (Platt 1999), or steps between knots."""

    kind: Literal["Platt", "isotonic"]
    slope: float
    level: float
    knots: np.ndarray
    steps: np.ndarray

    def __call__(self, score: np.ndarray) -> np.ndarray:
        """Turn scores between 0 and 1 into probabilities."""
        if self.kind == "isotonic":
            # a little of the score, so that customers on one step keep their order
            return np.asarray((1 - _ORDER) * np.interp(score, self.knots, self.steps) + _ORDER * score)
        return np.asarray(special.expit(self.slope * log_odds(score, surest=_LEAST) + self.level))


def fit_calibration(score: np.ndarray, churned: np.ndarray, *, seed: int = 1) -> Calibration:
    """Fit the line and the steps, and keep the line unless the steps are surely truer on unseen folds.

    Parameters
    ----------
    score
        Scores of customers the model had not learned from.
    churned
        What came of them.
    seed
        Of the folds.

    Returns
    -------
    Calibration
        The line where the mean squared error of the steps is not surely smaller.
    """
    folds = np.random.default_rng(seed).permutation(len(score)) % FOLDS
    gain = np.zeros(len(score))
    for fold in range(FOLDS):
        known, asked = folds != fold, folds == fold
        both = (_platt(score[known], churned[known]), _isotonic(score[known], churned[known]))
        line, steps = ((made(score[asked]) - churned[asked]) ** 2 for made in both)
        gain[asked] = line - steps
    surely = gain.mean() > SURELY * gain.std() / np.sqrt(len(gain))
    return (_isotonic if surely else _platt)(score, churned)


def calibration_table(predicted: Mapping[str, np.ndarray], churned: np.ndarray) -> pd.DataFrame:
    """Set predicted beside actual churn by tenths of each model's probability.

    Parameters
    ----------
    predicted
        By model: probability of each customer, none of whom it learned from.
    churned
        What came.

    Returns
    -------
    pandas.DataFrame
        `model`, `tenth` (1 is the lowest), `customers`, `predicted` (mean), `actual` with Wilson's interval
        `actual_low`, `actual_high`.
    """
    rows = []
    for name, probability in predicted.items():
        order = np.argsort(probability, kind="stable")
        for tenth, part in enumerate(np.array_split(order, min(10, len(order))), start=1):
            share = wilson_estimate(float(churned[part].sum()), float(len(part)))
            mean = float(probability[part].mean())
            rows.append((name, tenth, len(part), mean, share.value, share.low, share.high))
    return pd.DataFrame(rows, columns=CALIBRATED)


def distance(table: pd.DataFrame, model: str) -> float:
    """Average over the tenths of a model how far the predicted share is from the actual one."""
    own = table[table["model"] == model]
    return float(((own["predicted"] - own["actual"]).abs() * own["customers"]).sum() / own["customers"].sum())


def _platt(score: np.ndarray, churned: np.ndarray) -> Calibration:
    """Fit slope and level; where scores say less than nothing, everybody gets the rate of all."""
    none = np.zeros(0)
    rate = float(log_odds(churned.mean(), surest=_LEAST))
    if churned.all() or not churned.any():
        return Calibration("Platt", 0.0, rate, none, none)
    slope, level = _line(log_odds(score, surest=_LEAST), churned.astype(float))
    return Calibration("Platt", *((slope, level) if slope > 0 else (0.0, rate)), none, none)


def _line(logits: np.ndarray, churned: np.ndarray) -> tuple[float, float]:
    """Regress the outcome on log-odds by Newton's steps, held back where it could be told exactly."""
    design = np.column_stack([logits, np.ones(len(logits))])
    line, held = np.array([1.0, 0.0]), np.diag([1e-3, 1e-3])
    for _step in range(STEPS):
        expected = special.expit(design @ line)
        slope = design.T @ (churned - expected) - held @ line
        curve = (design * (expected * (1 - expected))[:, None]).T @ design + held
        step = np.linalg.solve(curve, slope)
        line = line + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return float(line[0]), float(line[1])


def _isotonic(score: np.ndarray, churned: np.ndarray) -> Calibration:
    steps = IsotonicRegression(y_min=_LEAST, y_max=1 - _LEAST).fit(score, churned)
    return Calibration("isotonic", 0.0, 0.0, steps.X_thresholds_, steps.y_thresholds_)
