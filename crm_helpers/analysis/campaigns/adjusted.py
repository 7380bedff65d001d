"""The difference of two arms, adjusted for what was known before: each arm has a regression of its own.

That is the regression with all interactions, `y = α + τ T + β'x + γ' T (x − x̄) + ε` (Lin 2013), at half the
columns: τ is what the arms expect at x̄, one less the other, and a row's leverage is that in its own arm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import ibis
import numpy as np
from scipy import stats

from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.cross_products import Centred, CrossProducts, cross_products
from crm_helpers.analysis.regression import Regression, least_squares

__all__ = ["Arms", "adjusted_differences", "arm_sums", "balance_p"]

_OUTCOMES = ("spend", "spend_placebo")
_APART = "\x1f"  # between the parts of a key: no text of a table has it


@dataclass(frozen=True)
class Arms:
    """The two arms of a campaign, as sums; an arm without customers is None."""

    held_out: bool
    treated: CrossProducts | None = None
    others: CrossProducts | None = None


def arm_sums(rows: ibis.Table) -> tuple[Centred, dict[str, Arms]]:
    """Add up what describes the arms of all campaigns, in the engine at once.

    Parameters
    ----------
    rows
        From `panel.panel`.

    Returns
    -------
    tuple of Centred and dict
        The sums by arm, and the arms by campaign.
    """
    held = ibis.ifelse(rows.held_out, "1", "0")
    key = rows.campaign_id + _APART + held + rows.treated.cast("string")
    sums = cross_products(rows.mutate(arm=key), columns=[*_OUTCOMES, *COVARIATES], by="arm")
    arms: dict[str, Arms] = {}
    for name in sums.groups:
        campaign, flags = name.rsplit(_APART, 1)
        both = {side: sums.groups.get(f"{campaign}{_APART}{flags[0]}{end}") for side, end in _SIDES.items()}
        arms[campaign] = Arms(flags[0] == "1", **both)
    return sums, arms


_SIDES = {"treated": "1", "others": "0"}


def adjusted_differences(sums: Centred, arms: dict[str, Arms]) -> dict[str, dict[str, Regression]]:
    """Fit each arm, with HC3 errors, and compare what both expect of the same customers.

    Those are the customers of both arms where some were held out, else those contacted.

    Parameters
    ----------
    sums, arms
        From `arm_sums`.

    Returns
    -------
    dict of str to dict
        By outcome and campaign a regression with the one coefficient `treated`; not a number where an arm
        has no customers.
    """
    origins = {}
    for campaign, pair in arms.items():
        for end in _SIDES.values():
            origins[_key(campaign, pair, end)] = _reference(pair)
    fits = least_squares(sums, outcomes=_OUTCOMES, regressors=COVARIATES, only=["intercept"], origins=origins)
    return {
        outcome: {campaign: _difference(found, campaign, pair) for campaign, pair in arms.items()}
        for outcome, found in fits.items()
    }


def balance_p(pair: Arms) -> float:
    """Test all covariates at once: n R² of the regression of the arm on them is χ² when arms are alike."""
    if pair.treated is None or pair.others is None:
        return math.nan
    one, none = pair.treated.part(COVARIATES), pair.others.part(COVARIATES)
    apart = np.append(1.0, one.centre - none.centre)
    between = one.rows * none.rows / (one.rows + none.rows) * np.outer(apart, apart)
    between[1:, 1:] += one.gram + none.gram
    rows = one.rows + none.rows
    centre = np.append(one.rows, one.rows * one.centre + none.rows * none.centre) / rows
    fit = CrossProducts(("treated", *COVARIATES), rows, centre, between).solve("treated", COVARIATES)
    return float(stats.chi2.sf(rows * fit.r_squared, fit.rank - 1)) if fit.rank > 1 else math.nan


def _key(campaign: str, pair: Arms, end: str) -> str:
    return f"{campaign}{_APART}{int(pair.held_out)}{end}"


def _reference(pair: Arms) -> np.ndarray:
    known = [arm.part(COVARIATES) for arm in (pair.treated, pair.others) if arm is not None]
    chosen = known if pair.held_out else known[:1]
    return np.average([arm.centre for arm in chosen], axis=0, weights=[arm.rows for arm in chosen])


def _difference(found: dict[str, Regression], campaign: str, pair: Arms) -> Regression:
    one, none = (found.get(_key(campaign, pair, end)) for end in _SIDES.values())
    if one is None or none is None:
        return Regression(("treated",), np.array([math.nan]), np.array([math.nan]), 0, 0, math.nan)
    effect = one.coefficient("intercept") - none.coefficient("intercept")
    error = math.hypot(one.error("intercept"), none.error("intercept"))
    rows, rank = one.rows + none.rows, one.rank + none.rank
    return Regression(("treated",), np.array([effect]), np.array([error]), rows, rank, math.nan)
