"""The simulated company from its source files to clean tables, in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from crm_helpers import cleaning, demo, ingest
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import load_profile

PROFILE = Path(__file__).resolve().parents[2] / "data" / "demo" / "profile.toml"


def cleaned(root: Path, *, customers: int, seed: int) -> CompanyFolder:
    """Make the company, bring it in and clean it; its truth lies beside it."""
    folder = CompanyFolder(root, "demo")
    folder.data.mkdir(parents=True)
    shutil.copy(PROFILE, folder.profile)
    demo.make(folder.data, customers=customers, seed=seed)
    profile = load_profile(folder)
    ingest.ingest(folder, profile)
    cleaning.clean(folder, profile)
    return folder
