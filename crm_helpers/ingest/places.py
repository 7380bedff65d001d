"""Where a source is: a file inside the company's folder or inside an installed package, and nowhere else."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from crm_helpers.errors import InputError, suggest
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource, Source
from crm_helpers.sources import DatabaseSource, RestSource

__all__ = ["inside_company", "locate", "locate_all", "source_label"]

_PATTERN = frozenset("*?[")


def locate(folder: CompanyFolder, name: str, source: Source) -> Path:
    """Find the file of a source.

    Parameters
    ----------
    folder
        The company's places; `path` is relative to the folder that holds `profile.toml`.
    name
        Name of the source, for messages.
    source
        What the profile says of it; `package` makes the path relative to an installed package.

    Returns
    -------
    Path
        The resolved path of a regular file that is not empty.

    Raises
    ------
    InputError
        When the file is missing, empty, no regular file, or outside its folder (also by a link).
    """
    base = _package_folder(name, source.package) if source.package else folder.data
    path = _inside(base, source.path, key=f"sources.{name}.path")
    if not path.exists():
        raise InputError(f"sources.{name}.path: no file {source.path}{_neighbours(path)}")
    if not path.is_file():
        raise InputError(f"sources.{name}.path: {source.path} is not a regular file; name one file")
    if path.stat().st_size == 0:
        raise InputError(f"sources.{name}.path: {source.path} is empty (0 bytes); export it again")
    return path


def locate_all(folder: CompanyFolder, name: str, source: Source) -> list[Path]:
    """Find the files of a source: one, or those of a folder or a pattern, by name.

    Parameters and errors are those of `locate`; an empty file among many is an error too. Hidden files and
    the folders below are not part of a source.
    """
    base = _package_folder(name, source.package) if source.package else folder.data
    place = source.path
    if not (base / place).is_dir() and ((base / place).exists() or not _PATTERN & set(place)):
        return [locate(folder, name, source)]
    parent, pattern = (place, "*") if (base / place).is_dir() else (str(Path(place).parent), Path(place).name)
    key = f"sources.{name}.path"
    if _PATTERN & set(parent):
        raise InputError(f"{key}: only the name of a file may be a pattern, not its folder")
    inside = _inside(base, parent, key=key)
    found = sorted(p.name for p in inside.glob(pattern) if not p.name.startswith(".") and not p.is_dir())
    if not found:
        raise InputError(f"{key}: no file in {place}; look at the folder and the pattern")
    return [
        locate(folder, name, source.model_copy(update={"path": str(Path(parent) / part)})) for part in found
    ]


def source_label(source: AnySource) -> str:
    """Say where a source is, in words that hold no folder of this machine and no secret."""
    if isinstance(source, DatabaseSource):
        return f"table {source.table}"
    if isinstance(source, RestSource):
        return source.url
    place = f"{source.package}: {source.path}" if source.package else source.path
    return f"{place}, sheet {source.sheet}" if source.sheet else place


def inside_company(folder: CompanyFolder, path: str, *, key: str) -> Path:
    """Resolve a path of the profile, or raise `InputError` when it leaves the company's folder."""
    return _inside(folder.data, path, key=key)


def _inside(base: Path, path: str, *, key: str) -> Path:
    resolved = (base / path).resolve()
    if not resolved.is_relative_to(base.resolve()):
        raise InputError(f"{key}: {path} leads out of {base.name}/; copy the file into that folder")
    return resolved


def _package_folder(name: str, package: str) -> Path:
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f'sources.{name}.package: no package "{package}" is installed; pip install it')
    return Path(spec.submodule_search_locations[0])


def _neighbours(path: Path) -> str:
    names = [entry.name for entry in path.parent.glob("*") if entry.is_file()] if path.parent.is_dir() else []
    return f"; {suggest(path.name, names[:20])}" if names else ""
