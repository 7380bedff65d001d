"""What segments are worth, whether that lasts, and how far the segmentation can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import wilson_estimate
from crm_helpers.analysis.segments.cluster_choice import CLEARLY
from crm_helpers.analysis.segments.rfm import NO_ORDERS
from crm_helpers.record import Verdict

__all__ = [
    "MEDIANS",
    "bootstrap_sums",
    "churn_difference",
    "criteria",
    "drawn_intervals",
    "judge",
    "later_sales",
    "segment_profile",
]

BLOCKS = 2_000  # resampled units at most: above it, customers are drawn in random blocks
CHUNK = 250  # draws whose weights are in memory at once
FEWEST_CUSTOMERS = 100  # below it nothing is said about segments
ENOUGH_CUSTOMERS = 500
SLIGHT = 0.1  # Cramér's V below which a difference is slight (Cohen 1988)
FEWEST_FOR_MEAN = 10  # a resampled mean of fewer customers looks surer than it is
_ENDS = ("share_low", "share_high", "mean_low", "mean_high")
MEDIANS = {
    "median_recency": "recency_days", "median_orders": "orders", "median_order_value": "mean_order",
    "median_revenue": "revenue",
}  # fmt: skip
"""Columns of a profile and the features they are medians of."""


def segment_profile(
    frame: pd.DataFrame, *, order: Sequence[str], draws: int = 1000, seed: int = 1, level: float = 0.95
) -> pd.DataFrame:
    """Describe each segment: how many customers, what share of sales, how sure that share is.

    Parameters
    ----------
    frame
        One row a customer: `segment` and the features.
    order
        Names of segments, as they are to be listed; those without customers are left out.
    draws
        Bootstrap draws behind the interval.
    seed
        Seed of the draws.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    pandas.DataFrame
        `segment`, `customers`, `share_of_customers`, `revenue`, `share_of_revenue` with `_low` and
        `_high`, and the medians of the features. Shares of sales are missing when sales are not
        above zero.
    """
    ordered = frame.sort_values("customer_id")
    names, groups = _groups(ordered["segment"], order)
    drawn = drawn_intervals(ordered["revenue"].to_numpy(float), groups, draws=draws, seed=seed, level=level)
    revenue = _by_group(ordered["revenue"], groups, "sum")
    total = revenue.sum()
    customers = np.bincount(groups, minlength=len(names))
    share = revenue / total if total > 0 else revenue * np.nan
    table = pd.DataFrame({
        "segment": pd.array(names, dtype="str"),
        "customers": customers,
        "share_of_customers": customers / max(len(ordered), 1),
        "revenue": revenue,
        "share_of_revenue": share,
        "share_of_revenue_low": drawn["share_low"] if total > 0 else np.nan,
        "share_of_revenue_high": drawn["share_high"] if total > 0 else np.nan,
    })  # fmt: skip
    return table.assign(**{name: _by_group(ordered[of], groups, "median") for name, of in MEDIANS.items()})


def later_sales(
    earlier: pd.DataFrame, later: pd.DataFrame, *, order: Sequence[str], draws: int = 1000, seed: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Ask what the segments of an earlier day did next, which nothing in them could know.

    Who had not ordered by then takes no part: many were not customers yet.

    Parameters
    ----------
    earlier
        `customer_id`, `segment` as of the earlier day.
    later
        `customer_id`, `orders`, `revenue` of the days after; customers without lines may be absent.
    order
        Names of segments, as they are to be listed.
    draws, seed, level
        Of the bootstrap interval.

    Returns
    -------
    pandas.DataFrame
        `segment`, `customers`, `share_ordering` (Wilson interval) and `revenue_each` (money a
        customer, bootstrap interval) with `_low` and `_high`, `share_of_revenue`, `average` (money a
        customer over all) and `differs`: the interval of `revenue_each` leaves the average out.
    """
    segments = earlier.loc[earlier["segment"] != NO_ORDERS, ["customer_id", "segment"]]
    known = segments.sort_values("customer_id").merge(
        later[["customer_id", "orders", "revenue"]], on="customer_id", how="left", validate="one_to_one"
    )
    known = known.fillna({"orders": 0, "revenue": 0.0})
    names, groups = _groups(known["segment"], order)
    drawn = drawn_intervals(known["revenue"].to_numpy(float), groups, draws=draws, seed=seed, level=level)
    customers = np.bincount(groups, minlength=len(names))
    low, high = (drawn[end].to_numpy() for end in ("mean_low", "mean_high"))
    each, revenue = (_by_group(known["revenue"], groups, how) for how in ("mean", "sum"))
    again = _by_group(known["orders"] > 0, groups, "sum")
    shares = [wilson_estimate(a, n, level=level) for a, n in zip(again, customers, strict=True)]
    average, total = known["revenue"].mean(), revenue.sum()
    return pd.DataFrame({
        "segment": pd.array(names, dtype="str"), "customers": customers,
        "share_ordering": [share.value for share in shares],
        "share_ordering_low": [share.low for share in shares],
        "share_ordering_high": [share.high for share in shares],
        "revenue_each": each, "revenue_each_low": low, "revenue_each_high": high,
        "share_of_revenue": revenue / total if total > 0 else revenue * np.nan,
        "average": average,
        "differs": (low > average) | (high < average),
    })  # fmt: skip


def drawn_intervals(
    values: np.ndarray, groups: np.ndarray, *, draws: int = 1000, seed: int = 1, level: float = 0.95
) -> pd.DataFrame:
    """Bound each group's share of a sum and its mean, by drawing the customers again.

    Parameters
    ----------
    values
        The value of each customer, taken as known.
    groups
        Group of each customer, 0 and above.
    draws, seed
        Of the resamples.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    pandas.DataFrame
        One row a group: `share_low`, `share_high`, `mean_low`, `mean_high`; no mean below ten customers.
    """
    customers, sums = np.moveaxis(bootstrap_sums(values, groups, draws=draws, seed=seed), 2, 0)
    share = _interval(_divide(sums, sums.sum(axis=1, keepdims=True)), level)
    mean = _interval(_divide(sums, customers), level)
    table = pd.DataFrame(dict(zip(_ENDS, (*share, *mean), strict=True)))
    few = np.bincount(groups, minlength=len(table)) < FEWEST_FOR_MEAN
    table.loc[few, ["mean_low", "mean_high"]] = np.nan
    return table


def bootstrap_sums(values: np.ndarray, groups: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Draw the number of customers and the sum of a value in each group, again and again.

    Customers weigh Poisson(1) in each draw, which approaches drawing with replacement. Above 2,000
    customers, random blocks of equal size are drawn instead of single customers: ratios of the sums
    (shares, means) vary as they do over customers, and time and memory no longer grow with the number.
    The sums themselves vary more, for the number of customers drawn varies: use ratios only.

    Parameters
    ----------
    values
        The value of each customer.
    groups
        Group of each customer, 0 and above.
    draws
        How many draws.
    seed
        Seed of blocks and weights.

    Returns
    -------
    numpy.ndarray
        draws × groups × 2: customers and sum.
    """
    generator, count = np.random.default_rng(seed), int(groups.max(initial=-1)) + 1
    units = min(len(values), BLOCKS)
    blocks = generator.permutation(len(values)) % max(units, 1)
    cells = blocks * count + groups
    customers = np.bincount(cells, minlength=units * count)
    sums = np.bincount(cells, weights=values, minlength=units * count)
    table = np.stack([customers.astype(float), sums], axis=1).reshape(units, count * 2)
    starts = range(0, draws, CHUNK)
    drawn = [generator.poisson(1.0, (min(CHUNK, draws - start), units)) @ table for start in starts]
    return np.concatenate(drawn).reshape(draws, count, 2)


def churn_difference(later: pd.DataFrame) -> float:
    """Measure how far segments differ in the share of customers who did not order again.

    Cramér's V, corrected for chance (Bergsma 2013): about 0 where segments say nothing of who leaves,
    1 where they say it all; below 0.1 a difference is slight, however many customers prove it.

    Parameters
    ----------
    later
        Result of `later_sales`.

    Returns
    -------
    float
        0 to 1; not a number where fewer than two segments, or no two outcomes, can be compared.

    Examples
    --------
    >>> churn_difference(pd.DataFrame({"customers": [500, 500], "share_ordering": [0.9, 0.1]}))
    0.79...
    """
    customers = later["customers"].to_numpy(float)
    again = later["share_ordering"].to_numpy(float) * customers
    n, rate = customers.sum(), again.sum() / max(customers.sum(), 1)
    if len(later) < 2 or not 0 < rate < 1:
        return float("nan")
    squares = ((again - customers * rate) ** 2 / (customers * rate * (1 - rate))).sum()
    chance = (len(later) - 1) / (n - 1)
    return float(np.sqrt(max(squares / n - chance, 0.0) / (1 - 1 / (n - 1))))


def criteria(
    *, customers: int, faults: int, stability: float, beyond: float, lowest_jaccard: float,
    fidelity: float, later: pd.DataFrame | None,
) -> pd.DataFrame:  # fmt: skip
    """List what a segmentation must show before it is called solid.

    Parameters
    ----------
    customers
        Customers who ordered.
    faults
        Faults found in the rule table.
    stability
        Mean adjusted Rand index of the clusters over resamples.
    beyond
        Silhouette of the clusters above the highest that one cloud of customers reaches.
    lowest_jaccard
        Bootstrap Jaccard similarity of the least certain cluster.
    fidelity
        Share of held-out customers whose cluster the tree gives.
    later
        Result of `later_sales`; None when it could not be looked at.

    Returns
    -------
    pandas.DataFrame
        `criterion`, `found`, `needed`, `met`.
    """
    apart = 0 if later is None else int(later["differs"].sum())
    churn = float("nan") if later is None else churn_difference(later)
    rows = [
        ("customers who ordered", float(customers), ENOUGH_CUSTOMERS, customers >= ENOUGH_CUSTOMERS),
        ("faults in the rule table", float(faults), 0.0, faults == 0),
        ("agreement of clusters over resamples", stability, 0.8, stability >= 0.8),
        ("silhouette of the groups above one cloud's", beyond, CLEARLY, beyond >= CLEARLY),
        ("similarity of the least certain cluster", lowest_jaccard, 0.75, lowest_jaccard >= 0.75),
        ("customers whose cluster the tree gives", fidelity, 0.9, fidelity >= 0.9),
        ("segments whose later sales differ from the average", float(apart), 2.0, apart >= 2),
        ("difference of segments in later churn (Cramér's V)", churn, SLIGHT, churn >= SLIGHT),
    ]
    return pd.DataFrame(rows, columns=["criterion", "found", "needed", "met"])


def judge(table: pd.DataFrame) -> Verdict:
    """Say how far a segmentation can be trusted.

    Parameters
    ----------
    table
        Result of `criteria`.

    Returns
    -------
    str
        "not enough data" below 100 customers who ordered, and where nothing sets customers apart: no
        group stands out from one cloud, and segments do not differ in what they did later; "solid" when
        every criterion is met, else "indicative".
    """
    met = table.set_index("criterion")["met"]
    names = table["criterion"].str
    grouped = met[names.startswith("silhouette").to_numpy()].all()
    later = met[names.contains("later").to_numpy()].all()
    if table["found"].iloc[0] < FEWEST_CUSTOMERS or not (grouped or later):
        return "not enough data"
    return "solid" if bool(table["met"].all()) else "indicative"


def _groups(segment: pd.Series, order: Sequence[str]) -> tuple[list[str], np.ndarray]:
    present = set(segment)
    names = [name for name in order if name in present]
    names += sorted(present - set(names))
    places = {name: place for place, name in enumerate(names)}
    return names, segment.map(places).to_numpy(int)


def _by_group(values: pd.Series, groups: np.ndarray, how: str) -> np.ndarray:
    """Aggregate by group; every group up to the highest has customers, for its name was seen."""
    return values.groupby(groups).agg(how).to_numpy(float)


def _divide(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0))


def _interval(draws: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Take the middle of the draws; a group no draw has, or one draw, has no interval."""
    seen = np.isfinite(draws).sum(axis=0) > 1
    bounds = np.full((2, draws.shape[1]), np.nan)
    bounds[:, seen] = np.nanquantile(draws[:, seen], [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return bounds[0], bounds[1]
