"""dlt as a quiet guest: no telemetry, nothing in the home folder, names as they came."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["quiet_dlt"]


@contextmanager
def quiet_dlt(work: Path) -> Iterator[None]:
    """Set dlt's environment while it is imported and used; it takes no other settings than these.

    Parameters
    ----------
    work
        Folder for what dlt must put aside.
    """
    settings = {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DLT_DATA_DIR": str(work),
        "DLT_PROJECT_DIR": str(work),
        "SCHEMA__NAMING": "crm_helpers.ingest.naming",
        "RESTORE_FROM_DESTINATION": "false",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            _restore(name, value)


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
