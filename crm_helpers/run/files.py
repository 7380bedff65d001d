"""The few operations by which a run changes the disk; each leaves the old state or the new."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

__all__ = ["move_folder", "remove_folder", "write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a file whole: aside, to the disk, then renamed.

    Parameters
    ----------
    path
        The file; its folder exists.
    text
        Its content, UTF-8 with plain line feeds.
    """
    aside = path.with_name(f".{path.name}.new")
    with aside.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)  # noqa: PTH105
    _settle(path.parent)


def move_folder(source: Path, target: Path) -> None:
    """Move a folder on one file system by one rename; the target must not exist."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _settle(source)
    os.rename(source, target)  # noqa: PTH104
    _settle(target.parent)


def remove_folder(path: Path) -> None:
    """Remove a folder and all in it, if it is there."""
    with suppress(FileNotFoundError):
        shutil.rmtree(path)


def _settle(folder: Path) -> None:
    """Bring a folder's entries to the disk, where the system can."""
    with suppress(OSError):  # Windows opens no folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
