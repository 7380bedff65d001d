"""The repository keeps its promises: one list of packages, locks with hashes, no private names."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def requirement_name(requirement: str) -> str:
    return re.split(r"[\[<>=;! ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_environment_lists_the_same_packages_and_floors_as_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [item for item in environment["dependencies"] if isinstance(item, str)]
    (pip,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert [item for item in pip if item != "--editable ."] == PROJECT["dependencies"]
    assert f"python{PROJECT['requires-python']}" in conda


def test_every_floor_and_cap_carries_its_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r'\s+"[a-zA-Z].*[<>=]=?\d', line)]
    assert len(lines) > 30
    assert [line for line in lines if "#" not in line] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_hashes_and_no_index(lock):
    text = lock.read_text(encoding="utf-8")
    packages = re.split(r"\n(?=[a-zA-Z0-9])", text)
    assert [item.split()[0] for item in packages if "==" in item and "--hash=sha256:" not in item] == []
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)


def test_the_lock_satisfies_every_requirement():
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE))
    assert {requirement_name(item) for item in PROJECT["dependencies"]} <= locked


def test_the_test_lock_agrees_with_the_lock():
    pins = [set(re.findall(r"^(\S+==\S+)", lock.read_text(), flags=re.MULTILINE)) for lock in LOCKS]
    names = [lock.name for lock in LOCKS]
    core = pins[names.index("requirements.lock")]
    assert [name for name, pin in zip(names, pins, strict=True) if not core <= pin] == []


def test_the_folders_are_the_planned_ones():
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.parent != ROOT}
    assert folders <= {"notebooks", "crm_helpers", "data", "tests", ".ci", "docs"}


def test_only_profiles_of_companies_are_in_git():
    data = [path.relative_to(ROOT / "data") for path in tracked_files() if ROOT / "data" in path.parents]
    assert {str(path) for path in data} == {"completejourney/profile.toml", "demo/profile.toml"}


def test_nothing_committed_names_a_path_of_a_machine():
    private = re.compile("/" + "work/|/" + "root/|/" + r"home/\w+/|\." + "library")
    found = [
        path.name
        for path in tracked_files()
        if path.suffix not in {".png", ".lock"}
        and private.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
