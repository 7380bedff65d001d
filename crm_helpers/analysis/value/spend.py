"""What is an order of this customer worth? Gamma-Gamma: own orders, drawn towards everybody's.

An order's value is gamma with shape p around the customer's own mean, whose rate is gamma(q, v) over
customers (Fader & Hardie 2013). It needs the number of orders and their value not to go together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.value.likelihood import Fit, maximise

__all__ = ["SpendModel", "fit_spend", "order_value_correlation"]

_LOWEST = np.array([1e-4, 1.05, 1e-8])  # below q = 1 the mean over customers does not exist


@dataclass(frozen=True)
class SpendModel:
    """A fitted model; money is in the unit of the orders."""

    fit: Fit
    customers: int

    @property
    def parameters(self) -> dict[str, float]:
        """Name the three: p of an order around its customer, q and v of the customers."""
        return dict(zip(("p", "q", "v"), map(float, self.fit.parameters), strict=True))

    def expected(self, orders: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Expect the mean order value of customers: `p(v + n·z)/(pn + q − 1)`.

        Parameters
        ----------
        orders
            Orders n behind each mean; without any, the mean over customers comes out.
        mean
            Their mean value z.

        Returns
        -------
        numpy.ndarray
            Money an order.
        """
        p, q, v = self.fit.parameters
        return np.asarray(p * (v + orders * mean) / (p * orders + q - 1))

    def simulate(self, orders: np.ndarray, mean: np.ndarray, future: np.ndarray, *, seed: int) -> np.ndarray:
        """Draw what future orders of each customer come to, one row of `future` a draw.

        Parameters
        ----------
        orders, mean
            As for `expected`.
        future
            Numbers of future orders, draws × customers.
        seed
            Seed.

        Returns
        -------
        numpy.ndarray
            Money, draws × customers.
        """
        generator = np.random.default_rng(seed)
        rows = zip(self.fit.draws(len(future), generator), future, strict=True)
        drawn = [_money(parameters, orders, mean, ahead, generator) for parameters, ahead in rows]
        return np.array(drawn).reshape(future.shape)


def fit_spend(orders: np.ndarray, mean: np.ndarray, log_mean: np.ndarray | None = None) -> SpendModel:
    """Fit the model to customers who ordered again.

    With means alone (Fader & Hardie) how far a customer's own orders differ is seen only from how means
    of many orders differ less; the mean of the logarithms shows it directly, and then customers who
    order often may differ from others without being taken for evidence on it.

    Parameters
    ----------
    orders
        Orders behind each mean, one and above.
    mean
        Mean value of an order, above zero.
    log_mean
        Mean of the logarithms of the same values.

    Returns
    -------
    SpendModel
        At the highest likelihood.
    """
    x, level = np.asarray(orders, float), float(np.mean(mean))
    total = x * np.asarray(mean, float) / level
    own = x * np.log(total) if log_mean is None else x * (np.asarray(log_mean, float) - np.log(level))
    counts, place = np.unique(x, return_inverse=True)
    likelihood = _Likelihood(counts, np.bincount(place).astype(float), x, total, own, log_mean is not None)
    fit = maximise(likelihood, np.array([[5.0, 3.0, 0.5], [1.0, 2.0, 1.0]]), lowest=_LOWEST)
    scaled = fit.parameters * np.array([1.0, 1.0, level])
    return SpendModel(Fit(scaled, fit.covariance, fit.log_likelihood, fit.inside), len(x))


def order_value_correlation(orders: np.ndarray, mean: np.ndarray) -> Estimate:
    """Measure whether who orders often spends more an order, with Fisher's interval.

    Spearman's rank correlation, for money is skewed; its interval widens Fisher's by √(1 + r²/2)
    (Bonett & Wright 2000).

    Parameters
    ----------
    orders, mean
        One element a customer.

    Returns
    -------
    Estimate
        The correlation; not known below ten customers or where one side is constant.
    """
    if len(orders) < 10 or np.ptp(orders) == 0 or np.ptp(mean) == 0:
        return Estimate(np.nan, np.nan, np.nan)
    r = float(stats.spearmanr(orders, mean).statistic)
    half = stats.norm.ppf(0.975) * np.sqrt((1 + r * r / 2) / (len(orders) - 3))
    middle = np.arctanh(np.clip(r, -0.999999, 0.999999))
    return Estimate(r, float(np.tanh(middle - half)), float(np.tanh(middle + half)))


@dataclass(frozen=True)
class _Likelihood:
    """What depends on the parameters in the log-likelihood of values in units of their mean.

    Given a customer's total, his values are gamma: the terms `lnΓ(px)` (one mean a customer) or
    `x·lnΓ(p)` (every value), and p times the logarithm of the total or the sum of logarithms.
    """

    counts: np.ndarray
    many: np.ndarray
    x: np.ndarray
    total: np.ndarray
    own: np.ndarray
    each_value: bool

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, v = parameters
        shape, logs = p * self.counts + q, np.log(self.total + v)
        within, turn = self._within(p)
        each = special.gammaln(shape) - within - special.gammaln(q) + q * np.log(v)
        value = self.many @ each + p * (self.own.sum() - self.x @ logs) - q * logs.sum()
        beyond = special.psi(shape)
        slope = np.array([
            self.many @ (self.counts * beyond - turn) + self.own.sum() - self.x @ logs,
            self.many @ (beyond - special.psi(q) + np.log(v)) - logs.sum(),
            len(self.x) * q / v - ((p * self.x + q) / (self.total + v)).sum(),
        ])  # fmt: skip
        return float(value), slope

    def _within(self, p: float) -> tuple[np.ndarray, np.ndarray]:
        if self.each_value:
            return self.counts * special.gammaln(p), self.counts * special.psi(p)
        return special.gammaln(p * self.counts), self.counts * special.psi(p * self.counts)


def _money(
    parameters: np.ndarray, orders: np.ndarray, mean: np.ndarray, ahead: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    p, q, v = parameters
    rate = generator.gamma(p * orders + q) / (v + orders * mean)
    return np.asarray(generator.gamma(p * ahead) / rate)
