"""Which model of buying: those of free customers that are tried against each other, or that of contracts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special, stats

from crm_helpers.analysis.value.contract import ContractModel, Terms, fit_contract
from crm_helpers.analysis.value.lifetime import BuyingModel, fit_buying
from crm_helpers.analysis.value.pareto import ParetoModel, fit_pareto

__all__ = [
    "FREE", "TRIED", "Buying", "BuyingKind", "compare_kinds", "fit_kind", "kinds_of", "likeliest",
    "try_kinds",
]  # fmt: skip

Buying = BuyingModel | ParetoModel | ContractModel
"""A fitted model of buying; all answer the same questions."""

BuyingKind = Literal["BG/NBD", "MBG/NBD", "Pareto/NBD", "sBG"]
MOST_COMPARED = 4_000  # customers that models are compared on
FREE: tuple[BuyingKind, ...] = ("BG/NBD", "MBG/NBD", "Pareto/NBD")
"""Models of customers who come and go as they like, the usual one first; each has four parameters."""
TRIED = ["model", "behind", "total", "rank", "deviance", "kept"]
"""Columns of `compare_kinds`."""
SURELY_LIKELIER = 2.0  # of log-likelihood: e² times as likely
SURELY = 1.96  # standard errors by which another model must be nearer
MATERIAL = 0.001  # and share of the distance: models may be the same but for the last digits


def kinds_of(terms: Terms | None) -> tuple[BuyingKind, ...]:
    """Return the models to try: with contracts the silence after a due date tells, so there is but one."""
    return FREE if terms is None else ("sBG",)


def fit_kind(
    table: pd.DataFrame, *, kind: BuyingKind, terms: Terms | None = None, start: np.ndarray | None = None
) -> Buying:
    """Fit a model of buying to customers.

    Parameters
    ----------
    table
        From `purchases.histories`.
    kind
        The model.
    terms
        Of contracts, for sBG.
    start
        Parameters of the same model to begin with.

    Returns
    -------
    BuyingModel, ParetoModel or ContractModel
        At the highest likelihood.
    """
    if kind == "sBG":
        if terms is None:
            raise ValueError("sBG takes terms of contract")
        return fit_contract(table, terms=terms)
    if kind == "Pareto/NBD":
        return fit_pareto(table, start=start)
    return fit_buying(table, kind=kind, start=start)


def try_kinds(table: pd.DataFrame, *, terms: Terms | None = None) -> tuple[Buying, ...]:
    """Fit the models that suit a company to the same customers, of many to a sample; the usual one first."""
    chosen = np.random.default_rng(len(table)).permutation(len(table))[:MOST_COMPARED]
    sample = table.iloc[np.sort(chosen)]
    return tuple(fit_kind(sample, kind=kind, terms=terms) for kind in kinds_of(terms))


def likeliest(models: Sequence[Buying]) -> Buying:
    """Choose the first model unless another makes what was seen surely likelier."""
    best = max(models, key=lambda model: model.fit.log_likelihood)
    return best if best.fit.log_likelihood - models[0].fit.log_likelihood > SURELY_LIKELIER else models[0]


def compare_kinds(models: Sequence[Buying], table: pd.DataFrame, *, horizon: float) -> pd.DataFrame:
    """Hold models against orders they had not seen: the first is kept unless another is surely nearer.

    Parameters
    ----------
    models
        From `try_kinds`.
    table
        Histories, with what came after.
    horizon
        Weeks that were looked at after.

    Returns
    -------
    pandas.DataFrame
        `model`, `behind` (log-likelihood below the best, of the days before), `total` (orders predicted ÷
        that came), `rank` (Spearman's correlation of predicted and actual orders), `deviance` (Poisson's, a
        customer: the distance from what came), `kept`.
    """
    came = table["later_orders"].to_numpy(float)
    predicted = [model.expected(table, horizon) for model in models]
    misfit = [_deviance(came, np.maximum(each, 1e-9)) for each in predicted]
    best = max(model.fit.log_likelihood for model in models)
    rows = [
        (model.kind, best - model.fit.log_likelihood, _ratio(float(each.sum()), float(came.sum())),
         _rank(each, came), float(distance.mean()))
        for model, each, distance in zip(models, predicted, misfit, strict=True)
    ]  # fmt: skip
    gains = [misfit[0] - distance for distance in misfit]
    least = MATERIAL * misfit[0].mean()
    sure = [gain.mean() > max(SURELY * gain.std() / np.sqrt(max(len(gain), 1)), least) for gain in gains]
    nearest = min(range(len(models)), key=lambda place: (not sure[place], rows[place][-1]))
    kept = nearest if sure[nearest] else 0
    return pd.DataFrame(rows, columns=TRIED[:-1]).assign(kept=np.arange(len(rows)) == kept)


def _deviance(came: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.asarray(2 * (special.xlogy(came, came / expected) - came + expected))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _rank(predicted: np.ndarray, came: np.ndarray) -> float:
    if min(np.ptp(predicted), np.ptp(came)) == 0:
        return float("nan")
    return float(np.corrcoef(stats.rankdata(predicted), stats.rankdata(came))[0, 1])
