"""One mark for a campaign out of several measures: how far from plan, weighted, and how sure the rank."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["JUDGEMENTS", "MEASURES", "Composite", "ahp_weights", "composite", "deviation", "entropy_weights"]

MEASURES = {
    "effect": "effect on a contacted customer",
    "return": "return for one unit of cost",
    "response_rate": "responses per contact",
    "cost_kept": "budget over cost",
}
"""What counts, more being better."""

JUDGEMENTS = (1.0, 3.0, 5.0, 3.0, 5.0, 2.0)
"""How many times as important the first of a pair is, on Saaty's scale; pairs in the order of `MEASURES`."""

_RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24)  # mean inconsistency of random judgements, by size
_DRAWS = 2000


@dataclass(frozen=True)
class Composite:
    """Marks of the campaigns, and the weights behind them."""

    marks: pd.DataFrame
    """One row a campaign: measures, `deviation` (E), `by_entropy`, `by_ahp` (0 to 1), ranks, and `first`:
    the share of random weights that put it first."""
    weights: pd.DataFrame
    """One row a measure: its weight by `entropy` and by `ahp`."""
    inconsistency: float
    """Saaty's ratio of the judgements; above 0.1 they contradict each other."""


def deviation(actual: pd.DataFrame, planned: pd.DataFrame) -> pd.Series:
    """Compute `E = (1/n) Σ (y − ŷ)/ŷ` of each row over the n measures planned (ŷ) that happened (y)."""
    plan = planned.astype(float).where(planned.astype(float) > 0)
    return (actual.astype(float) / plan - 1).mean(axis=1)


def entropy_weights(scaled: np.ndarray) -> np.ndarray:
    """Weigh measures by how much they tell campaigns apart: one less their entropy.

    Parameters
    ----------
    scaled
        Campaigns × measures, from 0 to 1.

    Returns
    -------
    numpy.ndarray
        Weights that sum to one.
    """
    shares = (scaled + 1e-9) / (scaled + 1e-9).sum(axis=0)
    entropy = -(shares * np.log(shares)).sum(axis=0) / math.log(max(len(scaled), 2))
    told = np.maximum(1 - entropy, 0.0)
    return np.asarray(told / told.sum() if told.sum() > 0 else np.full(len(told), 1 / len(told)))


def ahp_weights(judgements: tuple[float, ...], size: int) -> tuple[np.ndarray, float]:
    """Weigh measures by pairwise judgements: the first eigenvector of their matrix (Saaty 1980).

    Parameters
    ----------
    judgements
        Upper triangle of the matrix, row by row.
    size
        How many measures.

    Returns
    -------
    tuple of numpy.ndarray and float
        Weights that sum to one, and the consistency ratio.

    Examples
    --------
    >>> weights, ratio = ahp_weights((2.0, 4.0, 2.0), 3)
    >>> weights.round(3).tolist(), abs(round(ratio, 3))
    ([0.571, 0.286, 0.143], 0.0)
    """
    matrix = np.eye(size)
    matrix[np.triu_indices(size, 1)] = judgements
    matrix = matrix + np.triu(1 / np.where(matrix > 0, matrix, 1.0), 1).T
    values, vectors = np.linalg.eig(matrix)
    largest = int(np.argmax(values.real))
    weights = np.abs(vectors[:, largest].real)
    ratio = (values[largest].real - size) / max(size - 1, 1) / max(_RANDOM_INDEX[size - 1], 1e-9)
    return weights / weights.sum(), float(ratio)


def composite(effects: pd.DataFrame, progress: pd.DataFrame, *, seed: int = 1) -> Composite:
    """Mark the judged campaigns by several measures at once.

    Parameters
    ----------
    effects
        From `returns.add_returns`.
    progress
        From `returns.progress`.
    seed
        Of the random weights.

    Returns
    -------
    Composite
        Measures that no campaign has take no part; a campaign without one has the mean of the others.
    """
    table = effects.loc[effects["grade"] != "", ["campaign_id", "name", "grade", "effect", "return", "total"]]
    table = table.merge(progress, on="campaign_id", suffixes=("", "_plan"))
    table["response_rate"] = table["responses"].astype(float) / table["reach"].where(table["reach"] > 0)
    table["cost_kept"] = table["budget"] / table["cost"].where(table["cost"] > 0)
    actual, planned = (
        ["reach", "responses", "total"],
        ["planned_reach", "planned_responses", "planned_revenue"],
    )
    table["deviation"] = deviation(table[actual].set_axis(planned, axis=1), table[planned])
    values = table[list(MEASURES)].astype(float)
    scaled = ((values - values.min()) / (values.max() - values.min())).fillna(0.5).to_numpy()
    counted = values.notna().any().to_numpy()
    by_entropy = _kept(entropy_weights(scaled), counted)
    ahp, inconsistency = ahp_weights(JUDGEMENTS, len(MEASURES))
    by_ahp = _kept(ahp, counted)
    random = np.random.default_rng(seed).dirichlet(np.ones(len(MEASURES)), _DRAWS)
    first = np.argmax(scaled @ (random * counted).T, axis=0) if len(table) else np.array([], int)
    table["first"] = np.bincount(first, minlength=len(table)) / _DRAWS
    for name, weight in (("entropy", by_entropy), ("ahp", by_ahp)):
        table[f"by_{name}"] = scaled @ weight
        table[f"rank_{name}"] = table[f"by_{name}"].rank(ascending=False, method="min")
    weights = pd.DataFrame({"measure": MEASURES.values(), "entropy": by_entropy, "ahp": by_ahp})
    columns = ["campaign_id", "name", "grade", *MEASURES, "deviation", "by_entropy", "by_ahp"]
    marks = table[[*columns, "rank_entropy", "rank_ahp", "first"]]
    return Composite(marks.sort_values(["rank_ahp", "campaign_id"]), weights, inconsistency)


def _kept(weights: np.ndarray, counted: np.ndarray) -> np.ndarray:
    kept = weights * counted
    return np.asarray(kept / kept.sum() if kept.sum() > 0 else kept)
