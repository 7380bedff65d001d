"""How segments would move if customers were made one person from another probability on.

Only customers of a likely pair can move; their orders are put together anew at each threshold. The lines
between the scores stay where they are, so that a move has one cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import pandas as pd

from crm_helpers.analysis.segments.features import customer_features
from crm_helpers.analysis.segments.rfm import assign_segments, score_customers
from crm_helpers.analysis.segments.segmentation import RuleSegments
from crm_helpers.cleaning.people import people_at

__all__ = ["THRESHOLDS", "by_segment", "by_threshold", "segment_moves"]

THRESHOLDS = (0.5, 0.8, 0.95, 0.99, 0.999)
_COLUMNS = ["threshold", "people", "segment", "customers", "change", "moved"]


def segment_moves(
    pairs: ibis.Table, orders: ibis.Table, found: RuleSegments, *, as_of: date, window_days: int = 0,
    automatic: float,
) -> pd.DataFrame:  # fmt: skip
    """Count the customers of each segment at other thresholds.

    Parameters
    ----------
    pairs
        `people_pairs`: pairs that only the threshold decides about, and the people they are now.
    orders
        `people_orders`: what these customers ordered, by the ids they came with.
    found
        The segments as they are.
    as_of, window_days
        As for the segments.
    automatic
        Probability from which pairs are merged: one of the thresholds, where nothing moves.

    Returns
    -------
    pandas.DataFrame
        The table `people_thresholds`; no row when no pair hangs on the threshold.
    """
    likely = pairs.order_by("customer_id", "other_id").to_pandas()
    if likely.empty:
        return pd.DataFrame(columns=_COLUMNS)
    now = _people_now(likely)
    then = pd.concat(
        [people_at(now, likely, level).assign(threshold=level) for level in sorted({*THRESHOLDS, automatic})]
    )
    then["segment"] = _segments(then, orders, found, as_of, window_days)
    segments = found.customers.set_index("customer_id")["segment"]
    then["before"] = then["customer_id"].map(now.set_index("customer_id")["person_id"]).map(segments)
    rest = segments.drop(now["person_id"].unique())
    return pd.concat([_counted(at, rest, segments, found.names) for _, at in then.groupby("threshold")])


def by_threshold(moves: pd.DataFrame) -> pd.DataFrame:
    """Sum up `segment_moves`: threshold, people and the rows that would come into another segment."""
    return moves.groupby("threshold", as_index=False).agg(people=("people", "first"), moved=("moved", "sum"))


def by_segment(moves: pd.DataFrame) -> pd.DataFrame:
    """Lay `segment_moves` out as a table: a row a segment, a column of customers a threshold."""
    wide = moves.pivot_table(index="segment", columns="threshold", values="customers", sort=False)
    return wide.astype("int64").rename(columns="from {:.1%} on".format).reset_index()


def _people_now(likely: pd.DataFrame) -> pd.DataFrame:
    names = [["customer_id", "person_id"], ["other_id", "other_person_id"]]
    both = [likely[columns].set_axis(names[0], axis=1) for columns in names]
    return pd.concat(both).drop_duplicates("customer_id").sort_values("customer_id", ignore_index=True)


def _segments(
    then: pd.DataFrame, orders: ibis.Table, found: RuleSegments, as_of: date, window_days: int
) -> pd.Series:
    """Name the segment of each person at each threshold, by the lines between scores as they are."""
    key = then["threshold"].astype("str") + " " + then["person_id"]
    who = ibis.memtable(pd.DataFrame({"customer_id": then["customer_id"], "person": key}))
    lines = orders.inner_join(who, "customer_id").drop("customer_id").rename(customer_id="person")
    people = ibis.memtable(pd.DataFrame({"customer_id": key.unique()}))
    table = customer_features(people, lines, as_of=as_of, window_days=window_days).to_pandas()
    scored = score_customers(table, found.cuts)
    named = assign_segments(scored, scores=found.cuts.scores)
    return key.map(dict(zip(table["customer_id"], named, strict=True)))


def _counted(at: pd.DataFrame, rest: pd.Series, before: pd.Series, names: Sequence[str]) -> pd.DataFrame:
    people = at.drop_duplicates("person_id")
    table = pd.DataFrame({
        "customers": rest.value_counts().add(people["segment"].value_counts(), fill_value=0),
        "now": before.value_counts(),
        "moved": at.loc[at["segment"] != at["before"], "segment"].value_counts(),
    })  # fmt: skip
    counts = table.reindex([name for name in names if name in table.index]).fillna(0).astype("int64")
    counts = counts.rename_axis("segment").reset_index()
    counts = counts.assign(change=counts["customers"] - counts["now"], people=len(rest) + len(people))
    return counts.assign(threshold=at["threshold"].iloc[0])[_COLUMNS]
