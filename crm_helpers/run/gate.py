"""May this be published? No secret of the environment stands in any file of the run."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from crm_helpers.profile import Profile

__all__ = ["Leak", "find_secrets", "secret_values"]

Leak = tuple[Path, str]
"""A file, and the name of the environment variable whose value stands in it."""

_SHORTEST = 6  # characters; shorter values stand in any file by chance
_SOUNDS_SECRET = re.compile(
    r"(^|_)(pass(word|wd|phrase)|pwd|token|secret|credentials?|(api|access|private|secret)_?key)s?(_|$)",
    re.IGNORECASE,
)


def secret_values(profile: Profile, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Collect what must not be published.

    Parameters
    ----------
    profile
        Names environment variables in keys ending in `_env`.
    environment
        The runner's variables.

    Returns
    -------
    dict
        Value by variable: those the profile names, those whose name sounds secret, and the passwords
        inside values that are URLs.
    """
    named = set(_named(profile.model_dump()))
    values: dict[str, str] = {}
    for name, value in environment.items():
        if name not in named and not _SOUNDS_SECRET.search(name):
            continue
        if len(value) >= _SHORTEST and not Path(value).exists():
            values[value] = name
        password = _password(value)
        if password and len(password) >= _SHORTEST:
            values |= {password: name, unquote(password): name}
    return {value: name for value, name in values.items() if value.strip()}


def _named(content: object) -> Iterable[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key.endswith("_env") and isinstance(value, str):
                yield value
            yield from _named(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _named(value)


def _password(value: str) -> str | None:
    try:
        return urlsplit(value).password
    except ValueError:
        return None


def find_secrets(folder: Path, secrets: Mapping[str, str]) -> list[Leak]:
    """Search every file of a run for secret values, byte by byte.

    Parameters
    ----------
    folder
        The staged run.
    secrets
        Name of the environment variable by secret value.

    Returns
    -------
    list of tuple
        File and variable, in order of files.
    """
    wanted = [(form, name) for value, name in secrets.items() for form in _forms(value)]
    if not wanted:
        return []
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found += sorted({(path, name) for form, name in wanted if form in content})
    return found


def _forms(value: str) -> set[bytes]:
    """Write the value as text, as JSON and as HTML."""
    written = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        html.escape(value),
    }
    return {form.encode() for form in written}
