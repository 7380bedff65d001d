"""How often will a customer order again, where he may leave at any time? Pareto/NBD on grouped customers.

While a customer, orders come at a rate λ of his own, gamma(r, α) over customers; he leaves at a time of
his own, at a rate μ, gamma(s, β) (Schmittlein, Morrison & Colombo 1987). In BG/NBD he can only leave
after an order, so there who orders often is lost the sooner; here he is not.

With k = r + x, a customer's likelihood is `Γ(k)αʳ/Γ(r) · (A + D)`: he is still there, A = (α+T)⁻ᵏ(β/(β+T))ˢ,
or left at some time since his last order, D = ∫ sβˢ(β+t)⁻ˢ⁻¹(α+t)⁻ᵏ dt from t_x to T. The integral is
summed at Gauss-Legendre nodes of (α+t)⁻ᵏ, which also holds for many orders, where ₂F₁ does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from crm_helpers.analysis.value.lifetime import group_customers
from crm_helpers.analysis.value.likelihood import Fit, maximise

__all__ = ["ParetoModel", "fit_pareto", "pareto_likelihood"]

NODES = 8  # of the quadrature over the time of leaving: D within a thousandth
MOST_FITTED = 50_000  # customers; more change the parameters by less than matters
_STARTS = np.array([[0.5, 1.0, 0.5, 2.0], [2.0, 1.0, 1.0, 8.0]])  # r, alpha in mean waits, s, beta likewise
_WAITS = np.concatenate([[0.0], np.geomspace(0.1, 1_000.0, 30)])  # weeks that a median wait is looked up in


@dataclass(frozen=True)
class ParetoModel:
    """A fitted model; times are in the unit of the customers' T, here weeks."""

    fit: Fit
    customers: int
    kind: Literal["Pareto/NBD"] = "Pareto/NBD"

    @property
    def parameters(self) -> dict[str, float]:
        """Name the four: r and alpha of the order rate, s and beta of the rate of leaving."""
        return dict(zip(("r", "alpha", "s", "beta"), map(float, self.fit.parameters), strict=True))

    def alive(self, table: pd.DataFrame) -> np.ndarray:
        """Compute for each customer the probability A/(A + D) of not having left by the end of T."""
        there, gone = _leaving(self.fit.parameters, *_columns(table))[:2]
        return np.asarray(special.expit(there - gone))

    def expected(self, table: pd.DataFrame, horizon: float) -> np.ndarray:
        """Expect orders of each customer in the `horizon` after T, given x, t_x and T.

        Of who is still there λ is gamma(r+x, α+T) and μ gamma(s, β+T), so that orders in h are
        `(r+x)(β+T)/(α+T) · (1 − ((β+T)/(β+T+h))^(s−1))/(s−1)`.
        """
        r, alpha, s, beta = self.fit.parameters
        x, _, age = _columns(table)
        return np.asarray(self.alive(table) * (r + x) / (alpha + age) * _time_there(s, beta + age, horizon))

    def none_while_alive(self, table: pd.DataFrame, horizon: float) -> np.ndarray:
        """Compute the probability of no order in the `horizon` of customers who are still there at T."""
        r, alpha, s, beta = self.fit.parameters
        x, _, age = _columns(table)
        shape, zero = r + x, np.zeros(len(x))
        ahead = np.full(len(x), float(horizon))
        there, gone = _integrated(shape, alpha + age, s, beta + age, zero, ahead)[:2]
        return np.asarray(np.exp(np.logaddexp(there, gone) + shape * np.log(alpha + age)))

    def median_wait(self, table: pd.DataFrame) -> np.ndarray:
        """Compute the time by which half of such customers order again; infinite where they never do."""
        alive = self.alive(table)
        there = alive > 0.5
        alive, table, waits = alive[there], table[there], np.full(len(table), np.inf)
        ordered = np.array([alive * (1 - self.none_while_alive(table, wait)) for wait in _WAITS])
        after = (ordered < 0.5).sum(axis=0)
        place, each = np.clip(after, 1, len(_WAITS) - 1), np.arange(len(alive))
        low, high = ordered[place - 1, each], ordered[place, each]
        part = np.divide(0.5 - low, high - low, out=np.zeros(len(alive)), where=high > low)
        found = _WAITS[place - 1] + part * (_WAITS[place] - _WAITS[place - 1])
        waits[there] = np.where(after < len(_WAITS), found, np.inf)
        return waits

    def expected_new(self, times: np.ndarray) -> np.ndarray:
        """Expect repeat orders of a customer in the given times after the first order."""
        r, alpha, s, beta = self.fit.parameters
        return np.asarray(r / alpha * _time_there(s, beta, np.asarray(times, float)))

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
        drawn = self.fit.draws(draws, generator)
        futures = [_future(parameters, table, horizon, generator) for parameters in drawn]
        return np.array(futures).reshape(draws, len(table))


def fit_pareto(table: pd.DataFrame, *, start: np.ndarray | None = None) -> ParetoModel:
    """Fit the model to customers, of very many to a sample.

    Parameters
    ----------
    table
        One row a customer: `x`, `t_x`, `T` as for `lifetime.fit_buying`.
    start
        Parameters to begin with, of an earlier fit to much the same customers.

    Returns
    -------
    ParetoModel
        At the highest likelihood.
    """
    chosen = np.random.default_rng(len(table)).permutation(len(table))[:MOST_FITTED]
    groups = group_customers(table.iloc[np.sort(chosen)])
    wait = float(table["T"].sum() / max(table["x"].sum(), 1))
    starts = _STARTS * np.array([1.0, wait, 1.0, wait])
    if start is not None:
        starts = np.vstack([start, starts])
    return ParetoModel(maximise(_Likelihood(groups), starts), len(table))


def pareto_likelihood(table: pd.DataFrame, parameters: np.ndarray) -> float:
    """Compute the log-likelihood of customers at given r, alpha, s, beta."""
    return _Likelihood(group_customers(table))(np.asarray(parameters, float))[0]


class _Likelihood:
    """The sum over groups and its slope; what depends on x alone is computed once a distinct x."""

    def __init__(self, groups: pd.DataFrame) -> None:
        self.x, self.t_x, self.age = _columns(groups)
        self.weight = groups["customers"].to_numpy(float)
        self.counts, place = np.unique(self.x, return_inverse=True)
        self.many = np.bincount(place, self.weight)

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, s, beta = parameters
        there, gone, density, log_rate, log_leave = _leaving(parameters, self.x, self.t_x, self.age)
        dead = special.expit(gone - there) * self.weight
        alive, shape = self.weight - dead, r + self.x
        value = self.many @ (special.gammaln(r + self.counts) - special.gammaln(r) + r * np.log(alpha))
        value += self.weight @ np.logaddexp(there, gone)
        log_rate, rate, log_leave, leave = _means(density, log_rate, log_leave)
        slope = np.array([
            self.many @ (special.psi(r + self.counts) - special.psi(r) + np.log(alpha))
            - alive @ np.log(alpha + self.age) - dead @ log_rate,
            self.weight.sum() * r / alpha - alive @ (shape / (alpha + self.age)) - dead @ (shape * rate),
            self.weight.sum() * np.log(beta) - alive @ np.log(beta + self.age)
            + dead.sum() / s - dead @ log_leave,
            self.weight.sum() * s / beta - alive @ (s / (beta + self.age)) - (s + 1) * (dead @ leave),
        ])  # fmt: skip
        return float(value), slope


def _leaving(
    parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, age: np.ndarray
) -> tuple[np.ndarray, ...]:
    r, alpha, s, beta = parameters
    ones = np.ones(len(x))
    return _integrated(r + x, alpha * ones, s, beta * ones, t_x, age)


def _integrated(
    shape: np.ndarray, alpha: np.ndarray, s: float, beta: np.ndarray, since: np.ndarray, until: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return ln A, ln D, and at nodes of the time of leaving their weights, ln(α+t) and ln(β+t).

    In u = ln((α+t)/(α+t_x)) what is integrated is e^(−(k−1)u) times a function that hardly varies, so
    the nodes are placed evenly in the integral of the former.
    """
    there = -shape * np.log(alpha + until) + s * (np.log(beta) - np.log(beta + until))
    decay, length = shape - 1, np.log(alpha + until) - np.log(alpha + since)
    decay = np.where(np.abs(decay) < 1e-6, 1e-6, decay)
    mass = -np.expm1(-decay * length)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    u = -np.log1p(-mass * ((nodes + 1) / 2)[:, None]) / decay
    started = np.log(alpha + since)
    log_rate = started + u
    log_leave = np.log(np.exp(log_rate) + (beta - alpha))
    density = (weights / 2)[:, None] * np.exp(-(s + 1) * (log_leave - np.log(beta + since)))
    with np.errstate(divide="ignore"):  # nobody leaves in no time
        gone = np.log(s) + s * np.log(beta) - (s + 1) * np.log(beta + since)
        gone = gone - decay * started + np.log(np.abs(mass / decay)) + np.log(density.sum(axis=0))
    return there, gone, density, log_rate, log_leave


def _means(density: np.ndarray, log_rate: np.ndarray, log_leave: np.ndarray) -> list[np.ndarray]:
    """Average ln(α+t), 1/(α+t), ln(β+t) and 1/(β+t) over the time of leaving."""
    parts = (log_rate, np.exp(-log_rate), log_leave, np.exp(-log_leave))
    total = density.sum(axis=0)
    return [np.einsum("nc,nc->c", density, part) / total for part in parts]


def _time_there(s: float, beta: np.ndarray | float, horizon: np.ndarray | float) -> np.ndarray:
    """Expect the part of the horizon before leaving: `β(1 − (β/(β+h))^(s−1))/(s−1)`, its limit at s = 1."""
    logs, power = np.log1p(horizon / np.asarray(beta)), s - 1
    each = logs if abs(power) < 1e-9 else -np.expm1(-power * logs) / power
    return np.asarray(beta * each)


def _future(
    parameters: np.ndarray, table: pd.DataFrame, horizon: float, generator: np.random.Generator
) -> np.ndarray:
    r, alpha, s, beta = parameters
    x, t_x, age = _columns(table)
    there, gone = _leaving(parameters, x, t_x, age)[:2]
    living = np.flatnonzero(generator.random(len(x)) < special.expit(there - gone))
    rate = generator.gamma(r + x[living]) / (alpha + age[living])
    leaving = np.maximum(generator.gamma(s, size=len(living)), 1e-300) / (beta + age[living])
    lasting = np.minimum(generator.exponential(size=len(living)) / leaving, horizon)
    orders = np.zeros(len(x))
    orders[living] = generator.poisson(rate * lasting)
    return orders


def _columns(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, t_x, age = (table[name].to_numpy(float) for name in ("x", "t_x", "T"))
    return x, t_x, age
