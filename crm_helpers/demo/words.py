"""The words of the simulated company, read from the TOML files beside this module."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["book", "spelt"]


@cache
def book(name: str) -> dict[str, Any]:
    """Read `words.toml` or `comments.toml`.

    Examples
    --------
    >>> book("words")["brands"]["names"][1]
    'Northway'
    """
    return tomllib.loads((files("crm_helpers.demo") / f"{name}.toml").read_text(encoding="utf-8"))


def spelt(pairs: str) -> tuple[list[str], list[str]]:
    """Part characters from their Latin spelling.

    Examples
    --------
    >>> spelt("王 wang 李 li")
    (['王', '李'], ['wang', 'li'])
    """
    words = pairs.split()
    return words[::2], words[1::2]
