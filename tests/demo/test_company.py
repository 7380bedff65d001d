"""The company as a whole: equal bytes for a seed, any size, whole or not at all, fast."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crm_helpers.demo import make
from crm_helpers.errors import InputError

FILES = ["communications.jsonl", "crm.sqlite", "customers.csv", "plans.xlsx", "products.parquet"]
SOURCES = {*FILES, "transactions.csv"}
TRUTHS = {"campaign_orders", "churn", "curves", "dirt", "effects", "people", "rows", "segments", "topics"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_equal_seeds_give_equal_bytes_and_another_seed_another_company(tmp_path):
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        make(tmp_path / name, customers=1_500, seed=seed)
    one, same, other = (contents(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    differing = {name for name in one if one[name] != other[name]}
    assert {f"source/{name}" for name in SOURCES} <= differing


def test_every_file_is_there_and_nothing_else(made):
    expected = {f"source/{name}" for name in SOURCES} | {f"truth/{name}.parquet" for name in TRUTHS}
    assert set(contents(made.folder)) == expected


def test_a_tiny_company_can_be_made_and_replaces_the_older_one(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "left_over.csv").touch()
    (tmp_path / ".making" / "source").mkdir(parents=True)  # of a call that was killed
    (tmp_path / "profile.toml").touch()
    make(tmp_path, customers=200)
    assert {path.name for path in (tmp_path / "source").iterdir()} == SOURCES
    assert {path.name for path in tmp_path.iterdir()} == {"source", "truth", "profile.toml"}


def test_too_few_customers_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(InputError, match="at least 50, not 49"):
        make(tmp_path / "demo", customers=49)
    assert not (tmp_path / "demo").exists()


def test_time_grows_no_faster_than_customers(tmp_path):
    seconds = []
    for customers in (1_500, 6_000):
        start = time.process_time()
        make(tmp_path / str(customers), customers=customers)
        seconds.append(time.process_time() - start)
    assert seconds[1] / seconds[0] < 4.5
