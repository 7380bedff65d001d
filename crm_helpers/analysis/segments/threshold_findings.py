"""What page 03 says of other thresholds for making people one: how many would move, and where."""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = ["largest_change", "most_moved"]

Sentence = tuple[str, dict[str, Any]]


def most_moved(moves: pd.DataFrame) -> Sentence:
    """Say at which threshold most rows would come into another segment.

    Parameters
    ----------
    moves
        The table `people_thresholds`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if not moves["moved"].any():
        return "segmentation.moves_none", {}
    at = _furthest(moves)
    return "segmentation.moves", {"threshold": at["threshold"].iloc[0], "moved": int(at["moved"].sum())}


def largest_change(moves: pd.DataFrame) -> Sentence:
    """Say what would change at that threshold: customers in all, and the segment that changes most."""
    if moves.empty:
        return "segmentation.moves_nobody", {}
    at = _furthest(moves)
    most = at.iloc[int(at["change"].abs().argmax())]
    people = int(at["people"].iloc[0])
    return "segmentation.moves_largest", {
        "people": people, "now": people - int(at["change"].sum()), "segment": most["segment"],
        "before": int(most["customers"] - most["change"]), "customers": int(most["customers"]),
    }  # fmt: skip


def _furthest(moves: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the threshold that moves most, of equal ones the lowest."""
    moved = moves.groupby("threshold")["moved"].sum()
    return moves[moves["threshold"] == moved.idxmax()].reset_index(drop=True)
