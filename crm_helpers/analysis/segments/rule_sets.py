"""Other ways to divide customers: by life cycle, by value, by age, and by the company's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from crm_helpers.analysis.segments.rfm import NO_ORDERS, Scoring
from crm_helpers.analysis.segments.rule_linter import lint_rule_set, lint_with_customers
from crm_helpers.conditions import Branch, Condition, RuleSet, read_condition
from crm_helpers.profile import SegmentRule, SegmentSet

__all__ = [
    "AGES",
    "age_groups",
    "company_sets",
    "faults",
    "life_cycle",
    "published_sets",
    "standard_sets",
    "value_classes",
]

AGES = (18, 25, 35, 45, 55, 65)
"""Whole years at which an age group begins."""

NO_RULE = "Under no rule"
_DEVIATIONS = 1.96  # standard errors to either side of a 95 % interval
_STANDARD = ("life cycle", "value", "age")
_PARTS = {3: "third", 4: "quarter", 5: "fifth", 6: "sixth"}
_ORDER = ("Top", "Second", "Third", "Fourth", "Fifth")


def standard_sets(customers: pd.DataFrame, cuts: Scoring) -> dict[str, RuleSet]:
    """Make the rule sets that need nothing declared, where the company's data carry them.

    Parameters
    ----------
    customers
        One row a customer, with `age`.
    cuts
        The company's cut points.

    Returns
    -------
    dict
        By name: `life cycle` where the company has a rhythm, `value`, and `age` where ages are known.
    """
    sets = {"life cycle": life_cycle(cuts)} if cuts.by_rhythm else {}
    sets["value"] = value_classes(cuts)
    if "age" in customers and customers["age"].notna().any():
        sets["age"] = age_groups()
    return sets


def life_cycle(cuts: Scoring) -> RuleSet:
    """Divide by where customers stand between their first order and their last.

    Parameters
    ----------
    cuts
        Cut points by rhythm: the two longest pauses of `recency` are 2 and 4 usual gaps.

    Returns
    -------
    RuleSet
        New (first order within 2 gaps), Active, Cooling (silent for 2 to 4 gaps) and Lost.
    """
    quiet, silent = cuts.recency[-2:]
    later = Condition("tenure_days", ">", quiet)
    return RuleSet(
        (
            Branch("New", (Condition("tenure_days", "<=", quiet),)),
            Branch("Active", (later, Condition("recency_days", "<=", quiet))),
            Branch("Cooling", (later, *_between("recency_days", quiet, silent))),
            Branch("Lost", (later, Condition("recency_days", ">", silent))),
        ),
        NO_ORDERS,
    )


def value_classes(cuts: Scoring) -> RuleSet:
    """Divide by sales at the cut points of the monetary score; equal sales always share a class.

    Parameters
    ----------
    cuts
        The company's cut points.

    Returns
    -------
    RuleSet
        As many classes as scores, fewer where many customers brought equal sales.

    Examples
    --------
    >>> cuts = Scoring(3, (30.0, 60.0), (1.0, 2.0), (10.0, 20.0), by_rhythm=True)
    >>> [(branch.name, branch.sql) for branch in value_classes(cuts).branches][0]
    ('Top third', 'orders > 0 AND revenue > 20')
    """
    ordered, part = Condition("orders", ">", 0.0), _PARTS[cuts.scores]
    ends = [-np.inf, *cuts.monetary, np.inf]
    branches = []
    for place in range(cuts.scores):
        low, high = ends[cuts.scores - 1 - place], ends[cuts.scores - place]
        name = f"{_ORDER[place] if place < cuts.scores - 1 else 'Lowest'} {part}"
        if low < high:
            branches.append(Branch(name, (ordered, *_between("revenue", low, high))))
    return RuleSet(tuple(branches), NO_ORDERS)


def age_groups() -> RuleSet:
    """Divide by age in whole years."""
    ends = [0, *AGES, np.inf]
    middle = [f"{low} to {high - 1}" for low, high in pairwise(AGES)]
    names = [f"Under {AGES[0]}", *middle, f"{AGES[-1]} and above"]
    branches = [
        Branch(name, (Condition("age", ">=", float(low)), *_below("age", high)))
        for name, (low, high) in zip(names, pairwise(ends), strict=True)
    ]
    return RuleSet(tuple(branches), "Age not known")


def company_sets(declared: Mapping[str, SegmentSet]) -> dict[str, RuleSet]:
    """Make the rule sets that a profile declares.

    Parameters
    ----------
    declared
        `segments` of the profile.

    Returns
    -------
    dict
        Rule sets by name.
    """
    return {name: RuleSet(tuple(map(_branch, item.rules)), item.otherwise) for name, item in declared.items()}


def published_sets(sets: Mapping[str, RuleSet], customers: pd.DataFrame) -> pd.DataFrame:
    """Count every set's segments.

    Parameters
    ----------
    sets
        Rule sets by name.
    customers
        One row a customer, with the features and `revenue`.

    Returns
    -------
    pandas.DataFrame
        The table `rule_sets`: `set`, `segment`, `customers`, `share_of_customers`, `share_of_revenue`
        (with 95 % interval `_low`, `_high`), `sql`; in the order of the rules, segments nobody is in
        included.
    """
    return pd.concat([_counted(name, rules, customers) for name, rules in sets.items()], ignore_index=True)


def faults(sets: Mapping[str, RuleSet], customers: pd.DataFrame) -> pd.DataFrame:
    """Gather the faults of every set: those of the rules, and of the company's own those customers show.

    Returns
    -------
    pandas.DataFrame
        `set`, `fault`, `where`.
    """
    found = [lint_rule_set(rules).assign(set=name) for name, rules in sets.items()]
    found += [
        lint_with_customers(rules, customers).assign(set=name)
        for name, rules in sets.items()
        if name not in _STANDARD  # nobody wrote those: that nobody is under 18 is no fault of theirs
    ]
    return pd.concat(found, ignore_index=True)[["set", "fault", "where"]]


def _branch(rule: SegmentRule) -> Branch:
    return Branch(rule.name, tuple(map(read_condition, rule.when)))


def _counted(name: str, rules: RuleSet, customers: pd.DataFrame) -> pd.DataFrame:
    segment = pd.Series(rules.assign(customers), customers.index).replace("", NO_RULE)
    rules = replace(rules, otherwise=rules.otherwise or NO_RULE)
    sums = customers.groupby(segment)["revenue"].agg(["size", "sum"])
    table = sums.reindex([n for n in rules.names if n != rules.otherwise or n in sums.index]).fillna(0)
    total = float(customers["revenue"].sum())
    share = table["sum"] / total if total > 0 else table["sum"] * np.nan
    error = _error_of_share(share, customers["revenue"], segment) / total
    written = {branch.name: branch.sql for branch in rules.branches}
    return pd.DataFrame({
        "set": name,
        "segment": table.index.astype("str"),
        "customers": table["size"].astype("int64"),
        "share_of_customers": table["size"] / max(len(customers), 1),
        "share_of_revenue": share,
        "share_of_revenue_low": share - _DEVIATIONS * error,
        "share_of_revenue_high": share + _DEVIATIONS * error,
        "sql": [written.get(segment, "") for segment in table.index],
    }).reset_index(drop=True)  # fmt: skip


def _error_of_share(share: pd.Series, money: pd.Series, segment: pd.Series) -> pd.Series:
    """Compute the standard error of each share times the total (delta method); none where nothing sold."""
    squares = (money**2).groupby(segment).sum().reindex(share.index).fillna(0.0)
    others = float((money**2).sum()) - squares
    return ((squares * (1 - share) ** 2 + others * share**2) ** 0.5).where(squares > 0)


def _between(feature: str, low: float, high: float) -> list[Condition]:
    above = [Condition(feature, ">", float(low))] if np.isfinite(low) else []
    return above + ([Condition(feature, "<=", float(high))] if np.isfinite(high) else [])


def _below(feature: str, high: float) -> list[Condition]:
    return [Condition(feature, "<", float(high))] if np.isfinite(high) else []
