"""What a contact through each channel, and a unit of budget, is worth: the prices that share out contacts.

For prices p ≥ 0 of the channels and of the budget, each customer takes the contacts that pay most after their
prices: `D(p) = capacity · λ + budget · μ + Σ_i best_i(gain − λ − μ cost)`. D(p) is above the worth of every
plan whatever p is, so the least D is a certificate (Lagrangian relaxation; Fisher 1981).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from crm_helpers.analysis.channels.offers import Offers, choices

__all__ = ["Priced", "find_prices"]

CHUNK = 100_000
"""Customers weighed at a time: what bounds the memory."""

_SAMPLES = (2_000, 40_000)  # customers on whom prices are found first
_CUTS, _LAST_CUTS = 120, 25  # weighings of prices, and on everybody where there are many
_NEAR = 0.25  # of the largest gain over the root of the sample: where the best prices are looked for next


@dataclass(frozen=True)
class Priced:
    """Prices with the bound they prove: by channel, and of a unit of budget.

    `mixed` are price vectors (channels, then budget) near the best one, `weight` their shares: customers who
    are alike are tied at the best prices, and the mixture says how many of them go which way.
    """

    channel: np.ndarray
    budget: float
    bound: float
    mixed: np.ndarray
    weight: np.ndarray


def find_prices(offers: Offers, *, tolerance: float, seed: int) -> Priced:
    """Find the prices with the least bound: on a sample, on a larger one, then on everybody.

    Parameters
    ----------
    offers
        The problem.
    tolerance
        Share of the bound it may be off.
    seed
        Of the samples.

    Returns
    -------
    Priced
        The prices.
    """
    order = np.random.default_rng(seed).permutation(offers.customers)
    top = float(np.max(offers.gain, initial=0.0))
    place, radius = np.zeros(len(offers.cost) + 1), top
    for size in _SAMPLES:
        if size < offers.customers / 2:
            sample = offers.sample(np.sort(order[:size]))
            place = _Descent(sample, place, radius).run(_CUTS, tolerance)
            radius = _NEAR * top / np.sqrt(size)
    descent = _Descent(offers, place, radius)
    place = descent.run(_CUTS if offers.customers < 2 * _SAMPLES[-1] else _LAST_CUTS, tolerance)
    mixed, weight = descent.mixture()
    return Priced(*_in_money(offers, place), descent.best, _in_money_rows(offers, mixed), weight)


class _Descent:
    """Lower the bound by cutting planes in a box that moves along (Marsten, Hogan & Blankenship 1975)."""

    def __init__(self, offers: Offers, start: np.ndarray, radius: float) -> None:
        self.offers, self.centre, self.radius = offers, start, radius
        self.best = np.inf
        self.places: list[np.ndarray] = []
        self.slopes: list[np.ndarray] = []
        self.levels: list[float] = []
        self.weight = np.ones(1)

    def run(self, cuts: int, tolerance: float) -> np.ndarray:
        """Weigh prices until the planes leave no more than the tolerance below the best; return the best."""
        place = self.centre
        for _ in range(cuts):
            self._weigh(place)
            place, model = self._lowest()
            inside = bool(np.all(np.abs(place - self.centre) < self.radius * (1 - 1e-9)))
            if inside and self.best - model <= tolerance * self.best:
                break
            self.radius = self.radius if inside else self.radius * 1.5
        return self.centre

    def mixture(self) -> tuple[np.ndarray, np.ndarray]:
        """Take the prices that carry the lowest point of the planes, and the share of each."""
        carry = np.flatnonzero(self.weight > 1e-6)
        return np.array(self.places)[carry], self.weight[carry] / self.weight[carry].sum()

    def _weigh(self, place: np.ndarray) -> None:
        value, slope = weigh(self.offers, place)
        self.places.append(place)
        self.slopes.append(slope)
        self.levels.append(value - float(slope @ place))
        if value < self.best:
            self.centre, self.best = place, value
        else:
            self.radius *= 0.7

    def _lowest(self) -> tuple[np.ndarray, float]:
        size, slopes = len(self.centre), np.array(self.slopes)
        planes = np.column_stack([slopes, -np.ones(len(slopes))])
        ends = [(max(0.0, x - self.radius), x + self.radius) for x in self.centre]
        levels = np.array(self.levels)
        solved = linprog(
            np.append(np.zeros(size), 1.0), A_ub=planes, b_ub=-levels, bounds=[*ends, (None, None)]
        )
        if solved.status != 0:
            return self.centre, -np.inf
        self.weight = np.maximum(-solved.ineqlin.marginals, 0.0)
        return solved.x[:size], float(solved.fun)


def weigh(offers: Offers, place: np.ndarray) -> tuple[float, np.ndarray]:
    """Work out D at prices and its slope: what is left of each capacity and of the budget.

    Parameters
    ----------
    offers
        The problem.
    place
        Prices of the channels, then of the budget in units of the mean cost of a contact.

    Returns
    -------
    tuple of float and numpy.ndarray
        D and its slope.
    """
    channel, budget = _in_money(offers, place)
    total, used = 0.0, np.zeros(len(offers.cost))
    for start in range(0, offers.customers, CHUNK):
        reduced = offers.gain[:, start : start + CHUNK] - (channel + budget * offers.cost)[:, None]
        chosen, _ = choices(reduced, offers.most)
        total += float(reduced[chosen].sum())
        used += chosen.sum(axis=1)
    total += float(offers.capacity @ channel)
    if not offers.has_budget:
        return total, np.append(offers.capacity - used, 1.0)
    left = offers.budget - float(offers.cost @ used)
    return total + offers.budget * budget, np.append(offers.capacity - used, left / _unit(offers))


def _unit(offers: Offers) -> float:
    """Mean cost of a contact: in its units the price of the budget is as large as those of channels."""
    return float(offers.cost.mean()) or 1.0


def _in_money(offers: Offers, place: np.ndarray) -> tuple[np.ndarray, float]:
    return place[:-1], float(place[-1]) / _unit(offers) if offers.has_budget else 0.0


def _in_money_rows(offers: Offers, places: np.ndarray) -> np.ndarray:
    scale = 1.0 / _unit(offers) if offers.has_budget else 0.0
    return np.column_stack([places[:, :-1], places[:, -1] * scale])
