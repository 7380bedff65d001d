"""Who answers a campaign: a learnt model beside the regression, both tried on later campaigns."""

from __future__ import annotations

import numpy as np
import pandas as pd
from ibis import _
from scipy import special, stats
from sklearn.ensemble import HistGradientBoostingClassifier

from crm_helpers.analysis.campaigns.doubly_robust import described, logistic
from crm_helpers.analysis.campaigns.effects import Study
from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.estimates import normal_estimate, rounded
from crm_helpers.analysis.threads import one_thread

__all__ = ["area_under_curve", "compare_responses"]

_LATER = 0.3  # of the campaigns, by start: those the models are tried on
_MOST = 40_000  # contacts learnt from
_FEWEST = 50  # answers on either side
_COLUMNS = ["model", "contacts", "answered", "area", "area_low", "area_high", "loss", "expected", "happened"]


def compare_responses(study: Study) -> pd.DataFrame:
    """Learn from earlier campaigns who answers, and try it on the later ones.

    Parameters
    ----------
    study
        The campaigns; only contacts with a known answer count.

    Returns
    -------
    pandas.DataFrame
        One row a model: logistic regression, boosted trees, and the share of before for all (base rate).
        `area` under the curve with interval (0.5: no better than chance), log `loss`, and the share of
        answers `expected` and `happened`; no rows where there are too few answers.
    """
    contacts = study.contacts.filter(_.arm.fill_null("treated") != "holdout").drop_null("responded")
    answers = contacts.select("campaign_id", "customer_id", answered=_.responded.cast("int64"))
    rows = study.rows.filter(_.treated == 1).inner_join(answers, ["campaign_id", "customer_id"])
    frame = rows.select("campaign_id", "customer_id", "answered", *COVARIATES).to_pandas()
    frame = frame.merge(study.plan[["campaign_id", "starts_on"]], on="campaign_id")
    frame = frame.sort_values(["starts_on", "campaign_id", "customer_id"], ignore_index=True)
    starts = np.sort(frame["starts_on"].unique())
    if len(starts) < 2:
        return pd.DataFrame(columns=_COLUMNS)
    later = frame["starts_on"] >= starts[min(len(starts) - 1, round(len(starts) * (1 - _LATER)))]
    y = frame["answered"].to_numpy(bool)
    counts = [(y[side] == kind).sum() for side in (later, ~later) for kind in (True, False)]
    if min(counts) < _FEWEST:
        return pd.DataFrame(columns=_COLUMNS)
    chances = _chances(frame, y, later.to_numpy())
    records = [_scored(name, y[later], chance) for name, chance in chances.items()]
    return rounded(pd.DataFrame(records, columns=_COLUMNS))


def area_under_curve(answered: np.ndarray, chance: np.ndarray) -> tuple[float, float]:
    """Compute the area under the curve and its error (DeLong, DeLong & Clarke-Pearson 1988).

    Examples
    --------
    >>> area_under_curve(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.5, 0.1]))[0]
    0.75
    """
    ranks = stats.rankdata(chance)
    yes, no = int(answered.sum()), int((~answered).sum())
    own = (ranks[answered] - stats.rankdata(chance[answered])) / no
    other = 1 - (ranks[~answered] - stats.rankdata(chance[~answered])) / yes
    return float(own.mean()), float(np.sqrt(own.var(ddof=1) / yes + other.var(ddof=1) / no))


def _chances(frame: pd.DataFrame, y: np.ndarray, later: np.ndarray) -> dict[str, np.ndarray]:
    learnt = np.flatnonzero(~later)
    learnt = learnt[:: max(1, len(learnt) // _MOST)]
    design, plain = described(frame), frame[list(COVARIATES)].to_numpy(float)
    trees = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=8, min_samples_leaf=100, early_stopping=False, random_state=1
    )
    with one_thread():
        slopes = logistic(design[learnt], y[learnt].astype(float))
        by_trees = trees.fit(plain[learnt], y[learnt]).predict_proba(plain[later])[:, 1]
    return {
        "logistic regression": special.expit(design[later] @ slopes),
        "boosted trees": by_trees,
        "share of before": np.full(int(later.sum()), y[learnt].mean()),
    }


def _scored(name: str, answered: np.ndarray, chance: np.ndarray) -> list[object]:
    area = normal_estimate(*area_under_curve(answered, chance))
    clipped = np.clip(chance, 1e-6, 1 - 1e-6)
    loss = -np.where(answered, np.log(clipped), np.log(1 - clipped)).mean()
    return [name, len(answered), int(answered.sum()), area.value, area.low, area.high, loss,
            chance.mean(), answered.mean()]  # fmt: skip
