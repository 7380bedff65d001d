"""How a run becomes a report: staged aside, published by one rename; failed runs are kept apart.

    reports/<company>/.staging-<run>/   while it runs
    reports/<company>/<run>/            when it is good
    reports/<company>/.failed/<run>/    when it is not
    reports/<company>/index.html        made from the manifests of both

Everything here happens under the company's lock.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from crm_helpers.errors import InputError, RunError
from crm_helpers.layout import CompanyFolder
from crm_helpers.record import Manifest
from crm_helpers.run import files
from crm_helpers.run.server import warm_available

__all__ = [
    "EVENTS", "Staging", "clean_abandoned", "keep_failed", "lock", "new_run_id", "open_staging",
    "previous_run", "publish", "read_manifests", "run_folder",
]  # fmt: skip

EVENTS = "events.jsonl"
"""Running account of cells in a run's private folder, one JSON object a line."""

_STAGING = ".staging-"
_FAILED = ".failed"
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_STAMP = "%Y%m%dT%H%M%SZ"


class _Mark(BaseModel):
    """What a starting run leaves for whoever has to clean up after it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    run: str
    company: str
    started_at: str
    sockets: str


class Staging:
    """The folder of a run that is not published yet."""

    def __init__(self, folder: CompanyFolder, run: str, started: datetime, sockets: Path) -> None:
        self.folder = folder
        self.run = run
        self.started = started
        self.sockets = sockets
        self.path = folder.reports / f"{_STAGING}{run}"

    @property
    def private(self) -> Path:
        """Contexts and logs: never published."""
        return self.path / ".run"

    @property
    def notebooks(self) -> Path:
        """Executed notebooks."""
        return self.path / "notebooks"


@contextmanager
def lock(folder: CompanyFolder) -> Iterator[None]:
    """Hold the company for one run; a second run refuses at once.

    Parameters
    ----------
    folder
        The company's places.

    Raises
    ------
    InputError
        When another run holds it, or the folder cannot be written.
    """
    try:
        folder.reports.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.reports / ".lock", timeout=0):
            yield
    except Timeout:
        raise InputError(f"another run of {folder.name} is at work: wait for it, or stop it") from None
    except PermissionError as error:
        raise InputError(f"reports/{folder.name}: cannot be written ({error.strerror})") from None


def new_run_id(folder: CompanyFolder, now: datetime) -> str:
    """Name a run: UTC time and a short suffix; later runs sort later even when the clock went back.

    Parameters
    ----------
    folder
        The company's places.
    now
        The time, with zone.

    Returns
    -------
    str
        Such as `20250131T060000Z-3f2a`.
    """
    stamp = now.astimezone(UTC).replace(microsecond=0)
    last = max((path.name for path in _run_folders(folder)), default=None)
    if last is not None:
        after = datetime.strptime(last.partition("-")[0], _STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)
        stamp = max(stamp, after)
    return f"{stamp.strftime(_STAMP)}-{secrets.token_hex(2)}"


def _run_folders(folder: CompanyFolder) -> list[Path]:
    found = [*folder.reports.glob("*"), *(folder.reports / _FAILED).glob("*")]
    return [path for path in found if _RUN.fullmatch(path.name) and path.is_dir()]


def open_staging(folder: CompanyFolder, now: datetime) -> Staging:
    """Make the folder a run works in, marked so that the next run can clean it up.

    Parameters
    ----------
    folder
        The company's places.
    now
        When the run starts.

    Returns
    -------
    Staging
        The new folder.
    """
    sockets = Path(tempfile.mkdtemp(prefix="crm-", dir=_short_folder()))
    staging = Staging(folder, new_run_id(folder, now), now, sockets)
    mark = _Mark(run=staging.run, company=folder.name, started_at=_iso(now), sockets=str(sockets))
    for path in (staging.private, staging.notebooks, staging.path / "tables"):
        path.mkdir(parents=True)
    files.write_text(staging.private / "run.json", mark.model_dump_json())
    return staging


def _short_folder() -> str | None:
    """Choose a temporary folder whose sockets' names stay under the system's 104 to 108 bytes."""
    short = len(tempfile.gettempdir()) < 60 or not warm_available()
    return None if short else "/tmp"  # noqa: S108


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def clean_abandoned(folder: CompanyFolder) -> tuple[str, ...]:
    """Put away what killed runs left: their record is kept as abandoned, their files are removed.

    Parameters
    ----------
    folder
        The company's places; the caller holds its lock, so nobody is at work in them.

    Returns
    -------
    tuple of str
        The runs that were abandoned.
    """
    found = []
    for path in sorted(folder.reports.glob(f"{_STAGING}*")):
        run = path.name.removeprefix(_STAGING)
        mark = _read_mark(path, run, folder.name)
        if mark.sockets:
            shutil.rmtree(mark.sockets, ignore_errors=True)
        record = folder.reports / _FAILED / run
        record.mkdir(parents=True, exist_ok=True)
        files.write_text(
            record / "manifest.json", _abandoned(mark, _last_words(path)).model_dump_json(indent=1) + "\n"
        )
        files.remove_folder(path)
        found.append(run)
    return tuple(found)


def _read_mark(path: Path, run: str, company: str) -> _Mark:
    with suppress(OSError, ValidationError):
        return _Mark.model_validate_json((path / ".run" / "run.json").read_text(encoding="utf-8"))
    return _Mark(run=run, company=company, started_at="", sockets="")


def _last_words(path: Path) -> str:
    """Say which cells were at work when the runner was killed."""
    open_cells: dict[str, str] = {}
    with suppress(OSError):
        for line in (path / ".run" / EVENTS).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError):
                event = json.loads(line)
                open_cells[event["page"]] = (
                    f'cell {event["cell"]} "{event["id"]}"' if event["kind"] == "started" else ""
                )
    at_work = [f"{page} was at {cell}" for page, cell in open_cells.items() if cell]
    return "the runner was killed" + (f" while {', '.join(at_work)}" if at_work else " between pages")


def _abandoned(mark: _Mark, error: str) -> Manifest:
    return Manifest(
        run=mark.run, company=mark.company, status="abandoned", started_at=mark.started_at, seconds=0.0,
        as_of=None, clean_version="", profile_sha256="", pages=(), tables=(), packages={},
        error=error, resume=f"crm run {mark.company}",
    )  # fmt: skip


def publish(staging: Staging, manifest: Manifest) -> Path:
    """Make a good run the newest report: manifest last, then one rename.

    Parameters
    ----------
    staging
        The finished run.
    manifest
        Its record.

    Returns
    -------
    Path
        The published folder.
    """
    target = staging.folder.reports / staging.run
    files.remove_folder(staging.private)
    _seal(staging, manifest, target)
    return target


def keep_failed(staging: Staging, manifest: Manifest) -> Path:
    """Put a failed run aside with its record and logs; reports stay as they are.

    Parameters
    ----------
    staging
        What there is of the run.
    manifest
        Its record.

    Returns
    -------
    Path
        The kept folder.
    """
    target = staging.folder.reports / _FAILED / staging.run
    _seal(staging, manifest, target)
    return target


def _seal(staging: Staging, manifest: Manifest, target: Path) -> None:
    try:
        files.write_text(staging.path / "manifest.json", manifest.model_dump_json(indent=1) + "\n")
        files.move_folder(staging.path, target)
    except OSError as error:
        raise RunError(
            f"{staging.folder.name}: cannot publish run {staging.run}: {error.strerror}; "
            "the last good report is untouched"
        ) from None


def read_manifests(folder: CompanyFolder) -> list[Manifest]:
    """Read the records of all runs, newest first; folders without a whole record are passed over.

    Parameters
    ----------
    folder
        The company's places.

    Returns
    -------
    list of Manifest
        Good, failed and abandoned runs.
    """
    found = []
    for path in sorted(_run_folders(folder), key=lambda path: path.name, reverse=True):
        with suppress(OSError, ValidationError):
            found.append(Manifest.model_validate_json((path / "manifest.json").read_text(encoding="utf-8")))
    return found


def previous_run(
    folder: CompanyFolder, clean_version: str, as_of: date | None, *, holding: str = ""
) -> Manifest | None:
    """Find the newest good run that stood on other tables or another day.

    Parameters
    ----------
    folder
        The company's places.
    clean_version, as_of
        What the present run stands on; runs on the same are passed over, so that equal runs are equal.
    holding
        A file it must have: a run of some pages only has not all.

    Returns
    -------
    Manifest or None
        Its record; None when there is no such run.
    """
    stands_on = (clean_version, as_of)
    good = (manifest for manifest in read_manifests(folder) if manifest.status == "good")
    others = (run for run in good if (run.clean_version, run.as_of) != stands_on)
    return next((run for run in others if (run_folder(folder, run) / holding).exists()), None)


def run_folder(folder: CompanyFolder, manifest: Manifest) -> Path:
    """Where a run's files are."""
    parent = folder.reports if manifest.status == "good" else folder.reports / _FAILED
    return parent / manifest.run
