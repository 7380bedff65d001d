"""What no division of a budget can pass: the same problem over the concave envelopes, as a linear program."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from crm_helpers.analysis.channels.allocation_limits import Limits

__all__ = ["envelope_bound"]


def envelope_bound(allowed: np.ndarray, budget: int, limits: Limits) -> tuple[float, float, np.ndarray]:
    """Bound the worth from above, with the prices of the budget and of the groups.

    Each channel takes a mixture of its allowed units, `Σ λ = 1`: mixtures are the concave envelope.

    Parameters
    ----------
    allowed
        Worth of each number of units, a row a channel; −∞ where not allowed.
    budget
        Units to divide.
    limits
        Of groups.

    Returns
    -------
    tuple of float, float and numpy.ndarray
        The bound, what one more unit of budget would bring, and the same for each group's limit that binds.
    """
    channel, units = np.nonzero(np.isfinite(allowed))
    pairs = np.arange(len(channel))
    mixture = sparse.csr_array((np.ones(len(channel)), (channel, pairs)), shape=(len(allowed), len(channel)))
    spend = [units.astype(float)]
    most = [float(budget)]
    for group in limits.groups:
        own = np.where(np.isin(channel, group.members), units, 0).astype(float)
        spend += [own, -own]
        most += [float(group.high), -float(group.low)]
    solved = linprog(
        -allowed[channel, units],
        A_ub=sparse.csr_array(np.vstack(spend)), b_ub=most,
        A_eq=mixture, b_eq=np.ones(len(allowed)), bounds=(0, None), method="highs",
    )  # fmt: skip
    price = -solved.ineqlin.marginals
    groups = price[1:].reshape(-1, 2).sum(axis=1)
    return float(-solved.fun), max(0.0, float(price[0])), np.asarray(groups)
