"""Scores for recency, frequency and money, by cut points of the company: ties share a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_helpers.analysis.segments.rules import LEVELS, RECENCY, RULES, Rule, cell_names, level
from crm_helpers.conditions import Branch, Condition, RuleSet

__all__ = ["NO_ORDERS", "Scoring", "assign_segments", "rule_set", "rule_table", "score_customers", "scoring"]

NO_ORDERS = "No orders"
"""The segment of customers who ordered nothing in the window: they have no scores."""

RHYTHM_PERCENTILE = 75
RHYTHM_CUSTOMERS = 30  # with fewer repeat buyers a percentile of their rhythm is not worth a rule
_SCORED = {"recency": "recency_days", "frequency": "orders", "monetary": "revenue"}


@dataclass(frozen=True)
class Scoring:
    """The cut points of one company: fixed numbers, so that equal values always share a score."""

    scores: int
    recency: tuple[float, ...]
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]
    by_rhythm: bool


def scoring(features: pd.DataFrame, *, scores: int = 4, by_rhythm: bool = True) -> Scoring:
    """Find the cut points of a company's recency, frequency and money.

    Frequency and money are cut at the quantiles i/n of the customers who ordered. Recency is cut by
    the company's own rhythm: with g the 75th percentile of the customers' mean days between orders,
    score 1 (silent) is a pause of more than 4g, score 2 (quiet) of more than 2g, and each higher
    score halves the pause. A quantile would call a fixed share of customers silent, however well
    the company does; it is used where the rhythm is not known.

    Parameters
    ----------
    features
        One row a customer, from `crm_helpers.analysis.segments.features`.
    scores
        How many scores, n.
    by_rhythm
        False cuts recency at quantiles too.

    Returns
    -------
    Scoring
        Ascending cut points, n − 1 for each feature.

    Examples
    --------
    >>> table = pd.DataFrame({"orders": [1, 1, 1, 2], "recency_days": [5.0, 9, 30, 90],
    ...                       "revenue": [10.0, 20, 30, 40], "gap_days": [None, None, None, 12]})
    >>> cuts = scoring(table, scores=4)
    >>> cuts.frequency, cuts.monetary
    ((1.0, 1.0, 1.0), (10.0, 20.0, 30.0))
    """
    buyers = features[features["orders"] > 0]
    gaps = buyers["gap_days"].dropna().to_numpy(float)
    known = by_rhythm and len(gaps) >= RHYTHM_CUSTOMERS
    recency = _rhythm_cuts(gaps, scores) if known else _quantile_cuts(buyers["recency_days"], scores)
    frequency, monetary = (_quantile_cuts(buyers[name], scores) for name in ("orders", "revenue"))
    return Scoring(scores, recency, frequency, monetary, known)


def score_customers(features: pd.DataFrame, cuts: Scoring) -> pd.DataFrame:
    """Score every customer who ordered from 1 to n; the higher, the better.

    A score is one more than the number of cut points below the value (for recency: at or above it),
    so that ties share a score and a score depends on nothing but the value.

    Parameters
    ----------
    features
        One row a customer.
    cuts
        The company's cut points.

    Returns
    -------
    pandas.DataFrame
        `recency_score`, `frequency_score`, `monetary_score` (Int64, missing without orders), on the
        index of `features`.
    """
    ordered = (features["orders"] > 0).to_numpy()
    columns = {}
    for name, column in _SCORED.items():
        points = np.asarray(getattr(cuts, name), float)
        below = np.searchsorted(points, features[column].to_numpy(float), side="left")
        score = cuts.scores - below if name == "recency" else 1 + below
        columns[f"{name}_score"] = pd.arrays.IntegerArray(score.astype("int64"), ~ordered)
    return pd.DataFrame(columns, index=features.index)


def assign_segments(scored: pd.DataFrame, *, scores: int, rules: Sequence[Rule] = RULES) -> pd.Series:
    """Name every customer's segment.

    Parameters
    ----------
    scored
        The three scores, from `score_customers`.
    scores
        How many scores, n.
    rules
        The rule table; it must name every cell, see `lint_rules`.

    Returns
    -------
    pandas.Series
        `segment`, on the index of `scored`.
    """
    names = cell_names(scores, rules)["segment"].to_numpy(object)
    known = scored.notna().all(axis=1).to_numpy()
    axes = scored.fillna(1).to_numpy(int) - 1
    cell = np.ravel_multi_index(tuple(axes.T), (scores,) * 3)
    return pd.Series(np.where(known, names[cell], NO_ORDERS), scored.index, dtype="str", name="segment")


def rule_set(cuts: Scoring, rules: Sequence[Rule] = RULES) -> RuleSet:
    """Write the rules in days, orders and money: what an engine or a database needs to give the same names.

    Parameters
    ----------
    cuts
        The company's cut points.
    rules
        The rule table.

    Returns
    -------
    RuleSet
        One branch a rule, over the features; whoever has no order is `NO_ORDERS`.

    Examples
    --------
    >>> cuts = Scoring(4, (15.0, 30.0, 60.0), (1.0, 2.0, 5.0), (10.0, 20.0, 40.0), by_rhythm=True)
    >>> rule_set(cuts).branches[0].sql
    'orders > 0 AND recency_days <= 30 AND orders > 5 AND revenue > 40'
    """
    return RuleSet(tuple(Branch(rule.segment, _conditions(rule, cuts)) for rule in rules), NO_ORDERS)


def rule_table(cuts: Scoring, rules: Sequence[Rule] = RULES) -> pd.DataFrame:
    """List the rules in words and as SQL.

    Parameters
    ----------
    cuts
        The company's cut points.
    rules
        The rule table.

    Returns
    -------
    pandas.DataFrame
        `segment`, `rule` (the meaning), `effort`, `sql` (a condition over the features).
    """
    written = [branch.sql for branch in rule_set(cuts, rules).branches]
    rows = [(r.segment, r.meaning, r.effort, sql) for r, sql in zip(rules, written, strict=True)]
    return pd.DataFrame(rows, columns=["segment", "rule", "effort", "sql"])


def _conditions(rule: Rule, cuts: Scoring) -> tuple[Condition, ...]:
    n = cuts.scores
    low = sum(level(score, n) == "low" for score in range(1, n + 1)) - 1
    high = sum(level(score, n) != "high" for score in range(1, n + 1)) - 1
    often, money = ((points[low], points[high]) for points in (cuts.frequency, cuts.monetary))
    return (
        Condition("orders", ">", 0.0),
        *_between("recency_days", rule.recency, RECENCY[::-1], cuts.recency[-2:]),
        *_between("orders", rule.frequency, LEVELS, often),
        *_between("revenue", rule.monetary, LEVELS, money),
    )


def _between(
    feature: str, bands: tuple[str, ...], order: tuple[str, ...], ends: Sequence[float]
) -> list[Condition]:
    """Write neighbouring bands as conditions: above the end before the first, up to that of the last."""
    places = sorted(order.index(band) for band in bands)
    above = [Condition(feature, ">", ends[places[0] - 1])] if places[0] > 0 else []
    upto = [Condition(feature, "<=", ends[places[-1]])] if places[-1] < len(order) - 1 else []
    return above + upto


def _rhythm_cuts(gaps: np.ndarray, scores: int) -> tuple[float, ...]:
    rhythm = max(1.0, float(np.percentile(gaps, RHYTHM_PERCENTILE)))
    # whole days: recency is counted in days, and a person must be able to repeat the rule
    return tuple(float(np.ceil(rhythm * 2.0 ** (4 - scores + power))) for power in range(scores - 1))


def _quantile_cuts(values: pd.Series, scores: int) -> tuple[float, ...]:
    if values.empty:
        return (0.0,) * (scores - 1)
    shares = np.arange(1, scores) / scores
    cuts = np.quantile(values.to_numpy(float), shares, method="inverted_cdf")
    return tuple(float(cut) for cut in cuts)
