"""What tests in which cost was changed on purpose say of the curves: they outweigh the months as they were.

A test of channel k saw `y ± e` orders more while its cost was `δ` above what it had been, `c`; its curve
says `level · (g((c + δ) / m; b) − g(c / m; b))`. Where the months disagree with tests beyond chance, the
difference is taken as what the months have wrong (their costs may have followed demand), and widens them
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_helpers.analysis.channels.response_fit import Fit, middle_cost
from crm_helpers.analysis.channels.shapes import LARGEST, SMALLEST, ShapeName, order_of, relative
from crm_helpers.analysis.estimates import rounded
from crm_helpers.errors import InputError, suggest
from crm_helpers.lift import LiftTest

__all__ = ["TEST_COLUMNS", "Calibrated", "calibrate", "compared", "known_channels"]

_MONTH = 365.25 / 12  # days
_BEFORE = 3  # months whose mean cost is what the test started from
_GRID = np.linspace(SMALLEST, LARGEST, 981)  # of elasticities over the order of the shape
TEST_COLUMNS = [
    "channel", "starts_on", "ends_on", "spend_change", "orders", "low", "high", "expected",
    "expected_without", "held",
]  # fmt: skip


@dataclass(frozen=True)
class Calibrated:
    """Elasticities, their variance and their draws, with tests taken into account."""

    elasticity: np.ndarray
    variance: np.ndarray
    draws: np.ndarray


def known_channels(tests: tuple[LiftTest, ...], channels: list[str]) -> None:
    """Refuse a test of a channel that channel data do not have.

    Raises
    ------
    InputError
        With the nearest name.
    """
    if unknown := [test.channel for test in tests if test.channel not in channels]:
        raise InputError(
            f'lift_tests: no channel "{unknown[0]}" in channels; {suggest(unknown[0], channels)}'
        )


def calibrate(
    found: Fit,
    draws: np.ndarray,
    *,
    channels: dict[str, pd.DataFrame],
    shapes: Sequence[ShapeName],
    tests: tuple[LiftTest, ...],
    random: np.random.Generator,
) -> Calibrated:
    """Weigh what the months say of each elasticity with what its tests say.

    Parameters
    ----------
    found
        Fitted to the months.
    draws
        Draws of the elasticities from it, a row a draw.
    channels
        Months by channel, in the order of `found`.
    shapes
        Of each channel.
    tests
        Lift tests; those of other channels are left out.
    random
        Random numbers.

    Returns
    -------
    Calibrated
        Channels without a test as they were.
    """
    value, variance, drawn = found.slope.copy(), found.slope_variance.copy(), draws.copy()
    for k, (name, rows) in enumerate(channels.items()):
        own = [test for test in tests if test.channel == name]
        if not own:
            continue
        level = float(np.exp(found.level[k]))
        log_odds = np.sum([_log_odds(test, rows, level, shapes[k]) for test in own], axis=0)
        n = order_of(shapes[k])
        mean, spread, draws_of_it = _joined(value[k] / n, variance[k] / n**2, log_odds, len(drawn), random)
        value[k], variance[k], drawn[:, k] = mean * n, spread * n**2, draws_of_it * n
    return Calibrated(value, variance, drawn)


def _log_odds(test: LiftTest, rows: pd.DataFrame, level: float, shape: ShapeName) -> np.ndarray:
    missed = _expected(test, rows, level, _GRID * order_of(shape), shape) - test.orders
    return np.asarray(-((missed / test.standard_error) ** 2) / 2)


def _joined(
    value: float, variance: float, log_odds: np.ndarray, count: int, random: np.random.Generator
) -> tuple[float, float, np.ndarray]:
    tested, spread, _ = _moments(log_odds)
    wrong = max(0.0, (value - tested) ** 2 - variance - spread)
    posterior = log_odds - (_GRID - value) ** 2 / (2 * (variance + wrong))
    mean, spread, weight = _moments(posterior)
    return mean, spread, np.interp(random.random(count), np.cumsum(weight), _GRID)


def _moments(log_odds: np.ndarray) -> tuple[float, float, np.ndarray]:
    weight = np.exp(log_odds - log_odds.max())
    weight = weight / weight.sum()
    mean = float((weight * _GRID).sum())
    return mean, float((weight * (_GRID - mean) ** 2).sum()), weight


def compared(
    tests: tuple[LiftTest, ...],
    channels: dict[str, pd.DataFrame],
    *,
    curves: tuple[pd.DataFrame, pd.DataFrame],
) -> pd.DataFrame:
    """Put each test beside what the curves say of it, fitted with the tests and without.

    Parameters
    ----------
    tests
        Lift tests.
    channels
        Months by channel.
    curves
        `ResponseCurves.curves` with the tests, and without.

    Returns
    -------
    pandas.DataFrame
        `channel`, `starts_on`, `ends_on`, `spend_change`, `orders` with 95 % interval, `expected`,
        `expected_without`, and `held`: whether test and curve without tests differ by no more than both
        errors allow.
    """
    records = []
    for test in tests:
        if test.channel not in channels:
            continue
        rows, alone = channels[test.channel], curves[1]
        now, without = (_of_curve(test, rows, table) for table in curves)
        ends = [_of_curve(test, rows, alone, at=f"exponent_{end}") for end in ("low", "high")]
        low, high = (test.orders + sign * 1.959964 * test.standard_error for sign in (-1, 1))
        allowed = np.hypot(high - low, ends[1] - ends[0]) / 2
        told = (test.channel, test.starts_on, test.ends_on, test.spend_change, test.orders, low, high)
        records.append((*told, now, without, bool(abs(without - test.orders) <= allowed)))
    return rounded(pd.DataFrame(records, columns=TEST_COLUMNS))


def _of_curve(test: LiftTest, rows: pd.DataFrame, curves: pd.DataFrame, *, at: str = "exponent") -> float:
    own = curves[curves["channel"] == test.channel].iloc[0]
    shape: ShapeName = own["shape"]
    ratio, b = np.array(middle_cost(rows) / float(own["middle"])), np.array(float(own["exponent"]))
    level = float(own["scale"]) * float(relative(shape, ratio, b))
    return float(_expected(test, rows, level, np.array(float(own[at])), shape))


def _expected(
    test: LiftTest, rows: pd.DataFrame, level: float, b: np.ndarray, shape: ShapeName
) -> np.ndarray:
    months = ((test.ends_on - test.starts_on).days + 1) / _MONTH
    earlier = rows[rows["period"] < pd.Timestamp(test.starts_on).replace(day=1)].sort_values("period")
    cost = float((earlier.tail(_BEFORE) if len(earlier) else rows)["cost"].mean())
    changed = cost + test.spend_change / months
    if changed < 0:
        raise InputError(f"lift_tests: {test.channel} costs less than spend_change takes away from it")
    r = np.maximum(np.array([cost, changed]) / middle_cost(rows), 1e-12)
    before, during = (relative(shape, end, b) for end in r)
    return np.asarray(months * level * (during - before))
