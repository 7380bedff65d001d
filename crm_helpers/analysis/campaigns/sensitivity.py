"""How strong a cause that no table knows would have to be to explain an effect away."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from crm_helpers.analysis.campaigns.panel import COVARIATES

__all__ = ["known_strength", "robustness_value"]


def robustness_value(t: float, freedom: float, *, alpha: float | None = None) -> float:
    """Compute the robustness value of a regression's coefficient (Cinelli & Hazlett 2020).

    A hidden cause that explains this share of what is left both of being contacted and of spend would
    bring the effect to zero: `RV = (√(f⁴ + 4f²) − f²)/2` with `f = |t|/√ν`.

    Parameters
    ----------
    t, freedom
        The coefficient over its error, and the degrees of freedom ν.
    alpha
        Where given, what is needed to make the effect insignificant at this level:
        `f = |t|/√ν − t*/√(ν − 1)`.

    Returns
    -------
    float
        A share; 0 where the effect is not significant in the first place.

    Examples
    --------
    >>> round(robustness_value(4.18445, 783), 3), round(robustness_value(4.18445, 783, alpha=0.05), 3)
    (0.139, 0.076)
    """
    if not freedom > 1 or not math.isfinite(t):
        return math.nan
    f = abs(t) / math.sqrt(freedom)
    if alpha is not None:
        f -= float(stats.t.ppf(1 - alpha / 2, freedom - 1)) / math.sqrt(freedom - 1)
    return (math.sqrt(f**4 + 4 * f**2) - f**2) / 2 if f > 0 else 0.0


def known_strength(rows: pd.DataFrame, *, outcome: str = "spend") -> float:
    """Compute how strong the strongest known covariate is, on the scale of the robustness value.

    For each covariate, the shares of what the others leave that it explains of being contacted and of
    spend; of the two their geometric mean, as bias goes with their product.

    Parameters
    ----------
    rows
        One row a customer: `treated`, the outcome and `COVARIATES`.
    outcome
        What is compared.

    Returns
    -------
    float
        A share.
    """
    columns = rows[list(COVARIATES)].to_numpy(float)
    spread = columns.std(axis=0)
    columns = (columns - columns.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    treated, y = (rows[name].to_numpy(float) for name in ("treated", outcome))
    one = np.ones((len(rows), 1))
    contact = _partial(np.column_stack([columns, one]), treated)
    spend = _partial(np.column_stack([columns, treated, one]), y)
    count = columns.shape[1]
    return float(np.sqrt(contact[:count] * spend[:count]).max(initial=0.0))


def _partial(design: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Give partial R² of every column: `t²/(t² + ν)`."""
    inverse = np.linalg.pinv(design.T @ design)
    slopes = inverse @ design.T @ outcome
    freedom = max(len(outcome) - design.shape[1], 1)
    residual = outcome - design @ slopes
    variance = np.maximum(np.diag(inverse), 1e-300) * (residual @ residual) / freedom
    t = slopes**2 / np.maximum(variance, 1e-300)
    return np.asarray(t / (t + freedom))
