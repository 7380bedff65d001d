"""What was known of each customer on a day, for a model that says who will not order again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis import _
from ibis import selectors as s

from crm_helpers.analysis.churn.rhythm import rhythm
from crm_helpers.analysis.value.lookback import Past
from crm_helpers.analysis.value.purchases import DAYS_A_WEEK, OrderBook, engine_date

__all__ = ["BY_RHYTHM", "FEATURES", "PROBABILITIES", "Snapshot", "find_leaks", "snapshot", "stacked"]

BY_RHYTHM = "rhythm_risk"

FEATURES: Mapping[str, str] = {
    "silent_days": "days since the last order",
    "silent_pauses": "silence in usual pauses",
    "tenure_days": "days since the first order",
    "orders": "orders",
    "recent_orders": "orders lately",
    "order_trend": "orders lately less before",
    "order_value": "money an order",
    "recent_money": "money spent lately",
    "categories": "categories bought",
    "lines_each": "lines an order",
    "returns": "orders sent back",
    "contacts": "service contacts lately",
    "complaints": "complaints lately",
    "satisfaction": "satisfaction",
    "p_alive": "probability alive",
    "expected_orders": "orders expected",
    BY_RHYTHM: "risk by rhythm of buying",
}
"""Features and what they are in words; the last one is added once the rate of leaving is known."""

PROBABILITIES = ("p_alive", BY_RHYTHM)
"""Features that are probabilities."""

TOO_GOOD = 0.98  # area under the curve of one feature alone, above which it cannot have been known before
FEWEST_OF_EACH = 30  # customers of each outcome a single feature is judged on
COMPLAINT = "complaint"
_LEAST_RANGE = 1e-3  # of a feature, beside its greatest value


@dataclass(frozen=True)
class Snapshot:
    """Customers who are active on a day, what was known of them, and what they did next.

    `features` has a column a feature that the company knows; `alone` is the probability of no order
    that follows from the model of buying; `rhythm` is from there; `churned` is missing where the days
    after are not there yet.
    """

    day: date
    customers: pd.Series
    features: pd.DataFrame
    alone: np.ndarray
    rhythm: np.ndarray
    churned: np.ndarray | None


def snapshot(
    book: OrderBook, communications: ibis.Table, past: Past, *, window: int, label: bool
) -> Snapshot:
    """Describe the customers active on a day by what came before it.

    Active is who ordered within `window` days before; churned is who does not in the `window` after.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    communications
        Canonical communications; may be empty.
    past
        From `look_back`, with what came in the window after when there is to be a label.
    window
        Days of silence that count as lost.
    label
        Whether to look at what came after.

    Returns
    -------
    Snapshot
        By customer; features come from before the day, the label from it and later.
    """
    table = past.table.assign(**_from_model(past, window))
    active = table[past.silent_days < window]
    extra = _more(book, communications, day=past.day, window=window)
    active = active.merge(extra, on="customer_id", how="left", validate="one_to_one")
    churned = (active["later_orders"] == 0).to_numpy() if label else None
    return Snapshot(
        past.day, active["customer_id"], _features(active), active["alone"].to_numpy(float), rhythm(active),
        churned,
    )  # fmt: skip


def stacked(first: Snapshot, *others: Snapshot) -> Snapshot:
    """Put customers as they were on several days under each other, to learn from all of them.

    Parameters
    ----------
    first
        Whose day and features are kept.
    others
        Of other days; a feature that said nothing there is missing.

    Returns
    -------
    Snapshot
        With a row a customer and day.
    """
    parts = [part for part in (first, *others) if part.churned is not None]
    features = [part.features.reindex(columns=first.features.columns) for part in parts]
    return Snapshot(
        first.day,
        pd.concat([part.customers for part in parts], ignore_index=True),
        pd.concat(features, ignore_index=True),
        np.concatenate([part.alone for part in parts]),
        np.concatenate([part.rhythm for part in parts]),
        np.concatenate([part.churned for part in parts if part.churned is not None]),
    )


def find_leaks(
    features: pd.DataFrame, churned: np.ndarray, *, day: date, known_on: Mapping[str, date] | None = None
) -> pd.DataFrame:
    """Name features that cannot have been known before: too good alone, or dated after the cut-off.

    Parameters
    ----------
    features
        One column a feature.
    churned
        The label.
    day
        The cut-off.
    known_on
        For features with a date: the latest day any of their values was known.

    Returns
    -------
    pandas.DataFrame
        `feature`, `reason`; empty when all is well.

    Examples
    --------
    >>> churned = np.arange(200) % 2 == 0
    >>> table = pd.DataFrame({"account_closed": churned.astype(float), "orders": np.arange(200.0)})
    >>> find_leaks(table, churned, day=date(2024, 1, 1))["feature"].tolist()
    ['account_closed']
    """
    rows = [
        (str(name), f"known only on {known.isoformat()}, after {day.isoformat()}")
        for name, known in (known_on or {}).items()
        if known >= day and name in features
    ]
    if min(churned.sum(), (~churned).sum()) >= FEWEST_OF_EACH:
        alone = {name: _area(features[name], churned) for name in features}
        rows += [
            (str(name), f"tells {area:.1%} of pairs apart alone: too good to be known before")
            for name, area in alone.items()
            if area > TOO_GOOD
        ]
    return pd.DataFrame(rows, columns=["feature", "reason"]).drop_duplicates("feature", ignore_index=True)


def _area(values: pd.Series, churned: np.ndarray) -> float:
    """Area under the curve of one feature, whichever way it points; missing is a value of its own."""
    ranks = values.fillna(values.min() - 1).rank().to_numpy()
    positive, negative = churned.sum(), (~churned).sum()
    area = (ranks[churned].sum() - positive * (positive + 1) / 2) / (positive * negative)
    return float(max(area, 1 - area))


def _from_model(past: Past, window: int) -> dict[str, np.ndarray]:
    if past.model is None:
        return dict.fromkeys(("p_alive", "expected_orders", "alone"), np.full(len(past.table), np.nan))
    weeks, alive = window / DAYS_A_WEEK, past.model.alive(past.table)
    none = past.model.none_while_alive(past.table, weeks)
    expected = past.model.expected(past.table, weeks)
    return {"p_alive": alive, "expected_orders": expected, "alone": 1 - alive * (1 - none)}


def _more(book: OrderBook, communications: ibis.Table, *, day: date, window: int) -> pd.DataFrame:
    """Count what the histories do not hold: the last window and the one before, breadth, service."""
    end, recent, before = (engine_date(day - timedelta(days=days)) for days in (0, window, 2 * window))
    lately, ordered = _.day >= recent, _.ordered
    sums = book.days.filter(_.day < end).group_by("customer_id").aggregate(
        recent_money=_.net.sum(where=lately).cast("float64"), lines=_.lines.sum(), baskets=_.baskets.sum(),
        returns=_.returns.sum(), recent_orders=(lately & ordered).sum(),
        earlier_orders=((_.day < recent) & (_.day >= before) & ordered).sum(),
    )  # fmt: skip
    breadth = book.orders.filter(_.day < end).group_by("customer_id")
    joined = sums.left_join(breadth.aggregate(categories=_.category.nunique()), "customer_id")
    times = communications.mutate(day=_.occurred_at.date()).filter((_.day < end) & (_.day >= recent))
    service = times.group_by("customer_id").aggregate(
        contacts=_.count(), complaints=(_.kind == COMPLAINT).sum(), satisfaction=_.satisfaction.mean()
    )
    both = joined.drop("customer_id_right").left_join(service, "customer_id").drop("customer_id_right")
    # not a number rather than missing: what is missing comes out of the engine one by one
    numbers = both.mutate(s.across(~s.cols("customer_id"), _.cast("float64").fill_null(float("nan"))))
    table: pd.DataFrame = numbers.to_pandas()
    return table


def _features(table: pd.DataFrame) -> pd.DataFrame:
    """Make the columns; one that says next to nothing (constant or missing) is left out.

    Differences far behind the point are how a fit ended, not customers; in standard deviations they are as
    large as any.
    """
    silent, usual = table["T"] - table["t_x"], table["t_x"].sum() / max(table["x"].sum(), 1)
    made = pd.DataFrame({
        "silent_days": silent * DAYS_A_WEEK,
        "silent_pauses": silent * (table["x"] + 1) / (table["t_x"] + max(usual, 1 / DAYS_A_WEEK)),
        "tenure_days": table["T"] * DAYS_A_WEEK,
        "orders": table["orders"],
        "recent_orders": table["recent_orders"].fillna(0),
        "order_trend": table["recent_orders"].fillna(0) - table["earlier_orders"].fillna(0),
        "order_value": table["mean"],
        "recent_money": table["recent_money"].fillna(0),
        "categories": table["categories"],
        "lines_each": table["lines"] / table["baskets"],
        "returns": table["returns"],
        "contacts": table["contacts"].fillna(0),
        "complaints": table["complaints"].fillna(0),
        "satisfaction": table["satisfaction"],
        "p_alive": table["p_alive"],
        "expected_orders": table["expected_orders"],
    }).astype(float)  # fmt: skip
    return made.loc[:, made.max() - made.min() > _LEAST_RANGE * made.abs().max()]
