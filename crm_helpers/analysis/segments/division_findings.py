"""What page 03 says of other ways to divide customers, and of who changed the segment."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crm_helpers.analysis.segments.continuity import REASONS

__all__ = ["divided", "moved"]

Sentence = tuple[str, dict[str, Any]]


def divided(counted: pd.DataFrame, faults: pd.DataFrame) -> Sentence:
    """Say which segment of all sets brings most beyond its number, and whether the rules have faults.

    Parameters
    ----------
    counted
        Result of `rule_sets.published_sets`.
    faults
        Result of `rule_sets.faults`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if counted["share_of_revenue"].isna().all():
        return "segmentation.not_divided", {}
    beyond = (counted["share_of_revenue"] - counted["share_of_customers"]).to_numpy()
    first = counted.iloc[int(np.nanargmax(beyond))]
    values = {
        "segment": first["segment"], "set": first["set"],
        "share": float(first["share_of_customers"]), "sales": float(first["share_of_revenue"]),
    }  # fmt: skip
    if len(faults):
        return "segmentation.divided_faults", values | {"faults": len(faults)}
    return "segmentation.divided", values | {"sets": counted["set"].nunique()}


def moved(moves: pd.DataFrame, day: date | None) -> Sentence:
    """Say how many customers changed their segment since the last report, and why most of them did.

    Parameters
    ----------
    moves
        Result of `continuity.explained_moves`.
    day
        The day of the last report.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if day is None or moves.empty:
        return "segmentation.first_time", {}
    reasons = moves["reason"].value_counts()
    if reasons.empty:
        return "segmentation.nobody_moved", {"customers": len(moves), "day": day}
    return "segmentation.moved", {
        "day": day, "share": float(reasons.sum() / len(moves)),
        **{reason.split()[0]: int(reasons.get(reason, 0)) for reason in REASONS},
    }  # fmt: skip
