"""How a channel's orders answer to its cost: a power curve a channel, and how sure it is.

`orders = scale · cost^exponent`, with 0 < exponent < 1: each further unit of money brings less than the
one before. Nothing is said beyond the costs that were observed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_helpers.analysis.channels.response_fit import fit_powers, shrink

__all__ = ["FEWEST_MONTHS", "LARGEST", "SMALLEST", "ResponseCurves", "fit_curves", "tabulate"]

FEWEST_MONTHS = 6
"""Months with cost and orders that a channel's curve needs."""

SMALLEST, LARGEST = 0.01, 0.99
"""Where an exponent is held, so that returns diminish."""

_LEAST_SPREAD = 1.2  # highest over lowest cost: below, the months do not show what cost does


@dataclass(frozen=True)
class ResponseCurves:
    """The fitted curves, and draws of what else they could be.

    `curves` has a row a channel: `scale`, `exponent` with interval, `own_exponent` (before shrinking),
    `r_squared`, `months`, `cost_low`, `cost_high` (the range observed), `cost_now`, `orders_now` (fitted),
    `doubling` (orders gained by doubling the cost, as a share) and `note`; `unfit` says why a channel
    has no curve. `scales` and `exponents` have a row a draw and a column a channel of `curves`.
    """

    curves: pd.DataFrame
    unfit: dict[str, str]
    scales: np.ndarray
    exponents: np.ndarray


def fit_curves(
    months: pd.DataFrame, *, recent_months: int = 3, draws: int = 1000, seed: int = 1
) -> ResponseCurves:
    """Fit each channel's curve by Poisson likelihood, and shrink the exponents towards each other.

    `log E(orders) = log scale + exponent · log cost` (quasi-Poisson: consistent whatever the variance).
    The exponents are drawn to their common mean as far as their differences are noise (empirical Bayes), and
    the scale follows. Intervals come from draws of the estimates, whose covariance is that of leaving out
    one month at a time, all channels together.

    Parameters
    ----------
    months
        `channel`, `period`, `cost` (money), `orders`: from `channels.complete_months`.
    recent_months
        The last months whose mean cost is what is spent now.
    draws
        Draws of the curves behind every interval.
    seed
        Of the draws.

    Returns
    -------
    ResponseCurves
        The curves, by channel.

    Examples
    --------
    >>> months = pd.DataFrame({"channel": "shop", "period": pd.date_range("2024-01-01", periods=8, freq="MS"),
    ...                        "cost": [100.0, 400.0] * 4, "orders": [50.0, 100.0] * 4})
    >>> fitted = fit_curves(months)
    >>> fitted.curves[["exponent", "scale"]].round(6).values.tolist()
    [[0.5, 5.0]]
    """
    known = months.dropna(subset=["cost", "orders"])
    known = known[known["cost"] > 0].astype({"cost": "float64", "orders": "float64"})
    own = {str(name): rows for name, rows in known.groupby("channel")}
    unfit = {str(name): _fault(own.get(str(name), known.head(0))) for name in sorted(set(months["channel"]))}
    fit = {name: own[name] for name, fault in unfit.items() if not fault}
    channels = list(fit.values())
    found, random = fit_powers(channels), np.random.default_rng(seed)
    levels, slopes = found.draw(draws, random)
    slope, slopes = shrink(found.slope, found.slope_variance, slopes, random)
    exponent, exponents = np.clip(slope, SMALLEST, LARGEST), np.clip(slopes, SMALLEST, LARGEST)
    scale = np.array([_scale(rows, e) for rows, e in zip(channels, exponent, strict=True)])
    middle = np.array([np.log(rows["cost"]).mean() for rows in channels])
    scales = np.exp(np.log(scale) + (levels - found.level) - (exponents - exponent) * middle)
    table = _described(fit, scale, exponent, exponents, found.slope, recent_months)
    return ResponseCurves(table, {n: f for n, f in unfit.items() if f}, scales, exponents)


def tabulate(fitted: ResponseCurves, *, points: int = 40) -> pd.DataFrame:
    """Draw every curve over the costs observed, with the middle 95 % of its draws.

    Parameters
    ----------
    fitted
        The curves.
    points
        Costs per curve.

    Returns
    -------
    pandas.DataFrame
        `channel`, `cost`, `orders`, `low`, `high`.
    """
    frames = [_drawn(fitted, place, points) for place in range(len(fitted.curves))]
    columns = ["channel", "cost", "orders", "low", "high"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _drawn(fitted: ResponseCurves, place: int, points: int) -> pd.DataFrame:
    row = fitted.curves.iloc[place]
    cost = np.linspace(float(row["cost_low"]), float(row["cost_high"]), points)
    drawn = fitted.scales[:, [place]] * cost ** fitted.exponents[:, [place]]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    orders = float(row["scale"]) * cost ** float(row["exponent"])
    return pd.DataFrame({"channel": row["channel"], "cost": cost, "orders": orders, "low": low, "high": high})


def _fault(rows: pd.DataFrame) -> str:
    if len(rows) < FEWEST_MONTHS:
        return f"fewer than {FEWEST_MONTHS} months with cost and orders"
    if rows["cost"].max() < _LEAST_SPREAD * rows["cost"].min():
        return "cost hardly varied"
    return "" if rows["orders"].sum() > 0 else "no orders"


def _scale(rows: pd.DataFrame, exponent: float) -> float:
    return float(rows["orders"].sum() / (rows["cost"] ** exponent).sum())


def _described(
    fit: dict[str, pd.DataFrame],
    scales: np.ndarray,
    exponents: np.ndarray,
    drawn: np.ndarray,
    own: np.ndarray,
    recent: int,
) -> pd.DataFrame:
    records = []
    for k, (name, rows) in enumerate(fit.items()):
        scale, exponent = float(scales[k]), float(exponents[k])
        low, high = np.quantile(drawn[:, k], [0.025, 0.975])
        cost, orders = rows["cost"].to_numpy(), rows["orders"].to_numpy()
        missed, total = ((orders - scale * cost**exponent) ** 2).sum(), ((orders - orders.mean()) ** 2).sum()
        quality = 1 - missed / total if total > 0 else math.nan
        note = "" if SMALLEST < own[k] < LARGEST else "held at the bound"
        now = float(rows.sort_values("period")["cost"].tail(recent).mean())
        fitted = (name, scale, exponent, low, high, own[k], quality, len(rows), cost.min(), cost.max())
        records.append((*fitted, now, scale * now**exponent, 2**exponent - 1, note))
    return pd.DataFrame(records, columns=_COLUMNS)


_COLUMNS = [
    "channel", "scale", "exponent", "exponent_low", "exponent_high", "own_exponent", "r_squared", "months",
    "cost_low", "cost_high", "cost_now", "orders_now", "doubling", "note",
]  # fmt: skip
