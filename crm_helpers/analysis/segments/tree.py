"""A decision tree that explains clusters in days, orders and money, as sentences and as SQL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from crm_helpers.analysis.estimates import Estimate, wilson_estimate
from crm_helpers.analysis.segments.clusters import FEATURES, Clusters
from crm_helpers.analysis.segments.rfm import NO_ORDERS
from crm_helpers.conditions import Branch, Condition, RuleSet

__all__ = ["Explanation", "cost_ratio", "explain", "said"]

FAITHFUL = 0.9
HELD_OUT = 0.3
_SMALLEST_LEAF = 0.01
_WITHOUT = Branch(NO_ORDERS, (Condition("orders", "=", 0.0),))
_PHRASES = {
    "recency_days": ("last order at most {high} days ago", "last order more than {low} days ago",
                     "last order more than {low} and at most {high} days ago"),
    "orders": ("at most {high} orders", "more than {low} orders",
               "more than {low} and at most {high} orders"),
    "mean_order": ("at most {high} an order", "more than {low} an order",
                   "more than {low} and at most {high} an order"),
}  # fmt: skip
"""How a feature is said: at most, above, and both."""


@dataclass(frozen=True)
class Explanation:
    """The tree, and how often it is right on customers it has not seen."""

    leaves: tuple[Branch, ...]
    fidelity: Estimate
    held_out: int

    @property
    def rule_set(self) -> RuleSet:
        """The leaves as rules, customers without orders first."""
        return RuleSet((_WITHOUT, *self.leaves), NO_ORDERS)

    def assign(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the cluster that the rules give to every row; `NO_ORDERS` where there is no order."""
        return self.rule_set.assign(frame)

    def table(self, frame: pd.DataFrame, cluster: pd.Series) -> pd.DataFrame:
        """List the rules: `cluster`, `rule`, `customers`, `share_right`, `sql`.

        Parameters
        ----------
        frame
            One row a customer, with the features.
        cluster
            The cluster found for each.
        """
        ordered = (frame["orders"] > 0).to_numpy()
        found = cluster.to_numpy(object)
        rows = []
        for leaf in self.leaves:
            inside = leaf.holds(frame) & ordered
            right = float((found[inside] == leaf.name).mean()) if inside.any() else np.nan
            rows.append((leaf.name, said(leaf), int(inside.sum()), right, leaf.sql))
        return pd.DataFrame(rows, columns=["cluster", "rule", "customers", "share_right", "sql"])


def explain(
    features: pd.DataFrame, clusters: Clusters, *, most_leaves: int = 12, seed: int = 1
) -> Explanation:
    """Explain clusters by a decision tree on the features in their own units.

    The tree splits by information gain (entropy, the criterion of Quinlan's ID3) on seven tenths of
    the customers; it has the fewest leaves that give 9 of 10 of these their cluster, or the most that
    are allowed. Thresholds are then rounded (days and orders whole, money to three digits), and the
    rounded rules are what is measured on the other three tenths.

    Parameters
    ----------
    features
        One row a customer.
    clusters
        What `find_clusters` found in them.
    most_leaves
        Leaves allowed.
    seed
        Seed of the division.

    Returns
    -------
    Explanation
        Rules in the order of the clusters, and held-out fidelity.
    """
    ordered = features[features["orders"] > 0].sort_values("customer_id")
    names = clusters.profile["cluster"].tolist()
    truth = clusters.labels[ordered.index].to_numpy(object)
    held = np.random.default_rng(seed).permutation(len(ordered)) < int(HELD_OUT * len(ordered))
    learning, testing = ordered[~held], ordered[held]
    leaves = _leaves(learning, truth[~held], names, most_leaves=max(most_leaves, len(names)))
    draft = Explanation(leaves, Estimate(np.nan, np.nan, np.nan), len(testing))
    right = int((draft.assign(testing) == truth[held]).sum())
    return Explanation(leaves, wilson_estimate(right, len(testing)), len(testing))


def said(leaf: Branch) -> str:
    """Say the conditions of a leaf as one sentence.

    Examples
    --------
    >>> said(Branch("Few", (Condition("orders", ">", 1.0), Condition("orders", "<=", 3.0))))
    'More than 1 and at most 3 orders'
    """
    sides: dict[str, dict[str, str]] = {}
    for part in leaf.conditions:
        sides.setdefault(part.feature, {})["low" if part.operator == ">" else "high"] = _written(part.value)
    words = [_PHRASES[name][_form(ends)].format(**ends) for name, ends in sides.items()]
    sentence = "; ".join(words) or "every customer who ordered"
    return sentence[:1].upper() + sentence[1:]


def cost_ratio(features: pd.DataFrame, clusters: Clusters, assigned: np.ndarray) -> float:
    """Compare the tree's groups with K-means by K-means' own cost, the squared distance to the centres.

    Parameters
    ----------
    features
        One row a customer.
    clusters
        What K-means found.
    assigned
        Cluster of each row by the tree.

    Returns
    -------
    float
        1 when the tree costs nothing; not a number with one cluster.
    """
    ordered = (features["orders"] > 0).to_numpy()
    points = clusters.scale.transform(features[ordered])
    places = {name: place for place, name in enumerate(clusters.profile["cluster"])}
    costs = [
        ((points - clusters.centres[[places[name] for name in labels]]) ** 2).sum()
        for labels in (np.asarray(assigned, object)[ordered], clusters.labels.to_numpy(object)[ordered])
    ] if clusters.k > 1 else [np.nan, np.nan]  # fmt: skip
    return float(costs[0] / costs[1]) if costs[1] else float("nan")


def _leaves(
    learning: pd.DataFrame, truth: np.ndarray, names: list[str], *, most_leaves: int
) -> tuple[Branch, ...]:
    if len(names) < 2:
        return tuple(Branch(name, ()) for name in names)
    values, smallest = learning[list(FEATURES)].to_numpy(float), max(1, int(_SMALLEST_LEAF * len(learning)))
    for count in range(len(names), most_leaves + 1):
        model = DecisionTreeClassifier(
            criterion="entropy", max_leaf_nodes=count, min_samples_leaf=smallest, random_state=0
        ).fit(values, truth)
        if model.score(values, truth) >= FAITHFUL:
            break
    leaves = _walk(model, node=0, conditions=())
    return tuple(sorted(leaves, key=lambda leaf: names.index(leaf.name)))


def _walk(model: DecisionTreeClassifier, *, node: int, conditions: tuple[Condition, ...]) -> list[Branch]:
    grown = model.tree_
    if grown.children_left[node] == -1:
        cluster = str(model.classes_[grown.value[node][0].argmax()])
        return [Branch(cluster, _tightest(conditions))]
    feature = FEATURES[grown.feature[node]]
    threshold = _round(feature, float(grown.threshold[node]))
    leaves = []
    for side, child in (("<=", grown.children_left[node]), (">", grown.children_right[node])):
        longer = (*conditions, Condition(feature, side, threshold))
        leaves += _walk(model, node=int(child), conditions=longer)
    if len({leaf.name for leaf in leaves}) == 1:  # a split whose sides bear one name says nothing
        return [Branch(leaves[0].name, _tightest(conditions))]
    return leaves


def _tightest(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Keep of each feature and side the one condition that implies the others."""
    kept: dict[tuple[str, str], Condition] = {}
    for condition in conditions:
        side = (condition.feature, condition.operator)
        tighter = max if condition.operator == ">" else min
        kept[side] = tighter(kept.get(side, condition), condition, key=lambda part: part.value)
    return tuple(
        kept[side] for side in sorted(kept, key=lambda side: (FEATURES.index(side[0]), side[1] == "<="))
    )


def _round(feature: str, threshold: float) -> float:
    if feature != "mean_order":
        return float(np.floor(threshold))
    return float(f"{threshold:.3g}")


def _form(ends: dict[str, str]) -> int:
    return 2 if len(ends) == 2 else int("low" in ends)


def _written(threshold: float) -> str:
    return f"{threshold:,.0f}" if threshold == int(threshold) else f"{threshold:,.2f}"
