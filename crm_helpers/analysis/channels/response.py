"""How a channel's orders answer to its cost: a curve a channel that bends, and how sure it is.

`orders = scale · g(cost / middle; exponent)`, with g one of `shapes`: each further unit of money brings less
than the one before, on an S from its turning point on. Nothing is said beyond the costs that were observed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from crm_helpers.analysis.channels.budget import Curves
from crm_helpers.analysis.channels.lift_tests import (
    TEST_COLUMNS,
    Calibrated,
    calibrate,
    compared,
    known_channels,
)
from crm_helpers.analysis.channels.response_fit import fit_each, middle_cost, shrink
from crm_helpers.analysis.channels.shape_choice import ShapeChoice, choose_shape
from crm_helpers.analysis.channels.shapes import (
    LARGEST,
    S_SHAPED,
    SMALLEST,
    ShapeName,
    by_channel,
    order_of,
    relative,
)
from crm_helpers.lift import LiftTest

__all__ = ["FEWEST_MONTHS", "LARGEST", "SMALLEST", "ResponseCurves", "fit_curves", "tabulate"]

FEWEST_MONTHS = 6
"""Months with cost and orders that a channel's curve needs."""

_LEAST_SPREAD = 1.2  # highest over lowest cost: below, the months do not show what cost does


@dataclass(frozen=True)
class ResponseCurves:
    """The fitted curves, and draws of what else they could be.

    `curves` has a row a channel: `shape`, `scale` (orders at the `middle` cost), `middle` (1 for the power),
    `exponent` (elasticity at the middle) with interval, `own_exponent` (before shrinking and tests),
    `r_squared`, `months`, `cost_low`, `cost_high` (the range observed), `cost_now`, `orders_now` (fitted),
    `tenth` (orders won by a tenth more cost, as a share, at the curve's slope), `doubling` (by twice the
    cost; missing where that was never spent) and `note`; `unfit` says why a channel has no curve. `scales`
    and `exponents` have a row a draw and a column a channel of `curves`. `choice` says why this shape, and
    `tests` what lift tests found beside what the curves say.
    """

    curves: pd.DataFrame
    unfit: dict[str, str]
    scales: np.ndarray
    exponents: np.ndarray
    choice: ShapeChoice
    tests: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TEST_COLUMNS))

    @property
    def shape(self) -> ShapeName:
        """Shape of all curves but those that have an S for themselves."""
        return self.choice.shape

    @property
    def shapes(self) -> tuple[ShapeName, ...]:
        """Shape of each curve."""
        return self.choice.shapes(self.curves["channel"])


def fit_curves(
    months: pd.DataFrame,
    *,
    recent_months: int = 3,
    shape: ShapeName | Literal["evidence"] = "evidence",
    lift_tests: tuple[LiftTest, ...] = (),
    draws: int = 1000,
    seed: int = 1,
) -> ResponseCurves:
    """Fit each channel's curve by Poisson likelihood, and shrink the elasticities towards each other.

    `log E(orders) = level + log g(cost / middle; b)` (quasi-Poisson: consistent whatever the variance).
    The elasticities are drawn to their common mean as far as their differences are noise (empirical Bayes),
    and the scale follows. Intervals come from draws of the estimates, whose covariance is that of leaving out
    one month at a time, all channels together.

    Parameters
    ----------
    months
        `channel`, `period`, `cost` (money), `orders`: from `channels.complete_months`.
    recent_months
        The last months whose mean cost is what is spent now.
    shape
        Of all curves; "evidence" takes the one that predicts months not seen.
    lift_tests
        Tests in which cost was changed on purpose.
    draws
        Draws of the curves behind every interval.
    seed
        Of the draws.

    Returns
    -------
    ResponseCurves
        The curves, by channel.

    Raises
    ------
    InputError
        A test of an unknown channel, or one that takes away more than the channel costs.

    Examples
    --------
    >>> months = pd.DataFrame({"channel": "shop", "period": pd.date_range("2024-01-01", periods=8, freq="MS"),
    ...                        "cost": [100.0, 400.0] * 4, "orders": [50.0, 100.0] * 4})
    >>> fitted = fit_curves(months)
    >>> fitted.curves[["exponent", "scale"]].round(6).values.tolist()
    [[0.5, 5.0]]
    """
    known_channels(lift_tests, sorted(set(months["channel"])))
    fit, unfit = _usable(months)
    tried = choose_shape(fit)
    choice = tried if shape == "evidence" else tried.of(shape)
    make = partial(_fitted, fit, unfit, choice=choice, draws=draws, seed=seed, recent=recent_months)
    tested = tuple(test for test in lift_tests if test.channel in fit)
    fitted = make(tests=tested)
    if not tested:
        return fitted
    curves = (fitted.curves, make(tests=()).curves)
    return replace(fitted, tests=compared(tested, fit, curves=curves))


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
    r, shape = cost / float(row["middle"]), fitted.shapes[place]
    drawn = fitted.scales[:, [place]] * relative(shape, r, fitted.exponents[:, [place]])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    orders = float(row["scale"]) * relative(shape, r, np.array(float(row["exponent"])))
    return pd.DataFrame({"channel": row["channel"], "cost": cost, "orders": orders, "low": low, "high": high})


def _usable(months: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    known = months.dropna(subset=["cost", "orders"])
    known = known[known["cost"] > 0].astype({"cost": "float64", "orders": "float64"})
    own = {str(name): rows for name, rows in known.groupby("channel")}
    unfit = {str(name): _fault(own.get(str(name), known.head(0))) for name in sorted(set(months["channel"]))}
    return {n: own[n] for n, fault in unfit.items() if not fault}, {n: f for n, f in unfit.items() if f}


def _fault(rows: pd.DataFrame) -> str:
    if len(rows) < FEWEST_MONTHS:
        return f"fewer than {FEWEST_MONTHS} months with cost and orders"
    if rows["cost"].max() < _LEAST_SPREAD * rows["cost"].min():
        return "cost hardly varied"
    return "" if rows["orders"].sum() > 0 else "no orders"


def _fitted(
    fit: dict[str, pd.DataFrame],
    unfit: dict[str, str],
    *,
    choice: ShapeChoice,
    tests: tuple[LiftTest, ...],
    draws: int,
    seed: int,
    recent: int,
) -> ResponseCurves:
    shapes, channels, random = choice.shapes(fit), list(fit.values()), np.random.default_rng(seed)
    found = fit_each(channels, shapes)
    levels, slopes = found.draw(draws, random)
    own = calibrate(found, slopes, channels=fit, shapes=shapes, tests=tests, random=random)
    slope, slopes = _together(own, shapes, random)
    most = LARGEST * np.array([order_of(shape) for shape in shapes])
    least = most * (SMALLEST / LARGEST)
    exponent, exponents = np.clip(slope, least, most), np.clip(slopes, least, most)
    centre = np.array([middle_cost(rows) for rows in channels])
    level = np.array([_level(*each) for each in zip(channels, centre, exponent, shapes, strict=True)])
    drawn = level * np.exp(levels - found.level)
    # a power is told by its orders at a cost of one, any other shape by those at the middle cost
    middle = np.where([shape == "power" for shape in shapes], 1.0, centre)
    scale = level * by_channel(relative, shapes, middle / centre, exponent)
    scales = drawn * by_channel(relative, shapes, middle / centre, exponents)
    nothing = np.zeros(len(scale))
    curves = Curves(scale, exponent, nothing, nothing, nothing, middle, shapes)
    table = _described(fit, curves, exponents, found.slope, recent)
    return ResponseCurves(table, unfit, scales, exponents, choice)


def _together(
    own: Calibrated, shapes: tuple[ShapeName, ...], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw elasticities and their draws towards each other; an S has its own, for its middle is steep."""
    alike = np.array([shape not in S_SHAPED for shape in shapes], bool)
    slope, slopes = own.elasticity.copy(), own.draws.copy()
    found = shrink(slope[alike], own.variance[alike], slopes[:, alike], random)
    slope[alike], slopes[:, alike] = found
    return slope, slopes


def _level(rows: pd.DataFrame, middle: float, b: float, shape: ShapeName) -> float:
    at = relative(shape, rows["cost"].to_numpy(float) / middle, np.array(b))
    return float(rows["orders"].sum() / at.sum())


def _described(
    fit: dict[str, pd.DataFrame], curves: Curves, drawn: np.ndarray, own: np.ndarray, recent: int
) -> pd.DataFrame:
    if not fit:
        return pd.DataFrame(columns=_COLUMNS)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    costs = [rows["cost"] for rows in fit.values()]
    now = np.array([rows.sort_values("period")["cost"].tail(recent).mean() for rows in fit.values()])
    orders, most = curves.orders(now), np.array([cost.max() for cost in costs])
    elastic = now * replace(curves, value=np.ones(len(now))).marginal(now) / orders
    seen = 2 * now <= most
    share = own / np.array([order_of(shape) for shape in curves.shapes])
    return pd.DataFrame({
        "channel": list(fit), "shape": list(curves.shapes), "scale": curves.scale, "middle": curves.middle,
        "exponent": curves.exponent, "exponent_low": low, "exponent_high": high, "own_exponent": own,
        "r_squared": [_explained(rows, curves, k) for k, rows in enumerate(fit.values())],
        "months": [len(cost) for cost in costs], "cost_low": [cost.min() for cost in costs],
        "cost_high": most, "cost_now": now, "orders_now": orders, "tenth": elastic / 10,
        "doubling": np.where(seen, curves.orders(2 * now) / orders - 1, np.nan),
        "note": np.where((share > SMALLEST) & (share < LARGEST), "", "held at the bound"),
    })[_COLUMNS]  # fmt: skip


def _explained(rows: pd.DataFrame, curves: Curves, k: int) -> float:
    orders, cost = rows["orders"].to_numpy(float), rows["cost"].to_numpy(float)
    expected = curves.scale[k] * relative(curves.shapes[k], cost / curves.middle[k], curves.exponent[k])
    total = float(((orders - orders.mean()) ** 2).sum())
    return 1 - float(((orders - expected) ** 2).sum()) / total if total > 0 else math.nan


_COLUMNS = [
    "channel", "shape", "scale", "middle", "exponent", "exponent_low", "exponent_high", "own_exponent",
    "r_squared", "months", "cost_low", "cost_high", "cost_now", "orders_now", "tenth", "doubling", "note",
]  # fmt: skip
