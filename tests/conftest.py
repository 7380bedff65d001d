"""Workbooks to try things on: a root with the real notebooks and companies, apart from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


class Workbook:
    """A root of its own with the project's notebooks and the two companies' profiles."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(CHECKOUT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".*"))
        for company in ("demo", "completejourney"):
            (root / "data" / company).mkdir(parents=True)
            shutil.copy(CHECKOUT / "data" / company / "profile.toml", root / "data" / company)

    def crm(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Call the command as a person would."""
        return subprocess.run(
            [sys.executable, "-m", "crm_helpers", *words],
            cwd=self.root,
            env={**os.environ, "CRM_HOME": str(self.root), "PYTHONPATH": str(CHECKOUT), **environment},
            capture_output=True,
            text=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def papermill(self, page: Path, executed: Path, *words: str) -> None:
        """Execute a notebook by stock papermill, as somebody without `crm` would."""
        subprocess.run(
            [sys.executable, "-m", "papermill", page, executed, *words, "--no-progress-bar"],
            cwd=self.root,
            env={**os.environ, "CRM_HOME": str(self.root)},
            check=True,
            capture_output=True,
            timeout=300,
        )

    def runs(self, company: str) -> list[Path]:
        """Published runs, oldest first."""
        return sorted(path.parent for path in (self.root / "reports" / company).glob("[0-9]*/manifest.json"))


@pytest.fixture(scope="session")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Workbook:
    """One workbook for the whole session."""
    return Workbook(tmp_path_factory.mktemp("workbook"))
