"""The template environment, with escaping on, and the small HTML a block has in JupyterLab."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from crm_helpers.report.blocks import Block
from crm_helpers.report.format import write_date
from crm_helpers.report.svg import safe_svg
from crm_helpers.report.wording import plain, sentence

__all__ = ["TEMPLATES", "breakable", "environment", "fragment"]

TEMPLATES = Path(__file__).parent / "template"
_PARTS = re.compile(r"(?<=[A-Za-z])([._/])(?=[A-Za-z])")


@cache
def environment(language: str = "en") -> Environment:
    """Return the environment of a language's templates: all is escaped, nothing may be undefined."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (TEMPLATES / "sort.js").read_text(encoding="utf-8").strip()
    style = _without_breaks((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    made.globals |= {
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "t": partial(_words, language),
        "verdict_key": lambda verdict: "verdict_" + (verdict or "none").replace(" ", "_"),
        "script_hash": f"sha256-{digest}",
    }
    made.filters |= {"svg": safe_svg, "day": write_date, "moment": _moment, "breakable": breakable}
    return made


def _words(language: str, key: str, **values: Any) -> str:
    return plain(sentence(f"common.{key}", values, language=language))


def breakable(words: str) -> Markup:
    """Escape words, and let a line end after each part of a column's or a file's name.

    Examples
    --------
    >>> str(breakable("orders.order_id < 4,596.39"))
    'orders.<wbr>order_<wbr>id &lt; 4,596.39'
    """
    return Markup(_PARTS.sub(r"\1<wbr>", str(escape(words))))  # noqa: S704 - escaped before


def _without_breaks(style: str) -> str:
    return "".join(line.strip() for line in style.splitlines())


def _moment(text: str) -> str:
    try:
        return write_date(datetime.fromisoformat(text))
    except ValueError:
        return text


def fragment(block: Block) -> str:
    """Render one block for JupyterLab, with the colours it needs.

    Parameters
    ----------
    block
        A block of `report.blocks`.

    Returns
    -------
    str
        HTML without scripts; everything from data is escaped.
    """
    return environment().get_template("fragment.html.j2").render(block=block)
