"""Only drawing passes into a page."""

from __future__ import annotations

import pytest

from crm_helpers.report.svg import Sprites, safe_svg

PLAIN = (
    '<svg viewBox="0 0 9 9"><defs><path id="c1" d="M0 0L1 1"/></defs>'
    '<use href="#c1" style="fill:var(--ink)"/></svg>'
)


def test_a_drawing_passes() -> None:
    assert safe_svg(PLAIN) == PLAIN


@pytest.mark.parametrize(
    "hostile",
    [
        "<svg><script>alert(1)</script></svg>",
        '<svg onload="alert(1)"/>',
        '<svg><use href="https://evil.example/x#a"/></svg>',
        '<svg><a href="#x"/></svg>',
        '<svg><path style="fill:url(https://evil.example)"/></svg>',
        '<svg><path style="background:url(#a)"/></svg>',
        '<svg><path fill="url(https://evil.example)"/></svg>',
        "<svg><foreignObject/></svg>",
        "<svg><text>words</text></svg>",
        "<svg>words</svg>",
        '<svg><image href="#x"/></svg>',
        "<svg><style>*{}</style></svg>",
        '<svg id="x y"><animate/></svg>',
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        "<?xml version='1.0'?><svg/>",
    ],
)
def test_anything_else_is_refused(hostile: str) -> None:
    with pytest.raises(ValueError, match="a drawing may not"):
        safe_svg(hostile)


def test_two_drawings_share_their_shapes_under_one_name() -> None:
    sprites = Sprites()
    first, second = sprites.without_shapes(PLAIN), sprites.without_shapes(PLAIN)
    assert first == second == '<svg viewBox="0 0 9 9"><use href="#s0" style="fill:var(--ink)"/></svg>'
    assert sprites.shapes().count("<path") == 1
