"""Limits of a budget as the analyst writes them, and the division that keeps them.

`phone: 1000..5000; shop: 8000; chat + social: ..20000` holds the first between two sums, fixes the second,
and lets the last two together cost no more than a sum.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from crm_helpers.analysis.channels.allocation import GridPlan, allocate
from crm_helpers.analysis.channels.allocation_limits import Group, Limits
from crm_helpers.analysis.channels.budget import Curves
from crm_helpers.errors import InputError, suggest

__all__ = ["STEPS", "Limited", "StatedLimits", "divide", "parse_limits"]

STEPS = 1000
"""Parts of the budget that are placed whole."""

_NUMBER = r"\d+(?:\.\d+)?"
_FORM = re.compile(rf"(?P<low>{_NUMBER})?\s*(?P<dots>\.\.)?\s*(?P<high>{_NUMBER})?")


@dataclass(frozen=True)
class StatedLimits:
    """Limits by channel and by group, in money a month, and the least return a channel must bring."""

    channels: dict[str, tuple[float, float]]
    groups: tuple[tuple[tuple[str, ...], float, float], ...]
    least_return: float = 0.0

    @property
    def any(self) -> bool:
        """Whether anything is asked."""
        return bool(self.channels or self.groups or self.least_return > 0)


@dataclass(frozen=True)
class Limited:
    """The division: `plan` in parts of `unit` money, `cost` by channel, and the curves within the limits."""

    plan: GridPlan
    unit: float
    cost: np.ndarray
    curves: Curves


def parse_limits(text: str, *, least_return: float = 0.0) -> StatedLimits:
    """Read limits as they are written in the parameter `limits`.

    Parameters
    ----------
    text
        `channel: low..high`, `channel: fixed` or `one + other: low..high`, with `;` between them; either end
        may be left out.
    least_return
        Money that each unit of money must bring in a channel that gets any.

    Returns
    -------
    StatedLimits
        In money.

    Raises
    ------
    InputError
        A part that does not read so.

    Examples
    --------
    >>> parse_limits("phone: 100..500; shop: 80").channels
    {'phone': (100.0, 500.0), 'shop': (80.0, 80.0)}
    """
    channels, groups = {}, []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        names, _, sums = part.rpartition(":")
        found = _FORM.fullmatch(sums.strip())
        if not names or not found or not (found["low"] or found["high"]):
            raise InputError(f'limits: "{part}" does not read as "channel: low..high"')
        low = float(found["low"] or 0)
        high = float(found["high"] or np.inf) if found["dots"] else low
        members = tuple(name.strip() for name in names.split("+"))
        if len(members) == 1:
            channels[members[0]] = (low, high)
        else:
            groups.append((members, low, high))
    return StatedLimits(channels, tuple(groups), least_return)


def divide(curves: Curves, names: list[str], budget: float, *, stated: StatedLimits) -> Limited:
    """Divide a budget within the costs observed and the limits stated: exact on a grid of the budget.

    Parameters
    ----------
    curves
        The channels, with the least and the most that was ever spent.
    names
        Their names.
    budget
        Money of the month.
    stated
        From `parse_limits`.

    Returns
    -------
    Limited
        The division, or the limits that conflict.
    """
    unit = budget / STEPS
    last = int(np.ceil(curves.high.max() / unit))
    own = [stated.channels.get(name, (0.0, np.inf)) for name in names]
    low = np.maximum(curves.low, [ends[0] for ends in own])
    high = np.minimum(curves.high, [ends[1] for ends in own])
    known = (*stated.channels, *(name for members, _, _ in stated.groups for name in members))
    if unknown := [name for name in known if name not in names]:
        raise InputError(f'limits: no channel "{unknown[0]}" in the plan; {suggest(unknown[0], names)}')
    if beyond := _beyond(names, own, curves):
        nothing = np.full(len(names), np.nan)
        none = GridPlan(np.array([]), np.nan, np.nan, np.nan, np.array([]), nothing, 0, "", beyond)
        return Limited(none, unit, nothing, curves)
    limits = Limits(
        tuple(names),
        np.minimum(np.ceil(low / unit - 1e-9), last + 1).astype(int),
        np.floor(high / unit + 1e-9).astype(int),
        tuple(_group(names, members, ends, unit, last) for members, *ends in stated.groups),
        stated.least_return * unit if stated.least_return > 0 else -np.inf,
        unit,
    )
    money = np.arange(last + 1) * unit
    worth = curves.worth(money[:, None]).T
    plan = allocate(worth, STEPS, limits=limits)
    narrowed = replace(curves, low=np.minimum(low, high), high=high)
    return Limited(plan, unit, plan.units * unit, narrowed)


def _beyond(names: list[str], own: list[tuple[float, float]], curves: Curves) -> tuple[str, ...]:
    """Name limits of single channels that lie outside what they ever cost: nothing is known there."""
    said = []
    for name, (low, high), least, most in zip(names, own, curves.low, curves.high, strict=True):
        if low > most:
            said.append(f"{name} at least {low:,.0f} where it never cost more than {most:,.0f}")
        if high < least:
            said.append(f"{name} at most {high:,.0f} where it never cost less than {least:,.0f}")
    return tuple(said)


def _group(names: list[str], members: tuple[str, ...], ends: list[float], unit: float, last: int) -> Group:
    most = last * len(members)
    low = int(min(np.ceil(ends[0] / unit - 1e-9), most + 1))
    return Group(tuple(names.index(name) for name in members), low, int(min(ends[1] / unit + 1e-9, most)))
