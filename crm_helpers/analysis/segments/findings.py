"""What the segmentation page says: findings as sentences of the wording, with their values."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.segments.clusters import Clusters
from crm_helpers.analysis.segments.rfm import Scoring
from crm_helpers.analysis.segments.summary import FEWEST_CUSTOMERS, churn_difference, judge
from crm_helpers.analysis.segments.tree import Explanation
from crm_helpers.analysis.segments.use import PARTS, Use

__all__ = [
    "answer", "certainty", "criteria_table", "explained", "groups_later", "later_title", "leading",
    "market", "next_steps", "period", "rhythm", "strongest", "unseen", "usable", "window", "worth",
]  # fmt: skip

Sentence = tuple[str, dict[str, Any]]
_UNKNOWN = Estimate(np.nan, np.nan, np.nan)


def period(features: pd.DataFrame, *, listed: int) -> Sentence:
    """Say how many customers ordered, how often, and how many are known by their orders only.

    Parameters
    ----------
    features
        One row a customer.
    listed
        Customers in the table of customers.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    orders, buyers = int(features["orders"].sum()), int((features["orders"] > 0).sum())
    if not buyers:
        return "segmentation.no_orders", {"customers": len(features)}
    values = {"customers": len(features), "buyers": buyers, "orders": orders}
    if unlisted := len(features) - listed:
        return "segmentation.period_unlisted", values | {"unlisted": unlisted}
    return "segmentation.period", values


def window(features: pd.DataFrame, *, as_of: date) -> Sentence:
    """Say from when to when, and for how much money.

    Parameters
    ----------
    features
        One row a customer.
    as_of
        The day the numbers stand for.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    first = features["first_order"].min()
    if pd.isna(first):
        return "segmentation.no_window", {"as_of": as_of}
    revenue = float(features["revenue"].sum())
    return "segmentation.window", {"first": first, "revenue": revenue, "as_of": as_of}


def leading(profile: pd.DataFrame) -> dict[str, Any]:
    """Find the segment with the largest share of sales, as the values of a sentence.

    Parameters
    ----------
    profile
        Result of `segment_profile`.

    Returns
    -------
    dict
        `segment`, `customers`, `share`, `sales` (Estimate); unknown values where nothing was sold.

    Examples
    --------
    >>> leading(pd.DataFrame({"share_of_revenue": [float("nan")]}))["segment"]
    'no segment'
    """
    known = profile.dropna(subset=["share_of_revenue"])
    if known.empty:
        return {"segment": "no segment", "customers": 0, "share": np.nan, "sales": _UNKNOWN}
    row = known.iloc[int(known["share_of_revenue"].to_numpy().argmax())]
    sales, share = _estimate(row, "share_of_revenue"), float(row["share_of_customers"])
    return {"segment": row["segment"], "customers": int(row["customers"]), "share": share, "sales": sales}


def worth(profile: pd.DataFrame) -> Sentence:
    """Say which segment brings most of the sales.

    Parameters
    ----------
    profile
        Result of `RuleSegments.profile`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    first = leading(profile)
    if not first["sales"].known:
        return "segmentation.no_sales", {}
    return "segmentation.worth", {name: first[name] for name in ("segment", "share", "sales")}


def answer(profile: pd.DataFrame, criteria: pd.DataFrame) -> Sentence:
    """Choose the sentence that answers the page, with its values.

    Parameters
    ----------
    profile
        Result of `RuleSegments.profile`.
    criteria
        Result of `criteria`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence, and what it names besides the verdict.
    """
    verdict = judge(criteria)
    buyers = int(criteria["found"].iloc[0])
    if verdict == "not enough data":
        key = "segmentation.too_few" if buyers < FEWEST_CUSTOMERS else "segmentation.not_apart"
        return key, {"verdict": verdict, "n": buyers}
    first = leading(profile)
    numbers = {
        "verdict": verdict,
        "segment": first["segment"],
        "share": first["share"],
        "sales": first["sales"],
    }
    quiet = profile[profile["segment"].str.contains("quiet|silent")]
    return "segmentation.answer", {**numbers, "quiet": float(quiet["share_of_customers"].sum())}


def criteria_table(criteria: pd.DataFrame) -> pd.DataFrame:
    """Write criteria for people: counts whole, shares and indices with two digits.

    Parameters
    ----------
    criteria
        Result of `criteria`.

    Returns
    -------
    pandas.DataFrame
        The same rows, `found` and `needed` as words.

    Examples
    --------
    >>> rows = pd.DataFrame({"criterion": ["a", "b"], "found": [2469.0, 0.8391], "needed": [500, 0.9],
    ...                      "met": [True, False]})
    >>> criteria_table(rows)[["found", "needed"]].values.tolist()
    [['2,469', '500'], ['0.84', '0.90']]
    """
    whole = criteria["needed"] % 1 == 0
    found, needed = (
        [_short(value, whole=bool(is_whole)) for value, is_whole in zip(criteria[name], whole, strict=True)]
        for name in ("found", "needed")
    )
    return criteria.assign(found=found, needed=needed)


def _short(value: float, *, whole: bool) -> str:
    if not np.isfinite(value):
        return "not known"
    return f"{value:,.0f}" if whole else f"{value:.2f}"


def next_steps(profile: pd.DataFrame, cuts: Scoring, criteria: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Say what to do next: whom to keep, call, welcome and leave.

    Parameters
    ----------
    profile, cuts, criteria
        Result of `RuleSegments.profile`, the company's cut points, and result of `criteria`: segments that
        are not to be used give nothing to do.

    Returns
    -------
    dict
        Values by key of the sentence; only for segments that have customers.
    """
    if judge(criteria) == "not enough data":
        return {}
    rows = {row["segment"]: row for _, row in profile.iterrows()}
    first, steps = leading(profile), {}
    if first["sales"].known:
        steps["segmentation.keep"] = first | {"effort": rows[first["segment"]]["effort"]}
    if "Big spenders, going quiet" in rows:
        row = rows["Big spenders, going quiet"]
        spent = float(row["revenue"])
        values = {"customers": int(row["customers"]), "revenue": spent, "days": cuts.recency[-2]}
        steps["segmentation.call"] = values
    if "Long silent" in rows:
        row = rows["Long silent"]
        sales = float(row["share_of_revenue"])
        values = {"customers": int(row["customers"]), "sales": sales, "days": cuts.recency[-1]}
        steps["segmentation.leave"] = values
    return steps


def rhythm(profile: pd.DataFrame, cuts: Scoring) -> Sentence:
    """Say from what pause on a customer is called quiet, and why.

    Parameters
    ----------
    profile
        Result of `RuleSegments.profile`.
    cuts
        The company's cut points.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if not any(cuts.recency):
        return "segmentation.no_scores", {}
    silent = profile.loc[profile["segment"].str.contains("silent"), "customers"].sum()
    days = {"quiet": cuts.recency[-2], "silent": cuts.recency[-1], "customers": int(silent)}
    return f"segmentation.{'rhythm' if cuts.by_rhythm else 'quantiles'}", days


def market(found: Clusters) -> Sentence:
    """Say what kind of groups K-means found.

    Parameters
    ----------
    found
        Result of `find_clusters`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    return f"segmentation.{found.market.replace(' ', '_')}", {"k": found.k}


def usable(use: Use) -> Sentence:
    """Say which names may be used outside the report.

    Parameters
    ----------
    use
        Result of `use.decide`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if not use.refused:
        return "segmentation.use_all", {}
    if len(use.refused) == len(PARTS):
        return "segmentation.use_none", {"why": use.refused[PARTS[0]]}
    refused, why = next(iter(use.refused.items()))
    key = "segmentation.use_groups" if refused == "segment" else "segmentation.use_segments"
    return key, {"why": why}


def groups_later(later: pd.DataFrame, segments: pd.DataFrame) -> Sentence:
    """Say how far groups, and segments by rule beside them, differ in what they did next.

    Parameters
    ----------
    later, segments
        Results of `later_sales` for the groups and for the segments.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    churn, by_rule = churn_difference(later), churn_difference(segments)
    if not np.isfinite(churn) or not np.isfinite(by_rule):
        return "segmentation.groups_untested", {}
    apart = {"apart": int(later["differs"].sum()), "groups": len(later)}
    return "segmentation.groups_later", apart | {"churn": churn, "by_rule": by_rule}


def certainty(found: Clusters) -> Sentence:
    """Say how sure the groups are.

    Parameters
    ----------
    found
        Result of `find_clusters`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.k < 2:
        return "segmentation.undivided", {}
    return "segmentation.sure", {
        "silhouette": found.silhouette, "chance": found.null_silhouette, "stability": found.stability,
        "cloud": found.null_stability, "boundary": found.boundary_share,
    }  # fmt: skip


def explained(rules: Explanation) -> Sentence:
    """Say for how many customers the tree's rules give the group.

    Parameters
    ----------
    rules
        Result of `explain`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if len(rules.leaves) < 2:
        return "segmentation.no_rules", {}
    return "segmentation.tree", {"rules": len(rules.leaves), "fidelity": rules.fidelity}


def unseen(rules: Explanation, cost: float) -> Sentence:
    """Say on whom that was counted, and what the rules cost.

    Parameters
    ----------
    rules
        Result of `explain`.
    cost
        Result of `cost_ratio`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if len(rules.leaves) < 2:
        return "segmentation.undivided", {}
    return "segmentation.cost", {"held_out": rules.held_out, "cost": cost}


def later_title(later: pd.DataFrame) -> Sentence:
    """Say how many segments later spent differently from the average.

    Parameters
    ----------
    later
        Result of `later_sales`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if later["revenue_each_low"].isna().all():
        return "segmentation.not_tested", {}
    return "segmentation.later", {"apart": int(later["differs"].sum()), "segments": len(later)}


def strongest(later: pd.DataFrame, *, day: date, days: int) -> Sentence:
    """Say which segment later spent most a customer, among those with an interval.

    Parameters
    ----------
    later
        Result of `later_sales`.
    day, days
        When the segments were named, and how long after it was looked at.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    known = later.dropna(subset=["revenue_each_low"])
    if known.empty:
        return "segmentation.too_early", {"day": day, "days": days}
    row = known.iloc[int(known["revenue_each"].to_numpy().argmax())]
    average = float(np.average(later["revenue_each"], weights=later["customers"]))
    each, again = (_estimate(row, name) for name in ("revenue_each", "share_ordering"))
    values = {"segment": row["segment"], "each": each, "again": again, "average": average}
    return "segmentation.strongest", values | {"day": day, "days": days}


def _estimate(row: pd.Series, name: str) -> Estimate:
    return Estimate(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))
