"""What a report is compared with: the newest good run on other tables or another day."""

from __future__ import annotations

from datetime import date

import pytest

from crm_helpers.layout import company_folder
from crm_helpers.record import Manifest, PageResult
from crm_helpers.run.rendering import previous_results


@pytest.fixture
def runs(shop):
    """Four runs: their status, tables, day, and an answer that names them."""
    folder = company_folder("shop", shop.root)
    runs = [
        ("20250101T000000Z-aaaa", "good", "v1", 1), ("20250102T000000Z-aaaa", "good", "v2", 2),
        ("20250103T000000Z-aaaa", "failed", "v3", 3), ("20250104T000000Z-aaaa", "good", "v3", 3),
    ]  # fmt: skip
    for run, status, version, day in runs:
        path = folder.reports / (run if status == "good" else f".failed/{run}")
        path.mkdir(parents=True)
        manifest = Manifest(
            run=run, company="shop", status=status, started_at="", seconds=1.0, as_of=date(2025, 1, day),
            clean_version=version, profile_sha256="", pages=(), tables=(), packages={},
        )  # fmt: skip
        result = PageResult(page="01_alpha", title="Alpha", question="Why?", answer=run)
        (path / "manifest.json").write_text(manifest.model_dump_json())
        (path / "01_alpha.result.json").write_text(result.model_dump_json())
    return folder


@pytest.mark.parametrize(
    ("version", "day", "run"),
    [
        ("v4", 4, "20250104T000000Z-aaaa"),
        ("v3", 3, "20250102T000000Z-aaaa"),
        ("v3", 4, "20250104T000000Z-aaaa"),
    ],
)
def test_equal_and_failed_runs_are_passed_over(runs, version, day, run):
    assert previous_results(runs, version, date(2025, 1, day))["01_alpha"].answer == run


def test_a_first_run_has_nothing_to_compare_with(shop):
    assert previous_results(company_folder("shop", shop.root), "v1", None) == {}
