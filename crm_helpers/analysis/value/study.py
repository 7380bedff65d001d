"""The models of value on a company's orders: what is to come, and whether it would have come out right."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy import stats

from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.value.holdout import TRACKED, Comparison, cell_average, compare, deciles, tracking
from crm_helpers.analysis.value.prediction import (
    PREDICTED,
    WEEKS_A_MONTH,
    ValueModel,
    fit_value,
    order_worth,
    predict,
    total_value,
    worth_predicting,
)
from crm_helpers.analysis.value.purchases import DAYS_A_WEEK, OrderBook, histories, repeat_orders, spent

__all__ = ["LAST_PERIOD", "LAST_YEAR", "MODEL", "Trial", "Value", "trial", "value_now"]

MODEL, LAST_YEAR, LAST_PERIOD = "the model", "last year's spend", "spend of the last period"
ALIKE = "average of alike customers"
LONGEST_TEST, SHORTEST_TEST = 182, 28
_UNKNOWN = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Trial:
    """What the model, fitted to earlier days, said of the last days, beside what came."""

    split: date
    days: int
    customers: int
    expected: Estimate = _UNKNOWN  # money of all
    came: float = np.nan
    comparison: Comparison | None = None
    deciles: pd.DataFrame = field(default_factory=lambda: deciles(np.zeros(0), np.zeros(0)))
    tracking: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TRACKED))

    @property
    def model_used(self) -> bool:
        """Whether the model beat every simple rule."""
        return self.comparison is not None and self.comparison.model_used

    @property
    def miss(self) -> float:
        """By what share of the money the expected total was off."""
        return abs(self.expected.value / self.came - 1) if self.came > 0 else np.nan


@dataclass(frozen=True)
class Value:
    """Every customer's expected orders and money, and the totals; without a model all are missing.

    `customers` has the columns of the histories, those of `predict`, and `value` with `method`: the
    twelve months' value by whatever proved better.
    """

    customers: pd.DataFrame
    model: ValueModel | None
    orders: Estimate = _UNKNOWN
    money: Estimate = _UNKNOWN


def trial(
    book: OrderBook, *, days: int = 0, margin: float | None = None, draws: int = 400,
    seed: int = 1, level: float = 0.95,
) -> Trial:  # fmt: skip
    """Fit the model to what was known some days ago and compare it with what came since.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    days
        Last days kept apart; 0 takes a quarter of what is there, 28 to 182.
    margin
        Share of sales left after the cost of goods; None takes sales as they are.
    draws, seed, level
        Of the bootstrap intervals.

    Returns
    -------
    Trial
        Without comparison where too few customers had ordered again by then.
    """
    span = book.span
    days = days or int(min(max(span // 4, SHORTEST_TEST), LONGEST_TEST))
    split = book.as_of - timedelta(days=days)
    before = histories(book, until=split, later=book.as_of)
    if not worth_predicting(before):
        return Trial(split, days, len(before))
    model = fit_value(before, margin=margin)
    expected = model.buying.expected(before, days / DAYS_A_WEEK) * order_worth(model, before)
    came = before["later_revenue"].to_numpy(float) * (1.0 if margin is None else margin)
    seen = min(365, span - days)
    rules = _rules(book, before, split=split, days=days, seen=seen)
    kept = 1.0 if margin is None else margin
    predictions = {MODEL: expected} | {name: rule * kept for name, rule in rules.items()}
    _, total = total_value(model, before, months=days / DAYS_A_WEEK / WEEKS_A_MONTH, seed=seed, level=level)
    return Trial(
        split, days, len(before), total, float(came.sum()),
        compare(predictions, came, draws=draws, seed=seed, level=level),
        deciles(expected, came),
        _tracked(model, book, before, split=split),
    )  # fmt: skip


def value_now(
    book: OrderBook, tested: Trial, *, margin: float | None = None, discount: float = 0.1,
    seed: int = 1, level: float = 0.95,
) -> Value:  # fmt: skip
    """Expect what every customer brings in the months after a day.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    tested
        Result of `trial`: where a simple rule did as well, `value` is by the rule.
    margin, discount
        Share of sales left after the cost of goods, and what money a year later is worth less.
    seed, level
        Of the parametric bootstrap; its intervals are widened by what the test missed.

    Returns
    -------
    Value
        By customer who ordered.
    """
    known = histories(book, until=book.as_of)
    if not worth_predicting(known):
        missing = dict.fromkeys([*PREDICTED, "value"], np.nan)
        return Value(known.assign(**missing, method=None), None)
    model = fit_value(known, margin=margin)
    table = known.merge(predict(model, known, discount=discount), on="customer_id", validate="one_to_one")
    method = tested.comparison.used if tested.comparison else MODEL
    value = table["value_12m"]
    if method != MODEL:
        rules = _rules(book, known, split=book.as_of, days=tested.days, seen=min(365, book.span))
        kept = 1.0 if margin is None else margin
        value = pd.Series(rules[method] * kept * 365.25 / tested.days * (1 + discount) ** -0.5)
    orders, money = total_value(model, known, months=12, seed=seed, level=level)
    orders, money = (_widened(total, tested.miss, level) for total in (orders, money))
    return Value(table.assign(value=value.to_numpy(float), method=method), model, orders, money)


def _widened(total: Estimate, miss: float, level: float) -> Estimate:
    """Take the share missed in the test for the standard error of what no model knows: seasons, trends."""
    if not np.isfinite(miss):
        return total
    half = np.hypot(total.half_width, stats.norm.ppf(0.5 + level / 2) * miss * total.value)
    return Estimate(total.value, total.value - half, total.value + half)


def _rules(
    book: OrderBook, table: pd.DataFrame, *, split: date, days: int, seen: int
) -> dict[str, np.ndarray]:
    """Predict the money of the next days by rules that anybody can apply, net of returns."""
    windows = {LAST_YEAR: seen, LAST_PERIOD: days}
    money = spent(book, until=split, windows=windows).reindex(table["customer_id"]).fillna(0.0)
    rules = {name: (money[name] * days / length).to_numpy(float) for name, length in windows.items()}
    earlier = histories(book, until=split - timedelta(days=days), later=split)
    if len(earlier):
        rules[ALIKE] = cell_average(earlier, table)
    return rules


def _tracked(model: ValueModel, book: OrderBook, before: pd.DataFrame, *, split: date) -> pd.DataFrame:
    actual = repeat_orders(book, joined_before=split)
    starts = pd.to_datetime(before["first"]).value_counts().sort_index()
    ends = pd.to_datetime(actual["week"]).to_numpy() + np.timedelta64(1, "D")
    since = (ends[:, None] - starts.index.to_numpy()[None, :]) / np.timedelta64(7, "D")
    expected = model.buying.expected_new(np.maximum(since, 0.0).ravel()).reshape(since.shape)
    return tracking(actual, (expected * starts.to_numpy(float)).sum(axis=1), split=pd.Timestamp(split))
