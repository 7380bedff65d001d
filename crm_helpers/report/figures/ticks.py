"""Round numbers along an axis, written with the digits they need, as many as there is room for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.ticker import MaxNLocator

from crm_helpers.report.figures.canvas import Canvas, Scale
from crm_helpers.report.format import write_value

__all__ = ["number_ticks", "tick_words", "ticks_of", "ticks_that_fit"]


def ticks_of(low: float, high: float, most: int) -> list[float]:
    """Choose round numbers between two ends, at most so many steps."""
    found = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    room = (high - low) * 1e-6
    return [float(tick) for tick in found if low - room <= tick <= high + room]


def tick_words(ticks: Sequence[float], unit: str) -> list[str]:
    """Write ticks with the digits their step needs."""
    step = (ticks[1] - ticks[0]) if len(ticks) > 1 else (abs(ticks[0]) if ticks else 1)
    step = abs(step * 100 if unit == "share" else step) or 1
    decimals = next((d for d in range(5) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 4)
    return [write_value(tick, unit if unit != "score" else "", decimals=decimals) for tick in ticks]


def number_ticks(across: Scale, unit: str, most: int) -> tuple[list[float], list[str]]:
    """Choose round numbers across, at most so many steps, and write them."""
    ticks = ticks_of(across.low, across.high, most)
    return ticks, tick_words(ticks, unit)


def ticks_that_fit(
    canvas: Canvas, across: Scale, choose: Callable[[int], tuple[list[float], list[str]]], most: int,
    *, left: float = 0.0, right: float | None = None,
) -> list[tuple[float, float, str]]:  # fmt: skip
    """Choose as many ticks across as their words have room for.

    Parameters
    ----------
    canvas
        Where they are written.
    across
        Numbers to pixels.
    choose
        Ticks and their words, at most so many steps.
    most
        Steps to begin with.
    left, right
        Ends that words stay within; the canvas's where not given.

    Returns
    -------
    list of tuple
        Each tick's place, the middle of its words, and the words, which never touch.
    """
    end = canvas.width if right is None else right
    placed: list[tuple[float, float, str]] = []
    for steps in range(most, 0, -1):
        placed = []
        for tick, words in zip(*choose(steps), strict=True):
            half, place = canvas.measure(words) / 2, float(across(tick))
            placed.append((place, min(max(place, left + half), end - half), words))
        if len(_apart(canvas, placed)) == len(placed):
            return placed
    return _apart(canvas, placed)


def _apart(canvas: Canvas, placed: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Leave out words that would touch those before them."""
    kept: list[tuple[float, float, str]] = []
    for tick in placed:
        room = tick[1] - kept[-1][1] if kept else math.inf
        if not kept or room >= (canvas.measure(tick[2]) + canvas.measure(kept[-1][2])) / 2 + canvas.size / 2:
            kept.append(tick)
    return kept
