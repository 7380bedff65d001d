"""Which channels get the credit for orders: five ways to share it out, side by side.

Credit is not cause: every way divides orders that happened among contacts that went before, whether or not
they would have happened without.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import rounded

__all__ = ["WAYS", "attribute", "credit_by_markov", "credit_by_place", "credit_by_shapley"]

WAYS = ("last", "first", "linear", "markov", "shapley")
"""The last contact, the first, all alike, loss when a channel is taken away, and mean over all coalitions."""

DISAGREE = 0.05
"""Share of all credit by which two ways must differ in a channel to disagree."""

_COLUMNS = ["channel", *WAYS, "lowest", "highest", "disagree"]


def attribute(paths: pd.DataFrame) -> pd.DataFrame:
    """Share out the orders among the channels, each way.

    Parameters
    ----------
    paths
        `path` (a tuple of channels in the order of contact), `conversions` and `nulls` (how often it ended
        with an order and without).

    Returns
    -------
    pandas.DataFrame
        `channel`; orders credited by each of `WAYS`; `lowest` and `highest` share of all credit; `disagree`,
        whether these are `DISAGREE` apart. No rows without conversions.

    Examples
    --------
    >>> paths = pd.DataFrame({"path": [("a", "b"), ("b",)], "conversions": [2, 1], "nulls": [0, 1]})
    >>> attribute(paths)[["channel", "last", "first", "linear", "shapley"]].values.tolist()
    [['a', 0.0, 2.0, 1.0, 1.0], ['b', 3.0, 1.0, 2.0, 2.0]]
    """
    total = float(paths["conversions"].sum()) if len(paths) else 0.0
    if not total:
        return pd.DataFrame(columns=_COLUMNS)
    table = credit_by_place(paths).assign(markov=credit_by_markov(paths), shapley=credit_by_shapley(paths))
    shares = table[list(WAYS)] / total
    lowest, highest = shares.min(axis=1), shares.max(axis=1)
    table = table.assign(lowest=lowest, highest=highest, disagree=highest - lowest >= DISAGREE)
    return rounded(table.reset_index(names="channel")[_COLUMNS])


def credit_by_place(paths: pd.DataFrame) -> pd.DataFrame:
    """Credit the last contact, the first, and every contact alike; rows by channel."""
    orders, channels = paths["conversions"].to_numpy(float), _channels(paths)
    size = paths["path"].map(len).to_numpy(int)
    steps = _steps(paths, channels)
    ends = np.cumsum(size)
    ways = {
        "last": np.bincount(steps[ends - 1], orders, len(channels)),
        "first": np.bincount(steps[ends - size], orders, len(channels)),
        "linear": np.bincount(steps, np.repeat(orders / size, size), len(channels)),
    }
    return pd.DataFrame(ways, index=channels)


def credit_by_markov(paths: pd.DataFrame) -> pd.Series:
    """Credit each channel by the orders that would be lost without it, in a chain of contacts.

    States are the start, the channels, order and no order. With Q the moves between channels, s those from
    the start and r those to an order, an order is reached with `P = s · (I − Q)⁻¹ · r`. Without a channel,
    whoever comes to it is lost; the removal effect is `1 − P₋ₖ / P`, and orders are credited in proportion.
    """
    channels = _channels(paths)
    start, moves, order = _chain(paths, channels)
    reached = _reached(start, moves, order)
    lost = np.empty(len(channels))
    for k in range(len(channels)):
        kept = np.delete(np.arange(len(channels)), k)
        lost[k] = 1 - _reached(start[kept], moves[np.ix_(kept, kept)], order[kept]) / reached
    lost = np.maximum(lost, 0.0)
    return pd.Series(lost / lost.sum() * float(paths["conversions"].sum()), index=channels)


def credit_by_shapley(paths: pd.DataFrame) -> pd.Series:
    """Credit each channel by its mean contribution over all orders in which channels could join.

    A coalition is worth the orders of paths that need no other channel. The orders of a path then belong in
    equal parts to its different channels (Shapley 1953, unanimity games): exact, for any number of channels.
    """
    credit = dict.fromkeys(_channels(paths), 0.0)
    for path, orders in zip(paths["path"], paths["conversions"], strict=True):
        members = set(path)
        for channel in members:
            credit[channel] += float(orders) / len(members)
    return pd.Series(credit)


def _channels(paths: pd.DataFrame) -> list[str]:
    return sorted(set().union(*paths["path"]))


def _steps(paths: pd.DataFrame, channels: list[str]) -> np.ndarray:
    number = {name: k for k, name in enumerate(channels)}
    return np.array([number[name] for path in paths["path"] for name in path], dtype=int)


def _chain(paths: pd.DataFrame, channels: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Work out the probabilities: from the start, between channels, and to an order."""
    size, count = paths["path"].map(len).to_numpy(int), len(channels)
    orders = paths["conversions"].to_numpy(float)
    times = orders + paths["nulls"].to_numpy(float)
    steps, ends = _steps(paths, channels), np.cumsum(size)
    inner = np.delete(np.arange(len(steps)), ends - 1)
    each = np.repeat(times, size)
    pairs = np.bincount(steps[inner] * count + steps[inner + 1], each[inner], count * count)
    left = np.maximum(np.bincount(steps, each, count), 1e-300)
    first = np.bincount(steps[ends - size], times, count)
    bought = np.bincount(steps[ends - 1], orders, count)
    return first / times.sum(), pairs.reshape(count, count) / left[:, None], bought / left


def _reached(start: np.ndarray, moves: np.ndarray, order: np.ndarray) -> float:
    if not len(start):
        return 0.0
    return float(start @ np.linalg.solve(np.eye(len(start)) - moves, order))
