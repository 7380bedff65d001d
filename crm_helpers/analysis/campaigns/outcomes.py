"""Outcomes of a randomised campaign besides spend, and the offers it tried, each against the held out."""

from __future__ import annotations

import math

import ibis
import numpy as np
import pandas as pd
from ibis import _
from scipy import stats

from crm_helpers.analysis.campaigns.effects import Study
from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.campaigns.targeted import one_campaign
from crm_helpers.analysis.estimates import Estimate, RatioSums, normal_estimate, rounded

__all__ = ["OUTCOMES", "WINSOR", "holm", "lin_effect", "outcome_effects"]

OUTCOMES = {
    "spend": "spend",
    "capped": "spend, capped",
    "orders": "orders",
    "bought": "customers who bought",
    "order_value": "value of an order",
}
"""What is looked at, by name."""

WINSOR = 0.99
"""Spend above this quantile of both arms together is set down to it: a rule set before the look."""

_COLUMNS = ["campaign_id", "name", "offer", "outcome", "treated", "compared", "level", "change", "change_low",
            "change_high", "relative", "p_value", "p_holm"]  # fmt: skip


def outcome_effects(study: Study) -> pd.DataFrame:
    """Estimate every outcome of every randomised campaign, for each offer where several were tried.

    Means by Lin's regression with HC3 errors, the value of an order as a ratio by the delta method. Within
    a campaign p-values are adjusted by Holm's steps. Campaigns that drew whole groups are left out: their
    errors go by the group.

    Parameters
    ----------
    study
        The campaigns judged.

    Returns
    -------
    pandas.DataFrame
        One row a campaign, offer (empty without several) and outcome: `level` of the held out, `change`
        with interval, `relative` to the level, `p_value` and `p_holm`.
    """
    effects = study.effects
    chosen = effects[(effects["grade"] == "A") & effects["groups"].isna()]
    offers = _offers(study.contacts)
    parts = [pd.DataFrame(columns=_COLUMNS)]
    for campaign, name, size in chosen[["campaign_id", "name", "treated"]].itertuples(index=False):
        frame = one_campaign(study.rows, campaign, size=2 * int(size))
        own = offers[offers["campaign_id"] == campaign]
        found = [row for part in _by_offer(frame, own) for row in part]
        table = pd.DataFrame(found).assign(campaign_id=campaign, name=name)
        parts.append(table.assign(p_holm=holm(table["p_value"].tolist())))
    every = pd.concat(parts[1:] or parts, ignore_index=True)
    return rounded(every[_COLUMNS])


def lin_effect(rows: pd.DataFrame, outcome: np.ndarray) -> tuple[Estimate, float]:
    """Estimate the difference of the arms by `y = α + τ T + β'x + γ' T (x − x̄) + ε` with HC3 errors.

    Parameters
    ----------
    rows
        One row a customer: `treated` and `COVARIATES`.
    outcome
        What is compared, in the same order.

    Returns
    -------
    tuple of Estimate and float
        The effect with interval, and its p-value.
    """
    treated = rows["treated"].to_numpy(float)
    x = rows[list(COVARIATES)].to_numpy(float)
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    design = np.column_stack([np.ones(len(x)), treated, x, x * treated[:, None]])
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    slopes = inverse @ (design.T @ outcome)
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design, optimize=True)
    left = (outcome - design @ slopes) / np.maximum(1 - leverage, 1e-9)
    error = math.sqrt((((design @ inverse[1]) * left) ** 2).sum())
    freedom = len(x) - np.linalg.matrix_rank(inverse, hermitian=True)
    if not error > 0 or freedom <= 0:
        return Estimate(float(slopes[1]), math.nan, math.nan), math.nan
    quantile = float(stats.t.ppf(0.975, freedom))
    return normal_estimate(slopes[1], error, quantile=quantile), float(
        2 * stats.t.sf(abs(slopes[1]) / error, freedom)
    )


def holm(p_values: list[float]) -> list[float]:
    """Adjust p-values by Holm's steps, so that with 95 of 100 nothing false is found at all.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled)) if len(order) else scaled
    return [float(value) for value in adjusted]


def _offers(contacts: ibis.Table) -> pd.DataFrame:
    named = contacts.filter(_.arm.fill_null("treated") != "holdout").drop_null("offer")
    frame: pd.DataFrame = named.select("campaign_id", "customer_id", "offer").distinct().to_pandas()
    return frame


def _by_offer(frame: pd.DataFrame, offers: pd.DataFrame) -> list[list[dict[str, object]]]:
    names = sorted(offers["offer"].unique())
    if len(names) < 2:
        return [_outcomes(frame, "")]
    held = frame["treated"] == 0
    got = frame["customer_id"].map(offers.set_index("customer_id")["offer"])
    of_offer = [got == name for name in names]
    return [
        _outcomes(frame[held | mine].reset_index(drop=True), name)
        for name, mine in zip(names, of_offer, strict=True)
    ]


def _outcomes(frame: pd.DataFrame, offer: str) -> list[dict[str, object]]:
    spend, orders = frame["spend"].to_numpy(float), frame["orders"].to_numpy(float)
    capped = np.minimum(spend, np.quantile(spend, WINSOR))
    means = {"spend": spend, "capped": capped, "orders": orders, "bought": (orders > 0).astype(float)}
    treated = frame["treated"].to_numpy(bool)
    found = {name: (values[~treated].mean(), *lin_effect(frame, values)) for name, values in means.items()}
    found["order_value"] = _order_value(spend, orders, treated)
    sizes = {"treated": int(treated.sum()), "compared": int((~treated).sum())}
    return [
        {"offer": offer, "outcome": OUTCOMES[name], **sizes, "level": float(level), "change": change.value,
         "change_low": change.low, "change_high": change.high,
         "relative": change.value / level if level > 0 else math.nan, "p_value": p_value}
        for name, (level, change, p_value) in found.items()
    ]  # fmt: skip


def _order_value(spend: np.ndarray, orders: np.ndarray, treated: np.ndarray) -> tuple[float, Estimate, float]:
    """Compare two ratios of sums over customers, each with its delta-method error."""
    one, none = (_ratio(spend[arm], orders[arm]) for arm in (treated, ~treated))
    error = math.hypot(one.half_width, none.half_width) / float(stats.norm.ppf(0.975))
    difference = one.value - none.value
    if not error > 0:
        return none.value, Estimate(difference, math.nan, math.nan), math.nan
    p_value = float(2 * stats.norm.sf(abs(difference) / error))
    return none.value, normal_estimate(difference, error), p_value


def _ratio(y: np.ndarray, x: np.ndarray) -> Estimate:
    return RatioSums(len(x), y.sum(), x.sum(), (y * y).sum(), (x * y).sum(), (x * x).sum()).estimate()
