"""Paper to draw on: pixels, words as shapes (Chinese too), and the page's colours.

Drawings are written as SVG here, a tenth of the work of drawing by matplotlib: it knows letters, ticks
and how to thin a line. Colours are CSS variables, so that a chart follows light and dark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.path import Path

from crm_helpers.report.figures.letters import EM, circle_of, glyphs_of, path_data, short, width_of
from crm_helpers.report.format import visible

__all__ = ["Canvas", "Chart", "Colour", "Scale", "draw_both", "empty_chart"]

Colour = Literal["ink", "mute", "line", "context", "accent", "second", "third", "card"]

WIDE, NARROW = 760, 350  # pixels
_BASELINE = 0.44  # of the size: letters stand so far below their middle
_BELOW = 0.12  # of the size: what hangs below the line
_MANY = 128  # points of a line, from which those that nobody could see are left out


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
        self._shapes: dict[str, str] = {}
        self._layers: tuple[list[str], ...] = ([], [], [])  # bands; lines and dots; words and boxes

    def measure(self, words: str, size: float | None = None) -> float:
        """Width of words in pixels."""
        return width_of(words) * (size or self.size) / EM

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
        """Write words with their middle at height y; turned ones start there, left of x."""
        words, size = _clean(words), size or self.size
        if not np.isfinite([x, y]).all():
            return
        x -= {"left": 0.0, "center": 0.5, "right": 1.0}[align] * self.measure(words, size)
        x, y = (x - _BELOW * size, y) if rotation else (x, y + _BASELINE * size)
        turned = f" rotate({-rotation:g})" if rotation else ""
        place = f"translate({x:.2f} {y:.2f}){turned} scale({size / EM:g} {-size / EM:g})"
        letters = "".join(
            f'<use href="#{self._shape(glyph.name, glyph.outline)}"{_at("x", glyph.start)}/>'
            for glyph in glyphs_of(words)
            if glyph.outline
        )
        self._layers[2].append(f'<g style="fill:var(--{colour})" transform="{place}">{letters}</g>')

    def line(self, x: Any, y: Any, *, colour: Colour = "line", width: float = 1) -> None:
        """Draw a line through points."""
        points = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
        seen = Path(points).cleaned(remove_nans=True, simplify=len(points) >= _MANY)
        thick = f";stroke-width:{width:g}" if width != 1 else ""
        style = f"fill:none;stroke:var(--{colour}){thick};stroke-linecap:round"
        self._layers[1].append(f'<path d="{path_data(seen)}" style="{style}"/>')

    def dots(self, x: Any, y: Any, *, colour: Colour = "accent", size: float = 9) -> None:
        """Draw filled circles, size across."""
        for place in zip(np.asarray(x, float).tolist(), np.asarray(y, float).tolist(), strict=True):
            self._circle(place, size, f"fill:var(--{colour})")

    def ring(self, x: float, y: float, *, colour: Colour = "accent", size: float = 10) -> None:
        """Draw an open circle."""
        self._circle((x, y), size, f"fill:var(--card);stroke:var(--{colour});stroke-width:2")

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
        self._fill(2, corners, colour, opacity)  # over the grid, under words and dots drawn later

    def band(self, x: Any, low: Any, high: Any, *, colour: Colour = "accent") -> None:
        """Shade between two curves."""
        outline = (np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]]))
        self._fill(0, outline, colour, 0.16)

    def finish(self, height: float) -> str:
        """Return the drawing as SVG."""
        shapes = "".join(f'<path d="{outline}" id="{name}"/>' for name, outline in self._shapes.items())
        size = f"0 0 {self.width} {short(height)}"
        drawn = "".join(part for layer in self._layers for part in layer)
        return (
            f'<svg viewBox="{size}" aria-hidden="true" focusable="false">'
            f"{f'<defs>{shapes}</defs>' if shapes else ''}{drawn}</svg>"
        )

    def _shape(self, name: str, outline: str) -> str:
        self._shapes[name] = outline
        return name

    def _circle(self, place: tuple[float, float], size: float, style: str) -> None:
        if np.isfinite(place).all():
            name = self._shape(*circle_of(size))
            where = _at("x", place[0]) + _at("y", place[1])
            self._layers[1].append(f'<use href="#{name}"{where} style="{style}"/>')

    def _fill(self, layer: int, corners: tuple[Any, Any], colour: Colour, opacity: float) -> None:
        style = f"fill:var(--{colour})" + (f";opacity:{opacity:g}" if opacity != 1 else "")
        self._layers[layer].append(
            f'<path d="{path_data(Path(np.column_stack(corners)))}z" style="{style}"/>'
        )


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
    wide, narrow = (canvas.finish(draw(canvas)) for canvas in (Canvas(WIDE), Canvas(NARROW)))
    return Chart(wide, narrow, note)


def empty_chart(words: str = "No data to draw.") -> Chart:
    """Draw a chart that says that there is nothing to draw."""

    def draw(canvas: Canvas) -> float:
        canvas.text(canvas.width / 2, 30, words, colour="mute", align="center")
        return 60

    return draw_both(draw)


def _clean(words: str) -> str:
    return visible(" ".join(str(words).split()))


def _at(axis: str, place: float) -> str:
    written = short(place)
    return f' {axis}="{written}"' if written != "0" else ""
