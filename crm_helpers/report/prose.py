"""The prose of notebooks as HTML: markdown, then an allow-list as a second wall."""

from __future__ import annotations

from functools import cache

import mistune
import nh3
from markupsafe import Markup

from crm_helpers.report.format import visible

__all__ = ["prose"]

_TAGS = {
    "p", "h3", "h4", "ul", "ol", "li", "strong", "em", "code", "pre", "a", "table", "thead", "tbody",
    "tr", "th", "td", "blockquote", "br", "hr", "sub", "sup",
}  # fmt: skip


def prose(markdown: str) -> Markup:
    """Render the markdown of a notebook's cell; raw HTML in it is shown as text.

    Parameters
    ----------
    markdown
        The cell's source.

    Returns
    -------
    markupsafe.Markup
        HTML of plain prose: no script, style, image, event or address other than https and mail.

    Examples
    --------
    >>> print(prose("**Bold** <script>x</script>"))
    <p><strong>Bold</strong> &lt;script&gt;x&lt;/script&gt;</p>
    """
    html = str(_renderer()("\n".join(visible(line) for line in markdown.splitlines())))
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return Markup(clean.strip().replace("<th>", '<th scope="col">'))  # noqa: S704 - cleaned above


@cache
def _renderer() -> mistune.Markdown:
    return mistune.create_markdown(escape=True, plugins=["table"])
