"""How long money goes on working and when more of it stops helping, from weeks of cost and orders.

`orders = controls + Σ_k β_k · s(λ_k · carried(x_k; α_k))` with x a channel's cost over its largest one, the
carry-over `carried_t = Σ_l α^l x_{t−l} / Σ_l α^l` over 8 weeks, and saturation `s(z) = tanh(z / 2)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis import _
from scipy.optimize import least_squares

from crm_helpers.analysis.channels.findings import Said
from crm_helpers.analysis.channels.response_fit import shrink
from crm_helpers.analysis.channels.weekly_draws import draw_steps
from crm_helpers.analysis.estimates import Estimate, quantile_estimate

__all__ = ["FEWEST_WEEKS", "LAGS", "Carried", "fit_weeks", "week_sentences", "weeks_of"]

LAGS = 8
"""Weeks in which money goes on working."""

FEWEST_WEEKS = 104
"""Weeks a fit needs: two years, so that the season is not taken for the money."""

_LOWER, _UPPER = 0.2, 20.0  # saturation at the largest cost: a straight line, and a step
_MOST_CARRIED = 0.95


@dataclass(frozen=True)
class Carried:
    """What the weeks show: by channel the share carried into the next week, and the saturation λ."""

    channels: tuple[str, ...]
    carry: tuple[Estimate, ...]
    saturation: tuple[Estimate, ...]
    r_squared: float


def weeks_of(channels: ibis.Table, *, as_of: date) -> tuple[np.ndarray, np.ndarray, list[str]] | None:
    """Lay out channel data by week, if they are kept by week: orders of all channels, and cost by channel.

    Parameters
    ----------
    channels
        Canonical channels.
    as_of
        The day the numbers stand for; weeks that were not over are left out.

    Returns
    -------
    tuple or None
        Orders by week, cost (a row a week, a column a channel) and the channels with a cost that varies; None
        where periods are not weeks, or too few.
    """
    over = channels.filter(_.period + ibis.interval(days=7) <= ibis.date(as_of)).drop_null(["cost", "orders"])
    known = over.select("channel", "period", "orders", cost=_.cost.cast("float64")).to_pandas()
    days = pd.to_datetime(known["period"]).drop_duplicates().sort_values()
    if len(days) < FEWEST_WEEKS or not (days.diff().dropna() == pd.Timedelta(days=7)).all():
        return None
    wide = known.pivot_table(index="period", columns="channel", values="cost", fill_value=0.0)
    wide = wide.loc[:, wide.max() > wide.min()]
    orders = known.groupby("period")["orders"].sum().to_numpy(float)
    return (orders, wide.to_numpy(float), [str(name) for name in wide.columns]) if wide.shape[1] else None


def week_sentences(channels: ibis.Table, *, as_of: date, seed: int = 1) -> list[Said]:
    """Say of every channel how much goes on into the next week; nothing where data are kept by month."""
    weeks = weeks_of(channels, as_of=as_of)
    if weeks is None:
        return []
    found = fit_weeks(*weeks, seed=seed)
    return [
        ("channels.week", {"channel": name, "carry": carry, "near": _near(saturation)})
        for name, carry, saturation in zip(found.channels, found.carry, found.saturation, strict=True)
    ]


def _near(saturation: Estimate) -> Estimate:
    """Say how near the largest cost comes to the most a channel can bring."""
    ends = (saturation.value, saturation.low, saturation.high)
    return Estimate(*(float(np.tanh(bend / 2)) for bend in ends))


def fit_weeks(
    orders: np.ndarray,
    cost: np.ndarray,
    channels: list[str],
    *,
    controls: np.ndarray | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Carried:
    """Fit carry-over and saturation by least squares, with intervals of a block bootstrap.

    With four channels or more, both are drawn to their common mean as far as their differences are noise.
    Trend and season (two waves a year) are taken into account. Given α and λ the rest is linear and solved
    exactly (variable projection, Golub & Pereyra 1973).

    Parameters
    ----------
    orders
        Outcome by week.
    cost
        A row a week, a column a channel.
    channels
        Their names.
    controls
        What else moved the outcome, a column each.
    draws
        Draws behind the intervals.
    seed
        Of the draws.

    Returns
    -------
    Carried
        By channel.
    """
    lagged, fixed = _lagged(cost / cost.max(axis=0)), _fixed(len(orders), controls)
    tried = [_solve(orders, lagged, fixed, start) for start in _starts(cost.shape[1])]
    best, random = min(tried, key=lambda fit: fit[1])[0], np.random.default_rng(seed)
    count = len(channels)

    def design(place: np.ndarray) -> np.ndarray:
        return _design(lagged, fixed, np.concatenate([place[:count], np.exp(place[count:])]))

    place = np.concatenate([best[:count], np.log(best[count:])])
    coefficients = np.linalg.lstsq(design(place), orders, rcond=None)[0]
    missed = orders - design(place) @ coefficients
    drawn = place + draw_steps(design, place, missed, coefficients=coefficients, draws=draws, random=random)
    carry = _estimates(place[:count], drawn[:, :count], (0.0, _MOST_CARRIED), random)
    bend = _estimates(place[count:], drawn[:, count:], (np.log(_LOWER), np.log(_UPPER)), random)
    saturation = tuple(Estimate(*np.exp([one.value, one.low, one.high]).tolist()) for one in bend)
    explained = 1 - float((missed**2).sum() / ((orders - orders.mean()) ** 2).sum())
    return Carried(tuple(channels), carry, saturation, explained)


def _estimates(
    value: np.ndarray, drawn: np.ndarray, ends: tuple[float, float], random: np.random.Generator
) -> tuple[Estimate, ...]:
    """Draw channels towards each other as far as their differences are noise, and hold them in range."""
    value, drawn = shrink(value, drawn.var(axis=0), drawn, random)
    value, drawn = np.clip(value, *ends), np.clip(drawn, *ends)
    return tuple(quantile_estimate(float(one), own) for one, own in zip(value, drawn.T, strict=True))


def _starts(channels: int) -> list[np.ndarray]:
    return [np.repeat([carry, bend], channels) for carry in (0.1, 0.5) for bend in (1.0, 4.0)]


def _lagged(share: np.ndarray) -> np.ndarray:
    """Stack each channel's cost of this week and the weeks before: lag, week, channel."""
    rows = np.vstack([np.zeros((LAGS - 1, share.shape[1])), share])
    return np.stack([rows[LAGS - 1 - lag : len(rows) - lag] for lag in range(LAGS)])


def _fixed(weeks: int, controls: np.ndarray | None) -> np.ndarray:
    t = np.arange(weeks) / weeks
    year = 2 * np.pi * np.arange(weeks) / 52.1775
    waves = [wave(times * year) for times in (1, 2) for wave in (np.sin, np.cos)]
    columns = [np.ones(weeks), t, t * t, *waves]
    return np.column_stack(columns if controls is None else [*columns, controls])


def _design(lagged: np.ndarray, fixed: np.ndarray, place: np.ndarray) -> np.ndarray:
    count = lagged.shape[2]
    weight = place[:count] ** np.arange(LAGS)[:, None]
    carried = np.einsum("lwk,lk->wk", lagged, weight / weight.sum(axis=0))
    return np.column_stack([fixed, np.tanh(place[count:] * carried / 2)])


def _fitted(orders: np.ndarray, lagged: np.ndarray, fixed: np.ndarray, place: np.ndarray) -> np.ndarray:
    design = _design(lagged, fixed, place)
    return np.asarray(design @ np.linalg.lstsq(design, orders, rcond=None)[0])


def _solve(
    orders: np.ndarray, lagged: np.ndarray, fixed: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, float]:
    count = lagged.shape[2]
    ends = np.repeat([0.0, _LOWER], count), np.repeat([_MOST_CARRIED, _UPPER], count)
    inside = np.clip(start, ends[0] + 1e-3, ends[1] - 1e-3)
    found = least_squares(lambda place: orders - _fitted(orders, lagged, fixed, place), inside, bounds=ends)
    return found.x, float(found.cost)
