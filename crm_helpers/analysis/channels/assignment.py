"""Which customer is contacted through which channel: the best plan under limits, with a proof of how good.

The proof is a bound no plan can pass (see `prices`); the plan keeps every limit, and the distance between
the two is the most that a better plan could still bring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from crm_helpers.analysis.channels.offers import Offers, choices
from crm_helpers.analysis.channels.prices import Priced, find_prices
from crm_helpers.analysis.channels.rounding import make_plan

__all__ = ["GAP", "Assignment", "assign", "by_branch_and_bound"]

GAP = 1e-3
"""Share of the bound that a plan may stay below it."""

SMALL = 20_000
"""Pairs that branch and bound takes, when a plan misses the gap: those of the customers least decided."""


@dataclass(frozen=True)
class Assignment:
    """A plan of contacts: `taken` has a row a customer and a column a channel.

    `worth` is what it is expected to bring, `bound` what no plan can pass, `gap` the share between them.
    `price` is what one more contact through each channel would bring, `budget_price` one more unit of money.
    """

    taken: np.ndarray
    worth: float
    bound: float
    price: np.ndarray
    budget_price: float

    @property
    def gap(self) -> float:
        """Share of the bound the plan stays below it."""
        return max(0.0, (self.bound - self.worth) / self.bound) if self.bound > 0 else 0.0


def assign(offers: Offers, *, gap: float = GAP, seed: int = 1) -> Assignment:
    """Choose the contacts that bring most, with a certified gap.

    Prices come from the Lagrangian dual on everybody at once. Where the gap is not reached, the customers
    whose choice is least clear at the prices are chosen for again, together, by branch and bound.

    Parameters
    ----------
    offers
        The problem, from `offers.make_offers`.
    gap
        Gap to reach.
    seed
        Of the samples on which prices are found first.

    Returns
    -------
    Assignment
        The plan and its certificate.

    Examples
    --------
    >>> from crm_helpers.analysis.channels.offers import make_offers
    >>> plan = assign(make_offers(np.array([[5.0, 4.0], [5.0, 1.0]]), np.array([1, 1])))
    >>> plan.taken.astype(int).tolist(), plan.worth, round(plan.gap, 6)
    ([[0, 1], [1, 0]], 9.0, 0.0)
    """
    priced = find_prices(offers, tolerance=gap / 10, seed=seed)
    taken = make_plan(offers, priced)
    plan = _certified(offers, priced, taken, priced.bound)
    if plan.gap <= gap:
        return plan
    undecided = np.sort(np.argsort(_margin(offers, priced), kind="stable")[: SMALL // len(offers.cost)])
    rest = _remaining(offers, taken, undecided)
    found, bound = by_branch_and_bound(rest, gap=gap / 4)
    better = taken.copy()
    better[:, undecided] = found
    proven = min(bound, priced.bound) if len(undecided) == offers.customers else priced.bound
    plans = (_certified(offers, priced, one, proven) for one in (taken, better))
    return max(plans, key=lambda one: one.worth)


def _certified(offers: Offers, priced: Priced, taken: np.ndarray, bound: float) -> Assignment:
    worth = float(offers.gain[taken].sum())
    return Assignment(taken.T, worth, max(bound, worth), priced.channel, priced.budget)


def _margin(offers: Offers, priced: Priced) -> np.ndarray:
    """Say how clearly each customer's choice stands out at the prices."""
    reduced = offers.gain - (priced.channel + priced.budget * offers.cost)[:, None]
    chosen, following = choices(reduced, offers.most)
    worst = np.where(chosen, reduced, np.inf).min(axis=0)
    best_left = np.where(chosen, -np.inf, reduced).max(axis=0)
    free = chosen.sum(axis=0) < offers.most
    return np.asarray(np.minimum(worst - following, np.where(free, -best_left, np.inf)))


def _remaining(offers: Offers, taken: np.ndarray, undecided: np.ndarray) -> Offers:
    """Pose the problem of the undecided customers, with what the others leave."""
    used = taken.sum(axis=1) - taken[:, undecided].sum(axis=1)
    budget = max(0.0, offers.budget - float(offers.cost @ used))
    return Offers(offers.gain[:, undecided], offers.cost, offers.capacity - used, budget, offers.most)


def by_branch_and_bound(offers: Offers, *, gap: float = 0.0) -> tuple[np.ndarray, float]:
    """Solve the same problem as one integer program by HiGHS: exact, and slow beyond some thousand customers.

    Parameters
    ----------
    offers
        The problem.
    gap
        Share of the bound the plan may stay below it.

    Returns
    -------
    tuple of numpy.ndarray and float
        The pairs chosen, a row a channel, and the bound.
    """
    channel, customer = np.nonzero(offers.gain > 0)
    taken = np.zeros(offers.gain.shape, bool)
    if not len(channel):
        return taken, 0.0
    pairs, one = np.arange(len(channel)), np.ones(len(channel))
    rows = [
        LinearConstraint(sparse.csr_array((one, (customer, pairs))), ub=offers.most),
        LinearConstraint(sparse.csr_array((one, (channel, pairs))), ub=offers.capacity[: channel.max() + 1]),
    ]
    if offers.has_budget:
        rows.append(LinearConstraint(sparse.csr_array(offers.cost[channel][None, :]), ub=offers.budget))
    gains = offers.gain[channel, customer]
    solved = milp(
        -gains, constraints=rows, bounds=Bounds(0, 1), integrality=one, options={"mip_rel_gap": gap}
    )
    kept = solved.x > 0.5
    taken[channel[kept], customer[kept]] = True
    return taken, float(-solved.mip_dual_bound)
