"""Name the clean version that these inputs make, and find it where it is there already.

A version's name is a hash of what went into it. People keep the ids of the version before, so that version is
an input too, but only where it changes something: then `-` and a hash of what it changed follow the name.
Made again from the same inputs, such a version would keep its own ids; it stands while it is the current one.
"""

from __future__ import annotations

from importlib.metadata import version as installed

import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.errors import InputError
from crm_helpers.ingest.ledger import combined_fingerprint
from crm_helpers.lake import current_clean
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import Profile

__all__ = ["made_before", "previous_people", "with_people", "with_the_past"]

_LINKERS = ("splink", "pypinyin", "phonenumbers")  # another release may find other people


def with_people(name: str, profile: Profile) -> str:
    """Name what goes into a version, with what decides who is one person.

    Parameters
    ----------
    name
        Hash of all other inputs.
    profile
        Its people section and country; nothing is added where nobody is compared.

    Returns
    -------
    str
        The name a version has that owes nothing to the one before.
    """
    if not profile.merges_people:
        return name
    settings = profile.people.model_dump_json()
    return combined_fingerprint(name, settings, profile.country or "", *map(installed, _LINKERS))


def with_the_past(inputs: str, history: str) -> str:
    """Name a version whose people owe `history` to the one before; empty where they owe it nothing."""
    return f"{inputs}-{history}" if history else inputs


def previous_people(folder: CompanyFolder) -> pa.Table | None:
    """Read who was one person in the current clean version; None when there is none, or none was asked."""
    try:
        version = current_clean(folder)
    except InputError:
        return None
    return pq.read_table(version.path / "people.parquet") if "people" in version.tables else None


def made_before(folder: CompanyFolder, inputs: str, *, alone: bool) -> str | None:
    """Name the version that these inputs have made.

    Parameters
    ----------
    folder
        The company's places.
    inputs
        Hash of what goes into the version, the version before apart.
    alone
        Whether there is no version before that people could keep ids of.

    Returns
    -------
    str or None
        The current version, when these inputs made it; else the one they make alone, when it is there.
    """
    try:
        current = current_clean(folder).version
    except InputError:
        current = ""
    if current.partition("-")[0] == inputs:
        return current
    return inputs if alone and (folder.clean / inputs / "manifest.json").is_file() else None
