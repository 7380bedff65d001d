"""The models of value on a company's orders: what is to come, and whether it would have come out right."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy import stats

from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.value.buying import TRIED, BuyingKind, compare_kinds, try_kinds
from crm_helpers.analysis.value.contract import Terms
from crm_helpers.analysis.value.holdout import TRACKED, Comparison, cell_average, compare, deciles, tracking
from crm_helpers.analysis.value.prediction import (
    PREDICTED,
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
MOST_TRIED = 4_000  # customers of a test from an earlier day
_UNKNOWN = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Trial:
    """What the model, fitted to earlier days, said of the last days, beside what came.

    `tried` are the models of buying with what each said; `errors` are the logarithms of money that came ÷
    money expected, of this test and of such tests from earlier days.
    """

    split: date
    days: int
    customers: int
    expected: float = np.nan  # money of all
    came: float = np.nan
    comparison: Comparison | None = None
    deciles: pd.DataFrame = field(default_factory=lambda: deciles(np.zeros(0), np.zeros(0)))
    tracking: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TRACKED))
    tried: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TRIED))
    kind: BuyingKind | None = None
    errors: tuple[float, ...] = ()

    @property
    def model_used(self) -> bool:
        """Whether the model beat every simple rule."""
        return self.comparison is not None and self.comparison.model_used

    @property
    def miss(self) -> float:
        """By what share of the money the expected total was off."""
        return abs(self.expected / self.came - 1) if self.came > 0 else np.nan

    def spread(self, level: float) -> float:
        """Half-width, of the logarithm, of what the models cannot know: seasons, trends, the market.

        The errors of a few tests say little of how large such errors are, hence Student's quantile.
        """
        errors = np.array(self.errors)
        if not len(errors):
            return 0.0
        return float(stats.t.ppf(0.5 + level / 2, len(errors)) * np.sqrt((errors**2).mean()))


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

    @property
    def plain_money(self) -> Estimate:
        """The money in three figures: more of them say nothing beside such an interval."""
        return Estimate(
            *(_three_figures(part) for part in (self.money.value, self.money.low, self.money.high))
        )


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
    tried = compare_kinds(try_kinds(before, terms=book.terms), before, horizon=days / DAYS_A_WEEK)
    kind: BuyingKind = tried.loc[tried["kept"], "model"].iloc[0]
    model = fit_value(before, margin=margin, kind=kind, terms=book.terms)
    expected = model.buying.expected(before, days / DAYS_A_WEEK) * order_worth(model, before)
    came = before["later_revenue"].to_numpy(float) * (1.0 if margin is None else margin)
    seen = min(365, span - days)
    earlier = histories(book, until=split - timedelta(days=days), later=split)
    rules = _rules(book, before, earlier, split=split, days=days, seen=seen)
    kept = 1.0 if margin is None else margin
    predictions = {MODEL: expected} | {name: rule * kept for name, rule in rules.items()}
    halfway = split - timedelta(days=days // 2)
    past = [histories(book, until=halfway, later=halfway + timedelta(days=days)), earlier]
    errors = [_missed(table, kind, book.terms, days=days, seed=seed) for table in past]
    return Trial(
        split, days, len(before), float(expected.sum()), float(came.sum()),
        compare(predictions, came, draws=draws, seed=seed, level=level),
        deciles(expected, came),
        _tracked(model, book, before, split=split),
        tried,
        kind,
        tuple(error for error in (_log_ratio(came.sum(), expected.sum()), *errors) if np.isfinite(error)),
    )  # fmt: skip


def value_now(
    book: OrderBook, tested: Trial, *, margin: float | None = None, discount: float = 0.1,
    months: float = 12, seed: int = 1, level: float = 0.95,
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
    months
        How far ahead the totals look; values of customers look a year ahead.
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
    model = fit_value(known, margin=margin, kind=tested.kind, terms=book.terms)
    table = known.merge(predict(model, known, discount=discount), on="customer_id", validate="one_to_one")
    method = tested.comparison.used if tested.comparison else MODEL
    value = table["value_12m"]
    if method != MODEL:
        earlier = histories(book, until=book.as_of - timedelta(days=tested.days), later=book.as_of)
        rules = _rules(book, known, earlier, split=book.as_of, days=tested.days, seen=min(365, book.span))
        kept = 1.0 if margin is None else margin
        value = pd.Series(rules[method] * kept * 365.25 / tested.days * (1 + discount) ** -0.5)
    orders, money = total_value(model, known, months=months, seed=seed, level=level)
    orders, money = (_widened(total, tested.spread(level)) for total in (orders, money))
    return Value(table.assign(value=value.to_numpy(float), method=method), model, orders, money)


def _missed(table: pd.DataFrame, kind: BuyingKind, terms: Terms | None, *, days: int, seed: int) -> float:
    """Return the logarithm of money that came ÷ expected, of a sample; not known of too few customers."""
    chosen = np.random.default_rng(seed).permutation(len(table))[:MOST_TRIED]
    table = table.iloc[np.sort(chosen)]
    if not worth_predicting(table):
        return np.nan
    model = fit_value(table, kind=kind, terms=terms)
    expected = model.buying.expected(table, days / DAYS_A_WEEK) @ order_worth(model, table)
    return _log_ratio(table["later_revenue"].sum(), expected)


def _log_ratio(came: float, expected: float) -> float:
    return float(np.log(came / expected)) if came > 0 and expected > 0 else np.nan


def _three_figures(number: float) -> float:
    return float(f"{number:.3g}") if np.isfinite(number) else number


def _widened(total: Estimate, spread: float) -> Estimate:
    """Widen an interval by errors that are factors, so that it never falls below nothing."""
    if total.value <= 0 or not total.known:
        return total
    factor = float(np.exp(np.hypot(total.half_width / total.value, spread)))
    return Estimate(total.value, total.value / factor, total.value * factor)


def _rules(
    book: OrderBook, table: pd.DataFrame, earlier: pd.DataFrame, *, split: date, days: int, seen: int
) -> dict[str, np.ndarray]:
    """Predict the money of the next days by rules that anybody can apply, net of returns."""
    windows = {LAST_YEAR: seen, LAST_PERIOD: days}
    money = spent(book, until=split, windows=windows).reindex(table["customer_id"]).fillna(0.0)
    rules = {name: (money[name] * days / length).to_numpy(float) for name, length in windows.items()}
    if len(earlier):
        rules[ALIKE] = cell_average(earlier, table)
    return rules


def _tracked(model: ValueModel, book: OrderBook, before: pd.DataFrame, *, split: date) -> pd.DataFrame:
    actual = repeat_orders(book, joined_before=split)
    ages = before["T"].value_counts().sort_index()
    ends = (pd.to_datetime(actual["week"]) + pd.Timedelta(days=1) - pd.Timestamp(split)).dt.days.to_numpy()
    since = ends[:, None] / DAYS_A_WEEK + ages.index.to_numpy()[None, :]
    expected = model.buying.expected_new(np.maximum(since, 0.0).ravel()).reshape(since.shape)
    return tracking(actual, (expected * ages.to_numpy(float)).sum(axis=1), split=pd.Timestamp(split))
