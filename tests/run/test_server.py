"""The fork server imports what the pages of the run import."""

from __future__ import annotations

from crm_helpers.run.server import imported_modules


def test_modules_are_read_from_the_notebooks(shop):
    one = shop.page("01_alpha", "import numpy as np, json\nfrom scipy import stats", "%matplotlib inline")
    two = shop.page("02_beta", "from .near import thing\nimport json")
    found = imported_modules([one, two])
    assert set(found) >= {"numpy", "json", "scipy", "scipy.stats", "ipykernel.kernelapp"}
    assert "pandas" not in found


def test_a_page_of_ours_brings_the_engine_and_the_frames(shop):
    path = shop.page("01_alpha", "from crm_helpers.page import open_page")
    assert set(imported_modules([path])) >= {"pandas", "ibis.backends.duckdb", "crm_helpers.page"}
