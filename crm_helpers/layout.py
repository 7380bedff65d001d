"""Where things are: the project's root, a company's folder, the folders of its reports."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from crm_helpers.errors import InputError, suggest

__all__ = ["CompanyFolder", "company_folder", "company_names", "notebooks_folder", "project_root"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class CompanyFolder:
    """The places of one company; nothing here touches the disk."""

    root: Path
    name: str

    @property
    def data(self) -> Path:
        """Folder of the company's data."""
        return self.root / "data" / self.name

    @property
    def profile(self) -> Path:
        """The company's `profile.toml`."""
        return self.data / "profile.toml"

    @property
    def raw(self) -> Path:
        """Loads as they came, append-only."""
        return self.data / "raw"

    @property
    def clean(self) -> Path:
        """Versions of the canonical tables."""
        return self.data / "clean"

    @property
    def reports(self) -> Path:
        """One folder a run, and the index of runs."""
        return self.root / "reports" / self.name


def project_root() -> Path:
    """Find the folder that holds `notebooks/` and `data/`.

    Returns
    -------
    Path
        `CRM_HOME` when set, else the nearest such folder at or above the working directory,
        else the checkout this package is installed from.

    Raises
    ------
    InputError
        When there is none.
    """
    stated = os.environ.get("CRM_HOME")
    checkout = Path(__file__).resolve().parent.parent
    places = [Path(stated)] if stated else [Path.cwd(), *Path.cwd().parents, checkout]
    for place in places:
        if (place / "notebooks").is_dir() and (place / "data").is_dir():
            return place.resolve()
    where = "CRM_HOME" if stated else "the working directory"
    raise InputError(f"no workbook at {where}: it needs the folders notebooks/ and data/")


def notebooks_folder(root: Path) -> Path:
    """Folder of the numbered notebooks."""
    return root / "notebooks"


def company_names(root: Path) -> list[str]:
    """Names of the companies that have a profile, in order."""
    return sorted(path.parent.name for path in (root / "data").glob("*/profile.toml"))


def company_folder(name: str, root: Path | None = None, *, must_exist: bool = True) -> CompanyFolder:
    """Resolve a company's name to its folder, and refuse names that leave `data/`.

    Parameters
    ----------
    name
        Folder name: lower-case letters, digits, `-` and `_`.
    root
        The project's root; found when not given.
    must_exist
        Refuse a company that has no `profile.toml`.

    Returns
    -------
    CompanyFolder
        The company's places.

    Raises
    ------
    InputError
        When the name is not a plain folder name, or no such company exists.
    """
    root = root or project_root()
    if not _NAME.fullmatch(name):
        raise InputError(f"company name {name!r}: use lower-case letters, digits, - and _ (at most 63)")
    folder = CompanyFolder(root, name)
    if must_exist and not folder.profile.is_file():
        known = company_names(root)
        hint = suggest(name, known) if known else "there is none yet"
        raise InputError(f'no company "{name}" in data/: {hint} (crm new {name} makes it)')
    return folder
