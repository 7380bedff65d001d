"""Companies in the shapes that exports have: drafted by `crm new`, corrected as an analyst would, cleaned."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from crm_helpers.cleaning import CleanResult, clean
from crm_helpers.ingest import ingest
from crm_helpers.ingest.guess import new_company
from crm_helpers.lake import connect, read_clean
from crm_helpers.profile import load_profile


class Drafted:
    """A company made of files or databases."""

    def __init__(self, root: Path, *origins: Path | str) -> None:
        self.folder = new_company("firm", origins, root)

    @property
    def draft(self) -> str:
        return self.folder.profile.read_text(encoding="utf-8")

    def correct(self, *pairs: tuple[str, str]) -> None:
        """Replace what the draft holds exactly once."""
        text = self.draft
        for wrong, right in pairs:
            assert text.count(wrong) == 1, wrong
            text = text.replace(wrong, right)
        self.folder.profile.write_text(text, encoding="utf-8")

    def clean(self) -> CleanResult:
        profile = load_profile(self.folder)
        ingest(self.folder, profile)
        return clean(self.folder, profile)

    def table(self, name: str) -> pd.DataFrame:
        return read_clean(connect(), self.clean().version, name).to_pandas()


@pytest.fixture
def drafted(tmp_path):
    return lambda *origins: Drafted(tmp_path / "root", *origins)
