"""Planted campaign effects are found again: proven where customers were drawn, nearer where aimed."""

from __future__ import annotations

import pandas as pd
import pytest
from recovery.made import cleaned
from scipy import stats

from crm_helpers import lake
from crm_helpers.analysis.campaigns.effects import evaluate


@pytest.fixture(scope="module")
def effects(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Estimates beside the truth, one row a campaign."""
    folder = cleaned(tmp_path_factory.mktemp("recovery"), customers=6_000, seed=1)
    version, connection = lake.current_clean(folder), lake.connect()
    names = ("campaigns", "campaign_contacts", "customers", "transactions")
    tables = [lake.read_clean(connection, version, name) for name in names]
    found = evaluate(*tables, as_of=version.as_of)
    truth = pd.read_parquet(folder.data / "truth" / "effects.parquet")
    return found.merge(truth.rename(columns={"design": "planted"}), on="campaign_id", validate="one_to_one")


def test_the_design_of_every_campaign_is_seen(effects):
    assert effects["design"].tolist() == effects["planted"].tolist()
    assert set(effects.loc[effects["planted"] == "randomised", "grade"]) == {"A"}
    assert set(effects.loc[effects["planted"] == "targeted", "grade"]) <= {"B", "C", "D"}


def test_intervals_of_randomised_campaigns_hold_the_planted_effect(effects):
    drawn = effects[effects["planted"] == "randomised"]
    inside = drawn["effect_per_customer"].between(drawn["effect_low"], drawn["effect_high"]).sum()
    # with an honest 95 % interval fewer than 4 of 6 happen twice in 1,000 companies
    assert stats.binomtest(int(inside), len(drawn), 0.95).pvalue > 0.001


def test_the_regression_is_nearer_the_truth_than_the_plain_difference_for_every_targeted_campaign(effects):
    aimed = effects[effects["planted"] == "targeted"]
    error = (aimed["effect"] - aimed["effect_per_customer"]).abs()
    plain = (aimed["difference"] - aimed["effect_per_customer"]).abs()
    assert len(aimed) == 4
    assert (error < plain / 3).all()


def test_large_planted_effects_stand_and_campaigns_without_effect_are_not_called_real(effects):
    drawn = effects[effects["planted"] == "randomised"]
    large = drawn["effect_per_customer"].abs() > 2 * drawn["detectable"]
    none = drawn["effect_per_customer"] == 0
    assert (drawn.loc[large, "p_adjusted"] <= 0.05).all()
    assert (drawn.loc[none, "p_adjusted"] > 0.05).all()
