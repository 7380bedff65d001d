"""Hold the columns of a delivery against what the profile maps and against the delivery before it."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from crm_helpers.errors import InputError
from crm_helpers.ingest.batches import LOCATORS
from crm_helpers.ingest.mapping import mapped_names
from crm_helpers.profile import Profile

__all__ = ["require_columns"]


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
        Columns of its last whole load, where there is one.

    Raises
    ------
    InputError
        When columns are missing; the message lists all of them with what each feeds, and the new columns.
    """
    given = [column for column in columns if column not in LOCATORS]
    lacking = {c: places for c, places in mapped_names(profile, name).items() if c not in given}
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


def _renamed(column: str, new: list[str]) -> str:
    close = get_close_matches(column, new, n=1, cutoff=0.6)
    return f', did you mean "{close[0]}"?' if close else ""
