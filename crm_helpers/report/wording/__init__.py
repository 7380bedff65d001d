"""The sentences of the reports, one file a language: `{name:format}` is filled, `**two stars**` are bold.

A sentence becomes a list of spans, (words, bold). Words of data stay words: a name that holds
stars, tags or braces is shown as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from crm_helpers.errors import RunError, suggest
from crm_helpers.report.format import FORMATS, visible, write

__all__ = ["Spans", "plain", "sentence", "sentences", "spans"]

Spans = list[tuple[str, bool]]
"""Pieces of a sentence in order: the words, and whether they are bold."""

_PART = re.compile(r"\*\*|\{([a-z_][a-z0-9_]*)(?::([^{}]*))?\}")
_FOLDER = Path(__file__).parent


@cache
def sentences(language: str = "en") -> Mapping[str, str]:
    """Read the sentences of a language, by `section.key`.

    Parameters
    ----------
    language
        Name of the file beside this module.

    Returns
    -------
    Mapping
        Sentence by key.
    """
    sections = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": text for section, keys in sections.items() for key, text in keys.items()}


def sentence(key: str, values: Mapping[str, Any], *, language: str = "en", currency: str = "") -> Spans:
    """Fill a sentence with numbers.

    Parameters
    ----------
    key
        `section.key` of the sentence.
    values
        What its braces name; every one must be given and none may be left over.
    language, currency
        The report's language, and the code of the company's currency.

    Returns
    -------
    Spans
        The words and whether they are bold.

    Raises
    ------
    RunError
        When the key, a name or a format is not known.
    """
    known = sentences(language)
    if key not in known:
        raise RunError(f'no sentence "{key}" in wording/{language}.toml: {suggest(key, known)}')
    template = known[key]
    names = {found[1] for found in _PART.finditer(template) if found[1]}
    for name in (*sorted(names - set(values)), *sorted(set(values) - names)):
        fault = "is not given" if name in names else "is not in the sentence"
        raise RunError(f'sentence "{key}": the value "{name}" {fault}; it names {", ".join(sorted(names))}')
    return spans(template, values, currency=currency)


def spans(template: str, values: Mapping[str, Any] | None = None, *, currency: str = "") -> Spans:
    """Split a template into spans, with its braces filled.

    Examples
    --------
    >>> spans("{n:count} bring **{share:share}**", {"n": 774, "share": 0.61})
    [('774 bring ', False), ('61%', True)]
    >>> spans("{n:count order|orders}", {"n": 1})
    [('1 order', False)]
    """
    pieces: Spans = []
    bold, end = False, 0
    for found in _PART.finditer(template):
        pieces.append((template[end : found.start()], bold))
        end = found.end()
        if found[0] == "**":
            bold = not bold
        else:
            pieces.append((_filled((values or {})[found[1]], found[2] or "", currency), bold))
    pieces.append((template[end:], bold))
    return _joined(pieces)


def plain(pieces: Spans) -> str:
    """Join the words of spans, without emphasis."""
    return "".join(words for words, _ in pieces)


def _filled(value: Any, unit: str, currency: str) -> str:
    nouns = unit.removeprefix("count ").split("|") if unit.startswith("count ") else []
    if len(nouns) == 2:
        return f"{write(value, 'count')} {nouns[0] if value == 1 else nouns[1]}"
    if unit == "text":
        return visible("not known" if value is None else str(value))
    if unit not in FORMATS:
        raise RunError(f'unknown format "{unit}" in a sentence; {suggest(unit, filter(None, FORMATS))}')
    return write(value, unit, currency=currency)


def _joined(pieces: Spans) -> Spans:
    joined: Spans = []
    for words, bold in pieces:
        if words and joined and joined[-1][1] == bold:
            joined[-1] = (joined[-1][0] + words, bold)
        elif words:
            joined.append((words, bold))
    return joined
