"""May an earlier run's pages be taken over? Only when nothing they came from has changed since.

`crm run COMPANY --from PAGE` goes on after a failure: the pages before PAGE are taken from the newest run,
good or failed, that had the same notebooks, parameters, profile, clean tables, helper code and packages.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat

from crm_helpers.errors import InputError
from crm_helpers.layout import CompanyFolder
from crm_helpers.record import Manifest, PageRecord, PageResult
from crm_helpers.run.parameters import Value
from crm_helpers.run.plan import Plan
from crm_helpers.run.publish import read_manifests, run_folder

__all__ = ["Circumstances", "find_earlier", "take_over"]

_KEPT = ("good", "reused")


@dataclass(frozen=True)
class Circumstances:
    """What a page's result depends on, beside its notebook."""

    values: Mapping[str, Mapping[str, Value]]
    profile_sha256: str
    clean_version: str
    code_sha256: str
    packages: Mapping[str, str]


def find_earlier(folder: CompanyFolder, plan: Plan, now: Circumstances) -> Manifest:
    """Find the newest run whose pages can stand for the ones before the starting page.

    Parameters
    ----------
    folder
        The company's places.
    plan
        With the pages to take over.
    now
        What they would be made from today.

    Returns
    -------
    Manifest
        The run to take them from.

    Raises
    ------
    InputError
        When there is none; names the page to start at instead, and what changed.
    """
    first_reason = ""
    for manifest in read_manifests(folder):
        reason = _obstacle(run_folder(folder, manifest), manifest, plan, now)
        if not reason:
            return manifest
        if manifest.pages:
            first_reason = first_reason or f"{reason} (run {manifest.run})"
    reason = first_reason or f"{plan.reused[0]}: no earlier run has it"
    page = reason.partition(":")[0]
    raise InputError(f"cannot go on from {plan.run[0]}: {reason}; start with --from {page}")


def _obstacle(path: Path, manifest: Manifest, plan: Plan, now: Circumstances) -> str:
    records = {record.page: record for record in manifest.pages}
    for name in plan.reused:
        record = records.get(name)
        if record is None or record.status not in _KEPT or not _complete(path, name):
            return f"{name}: it did not end well"
        reason = _changed(record, manifest, plan.page(name).sha256, now)
        if reason:
            return f"{name}: {reason} changed since"
    return ""


def _complete(path: Path, page: str) -> bool:
    return (path / f"{page}.result.json").is_file() and (path / "notebooks" / f"{page}.ipynb").is_file()


def _changed(record: PageRecord, manifest: Manifest, sha256: str, now: Circumstances) -> str:
    pairs = {
        "its notebook": (record.notebook_sha256, sha256),
        "its parameters": (record.parameters, now.values[record.page]),
        "the profile": (manifest.profile_sha256, now.profile_sha256),
        "the clean tables": (manifest.clean_version, now.clean_version),
        "the helper code": (manifest.code_sha256, now.code_sha256),
        "the packages": (manifest.packages, now.packages),
    }
    return next((what for what, (then, today) in pairs.items() if then != today), "")


def take_over(source: Path, page: str, staging: Path) -> nbformat.NotebookNode:
    """Copy a page's result, executed notebook and published tables into a new run.

    Parameters
    ----------
    source
        The earlier run's folder.
    page
        The page.
    staging
        The new run's folder.

    Returns
    -------
    NotebookNode
        The executed notebook, to be rendered again.
    """
    result = source / f"{page}.result.json"
    shutil.copyfile(result, staging / result.name)
    for record in PageResult.model_validate_json(result.read_text(encoding="utf-8")).writes:
        for path in sorted((source / "tables").glob(f"{record.name}.*")):
            shutil.copyfile(path, staging / "tables" / path.name)
    notebook = Path("notebooks") / f"{page}.ipynb"
    shutil.copyfile(source / notebook, staging / notebook)
    return nbformat.read(staging / notebook, as_version=4)
