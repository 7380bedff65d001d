"""How well people were found, where the truth is known: by pairs, and by the records of each person."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["Agreement", "by_pairs", "by_records"]


@dataclass(frozen=True)
class Agreement:
    """Precision: share of what was joined that belongs together; recall: share of that which was joined."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def by_pairs(people: pd.DataFrame, truth: pd.DataFrame) -> Agreement:
    """Compare the pairs within people with the true pairs.

    Parameters
    ----------
    people, truth
        `customer_id` and `person_id`; only customers in both count.

    Returns
    -------
    Agreement
        1 where there is nothing to find, or nothing was joined.

    Examples
    --------
    >>> people = pd.DataFrame({"customer_id": ["a", "b", "c"], "person_id": ["1", "1", "1"]})
    >>> truth = pd.DataFrame({"customer_id": ["a", "b", "c"], "person_id": ["x", "x", "y"]})
    >>> by_pairs(people, truth).precision  # of the three pairs, one is right
    0.3333333333333333
    """
    both = _joined(people, truth)
    right = _pairs(both.groupby(["found", "true"]).size())
    found, true = _pairs(both.groupby("found").size()), _pairs(both.groupby("true").size())
    return Agreement(right / found if found else 1.0, right / true if true else 1.0)


def by_records(people: pd.DataFrame, truth: pd.DataFrame) -> Agreement:
    """Compare each record's person with its true person, and average over records (B-cubed).

    Bagga and Baldwin (1998): one large wrong merge weighs by the records it spoils, not by their square.

    Parameters
    ----------
    people, truth
        `customer_id` and `person_id`; only customers in both count.

    Returns
    -------
    Agreement
        Mean over records of |found ∩ true| ÷ |found|, and of |found ∩ true| ÷ |true|.
    """
    both = _joined(people, truth)
    if both.empty:
        return Agreement(1.0, 1.0)
    common = both.groupby(["found", "true"])["true"].transform("size")
    found, true = (both.groupby(name)[name].transform("size") for name in ("found", "true"))
    return Agreement(float((common / found).mean()), float((common / true).mean()))


def _joined(people: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    found = people[["customer_id", "person_id"]].rename(columns={"person_id": "found"})
    true = truth[["customer_id", "person_id"]].rename(columns={"person_id": "true"})
    return found.merge(true, on="customer_id", validate="one_to_one")


def _pairs(sizes: pd.Series) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
