"""Tiny workbooks: real notebooks, real kernels, a company without data. Faults are injected into these."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from crm_helpers.run.prepare import Request
from crm_helpers.run.runner import Report, run

CHECKOUT = Path(__file__).resolve().parents[2]
PROFILE = """\
name = "Corner shop"
currency = "EUR"
[sources.orders]
kind = "csv"
path = "orders.csv"
[tables.transactions]
source = "orders"
columns = { order_id = "id", customer_id = "who", ordered_at = "at", amount = "paid" }
"""
PARAMETERS = (
    'company: str = "shop"  # name: folder under data/\n'
    'as_of: str = ""        # date: the day the numbers stand for\n'
    "size: int = 3          # count [1..9]: how many\n"
)
CLOSE = """\
import json, os, pathlib
context = json.loads(pathlib.Path(os.environ["CRM_RUN"]).read_text())
result = {{"page": "{page}", "title": "{page}", "question": "Why?", "answer": str(size), "writes": {writes}}}
pathlib.Path(context["staging"], "{page}.result.json").write_text(json.dumps(result))"""


class Shop:
    """A workbook whose pages a test writes cell by cell."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reports = root / "reports" / "shop"
        (root / "notebooks").mkdir(parents=True)
        (root / "data" / "shop").mkdir(parents=True)
        (root / "data" / "shop" / "profile.toml").write_text(PROFILE)

    def page(
        self,
        name: str,
        *cells: str,
        reads: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        writes: tuple[str, ...] = (),
        parameters: str = PARAMETERS,
        close: bool = True,
    ) -> Path:
        """Write a page; its code cells have the ids step-1, step-2 ... and close."""
        build = nbformat.v4
        last = [CLOSE.format(page=name, writes="[]")] if close else []
        ids = [*(f"step-{number}" for number in range(1, len(cells) + 1)), "close"]
        notebook = build.new_notebook(
            cells=[
                build.new_markdown_cell(
                    f"# {name[:2]} · What is in {name[3:]}?\n\nFor the tests.", id="title"
                ),
                build.new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
                build.new_markdown_cell("## Something happens\n\nLook here.", id="heading"),
                *(build.new_code_cell(cell, id=i) for cell, i in zip([*cells, *last], ids, strict=False)),
                build.new_markdown_cell("How it was done.", id="method", metadata={"tags": ["appendix"]}),
            ],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                "crm": {
                    "reads": {"required": list(reads), "optional": list(optional)},
                    "writes": list(writes),
                },
            },
        )
        path = self.root / "notebooks" / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def run(self, **options: object) -> Report:
        """Run it in this process."""
        return run(Request("shop", **options))  # type: ignore[arg-type]

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start `crm` in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "crm_helpers", *words],
            cwd=self.root,
            env={**os.environ, "CRM_HOME": str(self.root), "PYTHONPATH": str(CHECKOUT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def crm(self, *words: str, **environment: str) -> tuple[int, str, str]:
        """Call `crm` and return exit code, output and errors."""
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def published(self) -> list[Path]:
        """Published runs, oldest first."""
        return sorted(path.parent for path in self.reports.glob("[0-9]*/manifest.json"))

    def bytes_of(self, folder: Path) -> dict[str, str]:
        """Hash of every file of a folder."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A workbook with one company and no page yet."""
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    return Shop(tmp_path)
