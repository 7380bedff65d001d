"""Planted segments of the simulated company are found again, through ingestion and cleaning."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from crm_helpers import cleaning, demo, ingest, lake
from crm_helpers.analysis.segments.clusters import Clusters, find_clusters
from crm_helpers.analysis.segments.features import customer_features
from crm_helpers.analysis.segments.segmentation import rule_segments
from crm_helpers.analysis.segments.tree import Explanation, explain
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import load_profile

PROFILE = Path(__file__).resolve().parents[2] / "data" / "demo" / "profile.toml"
AGREEMENT = 0.85  # adjusted Rand index that issue 4 asks for; measured 0.942 to 0.952 on seeds 1 to 5


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Features and planted segment of every customer id that the truth knows and that ordered."""
    folder = CompanyFolder(tmp_path_factory.mktemp("recovery"), "demo")
    folder.data.mkdir(parents=True)
    shutil.copy(PROFILE, folder.profile)
    demo.make(folder.data, customers=4_000, seed=1)
    profile = load_profile(folder)
    ingest.ingest(folder, profile)
    cleaning.clean(folder, profile)
    version, connection = lake.current_clean(folder), lake.connect()
    people, lines = (lake.read_clean(connection, version, name) for name in ("customers", "transactions"))
    table = customer_features(people, lines, as_of=version.as_of).order_by("customer_id").to_pandas()
    truth = pd.read_parquet(folder.data / "truth" / "segments.parquet")
    truth = truth.rename(columns={"segment": "planted"})
    planted = table.merge(truth, on="customer_id", validate="one_to_one")
    return planted[planted["orders"] > 0].reset_index(drop=True)


@pytest.fixture(scope="module")
def clusters(customers: pd.DataFrame) -> Clusters:
    return find_clusters(customers, draws=20)


def test_the_number_of_planted_segments_is_chosen_and_called_natural(customers, clusters):
    assert clusters.k == len(set(customers["planted"]))
    assert clusters.market == "natural"
    assert clusters.profile["trust"].eq("highly stable").all()


def test_clusters_recover_the_planted_segments(customers, clusters):
    assert adjusted_rand_score(customers["planted"], clusters.labels) >= AGREEMENT


def test_the_tree_recovers_them_by_rules(customers, clusters):
    rules: Explanation = explain(customers, clusters)
    assert rules.fidelity.low > 0.9
    assert adjusted_rand_score(customers["planted"], rules.assign(customers)) >= AGREEMENT


def test_the_rules_of_recency_frequency_and_money_agree_with_what_was_planted(customers):
    segment = rule_segments(customers).customers["segment"]
    found = pd.crosstab(segment, customers["planted"], normalize="index")
    assert found.loc["Champions", "champions"] > 0.95
    planted = pd.crosstab(customers["planted"], segment, normalize="index")
    assert planted.loc["lapsed", "Long silent"] > 0.95
    assert planted.loc["newcomers", "Occasional or new"] > 0.75
    assert planted.loc["loyal small baskets", ["Loyal", "Steady"]].sum() > 0.85
