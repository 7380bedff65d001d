"""A figure drawn by matplotlib or seaborn, let into a report: an analyst's own chart.

Its words become shapes (Chinese ones too), black becomes the page's ink, so that the chart can be read in the
dark, and ids are hashes of what they name, so that two charts in one page cannot clash.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
import xml.etree.ElementTree as ET
from typing import Any

from matplotlib import rc_context, rcParams
from matplotlib.figure import Figure

from crm_helpers.errors import RunError
from crm_helpers.report.figures.canvas import Chart
from crm_helpers.report.figures.letters import families

__all__ = ["plotted", "set_fonts"]

_SPACE = "http://www.w3.org/2000/svg"
_VARIABLES = {"#000000": "ink", "#262626": "ink", "#cccccc": "line", "#ffffff": "card"}
_SETTINGS: dict[Any, Any] = {"svg.fonttype": "path", "svg.hashsalt": "crm", "path.simplify": True}
_NOTHING = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # no time, no version in the bytes
_REFERENCE = re.compile(r'(?:href="#|url\(#)([^")]+)')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_SCALED = re.compile(r"scale\(([0-9.]+)\)")
_MOVED = re.compile(r"translate\((-?[0-9.]+)(?: (-?[0-9.]+))?\)")
_DEFAULTS = {"stroke-linejoin:miter", "stroke-linecap:butt", "stroke-dashoffset:0", "stroke-linejoin:round"}


def set_fonts() -> None:
    """Let whatever is drawn by matplotlib from now on have Chinese letters: it lays out words as it draws."""
    rcParams["font.family"] = list(families())


def plotted(drawn: Any) -> Chart:
    """Make a report's chart of a matplotlib figure, of axes, or of a grid of seaborn's.

    Parameters
    ----------
    drawn
        The figure, or what has one. It is closed, so that Jupyter does not show it a second time.

    Returns
    -------
    Chart
        The same drawing for wide and narrow columns.

    Raises
    ------
    RunError
        When it is no figure, or holds a picture made of pixels (`imshow`), which does not follow the page.
    """
    figure = drawn if isinstance(drawn, Figure) else getattr(drawn, "figure", None)
    if not isinstance(figure, Figure):
        raise RunError("page.show takes a frame, a chart of report.figures, or a figure of matplotlib")
    for artist in figure.findobj():
        artist.set_rasterized(False)  # the scale beside a heatmap is one by default
    file = io.StringIO()
    with rc_context(_SETTINGS):
        figure.savefig(file, format="svg", transparent=True, bbox_inches="tight", metadata=_NOTHING)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)
    if "<image" in file.getvalue():
        raise RunError("page.show: a figure with a picture of pixels (imshow); draw it with pcolormesh")
    drawing = _compact(file.getvalue())
    return Chart(drawing, drawing)


def _compact(drawing: str) -> str:
    """Make matplotlib's SVG one small element: no metadata, coordinates to a tenth of a unit."""
    root = ET.fromstring(drawing)  # noqa: S314 - written by matplotlib a moment ago
    for parent in list(root.iter()):
        for child in list(parent):
            if not child.tag.startswith(f"{{{_SPACE}}}") or _name(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        _shorten(element)
    _name_by_content(root)
    root.attrib = {
        "viewBox": root.get("viewBox", ""), "aria-hidden": "true", "focusable": "false",
        "style": "fill:var(--ink)",  # of black letters matplotlib says no colour
    }  # fmt: skip
    _flatten(root)
    return _text(root)


def _shorten(element: ET.Element) -> None:
    attributes = {_name(key): value for key, value in element.attrib.items()}
    element.tag = _name(element.tag)
    element.text = element.tail = None
    element.attrib = {}
    for key, value in attributes.items():
        if value and key not in ("version", "type"):
            element.set(key, _shortened(key, value))
    _bake(element)


def _shortened(key: str, value: str) -> str:
    if key == "style":
        return _style(value)
    return value if key in ("id", "href", "clip-path") else _rounded(value, 6 if key == "transform" else 1)


def _bake(element: ET.Element) -> None:
    """Put the scale of a glyph into its points, and the place of its use into x and y."""
    transform = element.get("transform", "")
    if element.tag == "path" and (scaled := _SCALED.fullmatch(transform)):
        factor = float(scaled[1])
        element.set("d", _NUMBER.sub(lambda n: _short(float(n[0]) * factor, 1), element.get("d", "")))
        del element.attrib["transform"]
    if element.tag == "use" and (moved := _MOVED.fullmatch(transform)):
        places = zip("xy", moved.groups("0"), strict=True)
        element.attrib |= {axis: _short(float(place), 1) for axis, place in places if float(place)}
        del element.attrib["transform"]


def _rounded(text: str, digits: int) -> str:
    short = _NUMBER.sub(lambda found: _short(float(found[0]), digits), text)
    short = re.sub(r"\s+", " ", short).strip()
    return re.sub(r" ?([MLCQHVZz]) ?", r"\1", short)


def _short(number: float, digits: int) -> str:
    return f"{round(number, digits) + 0:.{digits}f}".rstrip("0").rstrip(".") or "0"


def _style(style: str) -> str:
    rules = [re.sub(r"\s*:\s*", ":", rule.strip()) for rule in style.split(";") if rule.strip()]
    text = ";".join(rule for rule in rules if rule not in _DEFAULTS)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    return text


def _name_by_content(root: ET.Element) -> None:
    """Name everything that is referred to by a hash of what it is; other ids go."""
    names = {}
    for element in root.iter():
        if name := element.attrib.pop("id", ""):
            names[name] = "c" + hashlib.sha256(ET.tostring(element)).hexdigest()[:12]
            if element.tag in ("path", "clipPath"):
                element.set("id", names[name])
    for element in root.iter():
        for key in ("href", "clip-path"):
            if key in element.attrib:
                element.set(
                    key, re.sub(r"#([^)]+)", lambda found: "#" + names[found[1]], element.attrib[key])
                )
    used = set(_REFERENCE.findall(ET.tostring(root, encoding="unicode")))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)


def _flatten(parent: ET.Element) -> None:
    """Drop empty and invisible elements, and groups that group nothing."""
    kept: list[ET.Element] = []
    for child in list(parent):
        _flatten(child)
        invisible = child.tag == "path" and child.get("style") == "fill:none"
        if child.tag == "g" and not child.attrib:
            kept += list(child)
        elif not (invisible or (child.tag in ("g", "defs") and not len(child))):
            kept.append(child)
    parent[:] = kept


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _text(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")
