"""Names for clusters by what they are, compared with the company, never by their number."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

__all__ = ["name_clusters"]

_WORDS = {
    "recency_days": ("recent", "", "quiet"),
    "orders": ("few orders", "some orders", "many orders"),
    "mean_order": ("small baskets", "", "large baskets"),
}
"""Words for the lowest third of the company, the middle and the highest third."""

_EXACT = {
    "recency_days": "{0:,.0f} days ago",
    "orders": "{0:,.0f} orders",
    "mean_order": "{0:,.2f} an order",
}


def name_clusters(ordered: pd.DataFrame, labels: np.ndarray) -> list[str]:
    """Name clusters by where their median customer stands in the company.

    A feature is low or high when the cluster's median lies in the lowest or highest third of all
    customers (ties count half). Clusters that would share a name are told apart by the medians in
    which they differ most, and at last by all of them.

    Parameters
    ----------
    ordered
        Customers who ordered, with the features.
    labels
        Cluster of each, 0 to k − 1.

    Returns
    -------
    list of str
        One name a cluster, each different.

    Examples
    --------
    >>> people = pd.DataFrame({"recency_days": [1, 2, 200, 210], "orders": [9, 8, 1, 1],
    ...                        "mean_order": [50.0, 60.0, 10.0, 12.0]})
    >>> name_clusters(people, np.array([0, 0, 1, 1]))
    ['Recent, many orders, large baskets', 'Quiet, few orders, small baskets']
    """
    medians = ordered[list(_WORDS)].groupby(labels).median()
    plain = [_plain(medians.loc[cluster], ordered) for cluster in medians.index]
    return _distinct(plain, medians, ordered[list(_WORDS)])


def _plain(median: pd.Series, ordered: pd.DataFrame) -> str:
    words = [_word(feature, float(median[feature]), ordered[feature]) for feature in _WORDS]
    return ", ".join(word for word in words if word)


def _word(feature: str, value: float, company: pd.Series) -> str:
    place = float((company < value).mean() + (company == value).mean() / 2)
    return _WORDS[feature][int(place > 1 / 3) + int(place > 2 / 3)]


def _distinct(names: list[str], medians: pd.DataFrame, company: pd.DataFrame) -> list[str]:
    taken, result = Counter(names), []
    for place, name in enumerate(names):
        rivals = medians.iloc[[other for other, word in enumerate(names) if word == name]]
        telling = _telling(rivals, company) if taken[name] > 1 else []
        extra = ", ".join(_EXACT[feature].format(medians.iloc[place][feature]) for feature in telling)
        result.append(_sentence(f"{name} ({extra})" if extra else name))
    return _numbered(result)


def _telling(rivals: pd.DataFrame, company: pd.DataFrame) -> list[str]:
    """Choose the fewest features, most different first, whose written medians differ among rivals."""
    spread = (np.log1p(rivals.clip(lower=0)).std() / np.log1p(company.clip(lower=0)).std()).fillna(0.0)
    chosen: list[str] = []
    for feature in spread.sort_values(ascending=False, kind="stable").index:
        chosen.append(str(feature))
        written = {tuple(_EXACT[name].format(row[name]) for name in chosen) for _, row in rivals.iterrows()}
        if len(written) == len(rivals):
            break
    return chosen


def _sentence(name: str) -> str:
    return name[:1].upper() + name[1:]


def _numbered(names: list[str]) -> list[str]:
    """Add a letter to names still alike: clusters whose medians are equal to the last digit shown."""
    seen: Counter[str] = Counter()
    again = Counter(names)
    result = []
    for name in names:
        seen[name] += 1
        result.append(f"{name} {chr(64 + seen[name])}" if again[name] > 1 else name)
    return result
