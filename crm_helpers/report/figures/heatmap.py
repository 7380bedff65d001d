"""A table in shades of one colour."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_helpers.report.figures.canvas import Canvas, Chart, draw_both, empty_chart
from crm_helpers.report.format import column_decimals, write_value

__all__ = ["heatmap"]

MOST_ROWS, MOST_COLUMNS = 24, 14
_TALLEST = 170  # of a column's name set upright
_DARKEST = 0.55  # the words on it stay readable in light and dark


def heatmap(
    frame: pd.DataFrame, *, row: str, column: str, value: str, unit: str = "", axis: str = ""
) -> Chart:
    """Draw one cell a pair: the higher the number, the stronger the colour.

    Parameters
    ----------
    frame
        One row a cell; rows and columns are drawn in order of appearance.
    row, column, value
        Its columns.
    unit, axis
        How numbers are written, and what they are.

    Returns
    -------
    Chart
        At most 24 rows and 14 columns; the note says how many are left out.
    """
    if frame.empty or frame[value].notna().sum() == 0:
        return empty_chart()
    rows, columns = (list(dict.fromkeys(frame[name].astype(str))) for name in (row, column))
    cells = {(str(r), str(c)): v for r, c, v in zip(frame[row], frame[column], frame[value], strict=True)}
    note = ""
    if len(rows) > MOST_ROWS or len(columns) > MOST_COLUMNS:
        shown = f"{min(len(rows), MOST_ROWS)} of {len(rows)} rows and {min(len(columns), MOST_COLUMNS)}"
        note = f"The first {shown} of {len(columns)} columns are drawn."
    rows, columns = rows[:MOST_ROWS], columns[:MOST_COLUMNS]
    numbers = np.array([[_number(cells.get((r, c))) for c in columns] for r in rows])
    return draw_both(lambda canvas: _draw(canvas, rows, columns, numbers, unit=unit, axis=axis), note)


def _number(value: object) -> float:
    return float("nan") if pd.isna(value) else float(value)  # type: ignore[arg-type, call-overload]


def _draw(
    canvas: Canvas, rows: list[str], columns: list[str], numbers: np.ndarray, *, unit: str, axis: str
) -> float:
    left = min(max(canvas.measure(name) for name in rows) + 13, canvas.width * 0.34)
    step = (canvas.width - left) / len(columns)
    top = _draw_column_names(canvas, columns, left, step)
    known = numbers[np.isfinite(numbers)]
    low, span = known.min(), (known.max() - known.min()) or 1.0
    low, span = (0.0, known.max() or 1.0) if low >= 0 else (low, span)
    decimals = column_decimals(known, unit)
    for number, name in enumerate(rows):
        y = top + 30 * number
        canvas.text(left - 10, y + 15, canvas.fitted(name, left - 12), align="right")
        for place, value in enumerate(numbers[number]):
            words = write_value(value, unit, decimals=decimals)
            if np.isfinite(value):
                shade = max(0.04, _DARKEST * (value - low) / span)
                canvas.box(left + step * place + 1, y + 1, step - 2, 28, opacity=round(float(shade), 2))
            if canvas.measure(words, 11.5) >= step - 4:
                words = words.replace("under ", "<")
            if canvas.measure(words, 11.5) < step - 4:
                canvas.text(left + step * (place + 0.5), y + 15, words, align="center", size=11.5)
    bottom = top + 30 * len(rows)
    for line in canvas.wrapped(axis, canvas.width - left) if axis else []:
        canvas.text(left, bottom + 14, line, colour="mute")
        bottom += 18
    return bottom + 8


def _draw_column_names(canvas: Canvas, columns: list[str], left: float, step: float) -> float:
    if max(canvas.measure(name) for name in columns) < step - 4:
        for place, name in enumerate(columns):
            canvas.text(left + step * (place + 0.5), 14, name, colour="mute", align="center")
        return 26
    words = [canvas.fitted(name, _TALLEST) for name in columns]
    height = max(canvas.measure(name) for name in words) + 8
    for place, name in enumerate(words):
        canvas.text(left + step * (place + 0.5) + 5, height - 4, name, colour="mute", rotation=90)
    return height + 4
