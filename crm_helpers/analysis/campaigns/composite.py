"""One mark for a campaign out of several measures: how far from plan, weighted, and how sure the rank."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crm_helpers.analysis.campaigns.judgements import ahp_weights, read_judgements

__all__ = ["MEASURES", "Composite", "composite", "deviation", "entropy_weights"]

MEASURES = {
    "effect": "effect on a contacted customer",
    "return": "return for one unit of cost",
    "response_rate": "responses per contact",
    "cost_kept": "budget over cost",
}
"""What counts, more being better."""

_SURE = (5, 95)  # per cent: between these ranks a campaign stands under nine in ten sets of weights

_DRAWS = 2000


@dataclass(frozen=True)
class Composite:
    """Marks of the campaigns, and the weights behind them."""

    marks: pd.DataFrame
    """One row a campaign: measures, `deviation` (E), `by_entropy`, `by_ahp` (0 to 1), ranks, and what random
    weights say: `first`, share that put it first, `rank_high` and `rank_low`, the ranks of nine in ten."""
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


def composite(effects: pd.DataFrame, progress: pd.DataFrame, *, judgements: str, seed: int = 1) -> Composite:
    """Mark the judged campaigns by several measures at once.

    Parameters
    ----------
    effects
        From `returns.add_returns`.
    progress
        From `returns.progress`.
    judgements
        As `judgements.read_judgements` reads them.
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
    ahp, inconsistency = ahp_weights(read_judgements(judgements), len(MEASURES))
    by_ahp = _kept(ahp, counted)
    ranks = _ranks(scaled * counted, seed)
    table["first"] = (ranks == 1).mean(axis=1)
    for name, percent in zip(("rank_high", "rank_low"), _SURE, strict=True):
        table[name] = np.percentile(ranks, percent, axis=1, method="nearest")
    for name, weight in (("entropy", by_entropy), ("ahp", by_ahp)):
        table[f"by_{name}"] = scaled @ weight
        table[f"rank_{name}"] = table[f"by_{name}"].rank(ascending=False, method="min")
    weights = pd.DataFrame({"measure": MEASURES.values(), "entropy": by_entropy, "ahp": by_ahp})
    columns = ["campaign_id", "name", "grade", *MEASURES, "deviation", "by_entropy", "by_ahp"]
    marks = table[[*columns, "rank_entropy", "rank_ahp", "first", "rank_high", "rank_low"]]
    return Composite(marks.sort_values(["rank_ahp", "campaign_id"]), weights, inconsistency)


def _ranks(scaled: np.ndarray, seed: int) -> np.ndarray:
    """Rank campaigns under random weights, all sets of weights alike likely; campaigns × draws."""
    weights = np.random.default_rng(seed).dirichlet(np.ones(scaled.shape[1]), _DRAWS)
    return np.asarray(stats.rankdata(-(scaled @ weights.T), axis=0, method="min"))


def _kept(weights: np.ndarray, counted: np.ndarray) -> np.ndarray:
    kept = weights * counted
    return np.asarray(kept / kept.sum() if kept.sum() > 0 else kept)
