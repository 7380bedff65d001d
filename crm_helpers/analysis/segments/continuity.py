"""Names that last: groups matched with those of the last report, and every change of segment explained."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from crm_helpers.analysis.segments.clusters import Clusters
from crm_helpers.analysis.segments.rfm import NO_ORDERS
from crm_helpers.conditions import Branch, RuleSet, read_condition

__all__ = ["REASONS", "SAME_GROUP", "explained_moves", "kept_names", "lasting", "migration", "rules_before"]

SAME_GROUP = 0.5  # Jaccard similarity from which a group is the one of the last report
REASONS = ("data corrected", "customer moved", "boundary moved")


def kept_names(before: pd.Series, after: pd.Series) -> dict[str, str]:
    """Match groups with those of the last report, and let the matched ones keep their names.

    Groups are paired so that the sum of their Jaccard similarities over the customers of both is
    largest (Kuhn 1955, "Hungarian"); a pair below `SAME_GROUP` is not the same group.

    Parameters
    ----------
    before, after
        Name of each customer's group then and now, by customer id. `NO_ORDERS` is nobody's group.

    Returns
    -------
    dict
        The name each group of now is to bear; a new group keeps its own, with a mark when it is taken.

    Examples
    --------
    >>> before = pd.Series({"a": "Recent", "b": "Recent", "c": "Quiet"})
    >>> after = pd.Series({"a": "Recent, many orders", "b": "Recent, many orders", "c": "Quiet"})
    >>> kept_names(before, after)
    {'Quiet': 'Quiet', 'Recent, many orders': 'Recent'}
    """
    shared = pd.concat([before.rename("before"), after.rename("after")], axis=1, join="inner")
    shared = shared[(shared != NO_ORDERS).all(axis=1)]
    names = sorted(set(after) - {NO_ORDERS})
    counts = pd.crosstab(shared["after"], shared["before"]).reindex(names, fill_value=0)
    overlap = counts.to_numpy(float)
    union = overlap.sum(axis=1, keepdims=True) + overlap.sum(axis=0, keepdims=True) - overlap
    similarity = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    pairs = zip(*linear_sum_assignment(-similarity), strict=True)
    kept = {names[row]: str(counts.columns[c]) for row, c in pairs if similarity[row, c] >= SAME_GROUP}
    return _free_names(names, kept)


def lasting(groups: Clusters, customers: pd.DataFrame, published: pd.DataFrame) -> Clusters:
    """Let groups that were there in the last report keep the names they had.

    Parameters
    ----------
    groups
        What `find_clusters` found.
    customers
        The customers it was found in.
    published
        The last report's table `segments`; without rows nothing is kept.

    Returns
    -------
    Clusters
        The same groups under lasting names.
    """
    if published.empty or groups.k < 2:
        return groups
    before = published.set_index("customer_id")["cluster"]
    return groups.renamed(kept_names(before, groups.labels.set_axis(customers["customer_id"])))


def rules_before(published: pd.DataFrame) -> RuleSet | None:
    """Read the rules of the segments as the last report published them.

    Parameters
    ----------
    published
        Its table `segment_rules`.

    Returns
    -------
    RuleSet or None
        None where there was no report, its rules were not to be used, or are not written as conditions.
    """
    rules = published[published["kind"] == "segment"].sort_values("position")
    if rules.empty or rules["sql"].isna().any():
        return None
    try:
        branches = [
            Branch(name, tuple(map(read_condition, sql.split(" AND "))))
            for name, sql in zip(rules["name"], rules["sql"], strict=True)
        ]
    except ValueError:
        return None
    return RuleSet(tuple(branches), NO_ORDERS)


def explained_moves(
    published: pd.DataFrame, then: pd.DataFrame, now: pd.DataFrame, *, rules: RuleSet | None
) -> pd.DataFrame:
    """Say of every customer of both reports which segment they were in, are in, and why it changed.

    The way from the segment published then to that of now has three steps, and a move is explained by
    the first of them that changes the name: the same day and rules on the data as they are known now
    (*data corrected*), the same rules on what the customer did since (*customer moved*), and the rules
    of now (*boundary moved*).

    Parameters
    ----------
    published
        `customer_id`, `segment` of the last report.
    then
        Features as of its day, from the data as they are now.
    now
        Features and `segment` of this report.
    rules
        Rules of the last report; nothing can be explained without them.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `before`, `after`, `reason` (missing where the name stayed).
    """
    if rules is None:
        return pd.DataFrame(columns=["customer_id", "before", "after", "reason"], dtype="str")
    last = published.set_index("customer_id")["segment"]
    same_day = pd.Series(rules.assign(then), then["customer_id"])
    same_rules = pd.Series(rules.assign(now), now["customer_id"])
    steps = pd.concat(
        {
            "before": last, "corrected": same_day, "moved": same_rules,
            "after": now.set_index("customer_id")["segment"],
        },
        axis=1, join="inner",
    )  # fmt: skip
    changes = [
        steps["corrected"] != steps["before"], steps["moved"] != steps["corrected"],
        steps["after"] != steps["moved"],
    ]  # fmt: skip
    reason = np.select(changes, REASONS, default="")
    moved = (steps["before"] != steps["after"]).to_numpy()
    steps["reason"] = pd.array(np.where(moved, reason, ""), dtype="str")
    steps["reason"] = steps["reason"].where(moved)
    return steps.rename_axis("customer_id").reset_index()[["customer_id", "before", "after", "reason"]]


def migration(moves: pd.DataFrame) -> pd.DataFrame:
    """Count the moves between every two segments, by reason.

    Parameters
    ----------
    moves
        Result of `explained_moves`.

    Returns
    -------
    pandas.DataFrame
        The table `segment_moves`: `before`, `after`, `reason` ("stayed" where the name did), `customers`,
        `share` of the customers who were in `before`; the largest moves first.
    """
    filled = moves.assign(reason=moves["reason"].fillna("stayed"))
    counted = filled.groupby(["before", "after", "reason"], as_index=False).size()
    counted = counted.rename(columns={"size": "customers"})
    counted["share"] = counted["customers"] / counted.groupby("before")["customers"].transform("sum")
    order = ["stayed", "customers", "before", "after", "reason"]
    counted["stayed"] = counted["reason"] == "stayed"
    counted = counted.sort_values(order, ascending=[True, False, True, True, True], ignore_index=True)
    return counted[["before", "after", "reason", "customers", "share"]]


def _free_names(names: list[str], kept: dict[str, str]) -> dict[str, str]:
    taken = Counter(kept.values())
    result = {}
    for name in names:
        fresh = kept.get(name, name)
        if name not in kept:
            while taken[fresh]:
                fresh = f"{fresh} (new)"
            taken[fresh] += 1
        result[name] = fresh
    return result
