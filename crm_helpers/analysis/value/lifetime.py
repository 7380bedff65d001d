"""How often will a customer order again, and is he still one? BG/NBD and MBG/NBD on grouped customers.

While a customer, orders come at random with a rate of his own (gamma over customers); after each order
he may leave for good, with a chance of his own (beta). BG/NBD (Fader, Hardie & Lee 2005, Marketing
Science 24:275) lets nobody leave at the first order; MBG/NBD (Batislam, Denizel & Filiztekin 2007) does,
so that one-time buyers may be lost. Nothing but x, t_x and T of a customer counts, so equal customers are
one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from crm_helpers.analysis.value.likelihood import Fit, maximise

__all__ = ["BuyingModel", "Kind", "fit_buying", "group_customers", "log_likelihood"]

Kind = Literal["BG/NBD", "MBG/NBD"]

NODES = 24  # of the quadrature over the chance to leave: within 2e-5 of the closed form
_STARTS = np.array([[0.5, 1.0, 0.5, 2.0], [2.0, 1.0, 1.0, 8.0]])  # r, alpha in mean waits, a, b


@dataclass(frozen=True)
class BuyingModel:
    """A fitted model; times are in the unit of the customers' T, here weeks."""

    kind: Kind
    fit: Fit
    customers: int

    @property
    def parameters(self) -> dict[str, float]:
        """Name the four: r and alpha of the order rate, a and b of the chance to leave."""
        return dict(zip(("r", "alpha", "a", "b"), map(float, self.fit.parameters), strict=True))

    @cached_property
    def offset(self) -> int:
        """Chances to leave before the first repeat order."""
        return 1 if self.kind == "MBG/NBD" else 0

    def alive(self, table: pd.DataFrame) -> np.ndarray:
        """Compute for each customer the probability of not having left by the end of T.

        Parameters
        ----------
        table
            Columns `x`, `t_x`, `T`.

        Returns
        -------
        numpy.ndarray
            One over one plus the odds `a/(b+m−1) · ((α+T)/(α+t_x))^(r+x)`, m chances to leave.
        """
        r, alpha, a, b = self.fit.parameters
        x, t_x, age = _columns(table)
        m = x + self.offset
        odds = np.log(a) - np.log(np.where(m > 0, b + m - 1, 1.0))
        odds = odds + (r + x) * (np.log(alpha + age) - np.log(alpha + t_x))
        return np.asarray(np.where(m > 0, special.expit(-odds), 1.0))

    def expected(self, table: pd.DataFrame, horizon: float) -> np.ndarray:
        """Expect orders of each customer in the `horizon` after T, given x, t_x and T.

        A customer with rate λ and chance p, still there, will order (1 − e^(−λpt))/p times in t. Over
        λ, gamma(r+x, α+T), that is (1 − ((α+T)/(α+T+pt))^(r+x))/p; over p, beta(a, b+m), it is summed
        at Gauss-Legendre nodes of p's quantiles, which also holds at a = 1 and for many orders, where
        the closed form with ₂F₁ does not.

        Parameters
        ----------
        table
            Columns `x`, `t_x`, `T`.
        horizon
            Time ahead.

        Returns
        -------
        numpy.ndarray
            Orders a customer.
        """
        x, _, age = _columns(table)
        orders = self._orders_of_the_living(x, age, horizon)
        return np.asarray(self.alive(table) * orders)

    def none_while_alive(self, table: pd.DataFrame, horizon: float) -> np.ndarray:
        """Compute the probability of no order in the `horizon` of customers who are still there.

        Over the rate, gamma(r+x, α+T), no order in t has the probability `((α+T)/(α+T+t))^(r+x)`.
        """
        r, alpha, _, _ = self.fit.parameters
        x, _, age = _columns(table)
        return np.asarray(((alpha + age) / (alpha + age + horizon)) ** (r + x))

    def median_wait(self, table: pd.DataFrame) -> np.ndarray:
        """Compute the time by which half of such customers order again; infinite where half are gone.

        Solves `1 − P + P·((α+T)/(α+T+t))^(r+x) = 1/2` for t, P the probability of being there.
        """
        r, alpha, _, _ = self.fit.parameters
        x, _, age = _columns(table)
        alive = self.alive(table)
        staying = np.maximum(1 - 0.5 / np.maximum(alive, 0.5), 0.0)
        growth = np.full(len(x), np.inf)
        there = staying > 0
        growth[there] = staying[there] ** (-1 / (r + x[there])) - 1
        return np.asarray((alpha + age) * growth)

    def expected_new(self, times: np.ndarray) -> np.ndarray:
        """Expect repeat orders of a customer in the given times after the first order."""
        times = np.asarray(times, float)
        _, _, a, b = self.fit.parameters
        new = np.zeros_like(times)
        stays = b / (a + b) if self.offset else 1.0
        return stays * self._orders_of_the_living(new, new, times)

    def simulate(self, table: pd.DataFrame, horizon: float, *, draws: int, seed: int) -> np.ndarray:
        """Draw futures: parameters as other samples would give them, then lives and orders of each customer.

        Parameters
        ----------
        table
            Columns `x`, `t_x`, `T`.
        horizon
            Time ahead.
        draws, seed
            How many futures, and the seed.

        Returns
        -------
        numpy.ndarray
            Orders, draws × customers.
        """
        generator = np.random.default_rng(seed)
        futures = [
            self._future(parameters, table, horizon, generator)
            for parameters in self.fit.draws(draws, generator)
        ]
        return np.array(futures).reshape(draws, len(table))

    def _future(
        self, parameters: np.ndarray, table: pd.DataFrame, horizon: float, generator: np.random.Generator
    ) -> np.ndarray:
        x, _, age = _columns(table)
        r, alpha, a, b = parameters
        drawn = BuyingModel(self.kind, Fit(parameters, self.fit.covariance, 0.0, True), self.customers)
        living = np.flatnonzero(generator.random(len(x)) < drawn.alive(table))
        rate = generator.gamma(r + x[living]) / (alpha + age[living])
        chance = generator.beta(a, b + x[living] + self.offset).clip(1e-12, 1.0)
        orders = np.zeros(len(x))
        orders[living] = np.minimum(generator.poisson(rate * horizon), generator.geometric(chance))
        return orders

    def _orders_of_the_living(
        self, x: np.ndarray, age: np.ndarray, horizon: float | np.ndarray
    ) -> np.ndarray:
        r, alpha, a, b = self.fit.parameters
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        counts, place = np.unique(x, return_inverse=True)
        quantiles = special.betaincinv(a, (b + counts + self.offset)[:, None], (nodes + 1) / 2)
        ahead = horizon / (alpha + age)
        orders = np.zeros(len(x))
        for node, weight in enumerate(weights / 2):
            p = quantiles[place, node].clip(1e-12)
            orders -= weight / p * np.expm1(-(r + x) * np.log1p(p * ahead))
        return orders


def group_customers(table: pd.DataFrame) -> pd.DataFrame:
    """Count customers with equal x, t_x and T: the likelihood is the same, with far fewer rows.

    Parameters
    ----------
    table
        Columns `x`, `t_x`, `T`, one row a customer.

    Returns
    -------
    pandas.DataFrame
        Distinct rows with `customers`.
    """
    grouped = table.groupby(["x", "t_x", "T"], sort=False).size()
    return grouped.rename("customers").reset_index()


def fit_buying(table: pd.DataFrame, *, kind: Kind = "BG/NBD", start: np.ndarray | None = None) -> BuyingModel:
    """Fit the model to customers.

    Parameters
    ----------
    table
        One row a customer: `x` repeat orders, `t_x` time from first to last order, `T` time from
        first order to now.
    kind
        The model.
    start
        Parameters to begin with, of an earlier fit to much the same customers.

    Returns
    -------
    BuyingModel
        At the highest likelihood.
    """
    groups = group_customers(table)
    wait = float(table["T"].sum() / max(table["x"].sum(), 1))
    starts = _STARTS * np.array([1.0, wait, 1.0, 1.0])
    if start is not None:
        starts = np.vstack([start, starts])
    likelihood = _Likelihood(groups, offset=1 if kind == "MBG/NBD" else 0)
    return BuyingModel(kind, maximise(likelihood, starts), len(table))


def log_likelihood(table: pd.DataFrame, parameters: np.ndarray, *, kind: Kind = "BG/NBD") -> float:
    """Compute the log-likelihood of customers at given r, alpha, a, b."""
    likelihood = _Likelihood(group_customers(table), offset=1 if kind == "MBG/NBD" else 0)
    return likelihood(np.asarray(parameters, float))[0]


class _Likelihood:
    """The sum over groups of `ln A₁ + ln A₂ + ln(e^A₃ + e^A₄)` and its slope.

    A₁ and A₂ depend on x alone and are computed once a distinct x, weighted by its customers.
    """

    def __init__(self, groups: pd.DataFrame, *, offset: int) -> None:
        self.x, self.t_x, self.age = _columns(groups)
        self.weight = groups["customers"].to_numpy(float)
        self.m = self.x + offset
        self.counts, place = np.unique(self.x, return_inverse=True)
        self.many = np.bincount(place, self.weight)
        self.chances = self.counts + offset

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = parameters
        ages, lasts = np.log(alpha + self.age), np.log(alpha + self.t_x)
        gone = np.log(a) - np.log(np.where(self.m > 0, b + self.m - 1, 1.0)) + (r + self.x) * (ages - lasts)
        gone = np.where(self.m > 0, gone, -np.inf)
        dead = special.expit(gone) * self.weight
        there = self.weight - dead
        value = self.many @ self._constant(parameters)
        value += self.weight @ (np.logaddexp(0.0, gone) - (r + self.x) * ages)
        shape, leave = self._constant_slopes(parameters)
        slope = np.array([
            self.many @ shape - there @ ages - dead @ lasts,
            self.weight.sum() * r / alpha
            - (r + self.x) @ (there / (alpha + self.age) + dead / (alpha + self.t_x)),
            self.many @ leave[0] + dead.sum() / a,
            self.many @ leave[1] - dead @ (1 / np.where(self.m > 0, b + self.m - 1, 1.0)),
        ])  # fmt: skip
        return float(value), slope

    def _constant(self, parameters: np.ndarray) -> np.ndarray:
        r, alpha, a, b = parameters
        x, m, lg = self.counts, self.chances, special.gammaln
        rate = lg(r + x) - lg(r) + r * np.log(alpha)
        return np.asarray(rate + special.betaln(a, b + m) - special.betaln(a, b))

    def _constant_slopes(self, parameters: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        r, alpha, a, b = parameters
        x, m, psi = self.counts, self.chances, special.psi
        both = psi(a + b) - psi(a + b + m)
        return psi(r + x) - psi(r) + np.log(alpha), (both, both + psi(b + m) - psi(b))


def _columns(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, t_x, age = (table[name].to_numpy(float) for name in ("x", "t_x", "T"))
    return x, t_x, age
