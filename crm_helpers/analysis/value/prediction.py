"""What is each customer worth in the months ahead, and all of them together? In orders and in money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import Estimate, normal_estimate
from crm_helpers.analysis.value.buying import Buying, BuyingKind, fit_kind, likeliest, try_kinds
from crm_helpers.analysis.value.contract import Terms
from crm_helpers.analysis.value.spend import SpendModel, fit_spend, order_value_correlation

__all__ = [
    "FEWEST_CUSTOMERS", "FEWEST_REPEATING", "MONTHS", "PREDICTED", "WEEKS_A_MONTH", "Futures", "ValueModel",
    "fit_value", "live_on", "order_worth", "predict", "total_value", "worth_predicting",
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
    known.
    """

    buying: Buying
    spend: SpendModel
    kept: float
    correlation: Estimate


def worth_predicting(histories: pd.DataFrame) -> bool:
    """Whether there are enough customers, and enough who ordered again."""
    again = int((histories["x"] > 0).sum())
    return len(histories) >= FEWEST_CUSTOMERS and again >= FEWEST_REPEATING


def fit_value(
    histories: pd.DataFrame, *, margin: float | None = None, kind: BuyingKind | None = None,
    terms: Terms | None = None,
) -> ValueModel:  # fmt: skip
    """Fit the models of buying and of spend.

    Parameters
    ----------
    histories
        From `purchases.histories`, worth predicting.
    margin
        Share of sales left after the cost of goods; None takes sales as they are.
    kind
        Model of buying; without it the likeliest of those that suit.
    terms
        Of contracts.

    Returns
    -------
    ValueModel
        Of buying and of spend.
    """
    if kind is None:
        kind = likeliest(try_kinds(histories, terms=terms)).kind
    buying = fit_kind(histories, kind=kind, terms=terms)
    again = histories[histories["x"] > 0]
    orders, mean, log_mean = (again[name].to_numpy(float) for name in ("orders", "mean", "log_mean"))
    paid = float((histories["orders"] * histories["mean"]).sum())
    kept = float(histories["revenue"].sum()) / paid * (1.0 if margin is None else margin)
    return ValueModel(
        buying,
        fit_spend(orders, mean, log_mean),
        kept,
        order_value_correlation(orders, mean),
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


@dataclass(frozen=True)
class Futures:
    """What customers are expected to bring, and simulated futures of them, for intervals of any group.

    `orders` and `money` (kept, not discounted) have one element a customer; `lived` are the places of the
    customers who were simulated, and `orders_lived` and `money_lived` their futures, draws × customers.
    """

    orders: np.ndarray
    money: np.ndarray
    lived: np.ndarray
    orders_lived: np.ndarray
    money_lived: np.ndarray

    def total(self, name: Literal["orders", "money"], chosen: np.ndarray, *, level: float = 0.95) -> Estimate:
        """Add up what the chosen customers (true or false each) bring; no interval where none was simulated.

        Parameters
        ----------
        name
            `orders` or `money`.
        chosen
            Whether each customer counts.
        level
            Of the interval.

        Returns
        -------
        Estimate
            The sum.
        """
        expected: np.ndarray = getattr(self, name)[chosen]
        lived: np.ndarray = getattr(self, f"{name}_lived")[:, chosen[self.lived]]
        if not lived.shape[1]:
            return Estimate(float(expected.sum()), np.nan, np.nan)
        scale = len(expected) / lived.shape[1]
        deviation = float(lived.sum(axis=1).std(ddof=1)) * scale
        return normal_estimate(float(expected.sum()), deviation, level=level)


def live_on(
    model: ValueModel, histories: pd.DataFrame, *, months: float, draws: int = 40, seed: int = 1
) -> Futures:
    """Expect and simulate what customers bring, by parametric bootstrap.

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
    draws, seed
        Of the bootstrap.

    Returns
    -------
    Futures
        By customer.
    """
    horizon = months * WEEKS_A_MONTH
    orders = model.buying.expected(histories, horizon)
    lived = np.arange(len(histories))
    if len(histories) > MOST_SIMULATED:
        lived = np.sort(np.random.default_rng(seed).permutation(lived)[:MOST_SIMULATED])
    sample = histories.iloc[lived]
    future = model.buying.simulate(sample, horizon, draws=draws, seed=seed)
    counts, means = (sample[name].to_numpy(float) for name in ("orders", "mean"))
    spent = model.spend.simulate(counts, means, future, seed=seed) * model.kept
    return Futures(orders, orders * order_worth(model, histories), lived, future, spent)


def total_value(
    model: ValueModel, histories: pd.DataFrame, *, months: float, draws: int = 40, seed: int = 1,
    level: float = 0.95,
) -> tuple[Estimate, Estimate]:  # fmt: skip
    """Expect orders and money (kept, not discounted) of all customers together, from `live_on`."""
    futures, everybody = (
        live_on(model, histories, months=months, draws=draws, seed=seed),
        np.ones(len(histories), bool),
    )
    return futures.total("orders", everybody, level=level), futures.total("money", everybody, level=level)
