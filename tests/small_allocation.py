"""Random problems of dividing a budget, and the same solved as a binary program: for tests and the peers."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from crm_helpers.analysis.channels.allocation_limits import Group, Limits


def curves(rng: np.random.Generator, channels: int, last: int) -> np.ndarray:
    """Make concave and S-shaped curves in turn."""
    units = np.arange(last + 1)
    rows = []
    for k in range(channels):
        top, half = rng.uniform(5, 50), rng.uniform(0.2, 0.8) * last
        steep = rng.uniform(2, 5) if k % 2 else rng.uniform(0.3, 1)
        rows.append(top * units**steep / (units**steep + half**steep))
    return np.array(rows)


def random_limits(rng: np.random.Generator, worth: np.ndarray, *, grouped: bool) -> Limits:
    channels, last = len(worth), worth.shape[1] - 1
    low = rng.integers(0, last // 3, channels)
    high = low + rng.integers(1, last - last // 3, channels)
    groups = (Group((0, 1), int(low[:2].sum()), int(low[:2].sum()) + last // 2),) if grouped else ()
    return Limits(tuple(f"c{k}" for k in range(channels)), low, high, groups)


def by_integer_program(worth: np.ndarray, budget: int, limits: Limits) -> float:
    """Choose one number of units a channel, as a binary program."""
    channel, units = np.nonzero(limits.allowed(worth))
    one = sparse.csr_array((np.ones(len(channel)), (channel, np.arange(len(channel)))))
    rows = [LinearConstraint(one, 1, 1), LinearConstraint(units[None, :].astype(float), 0, budget)]
    for group in limits.groups:
        own = np.where(np.isin(channel, group.members), units, 0)[None, :].astype(float)
        rows.append(LinearConstraint(own, group.low, group.high))
    ones = np.ones(len(channel))
    solved = milp(
        -worth[channel, units],
        constraints=rows,
        integrality=ones,
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    return float(-solved.fun)
