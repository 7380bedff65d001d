"""The rules applied to a company: every customer's scores and segment, and the tables to publish."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crm_helpers.analysis.segments.clusters import Clusters
from crm_helpers.analysis.segments.rfm import (
    NO_ORDERS,
    Scoring,
    assign_segments,
    rule_table,
    score_customers,
    scoring,
)
from crm_helpers.analysis.segments.rules import lint_rules
from crm_helpers.analysis.segments.summary import segment_profile
from crm_helpers.analysis.segments.use import Use

__all__ = ["RuleSegments", "published_rules", "published_segments", "rule_segments", "score_bounds"]

_EMPTY = "no customer: ties"


@dataclass(frozen=True)
class RuleSegments:
    """Every customer's scores and segment, and the rules that gave them."""

    customers: pd.DataFrame
    cuts: Scoring
    rules: pd.DataFrame
    faults: pd.DataFrame

    @property
    def names(self) -> list[str]:
        """Names of all segments, best first."""
        return [*self.rules["segment"], NO_ORDERS]

    @property
    def buyers(self) -> int:
        """Customers who ordered in the window."""
        return int((self.customers["orders"] > 0).sum())

    def profile(self, *, draws: int, seed: int, level: float) -> pd.DataFrame:
        """Describe each segment as `segment_profile` does, with the effort it deserves."""
        table = segment_profile(self.customers, order=self.names, draws=draws, seed=seed, level=level)
        efforts = dict(zip(self.rules["segment"], self.rules["effort"], strict=True))
        return table.assign(effort=[efforts.get(name, "win the first order") for name in table["segment"]])


def rule_segments(features: pd.DataFrame, *, scores: int = 4, recency: str = "rhythm") -> RuleSegments:
    """Score customers and name their segments.

    Parameters
    ----------
    features
        One row a customer.
    scores
        How many scores.
    recency
        `rhythm` cuts recency by the company's own rhythm, `quantiles` into equal shares.

    Returns
    -------
    RuleSegments
        The features with scores and segment, and the rules.
    """
    cuts = scoring(features, scores=scores, by_rhythm=recency == "rhythm")
    scored = score_customers(features, cuts)
    segment = assign_segments(scored, scores=scores)
    customers = pd.concat([features, scored, segment], axis=1)
    return RuleSegments(customers, cuts, rule_table(cuts), lint_rules(scores))


def score_bounds(found: RuleSegments) -> pd.DataFrame:
    """Write down what each score means, the best first.

    Parameters
    ----------
    found
        Result of `rule_segments`.

    Returns
    -------
    pandas.DataFrame
        `score`, and as words `last_order`, `orders`, `sales`.
    """
    cuts, rows = found.cuts, []
    for score in range(cuts.scores, 0, -1):
        silent = _bounds(cuts.recency, cuts.scores - score, whole=True)
        often = _bounds(cuts.frequency, score - 1, whole=True)
        money = _bounds(cuts.monetary, score - 1, whole=False)
        rows.append((score, silent if silent == _EMPTY else f"{silent} days ago", often, money))
    return pd.DataFrame(rows, columns=["score", "last_order", "orders", "sales"])


def published_segments(found: RuleSegments, clusters: Clusters, use: Use) -> pd.DataFrame:
    """Make the published table of customers: features, scores, segment and cluster.

    Parameters
    ----------
    found
        Result of `rule_segments`.
    clusters
        Result of `find_clusters` on the same customers.
    use
        Which of the names may be used outside the report.

    Returns
    -------
    pandas.DataFrame
        The table `segments`, by customer.
    """
    table = found.customers.assign(cluster=clusters.labels, use=use.words).drop(columns="gap_days")
    return table.sort_values("customer_id", ignore_index=True)


def published_rules(found: RuleSegments, tree: pd.DataFrame, use: Use) -> pd.DataFrame:
    """Put the rules of the segments and of the tree into one published table.

    Parameters
    ----------
    found
        Result of `rule_segments`.
    tree
        Result of `Explanation.table`.
    use
        Which of the names may be used outside the report; the others have no SQL.

    Returns
    -------
    pandas.DataFrame
        The table `segment_rules`: `kind` (segment or cluster), `position`, `name`, `rule`, `effort`,
        `customers`, `share_right`, `use`, `sql`.
    """
    sizes = found.customers["segment"].value_counts()
    rules = found.rules.rename(columns={"segment": "name"}).assign(kind="segment", share_right=1.0)
    rules["customers"] = rules["name"].map(sizes).fillna(0).astype(int)
    leaves = tree.rename(columns={"cluster": "name"}).assign(kind="cluster")
    both = pd.concat([rules, leaves], ignore_index=True)
    refused = both["kind"].isin(list(use.refused))
    return both.assign(
        position=both.groupby("kind").cumcount() + 1,
        use=[use.mark(kind) for kind in both["kind"]],
        sql=both["sql"].mask(refused, None),
    )


def _bounds(cuts: tuple[float, ...], place: int, *, whole: bool) -> str:
    """Write what lies between the cut points before and at a place, the lowest being place 0."""
    step, form = (1, "{:,.0f}") if whole else (0, "{:,.2f}")
    over = "" if whole else "over "
    if place == 0:
        return f"up to {form.format(cuts[0])}"
    if place == len(cuts):
        return f"{over}{form.format(cuts[-1] + step)}" + (" and more" if whole else "")
    if cuts[place] == cuts[place - 1]:
        return _EMPTY
    low, high = form.format(cuts[place - 1] + step), form.format(cuts[place])
    return low if low == high else f"{over}{low} to {high}"
