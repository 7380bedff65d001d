"""What is each customer worth in the months ahead, and all of them together? In orders and in money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import Estimate, normal_estimate
from crm_helpers.analysis.value.lifetime import BuyingModel, Kind, fit_buying
from crm_helpers.analysis.value.spend import SpendModel, fit_spend, order_value_correlation

__all__ = [
    "FEWEST_CUSTOMERS", "FEWEST_REPEATING", "MONTHS", "PREDICTED", "WEEKS_A_MONTH", "ValueModel", "fit_value",
    "order_worth", "predict", "total_value", "worth_predicting",
]  # fmt: skip

MONTHS = (3, 6, 9, 12)
"""Months ahead that are computed; those in between are for discounting only."""
WEEKS_A_MONTH = 365.25 / 12 / 7
PREDICTED = (
    "p_alive", "order_value", "orders_3m", "orders_6m", "orders_12m", "value_3m", "value_6m", "value_12m",
)  # fmt: skip
"""What is predicted of each customer."""
FEWEST_CUSTOMERS = 100  # below it nothing is predicted
FEWEST_REPEATING = 30  # who ordered again
MOST_SIMULATED = 10_000  # customers; more are a sample, which widens the interval a little


@dataclass(frozen=True)
class ValueModel:
    """How often customers order and for how much, and what is left of their money.

    `kept` is the share of an order's money that stays: after returns, and after the cost of goods where
    known. `likelihoods` are of the models of buying that were tried.
    """

    buying: BuyingModel
    spend: SpendModel
    kept: float
    correlation: Estimate
    likelihoods: dict[str, float]


def worth_predicting(histories: pd.DataFrame) -> bool:
    """Whether there are enough customers, and enough who ordered again."""
    again = int((histories["x"] > 0).sum())
    return len(histories) >= FEWEST_CUSTOMERS and again >= FEWEST_REPEATING


def fit_value(histories: pd.DataFrame, *, margin: float | None = None) -> ValueModel:
    """Fit the models of buying and of spend.

    Parameters
    ----------
    histories
        From `purchases.histories`, worth predicting.
    margin
        Share of sales left after the cost of goods; None takes sales as they are.

    Returns
    -------
    ValueModel
        With the model of buying that makes the orders likelier.
    """
    kinds: tuple[Kind, ...] = ("BG/NBD", "MBG/NBD")
    models = [fit_buying(histories, kind=kind) for kind in kinds]
    again = histories[histories["x"] > 0]
    orders, mean, log_mean = (again[name].to_numpy(float) for name in ("orders", "mean", "log_mean"))
    best = max(models, key=lambda model: model.fit.log_likelihood)
    paid = float((histories["orders"] * histories["mean"]).sum())
    kept = float(histories["revenue"].sum()) / paid * (1.0 if margin is None else margin)
    return ValueModel(
        best,
        fit_spend(orders, mean, log_mean),
        kept,
        order_value_correlation(orders, mean),
        {model.kind: model.fit.log_likelihood for model in models},
    )


def predict(model: ValueModel, histories: pd.DataFrame, *, discount: float = 0.1) -> pd.DataFrame:
    """Expect orders and value of each customer over 3, 6 and 12 months.

    Parameters
    ----------
    model
        Result of `fit_value`.
    histories
        From `purchases.histories`.
    discount
        What money a year later is worth less, as a rate a year; orders of a quarter count at its middle.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `p_alive`, `order_value` (money kept of an order), `orders_3m`, `orders_6m`,
        `orders_12m`, `value_3m`, `value_6m`, `value_12m` (money, discounted).
    """
    each = order_worth(model, histories)
    ahead = np.array([model.buying.expected(histories, months * WEEKS_A_MONTH) for months in MONTHS])
    middles = np.array(MONTHS) - 1.5
    weights = (1 + discount) ** (-middles / 12)
    values = np.cumsum(np.diff(ahead, axis=0, prepend=0.0) * weights[:, None], axis=0) * each
    columns: dict[str, object] = {"customer_id": histories["customer_id"]}
    columns |= {"p_alive": model.buying.alive(histories), "order_value": each}
    places = [MONTHS.index(months) for months in (3, 6, 12)]
    columns |= {f"orders_{MONTHS[place]}m": ahead[place] for place in places}
    columns |= {f"value_{MONTHS[place]}m": values[place] for place in places}
    return pd.DataFrame(columns)


def order_worth(model: ValueModel, histories: pd.DataFrame) -> np.ndarray:
    """Expect the money kept of a customer's next order."""
    orders, mean = (histories[name].to_numpy(float) for name in ("orders", "mean"))
    return model.spend.expected(orders, mean) * model.kept


def total_value(
    model: ValueModel, histories: pd.DataFrame, *, months: float, draws: int = 40, seed: int = 1,
    level: float = 0.95,
) -> tuple[Estimate, Estimate]:  # fmt: skip
    """Expect orders and money of all customers together, by parametric bootstrap.

    Each draw takes parameters as another sample of this size would have given them and lives every
    customer's future: the interval holds what is not known of the models and what is left to chance. It
    does not hold a change of the market, a season, or customers who are yet to come.

    Parameters
    ----------
    model
        Result of `fit_value`.
    histories
        From `purchases.histories`.
    months
        How far ahead.
    draws, seed, level
        Of the bootstrap interval.

    Returns
    -------
    tuple of Estimate
        Orders, and money kept, not discounted.
    """
    horizon = months * WEEKS_A_MONTH
    orders = model.buying.expected(histories, horizon)
    money = orders * order_worth(model, histories)
    sample = histories
    if len(histories) > MOST_SIMULATED:
        sample = histories.sample(MOST_SIMULATED, random_state=seed)
    future = model.buying.simulate(sample, horizon, draws=draws, seed=seed)
    counts, means = (sample[name].to_numpy(float) for name in ("orders", "mean"))
    spent = model.spend.simulate(counts, means, future, seed=seed) * model.kept
    scale = len(histories) / len(sample)
    return (
        normal_estimate(float(orders.sum()), float(future.sum(axis=1).std(ddof=1)) * scale, level=level),
        normal_estimate(float(money.sum()), float(spent.sum(axis=1).std(ddof=1)) * scale, level=level),
    )
