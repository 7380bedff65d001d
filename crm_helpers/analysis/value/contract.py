"""How long will a customer renew? Shifted beta-geometric retention, for sales by contract.

Where customers pay at each renewal until they give notice, silence beyond the date is the notice. At each
renewal a customer leaves with a chance θ of his own, beta(a, b) over customers (Fader & Hardie 2007,
Journal of Interactive Marketing 21:76): those who stay are the faithful, so retention grows with age although
nobody changes. After n renewals `B(a, b+n)/B(a, b)` are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from crm_helpers.analysis.value.likelihood import Fit, maximise

__all__ = ["ContractModel", "Terms", "fit_contract", "fit_renewals", "survival"]

_STARTS = np.array([[1.0, 5.0], [0.5, 1.0]])
MOST_AHEAD = 600  # renewals that are added up


@dataclass(frozen=True)
class Terms:
    """How long a contract runs, and how late a payment may be, in weeks as the customers' T."""

    period: float
    grace: float

    @property
    def lost_after(self) -> float:
        """Weeks of silence after which a contract has ended."""
        return self.period + self.grace

    def renewed(self, table: pd.DataFrame) -> np.ndarray:
        """Count the renewals between a customer's first and last payment; a late one counts once."""
        return np.asarray(np.round(table["t_x"].to_numpy(float) / self.period))

    def running(self, table: pd.DataFrame) -> np.ndarray:
        """Whether each customer's contract runs, or his payment is not yet later than allowed."""
        return np.asarray((table["T"] - table["t_x"]).to_numpy(float) < self.lost_after)

    def late(self, table: pd.DataFrame) -> np.ndarray:
        """Say what part of the grace each customer has used: 0 before the due date, 1 when it is over."""
        silent = (table["T"] - table["t_x"]).to_numpy(float)
        return np.asarray(np.clip((silent - self.period) / max(self.grace, 1e-9), 0.0, 1.0))

    def due(self, table: pd.DataFrame, horizon: float) -> np.ndarray:
        """Count the renewals that fall due in the `horizon` after T; one that is late is due now."""
        first = np.maximum(self.period - (table["T"] - table["t_x"]).to_numpy(float), 0.0)
        return np.asarray(np.clip(np.floor((horizon - first) / self.period) + 1, 0, MOST_AHEAD))


@dataclass(frozen=True)
class ContractModel:
    """A fitted model of renewals, which answers as the models of buying do."""

    fit: Fit
    customers: int
    terms: Terms
    kind: Literal["sBG"] = "sBG"

    @property
    def parameters(self) -> dict[str, float]:
        """Name the two: a and b of the chance to leave at a renewal."""
        return dict(zip(("a", "b"), map(float, self.fit.parameters), strict=True))

    def alive(self, table: pd.DataFrame) -> np.ndarray:
        """Return 1 for customers whose contract runs, 0 after the grace, and in between what late payers do.

        Payments are taken to come evenly over the grace, so of who renews 1 − u have not paid after a part
        u of it, beside all who have left.
        """
        leaves, waiting = self._leaves(table), 1 - self.terms.late(table)
        overdue = (1 - leaves) * waiting / np.maximum((1 - leaves) * waiting + leaves, 1e-12)
        return np.asarray(np.where(waiting < 1, overdue, 1.0) * self.terms.running(table))

    def expected(self, table: pd.DataFrame, horizon: float) -> np.ndarray:
        """Expect payments of each customer in the `horizon` after T: S(n+j)/S(n) summed over those due."""
        a, b = self.fit.parameters
        renewed, due = self.terms.renewed(table), self.terms.due(table, horizon)
        orders = np.zeros(len(table))
        for ahead in range(1, int(due.max(initial=0)) + 1):
            left = np.exp(special.betaln(a, b + renewed + ahead) - special.betaln(a, b + renewed))
            orders += np.where(due >= ahead, left, 0.0)
        # of who is late and has not left, the renewal that is due is certain
        certain = np.where(self.terms.late(table) > 0, 1 - self._leaves(table), 1.0)
        return np.asarray(orders * self.alive(table) / certain)

    def _leaves(self, table: pd.DataFrame) -> np.ndarray:
        a, b = self.fit.parameters
        return np.asarray(a / (a + b + self.terms.renewed(table)))

    def none_while_alive(self, table: pd.DataFrame, horizon: float) -> np.ndarray:
        """Compute the probability that a running contract brings no payment in the `horizon`."""
        leaves = np.where(self.terms.late(table) > 0, 0.0, self._leaves(table))
        return np.asarray(np.where(self.terms.due(table, horizon) > 0, leaves, 1.0))

    def median_wait(self, table: pd.DataFrame) -> np.ndarray:
        """Compute the time to the next renewal; infinite where half of such customers do not renew."""
        renews = self.alive(table) * (1 - self.none_while_alive(table, self.terms.period))
        wait = np.maximum(self.terms.period - (table["T"] - table["t_x"]).to_numpy(float), 0.0)
        return np.asarray(np.where(renews >= 0.5, wait, np.inf))

    def expected_new(self, times: np.ndarray) -> np.ndarray:
        """Expect renewals of a customer in the given times after the first payment."""
        times = np.asarray(times, float)
        added = np.append(0.0, np.cumsum(survival(self.fit.parameters, MOST_AHEAD)))
        return np.asarray(added[np.clip(times // self.terms.period, 0, MOST_AHEAD).astype(int)])

    def simulate(self, table: pd.DataFrame, horizon: float, *, draws: int, seed: int) -> np.ndarray:
        """Draw futures: parameters as other samples would give them, then renewals of each customer.

        Parameters
        ----------
        table
            Columns `t_x`, `T`.
        horizon
            Time ahead.
        draws, seed
            How many futures, and the seed.

        Returns
        -------
        numpy.ndarray
            Payments, draws × customers.
        """
        generator = np.random.default_rng(seed)
        late = self.terms.late(table) > 0
        renewed, due = self.terms.renewed(table) + late, self.terms.due(table, horizon)
        alive, size = self.alive(table), len(table)
        futures = [
            np.minimum(generator.geometric(generator.beta(a, b + renewed).clip(1e-12, 1.0)) - 1 + late, due)
            * (generator.random(size) < alive)
            for a, b in self.fit.draws(draws, generator)
        ]
        return np.array(futures, float).reshape(draws, len(table))


def survival(parameters: np.ndarray, periods: int) -> np.ndarray:
    """Compute the share of customers left after 1, 2, … renewals: S(t) = B(a, b+t)/B(a, b).

    Examples
    --------
    >>> survival(np.array([0.668, 3.806]), 8).round(3).tolist()  # Fader & Hardie's "High End", published
    [0.851, 0.747, 0.67, 0.61, 0.562, 0.522, 0.489, 0.46]
    """
    a, b = parameters
    return np.asarray(np.exp(special.betaln(a, b + np.arange(1, periods + 1)) - special.betaln(a, b)))


def fit_contract(table: pd.DataFrame, *, terms: Terms) -> ContractModel:
    """Fit the model to customers.

    Parameters
    ----------
    table
        One row a customer: `t_x` time from first to last payment, `T` time from the first to now.
    terms
        Of the contracts.

    Returns
    -------
    ContractModel
        At the highest likelihood.
    """
    renewed, running = terms.renewed(table), terms.running(table)
    fit = fit_renewals(np.where(running, 0, renewed + 1), np.where(running, renewed, 0))
    return ContractModel(fit, len(table), terms)


def fit_renewals(left: np.ndarray, stayed: np.ndarray) -> Fit:
    """Fit a and b by maximum likelihood.

    Parameters
    ----------
    left
        Of each customer, the renewal not made (1 is the first); 0 of who has not left.
    stayed
        Renewals made by who has not left; 0 of who has.

    Returns
    -------
    Fit
        With a and b.
    """
    lost, many_lost = np.unique(left[left > 0], return_counts=True)
    kept, many_kept = np.unique(stayed[left == 0], return_counts=True)

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        a, b = parameters
        gone, there = special.betaln(a + 1, b + lost - 1), special.betaln(a, b + kept)
        value = many_lost @ gone + many_kept @ there - len(left) * special.betaln(a, b)
        psi = special.psi
        both = len(left) * psi(a + b) - many_lost @ psi(a + b + lost) - many_kept @ psi(a + b + kept)
        slope_a = both + many_lost.sum() * psi(a + 1) + many_kept.sum() * psi(a) - len(left) * psi(a)
        slope_b = both + many_lost @ psi(b + lost - 1) + many_kept @ psi(b + kept) - len(left) * psi(b)
        return float(value), np.array([slope_a, slope_b])

    return maximise(likelihood, _STARTS)
