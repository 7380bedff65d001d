"""What a churn model goes by, whom it finds, and whether its probabilities come true."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crm_helpers.analysis.churn.models import ChurnModel, areas
from crm_helpers.analysis.estimates import wilson_estimate

__all__ = ["DEPENDENCE", "IMPORTANCE", "dependence", "importance", "lift"]

IMPORTANCE = ["feature", "meaning", "loss", "loss_low", "loss_high"]
DEPENDENCE = ["feature", "meaning", "at", "probability"]
MOST_ASKED = 2_000  # customers whose features are exchanged
MOST_AVERAGED = 400  # customers a dependence is averaged over
REPEATS = 3
POINTS = 9


def importance(
    model: ChurnModel, features: pd.DataFrame, churned: np.ndarray, *, words: Mapping[str, str], seed: int = 1
) -> pd.DataFrame:
    """Measure how much of the area under the curve is lost when a feature is exchanged among customers.

    Parameters
    ----------
    model
        Result of `fit_churn`.
    features, churned
        Customers the model did not learn from.
    words
        What the features are in words.
    seed
        Of the exchanges.

    Returns
    -------
    pandas.DataFrame
        `feature`, `meaning`, `loss` (mean of three exchanges; features that say the same share it),
        `loss_low`, `loss_high` (least and most), the greatest first.
    """
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(churned))[:MOST_ASKED])
    matrix, label = model.matrix(features.iloc[chosen]), churned[chosen].astype(float)
    once = np.ones((1, len(label)))
    whole = areas(model.predict_matrix(matrix), label, once)[0]
    rows = []
    for place, name in enumerate(model.columns):
        mixed = np.tile(matrix, (REPEATS, 1))
        mixed[:, place] = np.concatenate([generator.permutation(matrix[:, place]) for _ in range(REPEATS)])
        scores = model.predict_matrix(mixed).reshape(REPEATS, -1)
        losses = [float(whole - areas(score, label, once)[0]) for score in scores]
        rows.append((name, words.get(name, name), float(np.mean(losses)), min(losses), max(losses)))
    table = pd.DataFrame(rows, columns=IMPORTANCE)
    return table.sort_values("loss", ascending=False, kind="stable", ignore_index=True)


def dependence(
    model: ChurnModel, features: pd.DataFrame, names: list[str], *, words: Mapping[str, str], seed: int = 1
) -> pd.DataFrame:
    """Average the prediction over customers while one feature is set to each of some values.

    Parameters
    ----------
    model
        Result of `fit_churn`.
    features
        Customers averaged over.
    names
        Features to set, each to its own tenths.
    words
        What the features are in words.
    seed
        Of the sample.

    Returns
    -------
    pandas.DataFrame
        `feature`, `meaning`, `at` (the value set), `probability` (mean prediction).
    """
    generator = np.random.default_rng(seed)
    sample = features.iloc[np.sort(generator.permutation(len(features))[:MOST_AVERAGED])]
    parts = []
    for name in names:
        values = np.unique(features[name].dropna().quantile(np.linspace(0.05, 0.95, POINTS)).round(6))
        stacked = pd.concat([sample] * len(values), ignore_index=True)
        stacked[name] = np.repeat(values, len(sample))
        means = model.predict(stacked).reshape(len(values), len(sample)).mean(axis=1)
        part = pd.DataFrame({"at": values, "probability": means})
        parts.append(part.assign(feature=name, meaning=words.get(name, name)))
    return pd.concat(parts, ignore_index=True)[DEPENDENCE] if parts else pd.DataFrame(columns=DEPENDENCE)


def lift(predicted: np.ndarray, churned: np.ndarray, *, level: float = 0.95) -> pd.DataFrame:
    """Set predicted beside actual churn by tenths of customers, the highest risk first.

    Parameters
    ----------
    predicted
        Probability of each customer.
    churned
        What came.
    level
        Of Wilson's intervals.

    Returns
    -------
    pandas.DataFrame
        `decile` (1 is the highest risk), `customers`, `predicted` (mean), `actual` with `actual_low`,
        `actual_high`, `lift` (actual ÷ rate of all), `found` (share of all who left, in this tenth and
        those above).
    """
    order = np.argsort(-predicted, kind="stable")
    decile = np.arange(len(order)) * 10 // max(len(order), 1) + 1
    frame = pd.DataFrame({"decile": decile, "predicted": predicted[order], "churned": churned[order]})
    table = frame.groupby("decile", as_index=False).agg(
        customers=("churned", "size"), predicted=("predicted", "mean"), left=("churned", "sum")
    )
    shares = [
        wilson_estimate(a, n, level=level) for a, n in zip(table["left"], table["customers"], strict=True)
    ]
    everybody = max(int(churned.sum()), 1)
    return table.assign(
        actual=[share.value for share in shares],
        actual_low=[share.low for share in shares],
        actual_high=[share.high for share in shares],
        lift=(table["left"] / table["customers"]) / (everybody / max(len(churned), 1)),
        found=table["left"].cumsum() / everybody,
    ).drop(columns="left")
