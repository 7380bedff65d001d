"""Which names may leave the report: a segmentation that did not hold is shown, and written back nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crm_helpers.analysis.segments.clusters import Clusters
from crm_helpers.analysis.segments.summary import criteria, judge
from crm_helpers.errors import InputError

if TYPE_CHECKING:
    from crm_helpers.analysis.segments.segmentation import RuleSegments

__all__ = ["PARTS", "Use", "criteria_of", "decide"]

PARTS = ("segment", "cluster")
"""Names a customer bears: of the segment by rule, and of the group of alike customers."""

FEWEST_TRUSTED = 0.6  # bootstrap Jaccard similarity below which a group is not to be trusted (Hennig 2007)


@dataclass(frozen=True)
class Use:
    """Why names of a part may not be used, by part; a part that may be used is not in it."""

    refused: Mapping[str, str]

    @property
    def words(self) -> str:
        """What may be used, in words for a table."""
        allowed = [part for part in PARTS if part not in self.refused]
        return " and ".join(allowed) or "shown only"

    def mark(self, part: str) -> str:
        """Say whether the names of a part may be used: `may be used`, or `shown only` and why."""
        return f"shown only: {self.refused[part]}" if part in self.refused else "may be used"

    def require(self, part: str) -> None:
        """Raise `InputError` where the names of a part may not be used."""
        if part in self.refused:
            raise InputError(
                f"the {part} names of this segmentation are shown only, never written back: "
                f"{self.refused[part]}; take a run whose page 03 says that they may be used"
            )


def criteria_of(
    found: RuleSegments, groups: Clusters, *, fidelity: float, later: pd.DataFrame
) -> pd.DataFrame:
    """List the criteria of a segmentation, as `summary.criteria` does.

    Parameters
    ----------
    found, groups
        The segments by rule, and the groups of alike customers.
    fidelity
        Share of held-out customers whose group the tree gives.
    later
        Result of `later_sales` for the segments.

    Returns
    -------
    pandas.DataFrame
        `criterion`, `found`, `needed`, `met`.
    """
    return criteria(
        customers=found.buyers, faults=len(found.faults), stability=groups.stability, beyond=groups.beyond,
        lowest_jaccard=groups.profile["jaccard"].min(), fidelity=fidelity, later=later,
    )  # fmt: skip


def decide(table: pd.DataFrame, groups: Clusters) -> Use:
    """Say which names may be used outside the report.

    Segments by rule may be when the verdict is not "not enough data" and their rules have no fault; groups
    when, besides, one cloud of customers would not have given groups like them, and none is to be distrusted.

    Parameters
    ----------
    table
        Result of `criteria_of`.
    groups
        What `find_clusters` found.

    Returns
    -------
    Use
        The parts refused, each with its reason.
    """
    found = table.set_index("criterion")["found"]
    if judge(table) == "not enough data":
        return Use(dict.fromkeys(PARTS, "not enough data, or nothing that sets customers apart"))
    refused = {}
    if found["faults in the rule table"]:
        refused["segment"] = "the rules have faults"
    if groups.market not in ("natural", "reproducible"):
        refused["cluster"] = "customers without groups would be divided as well"
    elif groups.profile["jaccard"].min() < FEWEST_TRUSTED:
        refused["cluster"] = "a group does not come back when customers are drawn again"
    return Use(refused)
