"""Shares, effects, trends and expected scores against known truth and other packages."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crm_helpers.analysis.needs.drivers import contacts, differences, satisfaction_effects
from crm_helpers.analysis.needs.prevalence import customers_needs, prevalence
from crm_helpers.analysis.needs.rising import monthly_shares, trends
from crm_helpers.analysis.needs.sentiment import learn_sentiment
from crm_helpers.analysis.needs.words import find_words


def drawn(seed: int, *, customers: int = 300) -> pd.DataFrame:
    """Customers who mostly speak of one topic each: 30% delivery, 70% price in the long run."""
    random = np.random.default_rng(seed)
    leaning = random.choice([0.1, 0.5], customers)
    count = random.integers(1, 5, customers)
    whose = np.repeat(np.arange(customers), count)
    topic = np.where(random.random(len(whose)) < leaning[whose], "delivery", "price")
    return pd.DataFrame({"customer_id": whose.astype(str), "topic": topic, "satisfaction": 3.0})


def test_intervals_of_shares_cover_the_truth():
    covered = 0
    for seed in range(200):
        row = prevalence(drawn(seed), draws=300, seed=seed).set_index("topic").loc["delivery"]
        covered += row["share_low"] <= 0.3 <= row["share_high"]
    assert 0.90 <= covered / 200 <= 0.99


def test_shares_count_comments_and_customers():
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "topic": ["price", "price", "no topic", "delivery"],
            "satisfaction": [1.0, np.nan, 5.0, 4.0],
        }
    )
    found = prevalence(rows, draws=50)
    assert found["topic"].tolist() == ["price", "delivery", "no topic"]
    assert found["comments"].tolist() == [2, 1, 1]
    assert found["share_of_customers"].tolist() == pytest.approx([1 / 3] * 3)
    assert found["mean_score"].tolist() == [1.0, 4.0, 5.0]


def test_a_customers_need_is_the_topic_of_most_comments_then_the_latest():
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "b", "c", "c", None],
            "topic": ["price", "price", "delivery", "price", "delivery", "no topic", "price", "price"],
            "occurred_at": pd.to_datetime([f"2024-01-0{day}" for day in range(1, 9)]),
        }
    )
    found = customers_needs(rows).set_index("customer_id")
    assert found["need"].to_dict() == {"a": "price", "b": "delivery", "c": "price"}
    assert found.loc["a", ["comments", "comments_of_need"]].tolist() == [3, 2]


@pytest.fixture(scope="module")
def asked() -> pd.DataFrame:
    random = np.random.default_rng(2)
    size = 4_000
    kind, channel = (
        random.choice(["complaint", "praise"], size),
        random.choice(["app", "phone", "shop"], size, p=(0.4, 0.35, 0.25)),
    )
    often = np.where(channel == "shop", 0.45, 0.3)
    topic = np.where(random.random(size) < often, "returns", random.choice(["price", "delivery"], size))
    score = (
        3
        - 0.4 * (topic == "returns")
        + 1.0 * (kind == "praise")
        + 0.3 * (channel == "app")
        + random.normal(0, 1, size)
    )
    return pd.DataFrame(
        {
            "customer_id": np.arange(size).astype(str),
            "topic": topic,
            "satisfaction": score,
            "kind": kind,
            "channel": channel,
        }
    )


def test_satisfaction_effects_are_those_of_statsmodels(asked):
    segments = pd.DataFrame(
        {"customer_id": asked["customer_id"], "segment": np.where(asked.index % 3, "a", "b")}
    )
    found = satisfaction_effects(contacts(asked, segments)).set_index("topic")
    data = asked.merge(segments).assign(is_topic=lambda rows: (rows["topic"] == "returns") * 1.0)
    theirs = smf.ols("satisfaction ~ is_topic + C(kind) + C(channel) + C(segment)", data).fit(
        cov_type="HC3", use_t=True
    )
    low, high = theirs.conf_int().loc["is_topic"]
    assert found.loc["returns", ["effect", "effect_low", "effect_high"]].tolist() == pytest.approx(
        [theirs.params["is_topic"], low, high], abs=1e-6
    )
    assert low < -0.4 < high
    assert found.index[0] == "returns"


def test_a_channel_that_differs_is_found_and_the_others_are_not_blamed(asked):
    none = pd.DataFrame({"customer_id": [], "segment": []}, dtype="str")
    found = differences(contacts(asked, none))
    shop = found[(found["value"] == "shop") & (found["topic"] == "returns")].iloc[0]
    other = found[found["value"].isin(["app", "phone"]) & (found["topic"] == "returns")]
    assert shop["difference_low"] < 0.15 < shop["difference_high"]
    assert shop["p_adjusted"] < 0.001
    assert (other["p_adjusted"] > 0.05).all()
    assert set(found["group"]) == {"channel"}


def test_values_of_few_comments_stand_together():
    rows = pd.DataFrame(
        {
            "customer_id": None,
            "topic": "price",
            "satisfaction": 1.0,
            "kind": None,
            "channel": ["a"] * 40 + ["b"] * 5,
        }
    )
    found = contacts(rows, pd.DataFrame({"customer_id": ["x"], "segment": ["s"]}))
    assert found["channel"].value_counts().to_dict() == {"a": 40, "others": 5}
    assert set(found["segment"]) == {"not known"} == set(found["kind"])


def by_month(seed: int, *, rise: float, months: int = 12) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    parts = []
    for month in range(months):
        topic = np.where(
            random.random(200) < 0.2 + rise * month / (months - 1),
            "price",
            random.choice(["a", "b", "c"], 200),
        )
        parts.append(pd.DataFrame({"topic": topic, "occurred_at": pd.Timestamp(2024, 1 + month, 15)}))
    return pd.concat(parts, ignore_index=True)


def test_trends_find_a_rise_and_hardly_ever_one_that_is_not_there():
    alarms = found = covered = 0
    for seed in range(60):
        still = trends(monthly_shares(by_month(seed, rise=0.0), as_of=date(2025, 1, 1), months=12))
        alarms += (still["trend"] != "steady").any()
        rising = trends(
            monthly_shares(by_month(seed, rise=0.15), as_of=date(2025, 1, 1), months=12)
        ).set_index("topic")
        found += rising.loc["price", "trend"] == "rising"
        covered += rising.loc["price", "change_low"] <= 0.15 <= rising.loc["price", "change_high"]
    assert alarms <= 7
    assert found >= 50
    assert covered >= 52


def test_only_whole_months_before_the_day_count():
    rows = by_month(1, rise=0.0)
    shares = monthly_shares(rows, as_of=date(2024, 12, 20), months=6)
    assert shares["month"].dt.month.unique().tolist() == [6, 7, 8, 9, 10, 11]
    assert shares.groupby("month")["share"].sum().tolist() == pytest.approx([1.0] * 6)
    assert trends(monthly_shares(rows, as_of=date(2024, 5, 1), months=12)).empty


def scored(seed: int, effect: float) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    filler = np.array([f"{a}{b}n" for a in "bcdfgh" for b in "aeiou"])
    good = random.random(2_000) < 0.5
    said = [" ".join([*random.choice(filler, 5), "great" if one else "awful"]) for one in good]
    score = 3 + effect * np.where(good, 1, -1) + random.normal(0, 1, 2_000)
    score = np.where(random.random(2_000) < 0.3, np.nan, score)
    whose = random.integers(0, 900, 2_000).astype(str)
    return pd.DataFrame({"customer_id": whose, "satisfaction": score, "text": said})


def test_scores_are_learned_when_words_tell_them():
    rows = scored(1, 1.0)
    found = learn_sentiment(rows, find_words(rows["text"]))
    oracle = 1 / (1 + 1)  # variance between the two words over the whole variance
    assert found.useful
    assert found.better.value == pytest.approx(oracle, abs=0.06)
    gap = (
        found.scores[rows["text"].str.contains("great")].mean()
        - found.scores[rows["text"].str.contains("awful")].mean()
    )
    assert gap == pytest.approx(2, abs=0.2)


def test_scores_that_words_do_not_tell_are_declared_so():
    rows = scored(2, 0.0)
    assert not learn_sentiment(rows, find_words(rows["text"])).useful


def test_too_few_or_equal_scores_teach_nothing():
    rows = scored(3, 1.0)
    few = rows.assign(satisfaction=rows["satisfaction"].where(rows.index < 100))
    for table in (few, rows.assign(satisfaction=4.0)):
        found = learn_sentiment(table, find_words(rows["text"]))
        assert np.isnan(found.scores).all()
        assert not found.better.known
