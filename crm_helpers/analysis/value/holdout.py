"""Would the model have been right? It predicts days it has not seen, beside rules that anybody can apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import Estimate, quantile_estimate
from crm_helpers.analysis.segments.summary import BLOCKS

__all__ = ["TRACKED", "Comparison", "best_rule", "cell_average", "compare", "deciles", "tracking"]

TRACKED = ["week", "period", "actual", "expected"]
"""Columns of `tracking`."""
_CELLS = 4  # of recency and of orders, for the average of alike customers
_MOMENTS = 8


@dataclass(frozen=True)
class Comparison:
    """Scores of each way to predict, and which one to use.

    `scores` has a row a method: `method`, `rank` (Spearman), `error` (mean absolute, money), `captured`
    (share of the later money that the tenth predicted highest brought), each with `_low` and `_high`,
    `total` (predicted ÷ actual), and `rank_gain`, `error_gain`: by how much the model is better, with
    intervals on the same resampled customers.
    """

    scores: pd.DataFrame
    used: str
    customers: int

    @property
    def model_used(self) -> bool:
        """Whether the model beat every simple rule."""
        return bool(self.used == self.scores["method"].iloc[0])

    def score(self, method: str, name: str) -> Estimate:
        """Return one score of a method with its interval."""
        row = self.scores[self.scores["method"] == method].iloc[0]
        return Estimate(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))


def compare(
    predictions: Mapping[str, np.ndarray], actual: np.ndarray, *, draws: int = 400, seed: int = 1,
    level: float = 0.95,
) -> Comparison:  # fmt: skip
    """Score predictions of later money against what came, on the same resampled customers.

    The model (the first) is used when it is surely better than every rule in rank or in error, and in
    neither surely worse; otherwise the rule with the best rank correlation is.

    Parameters
    ----------
    predictions
        By method: money expected of each customer; the model first.
    actual
        Money each brought.
    draws, seed, level
        Of the bootstrap intervals.

    Returns
    -------
    Comparison
        Scores and choice.
    """
    methods = list(predictions)
    drawn = _resampled([_moments(predictions[name], actual) for name in methods], draws=draws, seed=seed)
    rows, gains = [], []
    for place, name in enumerate(methods):
        rank, error, captured = _scores(drawn[place])
        by_rank, by_error = _scores(drawn[0])[0] - rank, error - _scores(drawn[0])[1]
        row = {"rank": rank, "error": error, "captured": captured}
        row |= {"rank_gain": by_rank, "error_gain": by_error}
        total = float(predictions[name].sum() / actual.sum()) if actual.sum() > 0 else np.nan
        rows.append({"method": name, **_intervals(row, level), "total": total})
        if place:
            gains.append([_sure(by_rank, level), _sure(by_error, level)])
    scores = pd.DataFrame(rows)
    better = all(1 in gain and -1 not in gain for gain in gains)
    used = methods[0] if better and gains else best_rule(scores, methods[0])
    return Comparison(scores, used, len(actual))


def best_rule(scores: pd.DataFrame, otherwise: str) -> str:
    """Find the rule (all rows but the first) with the best rank correlation, if any is known."""
    rules = scores.iloc[1:].dropna(subset=["rank"])
    return str(rules["method"].iloc[int(rules["rank"].to_numpy().argmax())]) if len(rules) else otherwise


def cell_average(earlier: pd.DataFrame, now: pd.DataFrame) -> np.ndarray:
    """Predict by what customers alike in recency and orders brought in an earlier period of the same length.

    Parameters
    ----------
    earlier
        From `purchases.histories` one period earlier, with what came after.
    now
        The customers to predict, as of the day.

    Returns
    -------
    numpy.ndarray
        Money expected of each.
    """
    cuts = [_cuts(earlier["T"] - earlier["t_x"]), _cuts(earlier["orders"])]
    known, asked = _cells(earlier, cuts), _cells(now, cuts)
    averages = earlier["later_revenue"].groupby(known).mean()
    return np.asarray(
        pd.Series(asked).map(averages).fillna(float(earlier["later_revenue"].mean())), dtype=float
    )


def deciles(predicted: np.ndarray, actual: np.ndarray) -> pd.DataFrame:
    """Set predicted beside actual money by tenths of customers, the highest predicted first.

    Parameters
    ----------
    predicted, actual
        Money of each customer.

    Returns
    -------
    pandas.DataFrame
        `decile` (1 is the highest predicted), `customers`, `predicted`, `actual` (money a customer) with
        `actual_low`, `actual_high` (1.96 standard errors), `share_of_revenue`.
    """
    order = np.argsort(-predicted, kind="stable")
    decile = np.empty(len(order), int)
    decile[order] = np.arange(len(order)) * 10 // max(len(order), 1) + 1
    frame = pd.DataFrame({"decile": decile, "predicted": predicted, "actual": actual})
    table = frame.groupby("decile", as_index=False).agg(
        customers=("actual", "size"), predicted=("predicted", "mean"), actual=("actual", "mean"),
        deviation=("actual", "std"), sum=("actual", "sum"),
    )  # fmt: skip
    half = 1.96 * table["deviation"] / np.sqrt(table["customers"])
    table["actual_low"], table["actual_high"] = table["actual"] - half, table["actual"] + half
    table["share_of_revenue"] = table["sum"] / table["sum"].sum() if table["sum"].sum() > 0 else np.nan
    return table.drop(columns=["deviation", "sum"])


def tracking(actual: pd.DataFrame, expected: np.ndarray, *, split: pd.Timestamp) -> pd.DataFrame:
    """Set expected beside actual repeat orders, week by week and cumulated.

    Parameters
    ----------
    actual
        `week` (its last day) and `orders` of the customers the model was fitted to.
    expected
        Cumulated repeat orders expected by the end of each week.
    split
        The day from which on the model had not seen anything.

    Returns
    -------
    pandas.DataFrame
        `week`, `period` (fitted or test), `actual`, `expected` (both cumulated).
    """
    weeks = pd.to_datetime(actual["week"])
    return pd.DataFrame({
        "week": weeks,
        "period": np.where(weeks < split, "fitted", "test"),
        "actual": actual["orders"].cumsum().astype(float),
        "expected": expected,
    })  # fmt: skip


def _moments(predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Columns whose sums give the scores: the ranks' moments, the error, the money and that of the top."""
    ranks = [pd.Series(values).rank().to_numpy() / len(actual) - 0.5 for values in (predicted, actual)]
    order = np.argsort(-predicted, kind="stable")
    top = np.zeros(len(order))
    top[order[: max(len(order) // 10, 1)]] = 1.0
    x, y = ranks
    columns = (x, y, x * x, y * y, x * y, np.abs(predicted - actual), actual, actual * top)
    return np.column_stack(columns)


def _resampled(moments: list[np.ndarray], *, draws: int, seed: int) -> np.ndarray:
    """Sum the moments over resampled customers: methods × (1 + draws) × moments, as they are first."""
    generator, size = np.random.default_rng(seed), len(moments[0])
    units = max(min(size, BLOCKS), 1)
    blocks = generator.permutation(size) % units
    table = np.column_stack([np.ones(size), *moments])
    columns = [np.bincount(blocks, column, minlength=units) for column in table.T]
    weights = np.vstack([np.ones(units), generator.poisson(1.0, (draws, units))])
    sums = weights @ np.column_stack(columns)
    means = sums[:, 1:] / np.maximum(sums[:, :1], 1)
    return np.asarray(means.reshape(1 + draws, len(moments), _MOMENTS).transpose(1, 0, 2))


def _scores(means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y, xx, yy, xy, error, money, top = means.T
    spread = np.sqrt(np.maximum((xx - x * x) * (yy - y * y), 0))
    rank = np.divide(xy - x * y, spread, out=np.full_like(spread, np.nan), where=spread > 1e-12)
    return rank, error, np.divide(top, money, out=np.full_like(money, np.nan), where=money > 0)


def _intervals(drawn: dict[str, np.ndarray], level: float) -> dict[str, float]:
    row: dict[str, float] = {}
    for name, values in drawn.items():
        estimate = quantile_estimate(float(values[0]), values[1:], level=level)
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return row


def _sure(gain: np.ndarray, level: float) -> int:
    estimate = quantile_estimate(float(gain[0]), gain[1:], level=level)
    return int(np.sign(estimate.value)) if estimate.excludes(0.0) else 0


def _cuts(values: pd.Series) -> np.ndarray:
    return np.unique(np.quantile(values, np.arange(1, _CELLS) / _CELLS))


def _cells(table: pd.DataFrame, cuts: list[np.ndarray]) -> np.ndarray:
    recency = np.searchsorted(cuts[0], (table["T"] - table["t_x"]).to_numpy(), side="left")
    return recency * (_CELLS + 1) + np.searchsorted(cuts[1], table["orders"].to_numpy(), side="left")
