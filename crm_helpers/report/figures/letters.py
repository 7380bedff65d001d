"""Words as shapes: how wide they are, and the outline of each of their glyphs, Chinese ones too.

matplotlib reads the font; each word and each glyph is looked up once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from noto_cjk import otc_path

__all__ = ["EM", "Glyph", "circle_of", "families", "glyphs_of", "path_data", "short", "width_of"]

EM = 100.0  # units a letter's size is drawn in
_PARTS = {1: "M", 2: "L", 3: "Q", 4: "C"}  # matplotlib's codes of a path, as SVG writes them
_POINTS = {3: 2, 4: 3}  # that one such part takes; the others take one
_STOP, _CLOSE = 0, 79
_SIXTY_FOURTH = 64  # the font measures in such parts of a unit


@dataclass(frozen=True)
class Glyph:
    """A letter's outline, named by what it is, and how far from the word's start it stands."""

    name: str
    outline: str
    start: float


@cache
def width_of(words: str) -> float:
    """Measure how wide words are, in hundredths of their size."""
    if not words:
        return 0.0
    font = _font()
    font.set_text(words, 0.0, flags=LoadFlags.NO_HINTING)
    return float(font.get_width_height()[0] / _SIXTY_FOURTH)


@cache
def glyphs_of(words: str) -> tuple[Glyph, ...]:
    """Set words letter by letter, in hundredths of their size, upwards from the line they stand on."""
    placed, outlines, _ = TextToPath().get_glyphs_with_font(_font(), words)
    return tuple(Glyph(*_shape(name, outlines), round(float(start), 1)) for name, start, *_ in placed)


def path_data(path: Path) -> str:
    """Write a path as SVG does, to a tenth of a unit.

    Examples
    --------
    >>> path_data(Path([[0, 1], [2.04, 3], [4, 5.06]]))
    'M0 1L2 3L4 5.1'
    """
    points = np.asarray(path.vertices, float).tolist()
    codes = [1] + [2] * (len(points) - 1) if path.codes is None else np.asarray(path.codes).tolist()
    written, ahead = [], 0
    for (x, y), code in zip(points, codes, strict=True):
        if code == _CLOSE:
            written.append("z")
        elif code != _STOP:
            written.append(f"{' ' if ahead else _PARTS[code]}{short(x)} {short(y)}")
            ahead = (ahead or _POINTS.get(code, 1)) - 1
    return "".join(written)


def short(number: float) -> str:
    """Write a number to a tenth."""
    return f"{round(number, 1) + 0:.1f}".removesuffix(".0")


@cache
def circle_of(size: float) -> tuple[str, str]:
    """Name and outline of a circle, size across, around nothing."""
    outline = path_data(Path.circle(radius=size / 2))
    return _named(outline), outline


_shapes: dict[str, tuple[str, str]] = {}


def _shape(name: str, outlines: dict[str, tuple[np.ndarray, np.ndarray]]) -> tuple[str, str]:
    if name not in _shapes:
        vertices, codes = outlines[name]
        outline = path_data(Path(vertices, codes)) if len(vertices) else ""
        _shapes[name] = (_named(outline), outline)
    return _shapes[name]


def _named(outline: str) -> str:
    """Name a shape by what it is, so that two charts of a page cannot clash."""
    return "c" + hashlib.sha256(outline.encode()).hexdigest()[:12]


@cache
def families() -> tuple[str, ...]:
    """Name the fonts that words are set in, known to matplotlib from now on."""
    fontManager.addfont(str(otc_path("sans")))
    return "Noto Sans CJK SC", "DejaVu Sans"


@cache
def _font() -> FT2Font:
    font = get_font([findfont(FontProperties(family=name)) for name in families()])
    font.set_size(EM, 72)
    return font
