"""One row a thing: dots with intervals, and bars."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
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
from crm_helpers.report.figures.ticks import number_ticks, ticks_that_fit
from crm_helpers.report.format import column_decimals, write_value

__all__ = ["bars", "dots"]

MOST_ROWS = 30
_ROW, _NARROW_ROW, _TOP = 30, 44, 12


@dataclass(frozen=True)
class _Rows:
    labels: list[str]
    numbers: np.ndarray
    low: np.ndarray
    high: np.ndarray
    context: np.ndarray
    words: list[str]
    colours: list[Colour]
    unit: str
    axis: str
    left_out: int

    @property
    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Leftmost and rightmost mark of each row."""
        marks = np.vstack([self.numbers, self.low, self.high, self.context])
        known = np.where(np.isfinite(marks), marks, np.nan)
        blank = np.isnan(known).all(axis=0)
        known[0, blank] = 0.0
        return np.nanmin(known, axis=0), np.nanmax(known, axis=0)


DrawRow = Callable[[Canvas, _Rows, int, Scale, float], None]


def dots(  # noqa: PLR0913 - one keyword a visual element
    frame: pd.DataFrame, *, label: str, value: str, low: str | None = None, high: str | None = None,
    context: str | None = None, unit: str = "", axis: str = "", highlight: Collection[str] = (),
) -> Chart:  # fmt: skip
    """Draw one dot a row, with its interval and, in grey, what to compare it with.

    Parameters
    ----------
    frame
        Rows in the order they are drawn.
    label, value
        Columns of the row's name and number.
    low, high
        Columns of the interval's ends.
    context
        Column of the grey dot.
    unit, axis
        How numbers are written, and what the axis says.
    highlight
        Names in the accent colour; all of them when not given.

    Returns
    -------
    Chart
        At most 30 rows; the note says how many are left out.
    """
    columns = (label, value, low, high, context)
    return _chart(
        _rows(frame, columns, unit=unit, axis=axis, highlight=highlight), _draw_dots, from_zero=False
    )


def bars(
    frame: pd.DataFrame, *, label: str, value: str, unit: str = "", axis: str = "",
    highlight: Collection[str] = (),
) -> Chart:  # fmt: skip
    """Draw one bar a row, from zero.

    Parameters
    ----------
    frame
        Rows in the order they are drawn.
    label, value
        Columns of the row's name and number.
    unit, axis
        How numbers are written, and what the axis says.
    highlight
        Names in the accent colour; all of them when not given.

    Returns
    -------
    Chart
        At most 30 rows; the note says how many are left out.
    """
    columns = (label, value, None, None, None)
    return _chart(
        _rows(frame, columns, unit=unit, axis=axis, highlight=highlight), _draw_bars, from_zero=True
    )


def _rows(
    frame: pd.DataFrame, columns: Sequence[str | None], *, unit: str, axis: str, highlight: Collection[str]
) -> _Rows:
    shown = frame.head(MOST_ROWS)
    labels = ["not known" if pd.isna(name) else str(name) for name in shown[columns[0]]]
    numbers, low, high, context = (_column(shown, name) for name in columns[1:])
    decimals = column_decimals(numbers.tolist(), unit)
    words = [write_value(number, unit, decimals=decimals) for number in numbers]
    colours: list[Colour] = ["accent" if not highlight or name in highlight else "mute" for name in labels]
    left_out = len(frame) - len(shown)
    return _Rows(labels, numbers, low, high, context, words, colours, unit, axis, left_out)


def _column(frame: pd.DataFrame, name: str | None) -> np.ndarray:
    return np.full(len(frame), np.nan) if name is None else frame[name].astype(float).to_numpy()


def _chart(rows: _Rows, draw_row: DrawRow, *, from_zero: bool) -> Chart:
    if not rows.labels:
        return empty_chart()
    drawn = len(rows.labels)
    note = f"The first {drawn} of {drawn + rows.left_out:,} are drawn." if rows.left_out else ""
    return draw_both(lambda canvas: _draw(canvas, rows, draw_row, from_zero=from_zero), note)


def _draw(canvas: Canvas, rows: _Rows, draw_row: DrawRow, *, from_zero: bool) -> float:
    left, right = _margins(canvas, rows)
    step = _NARROW_ROW if canvas.narrow else _ROW
    bottom = _TOP + step * len(rows.labels)
    scale = _scale(rows, left, canvas.width - right, from_zero=from_zero)
    height = _draw_axis(canvas, rows, scale, bottom)
    for number, name in enumerate(rows.labels):
        middle = _TOP + step * (number + 0.5)
        if canvas.narrow:
            canvas.text(2, middle - 13, canvas.fitted(name, canvas.width - 10))
            middle += 8
        else:
            canvas.text(left - 14, middle, canvas.fitted(name, left - 16), align="right")
        draw_row(canvas, rows, number, scale, middle)
    return height


def _margins(canvas: Canvas, rows: _Rows) -> tuple[float, float]:
    right = max(canvas.measure(words) for words in rows.words) + 18
    if canvas.narrow:
        return 10, right
    widest = max(canvas.measure(" ".join(name.split())) for name in rows.labels)
    return min(widest + 18, canvas.width * 0.36), right


def _scale(rows: _Rows, start: float, end: float, *, from_zero: bool) -> Scale:
    lowest, highest = (float(ends) for ends in (rows.reach[0].min(), rows.reach[1].max()))
    if from_zero or lowest < 0.6 * highest or rows.unit == "share":
        lowest, highest = min(lowest, 0.0), max(highest, 0.0)
    if lowest == highest:
        highest = lowest + 1
    return Scale(lowest, highest, start, end)


def _draw_axis(canvas: Canvas, rows: _Rows, scale: Scale, bottom: float) -> float:
    ticks = partial(number_ticks, scale, rows.unit)
    most = 4 if canvas.narrow else 6
    zero = float(scale(0))
    for x, middle, words in ticks_that_fit(canvas, scale, ticks, most):
        begins = abs(x - zero) < 1e-6 and scale.low <= 0
        canvas.line([x, x], [_TOP - 4, bottom], colour="context" if begins else "line")
        canvas.text(middle, bottom + 13, words, colour="mute", align="center")
    height = bottom + 24
    for line in canvas.wrapped(rows.axis, canvas.width - scale.start) if rows.axis else []:
        canvas.text(scale.start, height + 11, line, colour="mute")
        height += 18
    return height + 6


def _draw_dots(canvas: Canvas, rows: _Rows, number: int, scale: Scale, y: float) -> None:
    if not np.isfinite(rows.numbers[number]):
        canvas.text(scale.start + 8, y, "not known", colour="mute")
        return
    value, context, colour = float(scale(rows.numbers[number])), rows.context[number], rows.colours[number]
    if np.isfinite(context):
        canvas.line([float(scale(context)), value], [y, y], colour="line", width=4)
        canvas.dots([float(scale(context))], [y], colour="context", size=9)
    if np.isfinite(rows.low[number]) and np.isfinite(rows.high[number]):
        canvas.line(scale([rows.low[number], rows.high[number]]), [y, y], colour=colour, width=2.2)
    canvas.dots([value], [y], colour=colour, size=9.5)
    if np.isfinite(rows.context).any():
        # beside a grey dot the number would seem to be the grey one's: all stand in a column of their own
        canvas.text(canvas.width - 2, y, rows.words[number], colour=colour, align="right")
    else:
        canvas.text(float(scale(rows.reach[1][number])) + 11, y, rows.words[number])


def _draw_bars(canvas: Canvas, rows: _Rows, number: int, scale: Scale, y: float) -> None:
    value = rows.numbers[number]
    if not np.isfinite(value):
        canvas.text(float(scale(0)) + 8, y, "not known", colour="mute")
        return
    start, end = sorted((float(scale(0)), float(scale(value))))
    colour: Colour = "context" if rows.colours[number] == "mute" else "accent"
    canvas.box(start, y - 8, max(end - start, 1), 16, colour=colour)
    canvas.text(end + 8, y, rows.words[number], colour="ink")
