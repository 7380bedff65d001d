"""Drawings let into a page: nothing but drawing passes, and shapes that many share are written once."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from markupsafe import Markup

__all__ = ["Sprites", "safe_svg"]

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
_REFERENCE = re.compile(r'(?:href="#|url\(#)([^")]+)')


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
        One `<svg>` element made by a `Canvas`.

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


def _text(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")
