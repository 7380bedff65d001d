"""Drawings made small and safe: matplotlib's SVG with the page's colours, and nothing but drawing.

Colours become CSS variables, so that a chart follows light and dark; ids are hashes of what they
name, so that two charts in one page cannot clash.
"""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from markupsafe import Markup

__all__ = ["Sprites", "compact_svg", "safe_svg"]

_SPACE = "http://www.w3.org/2000/svg"
_ELEMENTS = {"svg", "g", "defs", "path", "use", "rect", "clipPath"}
_ATTRIBUTES = {
    "id",
    "d",
    "x",
    "y",
    "width",
    "height",
    "viewBox",
    "transform",
    "style",
    "clip-path",
    "href",
    "fill",
    "stroke",
    "stroke-width",
    "opacity",
    "focusable",
    "aria-hidden",
}
_VALUE = r"[a-z-]+:(?:[#a-zA-Z0-9.,% -]|var\(--[a-z0-9-]+\))*"
_STYLE = re.compile(rf"{_VALUE}(?:;{_VALUE})*;?")
_LOCAL = re.compile(r"#[a-z][a-z0-9]*|url\(#[a-z][a-z0-9]*\)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_SCALED = re.compile(r"scale\(([0-9.]+)\)")
_MOVED = re.compile(r"translate\((-?[0-9.]+)(?: (-?[0-9.]+))?\)")
_REFERENCE = re.compile(r'(?:href="#|url\(#)([^")]+)')
_DEFAULTS = {"stroke-linejoin:miter", "stroke-linecap:butt", "stroke-dashoffset:0", "stroke-linejoin:round"}


def compact_svg(drawing: str, colours: Mapping[str, str]) -> str:
    """Make matplotlib's SVG small, and let the page choose its colours.

    Parameters
    ----------
    drawing
        The SVG file's text.
    colours
        CSS variable by the hexadecimal colour it was drawn in.

    Returns
    -------
    str
        One `<svg>` element: no metadata, coordinates to a tenth of a unit.
    """
    root = ET.fromstring(drawing)  # noqa: S314 - written by matplotlib a moment ago
    for parent in list(root.iter()):
        for child in list(parent):
            if not child.tag.startswith(f"{{{_SPACE}}}") or _name(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        _shorten(element, colours)
    _name_by_content(root)
    root.attrib = {"viewBox": root.get("viewBox", ""), "aria-hidden": "true", "focusable": "false"}
    _flatten(root)
    return _text(root)


def _shorten(element: ET.Element, colours: Mapping[str, str]) -> None:
    attributes = {_name(key): value for key, value in element.attrib.items()}
    element.tag = _name(element.tag)
    element.text = element.tail = None
    element.attrib = {}
    for key, value in attributes.items():
        if value and key not in ("version", "type"):
            element.set(key, _shortened(key, value, colours))
    _bake(element)


def _shortened(key: str, value: str, colours: Mapping[str, str]) -> str:
    if key == "style":
        return _style(value, colours)
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


def _style(style: str, colours: Mapping[str, str]) -> str:
    rules = [re.sub(r"\s*:\s*", ":", rule.strip()) for rule in style.split(";") if rule.strip()]
    text = ";".join(rule for rule in rules if rule not in _DEFAULTS)
    for colour, variable in colours.items():
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


class Sprites:
    """Shapes that the drawings of one page share: each is written once, under a short name."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._shapes: list[str] = []

    def without_shapes(self, drawing: str) -> str:
        """Take the shapes out of a drawing, and refer to the page's own."""
        root = ET.fromstring(safe_svg(drawing))  # noqa: S314 - declares nothing
        for parent in list(root.iter()):
            for defs in parent.findall("defs"):
                for shape in defs:
                    self._keep(shape)
                parent.remove(defs)
        return _REFERENCE.sub(lambda found: found[0].replace(found[1], self._names[found[1]]), _text(root))

    def shapes(self) -> str:
        """One invisible drawing that holds the shapes; comes before all others in the page."""
        inside = "".join(self._shapes)
        return f'<svg aria-hidden="true" width="0" height="0"><defs>{inside}</defs></svg>' if inside else ""

    def _keep(self, shape: ET.Element) -> None:
        name = shape.attrib["id"]
        if name not in self._names:
            self._names[name] = f"s{len(self._names)}"
            shape.set("id", self._names[name])
            self._shapes.append(_text(shape))


def safe_svg(drawing: str) -> Markup:
    """Let a drawing into a page when it is nothing but drawing.

    Parameters
    ----------
    drawing
        One `<svg>` element made by `compact_svg`.

    Returns
    -------
    markupsafe.Markup
        The same text.

    Raises
    ------
    ValueError
        When it holds text, a script, an event, an address or any element or attribute that no
        chart needs.
    """
    if "<!" in drawing or "<?" in drawing:
        raise ValueError("a drawing may not declare anything")
    for element in ET.fromstring(drawing).iter():  # noqa: S314 - without declarations no entity can expand
        wrong = element.tag not in _ELEMENTS or (element.text or "").strip() or (element.tail or "").strip()
        if wrong or not all(_safe(key, value) for key, value in element.attrib.items()):
            raise ValueError(f"a drawing may not hold <{element.tag}> with {sorted(element.attrib)}")
    return Markup(drawing)  # noqa: S704 - every element and attribute was looked at


def _safe(key: str, value: str) -> bool:
    if key not in _ATTRIBUTES:
        return False
    if key in ("href", "clip-path"):
        return bool(_LOCAL.fullmatch(value))
    if key == "style":
        return bool(_STYLE.fullmatch(value))
    return "url(" not in value
