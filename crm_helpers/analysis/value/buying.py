"""Which model of buying: those of free customers that are tried against each other, or that of contracts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from crm_helpers.analysis.value.contract import ContractModel, Terms, fit_contract
from crm_helpers.analysis.value.lifetime import BuyingModel, fit_buying
from crm_helpers.analysis.value.pareto import ParetoModel, fit_pareto

__all__ = ["FREE", "Buying", "BuyingKind", "fit_kind", "kinds_of", "try_kinds"]

Buying = BuyingModel | ParetoModel | ContractModel
"""A fitted model of buying; all answer the same questions."""

BuyingKind = Literal["BG/NBD", "MBG/NBD", "Pareto/NBD", "sBG"]
MOST_COMPARED = 4_000  # customers that models are compared on
FREE: tuple[BuyingKind, ...] = ("BG/NBD", "MBG/NBD", "Pareto/NBD")
"""Models of customers who come and go as they like; each has four parameters, so the likeliest fits best."""


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


def try_kinds(
    table: pd.DataFrame, *, kinds: Sequence[BuyingKind], terms: Terms | None = None
) -> tuple[Buying, ...]:
    """Fit several models to the same customers, of many to a sample; the likeliest comes first."""
    chosen = np.random.default_rng(len(table)).permutation(len(table))[:MOST_COMPARED]
    sample = table.iloc[np.sort(chosen)]
    models = (fit_kind(sample, kind=kind, terms=terms) for kind in kinds)
    return tuple(sorted(models, key=lambda model: -model.fit.log_likelihood))
