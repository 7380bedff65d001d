"""Paper to draw on: pixels, words as shapes (Chinese too), and the page's colours.

matplotlib draws; the layout is ours, so that words are measured before they are placed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.textpath import TextToPath
from matplotlib.ticker import MaxNLocator
from noto_cjk import otc_path

from crm_helpers.report.format import visible, write_value
from crm_helpers.report.svg import compact_svg

__all__ = ["Canvas", "Chart", "Colour", "Scale", "draw_both", "empty_chart", "tick_words", "ticks_of"]

Colour = Literal["ink", "mute", "line", "context", "accent", "second", "third", "card"]

WIDE, NARROW = 760, 350  # pixels
_COLOURS: dict[str, str] = {
    "ink": "#1b2733", "mute": "#5b6774", "line": "#e3e8ee", "context": "#aab4bf", "accent": "#1f6feb",
    "second": "#b4482f", "third": "#7a5195", "card": "#fefefe",
}  # fmt: skip
_VARIABLES = {hexadecimal: name for name, hexadecimal in _COLOURS.items()}
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "crm",
    "text.parse_math": False,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Chart:
    """One picture at two widths, as SVG, and what of the data is not in it."""

    wide: str
    narrow: str
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """Numbers to pixels, along one axis."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, number: Any) -> Any:
        """Place a number or an array of them."""
        span = self.high - self.low or 1.0
        return self.start + (np.asarray(number, float) - self.low) / span * (self.end - self.start)


class Canvas:
    """A drawing of a given width; its height is told at the end."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.narrow = width < 500
        self.size = 12.5 if self.narrow else 13.0
        self._figure = Figure(figsize=(width / 72, 1), dpi=72)
        self._figure.patch.set_visible(False)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()

    def measure(self, words: str, size: float | None = None) -> float:
        """Width of words in pixels."""
        return _text_width(words, size or self.size)

    def fitted(self, words: str, width: float, size: float | None = None) -> str:
        """Shorten words to a width, with an ellipsis."""
        words = _clean(words)
        if self.measure(words, size) <= width:
            return words
        keep = max(1, int(len(words) * width / self.measure(words, size)))
        while keep > 1 and self.measure(words[:keep].rstrip() + "…", size) > width:
            keep -= 1
        return words[:keep].rstrip() + "…"

    def wrapped(self, words: str, width: float, *, size: float | None = None, most: int = 3) -> list[str]:
        """Break words into lines of a width, at most so many."""
        lines: list[str] = []
        for word in _clean(words).split(" "):
            if lines and self.measure(f"{lines[-1]} {word}", size) <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        kept = [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else lines
        return [self.fitted(line, width, size) for line in kept]

    def text(
        self, x: float, y: float, words: str, *, colour: Colour = "ink", align: str = "left",
        size: float | None = None, rotation: float = 0,
    ) -> None:  # fmt: skip
        """Write words with their middle at height y."""
        self._axes.text(
            x, y, _clean(words), color=_COLOURS[colour], fontsize=size or self.size, family=_family(),
            ha=align, va="bottom" if rotation else "center_baseline", rotation=rotation,
            rotation_mode="anchor", parse_math=False,
        )  # fmt: skip

    def line(self, x: Any, y: Any, *, colour: Colour = "line", width: float = 1) -> None:
        """Draw a line through points."""
        self._axes.plot(
            x, y, color=_COLOURS[colour], linewidth=width, clip_on=False, solid_capstyle="round"
        )  # fmt: skip

    def dots(self, x: Any, y: Any, *, colour: Colour = "accent", size: float = 9) -> None:
        """Draw filled circles, size across."""
        self._axes.plot(
            x, y, linestyle="", marker="o", markersize=size, color=_COLOURS[colour], markeredgewidth=0,
            clip_on=False,
        )  # fmt: skip

    def ring(self, x: float, y: float, *, colour: Colour = "accent", size: float = 10) -> None:
        """Draw an open circle."""
        self._axes.plot(
            [x], [y], linestyle="", marker="o", markersize=size, clip_on=False,
            markerfacecolor=_COLOURS["card"], markeredgecolor=_COLOURS[colour], markeredgewidth=2,
        )  # fmt: skip

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        colour: Colour = "accent",
        opacity: float = 1,
    ) -> None:
        """Fill a rectangle from its upper left corner."""
        corners = ([x, x + width, x + width, x], [y, y, y + height, y + height])
        self._axes.fill(
            *corners, facecolor=_COLOURS[colour], edgecolor="none", alpha=opacity, clip_on=False,
            zorder=3,  # over the grid, under words and dots drawn later
        )  # fmt: skip

    def band(self, x: Any, low: Any, high: Any, *, colour: Colour = "accent") -> None:
        """Shade between two curves."""
        outline = (np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]]))
        self._axes.fill(*outline, facecolor=_COLOURS[colour], edgecolor="none", alpha=0.16, clip_on=False)

    def finish(self, height: float) -> str:
        """Return the drawing as compact SVG."""
        self._figure.set_size_inches(self.width / 72, height / 72)
        self._axes.set_xlim(0, self.width)
        self._axes.set_ylim(height, 0)
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # no time, no version in the bytes
        FigureCanvasSVG(self._figure).print_svg(file, metadata=nothing)  # type: ignore[no-untyped-call]
        return compact_svg(file.getvalue(), _VARIABLES)


def draw_both(draw: Callable[[Canvas], float], note: str = "") -> Chart:
    """Draw the same picture wide and narrow.

    Parameters
    ----------
    draw
        Draws on a canvas and returns the height it used.
    note
        What is not in the picture.

    Returns
    -------
    Chart
        Both drawings.
    """
    drawings: list[str] = []
    with rc_context(_SETTINGS):
        for width in (WIDE, NARROW):
            canvas = Canvas(width)
            drawings.append(canvas.finish(draw(canvas)))
    return Chart(drawings[0], drawings[1], note)


def empty_chart(words: str = "No data to draw.") -> Chart:
    """Draw a chart that says that there is nothing to draw."""

    def draw(canvas: Canvas) -> float:
        canvas.text(canvas.width / 2, 30, words, colour="mute", align="center")
        return 60

    return draw_both(draw)


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


def _clean(words: str) -> str:
    return visible(" ".join(str(words).split()))


@cache
def _family() -> list[str]:
    path = str(otc_path("sans"))
    font_manager.fontManager.addfont(path)
    return ["Noto Sans CJK SC", "DejaVu Sans"]


@cache
def _properties(size: float) -> font_manager.FontProperties:
    return font_manager.FontProperties(family=_family(), size=size)


@cache
def _text_width(words: str, size: float) -> float:
    return (
        TextToPath().get_text_width_height_descent(words, _properties(size), ismath=False)[0]
        if words
        else 0.0
    )
