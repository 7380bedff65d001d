"""Hold the columns of a delivery against what the profile names and against the delivery before it."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.batches import LOCATORS
from crm_helpers.ingest.mapping import mapped_names
from crm_helpers.profile import Profile
from crm_helpers.sources import Incremental

__all__ = ["require_columns", "require_incremental"]

_OPEN = frozenset({"json", "jsonl", "mongodb", "rest"})  # kinds whose rows name their columns themselves


def require_columns(
    profile: Profile, name: str, columns: Collection[str], *, before: Collection[str] = ()
) -> None:
    """Refuse a delivery that lacks a column the profile maps; order, and columns besides, do not matter.

    Parameters
    ----------
    profile
        Holds the mapping.
    name
        The source.
    columns
        Columns it has now.
    before
        Columns of its last whole load, where there is one. Changes of documents may lack some of these: a key
        that no changed document has is no column.

    Raises
    ------
    InputError
        When columns are missing; the message lists all of them with what each feeds, and the new columns.
    """
    given = [column for column in columns if column not in LOCATORS]
    source = profile.sources[name]
    there = {*given, *before} if source.incremental and source.kind in _OPEN else set(given)
    lacking = {c: places for c, places in mapped_names(profile, name).items() if c not in there}
    if not lacking:
        return
    known_before = set(before)
    new = [column for column in given if column not in known_before] if before else given
    missing = [
        f'"{column}" ({", ".join(places)}){_renamed(column, new)}' for column, places in lacking.items()
    ]
    besides = ", ".join(f'"{column}"' for column in new)
    last = f"; new since the last load: {besides}" if before and new else f"; it has {besides}" if new else ""
    raise InputError(
        f"sources.{name}: the columns differ from the profile: no column {', '.join(missing)}{last};"
        " nothing was loaded"
    )


def require_incremental(source: str, incremental: Incremental, columns: Collection[str]) -> None:
    """Raise `InputError` when a source lacks a column that its `incremental` names."""
    places = dict.fromkeys(incremental.key, "key")
    places |= {str(getattr(incremental, place)): place for place in ("cursor", "deleted")}
    for name in incremental.columns:
        if name not in columns:
            hint = suggest(name, columns)
            key = f"sources.{source}.incremental.{places[name]}"
            raise InputError(f'{key}: the source has no column "{name}"; {hint}')


def _renamed(column: str, new: list[str]) -> str:
    close = get_close_matches(column, new, n=1, cutoff=0.6)
    return f', did you mean "{close[0]}"?' if close else ""
