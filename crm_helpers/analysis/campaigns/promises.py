"""What a campaign is expected to bring before it runs, and what became of what was expected last time."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from crm_helpers.analysis.campaigns.returns import BELIEVED
from crm_helpers.analysis.estimates import LEVEL, rounded

__all__ = ["predict_next", "random_effects", "score_promises"]

_FEWEST = 3  # effects of earlier campaigns, below which nothing is expected of the next
_COLUMNS = ["campaign_id", "name", "channel", "starts_on", "predicted_on", "based_on", "contacts", "effect",
            "effect_low", "effect_high", "total", "total_low", "total_high"]  # fmt: skip


def random_effects(effects: np.ndarray, errors: np.ndarray) -> tuple[float, float, float]:
    """Pool effects that differ among themselves (DerSimonian & Laird 1986).

    Parameters
    ----------
    effects, errors
        Of each campaign, at least two.

    Returns
    -------
    tuple of float
        Mean, its error, and the deviation τ of the true effects.
    """
    weight = 1 / errors**2
    fixed = (weight * effects).sum() / weight.sum()
    excess = (weight * (effects - fixed) ** 2).sum() - (len(effects) - 1)
    scale = weight.sum() - (weight**2).sum() / weight.sum()
    between = max(0.0, excess / scale)
    own = 1 / (errors**2 + between)
    return float((own * effects).sum() / own.sum()), float(1 / math.sqrt(own.sum())), math.sqrt(between)


def predict_next(effects: pd.DataFrame, progress: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """Predict the effect of every campaign that cannot be judged yet because its window is not over.

    The interval is that of one more effect of the same kind, as it will be estimated: it holds the spread
    of true effects, the error of their mean and that of the estimate to come,
    `t(n − 2) √(τ² + se² + median error²)`. Proven effects speak alone where there are three of them.

    Parameters
    ----------
    effects
        From `returns.add_returns`.
    progress
        From `returns.progress`: reach, planned or so far.
    as_of
        The day the prediction is made.

    Returns
    -------
    pandas.DataFrame
        One row a campaign to come or running; none where fewer than three effects are known.
    """
    known = effects[effects["grade"].isin(BELIEVED)]
    proven = known[known["grade"] == "A"]
    known = proven if len(proven) >= _FEWEST else known
    open_ones = effects[effects["reason"].isin(["not started", "window not over"])]
    if len(known) < _FEWEST or open_ones.empty:
        return pd.DataFrame(columns=_COLUMNS)
    errors = (known["effect_high"] - known["effect_low"]).to_numpy(float) / (
        2 * stats.norm.ppf(0.5 + LEVEL / 2)
    )
    mean, error, spread = random_effects(known["effect"].to_numpy(float), errors)
    t = stats.t.ppf(0.5 + LEVEL / 2, len(known) - 2)
    half = float(t * math.sqrt(spread**2 + error**2 + np.median(errors) ** 2))
    reach = progress.set_index("campaign_id")[["planned_reach", "reach"]].astype(float).max(axis=1)
    table = open_ones[["campaign_id", "name", "channel", "starts_on"]].assign(
        predicted_on=as_of, based_on=len(known), effect=mean, effect_low=mean - half, effect_high=mean + half
    )
    table["contacts"] = table["campaign_id"].map(reach).fillna(0.0).astype("int64")
    for end in ("", "_low", "_high"):
        table[f"total{end}"] = table[f"effect{end}"] * table["contacts"]
    return rounded(table[_COLUMNS].reset_index(drop=True))


def score_promises(before: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Hold what an earlier report expected against what is known now.

    Parameters
    ----------
    before
        `predict_next` as an earlier report published it.
    effects
        The effects of today.

    Returns
    -------
    pandas.DataFrame
        One row a campaign that was predicted and is judged now: `promised` with interval, `happened` with
        interval, `inside` (whether what happened lies in what was promised) and the grade of evidence.
    """
    columns = {"effect": "promised", "effect_low": "promised_low", "effect_high": "promised_high"}
    said = before[["campaign_id", "predicted_on", *columns]].rename(columns=columns)
    now = effects.loc[
        effects["grade"] != "", ["campaign_id", "name", "grade", "effect", "effect_low", "effect_high"]
    ]
    renamed = {"effect": "happened", "effect_low": "happened_low", "effect_high": "happened_high"}
    table = now.rename(columns=renamed).merge(said.astype({"campaign_id": "str"}), on="campaign_id")
    inside = (table["promised_low"] <= table["happened"]) & (table["happened"] <= table["promised_high"])
    return table.assign(inside=np.where(inside, "yes", "no"))
