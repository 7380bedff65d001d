"""Maximum likelihood for models of a few positive parameters, with how sure each parameter is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from crm_helpers.analysis.threads import one_thread

__all__ = ["Fit", "Objective", "maximise"]

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Takes the parameters; returns the log-likelihood and its slope in each of them."""

MOST_LOG = 12.0  # parameters are looked for between exp(-12) and exp(12)
_WIDEST = 3.0  # standard deviation of a log parameter at most
_STEP = 1e-4  # of a log parameter, for second derivatives


@dataclass(frozen=True)
class Fit:
    """Parameters at the highest likelihood.

    `covariance` is of the logarithms of the parameters; `inside` says that none stands at the edge of
    what was looked through, where the model says nothing.
    """

    parameters: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    inside: bool

    def draws(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Draw parameters as other samples of this size would have given them, one row a draw."""
        logs = np.log(self.parameters)
        drawn = generator.multivariate_normal(logs, self.covariance, count, method="eigh")
        return np.exp(np.clip(drawn, -MOST_LOG, MOST_LOG))


def maximise(objective: Objective, starts: np.ndarray, *, lowest: np.ndarray | None = None) -> Fit:
    """Climb from the first start, on the logarithms, by L-BFGS with the analytic slope.

    Parameters
    ----------
    objective
        Log-likelihood and slope.
    starts
        One row a start; the later ones are for an end at the edge.
    lowest
        Least value of each parameter, where the model needs one.

    Returns
    -------
    Fit
        The best end.

    Examples
    --------
    >>> mean = lambda p: (-4 * float(np.log(p[0])) - 8 / p[0], np.array([-4 / p[0] + 8 / p[0] ** 2]))
    >>> round(float(maximise(mean, np.array([[1.0]])).parameters[0]), 6)
    2.0
    """
    lows = np.full(starts.shape[1], -MOST_LOG) if lowest is None else np.log(lowest)
    bounds = [(low, MOST_LOG) for low in lows]
    scale = max(abs(objective(starts[0])[0]), 1.0)

    def downhill(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = objective(np.exp(logs))
        return -value / scale, -slope * np.exp(logs) / scale

    # sums of products are too short to share: threads would cost forty times the work
    with one_thread("blas"):
        best = _descend(downhill, np.log(starts[0]), bounds)
        for start in starts[1:]:
            if _inside(best.x, lows):
                break
            best = min(best, _descend(downhill, np.log(start), bounds), key=lambda end: float(end.fun))
        covariance = _covariance(downhill, best.x, scale)
    return Fit(np.exp(best.x), covariance, -float(best.fun) * scale, _inside(best.x, lows))


def _inside(at: np.ndarray, lows: np.ndarray) -> bool:
    return bool(np.all(at > lows + 0.01) and np.all(at < MOST_LOG - 0.01))


def _descend(
    downhill: Objective, start: np.ndarray, bounds: list[tuple[float, float]]
) -> optimize.OptimizeResult:
    options = {"maxiter": 500, "ftol": 1e-11, "gtol": 1e-7}
    return optimize.minimize(downhill, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)


def _covariance(downhill: Objective, at: np.ndarray, scale: float) -> np.ndarray:
    """Invert the curvature; a direction the sample says little about varies by a factor of e³ at most.

    Along it the likelihood is flat and so is what is predicted, far from where the curvature was taken.
    """
    steps = np.eye(len(at)) * _STEP
    rows = [(downhill(at + step)[1] - downhill(at - step)[1]) / (2 * _STEP) for step in steps]
    curvature = np.array(rows)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    inverse = 1 / np.maximum(values * scale, 1 / _WIDEST**2)
    return np.asarray((vectors * inverse) @ vectors.T)
