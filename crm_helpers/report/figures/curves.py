"""Small multiples of a fitted curve: what was seen, what the model says, where we stand and should."""

from __future__ import annotations

import math
from functools import partial

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
from crm_helpers.report.figures.lines import draw_height_axis
from crm_helpers.report.figures.ticks import number_ticks, ticks_that_fit

__all__ = ["curves"]

MOST_PANELS = 12
_MOST_POINTS = 120  # a panel; every n-th beyond, so that the page stays small
_MARKS: tuple[Colour, ...] = ("ink", "second", "third")


def curves(  # noqa: PLR0913 - what is said of one axis is said of the other
    frame: pd.DataFrame, *, x: str, y: str, series: str, points: pd.DataFrame | None = None,
    marks: pd.DataFrame | None = None, unit_x: str = "", unit_y: str = "", axis_x: str = "", axis_y: str = "",
) -> Chart:  # fmt: skip
    """Draw one panel a series: the curve, its interval (columns `low` and `high`), points and marks.

    Parameters
    ----------
    frame
        The fitted curves, one row a point.
    x, y, series
        Its columns, also those of `points` and `marks`.
    points
        What was observed.
    marks
        Places on the curve; their column `label` names them.
    unit_x, unit_y, axis_x, axis_y
        How numbers are written, and what the axes are.

    Returns
    -------
    Chart
        At most 12 panels; the note says how many are left out.
    """
    names = list(dict.fromkeys(frame[series].dropna()))
    if not names:
        return empty_chart()
    parts = {"curve": frame, "points": points, "marks": marks}
    panels = [
        {part: None if data is None else data[data[series] == name] for part, data in parts.items()}
        for name in names[:MOST_PANELS]
    ]
    left_out = len(names) - len(panels)
    note = f"The first {len(panels)} of {len(names)} are drawn." if left_out else ""

    def draw(canvas: Canvas) -> float:
        columns = 1 if canvas.narrow else min(3, len(panels)) if len(panels) != 4 else 2
        step = canvas.width / columns
        height = 190.0
        top = _draw_axis_words(canvas, axis_x, axis_y)
        for number, (name, panel) in enumerate(zip(names, panels, strict=False)):
            corner = (step * (number % columns), top + height * (number // columns))
            _draw_panel(canvas, str(name), panel, (x, y), (unit_x, unit_y), corner, (step - 18, height))
        return top + height * math.ceil(len(panels) / columns)

    return draw_both(draw, note)


def _draw_axis_words(canvas: Canvas, axis_x: str, axis_y: str) -> float:
    height = 0.0
    words = "; ".join(filter(None, [axis_y and f"up: {axis_y}", axis_x and f"across: {axis_x}"]))
    for line in canvas.wrapped(words, canvas.width) if words else []:
        canvas.text(0, height + 10, line, colour="mute")
        height += 18
    return height + 4


def _draw_panel(canvas, name, panel, columns, units, corner, size) -> None:  # type: ignore[no-untyped-def]
    (x, y), (left, top) = columns, corner
    canvas.text(left, top + 16, canvas.fitted(name, size[0]))
    frames = [data for data in panel.values() if data is not None]
    every_x, every_y = (np.concatenate([data[c].astype(float).to_numpy() for data in frames]) for c in (x, y))
    bottom = top + size[1] - 34
    up = draw_height_axis(canvas, every_y, units[1], (top + 34, bottom), left + size[0], left=left, most=4)
    across = Scale(min(0.0, np.nanmin(every_x)), np.nanmax(every_x) or 1.0, up.start + 4, left + size[0] - 4)
    _draw_across(canvas, across, units[0], bottom)
    curve = panel["curve"].sort_values(x)
    places = across(curve[x])
    if {"low", "high"} <= set(curve.columns) and curve[["low", "high"]].notna().all(axis=None):
        ends = [np.clip(up.scale(curve[end]), top + 28, bottom) for end in ("low", "high")]
        canvas.band(places, *ends)
    if panel["points"] is not None and len(panel["points"]):
        seen = panel["points"].iloc[:: math.ceil(len(panel["points"]) / _MOST_POINTS)]
        canvas.dots(across(seen[x]), up.scale(seen[y]), colour="context", size=5)
    canvas.line(places, up.scale(curve[y]), colour="accent", width=2.2)
    if panel["marks"] is not None:
        _draw_marks(canvas, panel["marks"], (x, y), across, up.scale)


def _draw_across(canvas: Canvas, across: Scale, unit: str, bottom: float) -> None:
    ends = {"left": across.start - 4, "right": across.end + 4}
    for _place, middle, words in ticks_that_fit(
        canvas, across, partial(number_ticks, across, unit), 3, **ends
    ):
        canvas.text(middle, bottom + 15, words, colour="mute", align="center")


def _draw_marks(
    canvas: Canvas, marks: pd.DataFrame, columns: tuple[str, str], across: Scale, up: Scale
) -> None:
    places = [(float(across(row[columns[0]])), float(up(row[columns[1]]))) for _, row in marks.iterrows()]
    for number, ((x, y), label) in enumerate(zip(places, marks["label"], strict=True)):
        colour = _MARKS[number % len(_MARKS)]
        canvas.ring(x, y, colour=colour, size=8)
        width = canvas.measure(str(label))
        # a response curve leaves room below to the right and above to the left: names take turns
        below = number % 2 == 0 and y + 24 < up.start
        start = min(max(x + 2 if below else x - width - 2, across.start), across.end - width)
        canvas.text(start, y + 15 if below else y - 13, str(label), colour=colour)
