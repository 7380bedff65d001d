"""Unpack .gz and .zip into a working folder, within limits: no bomb, no nested path, nothing half."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO, cast

from crm_helpers.errors import InputError

__all__ = ["MOST_MEMBERS", "MOST_TIMES", "PACKED", "unpack"]

PACKED = (".gz", ".zip")
MOST_TIMES = 200  # unpacked size over packed size: exports of text reach 50, a bomb 1,000
MOST_BYTES = 1 << 36  # 64 GB, whatever the ratio
MOST_MEMBERS = 1000
FREE_BYTES = 1 << 24  # small files may pack better than any ratio
CHUNK_BYTES = 1 << 20

_LITTER = ("__MACOSX/", ".DS_Store")  # what a Mac adds to every zip


def unpack(path: Path, work: Path, *, member: str | None, label: str) -> list[Path]:
    """Unpack a source's file when it is packed.

    Parameters
    ----------
    path
        The file; one that is neither .gz nor .zip is returned as it is.
    work
        Folder to unpack into.
    member
        Pattern of the files to take from a zip; all of them when not given.
    label
        The file's name in messages.

    Returns
    -------
    list of Path
        The plain files, by name.

    Raises
    ------
    InputError
        When it is cut short, locked by a password, has members in folders, or grows beyond the limits.
    """
    suffix = path.suffix.lower()
    if suffix not in PACKED:
        return [path]
    folder = work / f"unpacked-{sum(1 for _ in work.glob('unpacked-*'))}"
    folder.mkdir()
    try:
        if suffix == ".gz":
            with gzip.open(path) as packed:
                return [_copied(cast("BinaryIO", packed), folder / path.stem, _allowed(path), label)]
        return _unzipped(path, folder, member, label)
    except (EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError):
        raise InputError(f"{label}: not a whole {suffix} file; export it again") from None


def _unzipped(path: Path, folder: Path, member: str | None, label: str) -> list[Path]:
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.filename.startswith(_LITTER)]
        if len(entries) > MOST_MEMBERS:
            raise InputError(f"{label}: holds more than {MOST_MEMBERS:,} files; deliver them in a folder")
        for entry in entries:
            if entry.is_dir() or set("/\\") & set(entry.filename) or entry.filename in {".", ".."}:
                raise InputError(f"{label}: holds folders; pack the files without them")
            if entry.flag_bits & 1:
                raise InputError(f"{label}: is locked by a password; pack it without one")
        chosen = sorted(
            (e for e in entries if member is None or fnmatch(e.filename, member)), key=lambda e: e.filename
        )
        if not chosen:
            raise InputError(f"{label}: holds no file {member or ''}".rstrip() + "; look into it by hand")
        if len({entry.filename for entry in chosen}) < len(chosen):
            raise InputError(f"{label}: holds two files of one name; pack it again")
        return _members(archive, chosen, folder, allowed=_allowed(path), label=label)


def _members(
    archive: zipfile.ZipFile, chosen: list[zipfile.ZipInfo], folder: Path, *, allowed: int, label: str
) -> list[Path]:
    found = []
    for entry in chosen:
        with archive.open(entry) as packed:
            found.append(_copied(cast("BinaryIO", packed), folder / entry.filename, allowed, label))
        allowed -= found[-1].stat().st_size
    return found


def _allowed(path: Path) -> int:
    return min(MOST_BYTES, max(FREE_BYTES, MOST_TIMES * path.stat().st_size))


def _copied(packed: BinaryIO, target: Path, allowed: int, label: str) -> Path:
    written = 0  # counted while it is written: what an archive says of its own size may be a lie
    with target.open("wb") as file:
        while chunk := packed.read(CHUNK_BYTES):
            written += len(chunk)
            if written > allowed:
                raise InputError(
                    f"{label}: unpacks to more than {MOST_TIMES} times its size; unpack it by hand and look"
                )
            file.write(chunk)
    return target
