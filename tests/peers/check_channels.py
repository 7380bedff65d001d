"""Are planted response curves found again, and does the budget made of them keep what it promises?

Run: python tests/peers/check_channels.py [--seeds 20] [--customers 6000] [--weeks 100]

Each seed makes a company with planted curves, brings it in, cleans it, fits curves and divides its budget.
Prints one JSON line a measurement: parameters found again with their intervals, the share of the best plan's
gain that is lost to estimation, the gain promised beside the gain that comes true by the planted curves, and
carry-over and saturation from made weeks whose misses remember one another. Then months are made in which one
channel's curve is an S: how often it is found, and what the budget loses. Ends with 1 when a promise is
broken.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recovery.made import cleaned

from crm_helpers import lake
from crm_helpers.analysis.campaigns.returns import gross_margin
from crm_helpers.analysis.channels.allocation import allocate
from crm_helpers.analysis.channels.allocation_limits import Limits
from crm_helpers.analysis.channels.budget import Curves, by_marginal_value
from crm_helpers.analysis.channels.budget_plan import make_plan
from crm_helpers.analysis.channels.measures import measure
from crm_helpers.analysis.channels.response import fit_curves
from crm_helpers.analysis.channels.summary import complete_months, evaluate
from crm_helpers.analysis.channels.weekly import LAGS, fit_weeks
from crm_helpers.demo.plan import CHANNELS, MONTHS, ORDERS_PER_CUSTOMER

REGRET = 0.02
WEEKS, CARRY, BEND, MOST = 180, np.array([0.4, 0.2]), np.array([4.0, 3.0]), (2500, 1700)


def main() -> int:
    """Print the measurements; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--customers", type=int, default=6_000)
    parser.add_argument("--weeks", type=int, default=100, help="made companies kept by week, by memory")
    arguments = parser.parse_args()
    curves, plans = [], []
    for seed in range(1, arguments.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            found, plan = company(Path(folder), arguments.customers, seed)
        curves.append(found)
        plans.append(plan)
    good = _parameters(pd.concat(curves, ignore_index=True))
    good &= _plans(pd.DataFrame(plans))
    good &= all(_by_week(memory, arguments.weeks) for memory in (0.0, 0.3, 0.6))
    good &= all(_one_s(order, arguments.seeds, arguments.customers) for order in (2.0, 2.5, 3.0))
    return 0 if good else 1


def company(root: Path, customers: int, seed: int) -> tuple[pd.DataFrame, dict[str, object]]:
    """Make one company, fit its curves and divide its budget; both beside the truth."""
    folder = cleaned(root, customers=customers, seed=seed)
    version, connection = lake.current_clean(folder), lake.connect()
    names = ("channels", "communications", "transactions")
    table, contacts, lines = (lake.read_clean(connection, version, name) for name in names)
    months = complete_months(table, as_of=version.as_of)
    values = measure(evaluate(months, contacts, lines, as_of=version.as_of), "order value")
    margin = gross_margin(lines, as_of=version.as_of)
    fitted = fit_curves(months, seed=seed)
    plan = make_plan(fitted, values, margin=margin, seed=seed)
    truth = pd.read_parquet(folder.data / "truth" / "curves.parquet").sort_values("channel")
    found = fitted.curves.merge(truth, on="channel", suffixes=("", "_true"), validate="one_to_one")
    bounds = (found["cost_low"].to_numpy(), found["cost_high"].to_numpy())
    worth = found["mean_order_value"].to_numpy() * (margin or 1.0)
    true = Curves(found["scale_true"].to_numpy(), found["exponent_true"].to_numpy(), worth, *bounds)
    now, planned, best = (
        float(true.worth(np.asarray(cost, float)).sum())
        for cost in (
            plan.table["cost_now"],
            plan.table["cost_planned"],
            by_marginal_value(true, plan.budget)[0],
        )
    )
    told = {
        "shape": fitted.shape, "s_shaped": len(fitted.choice.s_shaped),
        "advice": plan.advice, "promised": plan.gain.value, "came": planned - now,
        "inside": plan.gain.low <= planned - now <= plan.gain.high,
        "lost": (best - planned) / (best - now),
        "lost_said": plan.regret / (plan.gain.value + plan.regret),
    }  # fmt: skip
    return found, told


def _parameters(found: pd.DataFrame) -> bool:
    apart = found["exponent"] - found["exponent_true"]
    inside = found["exponent_true"].between(found["exponent_low"], found["exponent_high"])
    orders = found["orders_now"] / (found["scale_true"] * found["cost_now"] ** found["exponent_true"]) - 1
    _print(
        "curves", count=len(found), bias=apart.mean(), error=apart.abs().mean(), largest=apart.abs().max(),
        covered=inside.mean(), orders_error=orders.abs().mean(),
    )  # fmt: skip
    return _covers(inside.to_numpy(bool))


def _plans(plans: pd.DataFrame) -> bool:
    _print(
        "budget", count=len(plans), moved=(plans["advice"] == "move").mean(),
        power=(plans["shape"] == "power").mean(),
        s_shaped=(plans["s_shaped"] > 0).mean(), lost=plans["lost"].mean(), most_lost=plans["lost"].max(),
        lost_said=plans["lost_said"].mean(),
    )  # fmt: skip
    _print(
        "promise", count=len(plans), promised=plans["promised"].mean(), came=plans["came"].mean(),
        apart=(plans["promised"] / plans["came"] - 1).abs().mean(), inside=plans["inside"].mean(),
    )  # fmt: skip
    return bool(plans["lost"].max() <= REGRET) and _covers(plans["inside"].to_numpy(bool))


def _one_s(order: float, seeds: int, customers: int) -> bool:
    """Make months of the demo's channels, one of them with Hill's curve of an order."""
    found = pd.DataFrame([_divided(order, seed, customers) for seed in range(seeds)])
    _print(
        "one S", order=order, count=seeds, found=found["found"].mean(), wrong=found["wrong"].mean(),
        lost=found["lost"].mean(), most_lost=found["lost"].max(),
        most_lost_where_found=found["lost"][found["found"]].max(), inside=found["inside"].mean(),
    )  # fmt: skip
    chosen = found["lost"][found["found"]].max()  # an S that is not found is a curve not known
    return bool(chosen <= REGRET and found["wrong"].mean() <= 0.1)


def _divided(order: float, seed: int, customers: int) -> dict[str, float]:
    random, names = np.random.default_rng(seed), [channel.name for channel in CHANNELS]
    orders = np.array([c.order_share for c in CHANNELS]) * ORDERS_PER_CUSTOMER * customers / MONTHS
    middle = orders * np.array([c.cost_per_order for c in CHANNELS])
    exponent, s = np.array([c.exponent for c in CHANNELS]), names.index("social")

    def expected(cost: np.ndarray) -> np.ndarray:
        r = cost / middle
        hill = 2 * r**order / (1 + r**order)
        return np.asarray(orders * np.where(np.arange(len(names)) == s, hill, r**exponent))

    cost = middle * np.exp(random.uniform(-0.8, 0.8, (MONTHS, len(names))))
    periods = pd.date_range("2023-01-01", periods=MONTHS, freq="MS").repeat(len(names))
    made = {"channel": names * MONTHS, "period": periods, "cost": cost.ravel()}
    fitted = fit_curves(pd.DataFrame(made | {"orders": random.poisson(expected(cost)).ravel()}), seed=seed)
    values = pd.DataFrame({"channel": names, "value": 60.0, "low": 58.8, "high": 61.2})
    plan = make_plan(fitted, values, seed=seed)
    place = [names.index(name) for name in plan.table["channel"]]
    now, planned = (
        plan.table[name].to_numpy(float)[np.argsort(place)] for name in ("cost_now", "cost_planned")
    )
    best = _best_cost(expected, cost.min(axis=0), cost.max(axis=0), plan.budget)
    worth = [60 * float(expected(each).sum()) for each in (now, planned, best)]
    return {
        "found": "social" in fitted.choice.s_shaped,
        "wrong": any(name != "social" for name in fitted.choice.s_shaped),
        "lost": (worth[2] - worth[1]) / (worth[2] - worth[0]),
        "inside": plan.gain.low <= worth[1] - worth[0] <= plan.gain.high,
    }  # fmt: skip


def _best_cost(
    expected: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, budget: float
) -> np.ndarray:
    """Divide by the true curves on a grid of 500 parts, whatever their shape."""
    money = np.minimum(low + (budget - low.sum()) / 500 * np.arange(501)[:, None], high)
    steps = np.array([expected(each) for each in money]).T
    units = allocate(steps, 500, limits=Limits.none(steps)).units
    return np.asarray(money[units, np.arange(len(low))])


def _by_week(memory: float, companies: int) -> bool:
    inside, apart = [], []
    for seed in range(companies):
        found = fit_weeks(*made_weeks(seed, memory), ["tv", "web"], seed=seed)
        both = [*zip(found.carry, CARRY, strict=True), *zip(found.saturation, BEND, strict=True)]
        inside.append([one.low <= true <= one.high for one, true in both])
        apart.append([one.value - true for one, true in both])
    bias = np.mean(apart, axis=0)
    held = np.array(inside)
    _print(
        "weeks", memory=memory, count=held.size, carry_bias=bias[:2].mean(), saturation_bias=bias[2:].mean(),
        covered=held.mean(),
    )  # fmt: skip
    return bool(held.mean() >= 0.9)


def made_weeks(seed: int, memory: float) -> tuple[np.ndarray, np.ndarray]:
    """Make weeks with carry-over, saturation, trend, season, and errors that remember the week before."""
    random = np.random.default_rng(seed)
    cost = random.uniform(0, 1, (WEEKS, 2))
    cost[:, 1] *= random.random(WEEKS) > 0.6
    cost[0] = 1.0
    orders = 3000 + 1500 * np.arange(WEEKS) / WEEKS + 300 * np.sin(2 * np.pi * np.arange(WEEKS) / 52.1775)
    for k, most in enumerate(MOST):
        weight = CARRY[k] ** np.arange(LAGS)
        orders += most * np.tanh(BEND[k] * np.convolve(cost[:, k], weight / weight.sum())[:WEEKS] / 2)
    left = random.normal(0, 100, WEEKS)
    for week in range(1, WEEKS):
        left[week] = memory * left[week - 1] + np.sqrt(1 - memory**2) * left[week]
    return orders + left, 900 * cost


def _covers(inside: np.ndarray) -> bool:
    return bool(stats.binomtest(int(inside.sum()), len(inside), 0.95).pvalue > 0.001)


def _print(what: str, **values: float) -> None:
    print(json.dumps({"what": what, **{k: round(float(v), 4) for k, v in values.items()}}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
