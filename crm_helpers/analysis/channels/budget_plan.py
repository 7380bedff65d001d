"""Next month's budget beside the present one: what to move, what it gains, and whether that is sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from crm_helpers.analysis.channels.budget import (
    Allocation,
    Bounded,
    Curves,
    by_greedy,
    by_linear_program,
    by_marginal_value,
)
from crm_helpers.analysis.channels.draws_on_grid import divide_draws
from crm_helpers.analysis.channels.limit_prices import PRICE_COLUMNS, limit_prices
from crm_helpers.analysis.channels.response import ResponseCurves
from crm_helpers.analysis.channels.stated_limits import Limited, StatedLimits, divide
from crm_helpers.analysis.estimates import Estimate, quantile_estimate

__all__ = ["Advice", "BudgetPlan", "make_plan"]

_NO_LIMITS = StatedLimits({}, ())
_NONE = Estimate(math.nan, math.nan, math.nan)

Advice = Literal[
    "move", "do not move", "nothing to divide", "budget too small", "budget too large", "limits conflict"
]


@dataclass(frozen=True)
class BudgetPlan:
    """A plan of costs by channel with its gain.

    `table`: channel, `cost_now`, `cost_planned`, `change` (share), `orders_now`, `orders_planned`,
    `value_now`, `value_planned`, `marginal_now`, `marginal_planned` (money one more unit brings),
    `at_bound`. `gain` is money a month, corrected for `optimism`; `promised` is what the curves say
    without the correction; both against today's split of the same budget. `regret` is what the best plan of
    curves fully known is expected to bring beyond this one. `least` and `most` are what the
    channels cost together at least and at most. `left_out` says why a channel
    with cost is not in the plan. `disagreement` is how far greedy spending and equal marginal value stay
    from the linear program, as a share of what the plan brings; with limits or an S-shaped curve, `gap` is
    how far the plan is from a bound no division can pass, and `conflict` names limits that cannot hold;
    `why_unspent` says why they leave money. `prices` names every limit that binds with what one unit of money
    more of it would bring (`limit`, `kind`, `at`, `price`), the budget first. `concave` is whether no curve
    is an S; where one is, `disagreement` is between two grids.
    """

    table: pd.DataFrame
    advice: Advice
    budget: float
    least: float
    most: float
    left_out: dict[str, str]
    gain: Estimate = _NONE
    promised: float = math.nan
    optimism: float = math.nan
    regret: float = math.nan
    shadow_price: float = math.nan
    disagreement: float = 0.0
    gap: float = 0.0
    conflict: tuple[str, ...] = ()
    why_unspent: str = ""
    prices: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=PRICE_COLUMNS))
    concave: bool = True

    @property
    def spent(self) -> bool:
        """Whether the plan spends the budget; where there is no plan there is nothing to spend."""
        planned = float(self.table["cost_planned"].sum())
        return self.advice not in ("move", "do not move") or abs(planned - self.budget) <= 1e-3 * self.budget


def make_plan(
    fitted: ResponseCurves,
    order_values: pd.DataFrame,
    *,
    budget: float = 0.0,
    margin: float | None = None,
    limits: StatedLimits = _NO_LIMITS,
    seed: int = 1,
) -> BudgetPlan:
    """Divide a month's budget for the highest expected value, within the costs observed.

    The plan is the optimum of the fitted curves, on a grid where there are limits or an S-shaped curve; its
    gain over the present split is evaluated on draws of the curves and order values. An optimum found on
    estimates promises too much: in each draw the draw's own optimum is compared on the draw and on the
    fitted curves, and the mean difference is taken off (bootstrap optimism, Efron & Tibshirani 1993, ch. 17;
    the optimiser's curse). How much of it to take off is not certain itself: draws spread wider than shrunk
    estimates do, so the low end of the interval takes off all of it and the high end nothing. "Move" only
    when the low end lies above zero.

    Parameters
    ----------
    fitted
        From `response.fit_curves`.
    order_values
        `channel`, `value`, `low`, `high`: money an order brings.
    budget
        Money of the month; 0 is what the channels cost now.
    margin
        Share of sales left after the cost of goods; None takes sales as they are.
    limits
        What else the division must keep; it is then exact on a grid of the budget.
    seed
        Of the order values' draws.

    Returns
    -------
    BudgetPlan
        The plan and the advice.
    """
    values = fitted.curves[["channel"]].merge(order_values, on="channel", how="left")
    usable = (values["value"] > 0).to_numpy()
    left_out = fitted.unfit | dict.fromkeys(values["channel"][~usable], "what an order brings is not known")
    table, curves = fitted.curves[usable].reset_index(drop=True), _curves(fitted, values, usable, margin)
    now = table["cost_now"].to_numpy(float)
    money = budget or float(now.sum()) or math.nan
    least, most = float(curves.low.sum()), float(curves.high.sum())
    if why := _no_plan(len(table), money, least, most):
        return BudgetPlan(_compared(table, curves, now, now), why, money, least, most, left_out)
    names, exact = table["channel"].tolist(), limits.any or not curves.concave
    limited = divide(curves, names, money, stated=limits) if exact else None
    if limited and limited.plan.conflict:
        same, conflict = _compared(table, curves, now, now), limited.plan.conflict
        return BudgetPlan(same, "limits conflict", money, least, most, left_out, conflict=conflict)
    plan = _in_money(limited) if limited else by_linear_program(curves, money)
    observed, gap, left = curves, 0.0, ""
    if limited:
        curves, gap, left = limited.curves, limited.plan.gap, limited.plan.why_unspent
    # another budget than today's is compared with today's split of it
    base = np.clip(now * money / now.sum(), curves.low, curves.high) if budget else now
    drawn, asked = _drawn(fitted, values, usable, curves, seed), (money, _bounded(names, limits))
    promised, optimism, regret, draws = _gains(curves, drawn, plan.cost, base, asked)
    gain = _corrected(quantile_estimate(promised, draws), optimism)
    advice: Advice = "move" if gain.low > 0 else "do not move"
    unit = limited.unit if limited else 0.0
    compared = _compared(table, curves, now, plan.cost, observed=observed, unit=unit)
    prices = limit_prices(compared, money, price=plan.shadow_price, limited=limited, stated=limits)
    return BudgetPlan(
        compared, advice, money, least, most, left_out, gain, promised, optimism, regret, plan.shadow_price,
        _disagreement(observed, names, money), gap, why_unspent=left, prices=prices, concave=curves.concave,
    )  # fmt: skip


def _corrected(promised: Estimate, optimism: float) -> Estimate:
    return Estimate(promised.value - optimism, promised.low - optimism, promised.high)


def _no_plan(channels: int, budget: float, least: float, most: float) -> Advice | None:
    """Say why no plan can be made; today's budget is always within what was observed."""
    if channels < 2:
        return "nothing to divide"
    if budget < least:
        return "budget too small"
    return "budget too large" if budget > most * (1 + 1e-9) else None


def _disagreement(curves: Curves, names: list[str], budget: float) -> float:
    """Say how far greedy spending and equal marginal value stay from the linear program, without limits.

    Where a curve is an S they would stop at the wrong place: there two grids are held against each other.
    """
    if curves.concave:
        best = by_linear_program(curves, budget).worth
        others = [by_greedy(curves, budget).worth, _worth(curves, by_marginal_value(curves, budget))]
    else:
        one = replace(curves, scale=curves.scale[None], exponent=curves.exponent[None])
        best = divide(curves, names, budget, stated=_NO_LIMITS).plan.worth
        others = [_worth(curves, divide_draws(one, budget))]
    return max(abs(other / best - 1) for other in others)


def _worth(curves: Curves, cost: np.ndarray) -> float:
    return float(curves.worth(cost).sum())


def _in_money(limited: Limited) -> Allocation:
    plan, left = limited.plan, limited.plan.unspent * limited.unit
    return Allocation(limited.cost, plan.worth, plan.price / limited.unit, left, "optimal")


def _curves(fitted: ResponseCurves, values: pd.DataFrame, usable: np.ndarray, margin: float | None) -> Curves:
    rows = fitted.curves[usable]
    worth = values["value"][usable].to_numpy(float) * (1.0 if margin is None else margin)
    scale, exponent, low, high, middle = (
        rows[c].to_numpy(float) for c in ("scale", "exponent", "cost_low", "cost_high", "middle")
    )
    shapes = fitted.choice.shapes(rows["channel"])
    return Curves(scale, exponent, worth, low, high, middle, shapes)


def _drawn(
    fitted: ResponseCurves, values: pd.DataFrame, usable: np.ndarray, curves: Curves, seed: int
) -> Curves:
    """Take the draws of the curves, with order values drawn from their intervals."""
    own = values[usable]
    spread = ((own["high"] - own["low"]) / 3.92 / own["value"]).fillna(0).to_numpy(float)
    noise = np.random.default_rng(seed).standard_normal((len(fitted.scales), len(own)))
    value = curves.value * np.maximum(1 + spread * noise, 0.01)
    return replace(curves, scale=fitted.scales[:, usable], exponent=fitted.exponents[:, usable], value=value)


def _bounded(names: list[str], limits: StatedLimits) -> list[Bounded]:
    return [(tuple(names.index(name) for name in members), low, high) for members, low, high in limits.groups]


def _gains(
    curves: Curves,
    drawn: Curves,
    plan: np.ndarray,
    base: np.ndarray,
    asked: tuple[float, Sequence[Bounded]],
) -> tuple[float, float, float, np.ndarray]:
    """Work out what the plan promises, how much of it is optimism, its regret, and its gain on each draw."""

    def gain(on: Curves, cost: np.ndarray) -> np.ndarray:
        return np.asarray(on.worth(cost).sum(axis=-1) - on.worth(base).sum(axis=-1))

    own = by_marginal_value(drawn, *asked) if drawn.concave else divide_draws(drawn, *asked)
    best, planned = gain(drawn, own), gain(drawn, plan)
    optimism = float((best - gain(curves, own)).mean())
    return float(gain(curves, plan)), max(0.0, optimism), max(0.0, float((best - planned).mean())), planned


def _compared(
    table: pd.DataFrame,
    curves: Curves,
    now: np.ndarray,
    planned: np.ndarray,
    *,
    observed: Curves | None = None,
    unit: float = 0.0,
) -> pd.DataFrame:
    seen = observed or curves
    given = (curves.low > seen.low) | (curves.high < seen.high)
    # a plan in whole parts of the budget stops up to a part short of a bound
    near = np.maximum(1e-6 * np.maximum(curves.high - curves.low, 1e-12), unit)
    at_least, at_most = planned - curves.low < near, curves.high - planned < near
    return pd.DataFrame({
        "channel": table["channel"],
        "cost_now": now, "cost_planned": planned, "change": planned / np.where(now > 0, now, np.nan) - 1,
        "orders_now": curves.orders(now), "orders_planned": curves.orders(planned),
        "value_now": curves.worth(now), "value_planned": curves.worth(planned),
        "marginal_now": curves.marginal(now), "marginal_planned": curves.marginal(planned),
        "at_bound": np.select(
            [(at_least | at_most) & given, at_least, at_most],
            ["limit given", "least observed", "most observed"], "",
        ),
    })  # fmt: skip
