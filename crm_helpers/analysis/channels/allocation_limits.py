"""What a division of a budget keeps: bounds of channels and groups, a least return, and what conflicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from crm_helpers.errors import InputError

__all__ = ["Group", "Limits", "conflict"]


@dataclass(frozen=True)
class Group:
    """Channels that together take at least `low` and at most `high` units."""

    members: tuple[int, ...]
    low: int
    high: int


@dataclass(frozen=True)
class Limits:
    """Bounds in whole units; a channel that is fixed has equal bounds.

    A channel that gets money must bring `least_return` for each unit of it. Groups share no channel. `unit`
    is the money of a unit, for words.
    """

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    groups: tuple[Group, ...] = ()
    least_return: float = -np.inf
    unit: float = 1.0

    def __post_init__(self) -> None:
        grouped = [k for group in self.groups for k in group.members]
        if len(grouped) != len(set(grouped)):
            raise InputError("limits: a channel stands in two groups; name it in one of them")

    @classmethod
    def none(cls, worth: np.ndarray) -> Limits:
        """Ask nothing but what the curves cover."""
        channels, last = len(worth), worth.shape[1] - 1
        names = tuple(f"channel {k + 1}" for k in range(channels))
        return cls(names, np.zeros(channels, int), np.full(channels, last))

    def allowed(self, worth: np.ndarray) -> np.ndarray:
        """Say which units of each channel are allowed."""
        units = np.arange(worth.shape[1])
        inside = (units >= self.low[:, None]) & (units <= self.high[:, None])
        return np.asarray(inside & ((units == 0) | (worth >= self.least_return * np.maximum(units, 1))))

    def blocks(self, channels: int, budget: int) -> Iterator[tuple[tuple[int, ...], int, int]]:
        """List the groups, and each channel in none as a group of its own."""
        grouped = {k for group in self.groups for k in group.members}
        yield from ((group.members, group.low, group.high) for group in self.groups)
        yield from (((k,), 0, budget) for k in range(channels) if k not in grouped)


def conflict(worth: np.ndarray, budget: int, limits: Limits) -> tuple[str, ...]:
    """Name limits that cannot hold together, none of which could be left out (deletion filter).

    Parameters
    ----------
    worth
        As in `allocate`.
    budget
        Units to divide.
    limits
        Limits no division keeps.

    Returns
    -------
    tuple of str
        The limits in words; without any one of them the others can hold.
    """
    kept, needed = (limits, budget), []
    for name, ease in _asked(worth, budget, limits):
        eased = ease(*kept)
        if _possible(worth, eased[1], eased[0]):
            needed.append(name)
        else:
            kept = eased
    return tuple(needed)


_Ease = Callable[[Limits, int], tuple[Limits, int]]


def _asked(worth: np.ndarray, budget: int, limits: Limits) -> Iterator[tuple[str, _Ease]]:
    last, unit = worth.shape[1] - 1, limits.unit
    for k, name in enumerate(limits.names):
        if limits.low[k] > 0:
            yield f"{name} at least {limits.low[k] * unit:,.0f}", _ease_bound("low", k, 0)
        if limits.high[k] < last:
            yield f"{name} at most {limits.high[k] * unit:,.0f}", _ease_bound("high", k, last)
    for group in limits.groups:
        names = " + ".join(limits.names[k] for k in group.members)
        if group.low > 0:
            yield f"{names} at least {group.low * unit:,.0f}", _ease_group(group.members, low=0)
        if group.high < last * len(group.members):
            yield (
                f"{names} at most {group.high * unit:,.0f}",
                _ease_group(group.members, high=last * len(worth)),
            )
    if np.isfinite(limits.least_return):
        yield f"a return of at least {limits.least_return / unit:g}", _ease_return
    yield f"a budget of {budget * unit:,.0f}", lambda kept, _: (kept, last * len(worth))


def _ease_bound(side: str, k: int, to: int) -> _Ease:
    def ease(kept: Limits, budget: int) -> tuple[Limits, int]:
        ends = getattr(kept, side).copy()
        ends[k] = to
        return (replace(kept, low=ends) if side == "low" else replace(kept, high=ends)), budget

    return ease


def _ease_group(members: tuple[int, ...], *, low: int | None = None, high: int | None = None) -> _Ease:
    def ease(kept: Limits, budget: int) -> tuple[Limits, int]:
        groups = tuple(
            Group(g.members, g.low if low is None else low, g.high if high is None else high)
            if g.members == members
            else g
            for g in kept.groups
        )
        return replace(kept, groups=groups), budget

    return ease


def _ease_return(kept: Limits, budget: int) -> tuple[Limits, int]:
    return replace(kept, least_return=-np.inf), budget


def _possible(worth: np.ndarray, budget: int, limits: Limits) -> bool:
    allowed = limits.allowed(worth)
    sums = np.array([True])
    for members, low, high in limits.blocks(len(worth), budget):
        inside = np.array([True])
        for k in members:
            inside = np.convolve(inside, allowed[k].astype(float)) > 0.5
        inside[:low] = False
        inside[high + 1 :] = False
        sums = np.convolve(sums, inside.astype(float)) > 0.5
    return bool(sums[: budget + 1].any())
