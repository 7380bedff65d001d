"""Is a value missing for some customers more than for others? Empty columns by segment of the customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crm_helpers.analysis.segments.features import customer_features
from crm_helpers.analysis.segments.rfm import NO_ORDERS, assign_segments, rule_table, score_customers, scoring

__all__ = ["FEWEST", "SURELY", "missing_by_segment", "widest_gap"]

FEWEST = 30  # customers of a segment that is compared
SURELY = 4.0  # standard errors between two segments: the widest of a hundred gaps rarely reaches it by chance


def missing_by_segment(
    customers: ibis.Table,
    transactions: ibis.Table,
    columns: Sequence[str],
    *,
    as_of: date,
    window_days: int = 0,
    scores: int = 4,
    recency: str = "rhythm",
) -> pd.DataFrame:
    """Count, for each segment by rule, the customers whose value of a column is empty.

    Parameters
    ----------
    customers, transactions
        Canonical tables.
    columns
        Columns of customers.
    as_of
        The day the segments stand for.
    window_days, scores, recency
        How customers are put into segments, as in `segmentation.rule_segments`.

    Returns
    -------
    pandas.DataFrame
        `column`, `segment`, `customers`, `missing`, `share`; segments from the best to those without orders.
    """
    asked = customer_features(customers, transactions, as_of=as_of, window_days=window_days)
    features = asked.order_by("customer_id").to_pandas()
    cuts = scoring(features, scores=scores, by_rhythm=recency == "rhythm")
    segment = assign_segments(score_customers(features, cuts), scores=scores).to_numpy()
    empty = customers.select("customer_id", **{name: customers[name].isnull() for name in columns})  # noqa: PD003 - of Ibis
    known = empty.to_pandas().set_index("customer_id").reindex(features["customer_id"])
    grouped = known.fillna(value=True).astype(bool).groupby(segment)
    sizes, sums = grouped.size(), grouped.sum()
    names = [name for name in (*rule_table(cuts)["segment"], NO_ORDERS) if name in sizes.index]
    rows = [
        (column, name, int(sizes[name]), int(sums.loc[name, column])) for column in columns for name in names
    ]
    frame = pd.DataFrame(rows, columns=["column", "segment", "customers", "missing"])
    return frame.assign(share=frame["missing"] / frame["customers"])


def widest_gap(found: pd.DataFrame) -> dict[str, object] | None:
    """Find the column whose emptiness differs most between two segments, where that is more than chance.

    Parameters
    ----------
    found
        Result of `missing_by_segment`.

    Returns
    -------
    dict or None
        `column`, `most`, `most_share`, `least`, `least_share`; None when no two segments of at least 30
        customers differ by four standard errors.
    """
    large = found[found["customers"] >= FEWEST]
    if large.empty:
        return None
    ordered = large.sort_values(["column", "share", "segment"])
    low, high = ordered.groupby("column").first(), ordered.groupby("column").last()
    size = 1 / low["customers"] + 1 / high["customers"]
    pooled = (low["missing"] + high["missing"]) / (low["customers"] + high["customers"])
    error = np.sqrt(pooled * (1 - pooled) * size)
    gap = (high["share"] - low["share"]).where(high["share"] - low["share"] > SURELY * error)
    if gap.isna().all():
        return None
    name = str(gap.idxmax())
    most, least = (side.loc[[name]].to_dict("records")[0] for side in (high, low))
    return {
        "column": name, "most": most["segment"], "most_share": most["share"],
        "least": least["segment"], "least_share": least["share"],
    }  # fmt: skip
