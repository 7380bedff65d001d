"""Lines over time or another number, named at their ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from crm_helpers.report.figures.canvas import (
    Canvas,
    Chart,
    Colour,
    Scale,
    draw_both,
    empty_chart,
)
from crm_helpers.report.figures.ticks import number_ticks, tick_words, ticks_of, ticks_that_fit

__all__ = ["date_ticks", "draw_height_axis", "lines", "spread"]

MOST_SERIES = 12
_TOP = 14
_SHORT = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_ACCENTS: tuple[Colour, ...] = ("accent", "second", "third")


@dataclass(frozen=True)
class _Line:
    name: str
    x: np.ndarray
    y: np.ndarray
    colour: Colour


def lines(
    frame: pd.DataFrame, *, x: str, y: str, series: str | None = None, unit: str = "", axis: str = "",
    highlight: Collection[str] = (),
) -> Chart:  # fmt: skip
    """Draw a line a series.

    Parameters
    ----------
    frame
        One row a point.
    x, y
        Columns of a date or number, and of the height.
    series
        Column that tells the lines apart.
    unit, axis
        How heights are written, and what they are.
    highlight
        Names in colour, the others grey; up to three are coloured when not given.

    Returns
    -------
    Chart
        At most 12 lines, those with the greatest sums; the note says how many are left out.
    """
    points = frame[[x, y] + ([series] if series else [])].dropna(subset=[x])
    if points.empty or points[y].notna().sum() == 0:
        return empty_chart()
    drawn, left_out = _lines(points, x, y, series, highlight)
    dated = not pd.api.types.is_numeric_dtype(points[x])
    note = f"The {len(drawn)} greatest of {len(drawn) + left_out} are drawn." if left_out else ""
    return draw_both(lambda canvas: _draw(canvas, drawn, unit=unit, axis=axis, dated=dated), note)


def _lines(
    points: pd.DataFrame, x: str, y: str, series: str | None, highlight: Collection[str]
) -> tuple[list[_Line], int]:
    every = points.groupby(series, sort=False, observed=True) if series else [("", points)]
    groups = {str(name): group for name, group in every}
    order = sorted(groups, key=lambda name: (name not in highlight, -groups[name][y].sum()))
    unasked = order if len(order) <= len(_ACCENTS) else order[:1]
    coloured = [name for name in order if name in highlight] if highlight else unasked
    made = []
    for name in order[:MOST_SERIES]:
        group = groups[name].sort_values(x)
        place = coloured.index(name) if name in coloured else 99
        colour = _ACCENTS[place] if place < len(_ACCENTS) else "context"
        made.append(_Line(name, _numbers(group[x]), group[y].astype(float).to_numpy(), colour))
    return made, len(order) - len(made)


def _numbers(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values):
        return values.astype(float).to_numpy()
    return pd.to_datetime(values).to_numpy("datetime64[D]").astype(float)


def _draw(canvas: Canvas, drawn: list[_Line], *, unit: str, axis: str, dated: bool) -> float:
    height = 220 if canvas.narrow else 260
    top = _TOP + (20 if axis else 0)
    if axis:
        canvas.text(0, 10, canvas.fitted(axis, canvas.width), colour="mute")
    room = min(max(canvas.measure(line.name) for line in drawn) + 14, canvas.width * 0.34)
    every_x, every_y = (np.concatenate([getattr(line, end) for line in drawn]) for end in "xy")
    left = draw_height_axis(canvas, every_y, unit, (top, height), canvas.width - room)
    across = Scale(every_x.min(), every_x.max(), left.start + 6, canvas.width - room - 8)
    _draw_ticks(canvas, across, height, dated=dated)
    for line in reversed(drawn):
        thick = 1.6 if line.colour == "context" else 2.4
        canvas.line(across(line.x), left.scale(line.y), colour=line.colour, width=thick)
        if len(line.x) == 1:
            canvas.dots(across(line.x), left.scale(line.y), colour=line.colour, size=6)
    _name_ends(canvas, drawn, across, left.scale, room)
    return height + 26


def _name_ends(canvas: Canvas, drawn: list[_Line], across: Scale, up: Scale, room: float) -> None:
    ended = [
        (line, line.x[known][-1], line.y[known][-1]) for line in drawn if (known := np.isfinite(line.y)).any()
    ]
    places = spread([float(up(y)) for _, _, y in ended], gap=canvas.size + 3, low=up.end, high=up.start)
    for (line, _, _), y in zip(ended, places, strict=True):
        colour: Colour = "mute" if line.colour == "context" else line.colour
        canvas.text(across.end + 8, y, canvas.fitted(line.name, room - 8), colour=colour)


def spread(places: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Move heights apart, as little as possible, so that words do not overlap.

    Parameters
    ----------
    places
        Wanted heights.
    gap
        Least distance between two.
    low, high
        Ends to stay within, where there is room.

    Returns
    -------
    list of float
        Heights in the given order.

    Examples
    --------
    >>> spread([10, 12, 50], gap=10, low=0, high=100)
    [6.0, 16.0, 50.0]
    """
    order = sorted(range(len(places)), key=lambda number: places[number])
    clusters: list[list[float]] = []  # each: mean of wanted middles, number of words
    for number in order:
        clusters.append([float(places[number]), 1])
        while len(clusters) > 1 and _overlap(clusters[-2], clusters[-1], gap):
            second, first = clusters.pop(), clusters.pop()
            words = first[1] + second[1]
            clusters.append([(first[0] * first[1] + second[0] * second[1]) / words, words])
    heights = [
        middle + (place - (words - 1) / 2) * gap for middle, words in clusters for place in range(int(words))
    ]
    shift = max(0.0, low - heights[0]) if heights else 0.0
    shift = shift or (min(0.0, high - heights[-1]) if heights else 0.0)
    placed = dict(zip(order, heights, strict=True))
    return [placed[number] + shift for number in range(len(places))]


def _overlap(first: list[float], second: list[float], gap: float) -> bool:
    return second[0] - first[0] < gap * (first[1] + second[1]) / 2


@dataclass(frozen=True)
class HeightAxis:
    """Where the plot starts, and its scale upwards."""

    start: float
    scale: Scale


def draw_height_axis(
    canvas: Canvas, values: np.ndarray, unit: str, span: tuple[float, float], right: float,
    *, left: float = 0, most: int = 5,
) -> HeightAxis:  # fmt: skip
    """Draw the height's ticks and grid lines.

    Parameters
    ----------
    canvas
        Where to draw.
    values
        All heights.
    unit
        How they are written.
    span
        Top and bottom of the plot.
    right, left
        Its right end, and where the ticks' words start.
    most
        Steps at most.

    Returns
    -------
    HeightAxis
        Start of the plot, and the scale.
    """
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    low, high = (min(low, 0.0), max(high, 0.0)) if low < 0.6 * high or unit == "share" else (low, high)
    high = high if high > low else low + 1
    ticks = ticks_of(low, high, most)
    words = tick_words(ticks, unit)
    start = left + max(canvas.measure(word) for word in words) + 8
    scale = Scale(low, high, span[1], span[0])
    for tick, word in zip(ticks, words, strict=True):
        y = float(scale(tick))
        canvas.line([start, right], [y, y], colour="context" if tick == 0 else "line")
        canvas.text(start - 8, y, word, colour="mute", align="right")
    return HeightAxis(start, scale)


def _draw_ticks(canvas: Canvas, across: Scale, bottom: float, *, dated: bool) -> None:
    dates = partial(date_ticks, across.low, across.high)
    choose = dates if dated else partial(number_ticks, across, "")
    for _place, middle, words in ticks_that_fit(canvas, across, choose, 4 if canvas.narrow else 8):
        canvas.text(middle, bottom + 15, words, colour="mute", align="center")


def date_ticks(first: float, last: float, most: int) -> tuple[list[float], list[str]]:
    """Choose months or days between two days since 1970, the year said where it begins.

    Parameters
    ----------
    first, last
        Days since 1970-01-01.
    most
        Ticks at most.

    Returns
    -------
    tuple
        Days, and what is written at them.
    """
    start, end = (np.datetime64(int(day), "D") for day in (first, last))
    months = np.arange(start.astype("M8[M]"), end.astype("M8[M]") + np.timedelta64(1, "M"))
    inside = [month for month in months if start <= month.astype("M8[D]") <= end]
    if len(inside) < 2:
        days = np.unique(np.linspace(first, last, min(most, int(last - first) + 1)).astype(int))
        return days.astype(float).tolist(), [
            _day(np.datetime64(int(day), "D").astype(object)) for day in days
        ]
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, 10**6) if len(inside) / step <= most)
    chosen = [month for month in inside if month.astype(int) % step == 0] or inside[:1]
    return [float(month.astype("M8[D]").astype(int)) for month in chosen], _month_words(chosen, step)


def _month_words(months: list[Any], step: int) -> list[str]:
    words, year = [], None
    for month in months:
        day: date = month.astype(object)
        stated = str(day.year) if step >= 12 else f"{_SHORT[day.month - 1]} {day.year}"
        words.append(stated if day.year != year else _SHORT[day.month - 1])
        year = day.year
    return words


def _day(day: date) -> str:
    return f"{day.day} {_SHORT[day.month - 1]}"
