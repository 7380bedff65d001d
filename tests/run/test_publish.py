"""Publishing changes the disk in steps: killed at any of them, readers see the old report or the new."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm_helpers.errors import InputError, RunError
from crm_helpers.layout import company_folder
from crm_helpers.record import Manifest
from crm_helpers.run import files, publish

NOW = datetime(2025, 1, 31, 6, 0, tzinfo=UTC)
PAGES = {"index.html": "<p>all</p>", "01_alpha.html": "<p>alpha</p>", "01_alpha.result.json": "{}"}


@pytest.fixture
def folder(shop, monkeypatch, tmp_path_factory):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("t")))
    return company_folder("shop", shop.root)


def staged(folder, mark: str) -> publish.Staging:
    staging = publish.open_staging(folder, NOW)
    for name, text in PAGES.items():
        files.write_text(staging.path / name, text + mark)
    return staging


def manifest_of(staging: publish.Staging, status: str = "good") -> Manifest:
    return Manifest(
        run=staging.run, company="shop", status=status, started_at="2025-01-31T06:00:00+00:00", seconds=1.0,
        as_of=None, clean_version="", profile_sha256="", pages=(), tables=(), packages={},
    )  # fmt: skip


def killed_at(operation: int, work) -> bool:
    """Do the work in a fork that kills itself at the n-th change of the disk; False when it got by."""
    child = os.fork()
    if child == 0:
        _kill_at(operation)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _kill_at(operation: int) -> None:
    count = 0

    def counted(change):
        def wrapper(*args, **kwargs):
            nonlocal count
            count += 1
            if count == operation:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **kwargs)

        return wrapper

    for name in ("fsync", "replace", "rename", "unlink", "rmdir", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))


def whole(path: Path, mark: str) -> bool:
    return all((path / name).read_text() == text + mark for name, text in PAGES.items())


def test_a_kill_at_any_step_of_publishing_leaves_the_old_report_or_the_new(folder, shop):
    first = publish.publish(old := staged(folder, "old"), manifest_of(old))
    before = shop.bytes_of(first)
    steps = 0
    while True:
        steps += 1

        def work():
            with publish.lock(folder):
                new = staged(folder, "new")
                publish.publish(new, manifest_of(new))

        ended = not killed_at(steps, work)
        assert shop.bytes_of(first) == before
        runs = [path for path in shop.published() if path != first]
        assert all(whole(path, "new") for path in runs)
        with publish.lock(folder):
            abandoned = publish.clean_abandoned(folder)
        assert not list(folder.reports.glob(".staging-*"))
        assert len(runs) + len(abandoned) <= 1
        for path in runs:
            shutil.rmtree(path)
        if ended:
            assert len(runs) == 1
            break
    assert steps > 15


def test_a_kill_at_any_step_of_cleaning_up_is_cleaned_up_by_the_next(folder):
    steps = 0
    while True:
        steps += 1
        run = staged(folder, "x").run
        ended = not killed_at(steps, lambda: publish.clean_abandoned(folder))
        publish.clean_abandoned(folder)
        assert not list(folder.reports.glob(".staging-*"))
        kept = {manifest.run: manifest.status for manifest in publish.read_manifests(folder)}
        assert kept[run] == "abandoned"
        if ended:
            break
    assert steps > 5


def test_a_failed_run_is_kept_apart_from_reports(folder, shop):
    staging = staged(folder, "x")
    path = publish.keep_failed(staging, manifest_of(staging, "failed"))
    assert path == folder.reports / ".failed" / staging.run
    assert shop.published() == []
    assert [manifest.status for manifest in publish.read_manifests(folder)] == ["failed"]


def test_runs_sort_by_time_even_when_the_clock_went_back(folder):
    names = []
    for now in (NOW, NOW.replace(hour=5), NOW.replace(year=2024), NOW.replace(hour=7)):
        names.append(publish.new_run_id(folder, now))
        (folder.reports / names[-1]).mkdir(parents=True)
    assert names == sorted(names)
    assert [name.partition("-")[0] for name in names] == [
        "20250131T060000Z", "20250131T060001Z", "20250131T060002Z", "20250131T070000Z",
    ]  # fmt: skip


def test_a_run_without_a_whole_record_is_passed_over(folder):
    path = folder.reports / "20250131T060000Z-abcd"
    path.mkdir(parents=True)
    (path / "manifest.json").write_text('{"run": ')
    assert publish.read_manifests(folder) == []


def test_a_held_company_refuses(folder):
    with publish.lock(folder):
        child = os.fork()
        if child == 0:
            code = 0
            try:
                with publish.lock(folder):
                    pass
            except InputError:
                code = 7
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_the_lock_goes_with_its_process(folder):
    child = os.fork()
    if child == 0:
        publish.lock(folder).__enter__()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with publish.lock(folder):
        pass


def test_a_full_disk_leaves_the_old_bytes(tmp_path, monkeypatch):
    path = tmp_path / "index.html"
    files.write_text(path, "old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(path, "new")
    assert path.read_text() == "old"


def test_a_disk_full_at_the_last_step_says_that_the_report_stands(folder, monkeypatch):
    staging = staged(folder, "x")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device; the last good report is untouched"):
        publish.publish(staging, manifest_of(staging))
