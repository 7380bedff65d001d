"""Planted topics are found, and where there are none the page says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from crm_helpers.analysis.needs import drivers, findings, quotes, rising, study
from crm_helpers.analysis.needs.continuity import kept_names
from crm_helpers.analysis.needs.normalise import language, normalised
from crm_helpers.analysis.needs.thesaurus import thesaurus
from crm_helpers.analysis.needs.topics import OTHER
from crm_helpers.demo.comments import KINDS, TOPICS, read_phrases
from crm_helpers.demo.service import _KIND_SHARES, _TOPIC_SHARES
from crm_helpers.report.wording import plain, sentence


def comments(texts: list[str], *, satisfaction: float = np.nan) -> pd.DataFrame:
    times = [datetime(2024, 1, 1) + timedelta(hours=number) for number in range(len(texts))]
    return pd.DataFrame(
        {
            "communication_id": [f"T{number}" for number in range(len(texts))],
            "customer_id": pd.Series([f"c{number}" for number in range(len(texts))], dtype="str"),
            "occurred_at": pd.to_datetime(times),
            "channel": "phone",
            "kind": "complaint",
            "satisfaction": satisfaction,
            "comment": pd.Series(texts, dtype="str"),
            "resolved_at": pd.NaT,
        }
    )


def simulated(seed: int, count: int = 6_000, *, in_english: float = 0.2) -> tuple[pd.DataFrame, np.ndarray]:
    """Comments of the simulated company, a fifth in English, with the topics planted."""
    random = np.random.default_rng(seed)
    kind = random.choice(len(KINDS), count, p=(0.55, 0.33, 0.12))
    topic = np.array([random.choice(len(TOPICS), p=_TOPIC_SHARES[one]) for one in kind])
    english = (random.random(count) < in_english).astype(int)
    said = read_phrases().comment(topic, kind, language=english, random=random).to_pylist()
    return comments(said), topic


def matched(truth: np.ndarray, found: np.ndarray) -> float:
    """Share of comments whose topic is theirs, each topic standing for one planted topic; none is none."""
    table = pd.crosstab(truth, found).drop(columns=OTHER, errors="ignore").to_numpy()
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / len(truth))


def recovered(found: study.Needs, written: pd.DataFrame, topic: np.ndarray) -> float:
    place = written.set_index("communication_id").index.get_indexer(found.rows["communication_id"])
    return matched(topic[place], found.rows["topic"].to_numpy())


@pytest.mark.parametrize("seed", [21, 22])
def test_planted_topics_are_found_in_both_languages_and_their_shares_are_covered(seed):
    written, topic = simulated(seed)
    found = study.study_needs(written, draws=500)
    assert recovered(found, written, topic) >= 0.95
    shares = found.named.set_index("topic").rename(index={"membership": "account"}).loc[list(TOPICS)]
    planted = np.array(_KIND_SHARES) @ np.array(_TOPIC_SHARES)
    assert ((shares["share_low"] <= planted) & (planted <= shares["share_high"])).sum() >= 5


def test_most_planted_topics_are_found_without_any_vocabulary_of_subjects():
    found = []
    for seed in (21, 23):
        written, topic = simulated(seed, 4_000)
        needs = study.study_needs(written, thesaurus=thesaurus({}, general=False), draws=100)
        assert not needs.told
        found.append(recovered(needs, written, topic))
    assert np.mean(found) >= 0.8
    assert min(found) >= 0.7


def invented(seed: int, *, topics: int = 5, count: int = 3_000) -> tuple[list[str], np.ndarray]:
    """English-looking comments of words that no thesaurus knows: five of a topic's twelve, two of any."""
    random = np.random.default_rng(seed)
    letters = list("bcdfgklmnprstvz")
    words = [
        "".join(random.choice(letters, 2)) + "aeiou"[n % 5] + "".join(random.choice(letters, 3))
        for n in range(90)
    ]
    topic = random.integers(0, topics, count)
    own = [random.choice(12, 5, replace=False) + 12 * number for number in topic]
    return [" ".join(words[n] for n in [*line, *random.integers(60, 90, 2)]) for line in own], topic


def test_topics_that_the_thesaurus_does_not_know_are_found_by_their_words():
    texts, topic = invented(1)
    found = study.study_needs(comments(texts), draws=100)
    assert len(found.named) == 5
    assert matched(topic[: len(found.rows)], found.rows["topic"].to_numpy()) >= 0.9


def nothing_in_common(count: int) -> list[str]:
    random = np.random.default_rng(5)
    words = [f"{a}{b}ol{c}" for a in "bcdfg" for b in "aeiou" for c in "kmnpr"]
    return [" ".join(random.choice(words, 6, replace=False)) for _ in range(count)]


def about(topic: str, count: int = 1_000) -> list[str]:
    """Comments of the simulated company about one topic, in Chinese."""
    which = np.full(count, TOPICS.index(topic))
    random = np.random.default_rng(6)
    kind = random.integers(0, len(KINDS), count)
    return read_phrases().comment(which, kind, language=which * 0, random=random).to_pylist()


CONTROLS = {
    "ten": about("price", 10),
    "none": [],
    "empty": [" ", ""],
    "emoji": ["😀", "👍👍", "！！！", "12345"] * 50,
    "one template": ["感谢您的购买，祝您生活愉快"] * 400,
    "thirty": [
        f"快递{word}，质量{word}" for word in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥金木水火土东西南"
    ],
    "random words": nothing_in_common(1_500),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_where_there_is_nothing_to_tell_the_page_says_so(name):
    written = comments(CONTROLS[name])
    found = study.study_needs(written[written["comment"].str.strip() != ""], draws=100)
    contacts = drivers.contacts(found.rows, pd.DataFrame({"customer_id": [], "segment": []}, dtype="str"))
    effects, differences = drivers.satisfaction_effects(contacts), drivers.differences(contacts)
    shares = rising.monthly_shares(found.rows, as_of=date(2025, 1, 1), months=12)
    key, verdict, values = findings.answer(found, effects)
    said = [
        findings.comments_finding(found), findings.topics_finding(found), findings.number_finding(found),
        findings.satisfaction_finding(effects), findings.speakers_finding(differences),
        findings.rising_finding(rising.trends(shares)), findings.sentiment_finding(found, 0),
        findings.action(found, effects), (key, values),
    ]  # fmt: skip
    assert verdict == "not enough data"
    assert all(plain(sentence(key, values)) for key, values in said)
    many = len(written) >= findings.FEWEST_COMMENTS and found.comments.count("written")
    assert findings.action(found, effects)[0] == ("needs.do_own_words" if many else "needs.do_record")
    assert "nan" not in findings.covered(found)
    assert quotes.quotes(found.rows, found.words).empty
    assert study.urgent(found, as_of=date(2024, 6, 1)).empty
    assert found.table.empty
    assert not findings.criteria(found)["met"].all()


@pytest.mark.parametrize("topic", ["price", "delivery"])
def test_of_one_subject_only_no_other_subject_is_named(topic):
    found = study.study_needs(comments(about(topic)), draws=100)
    assert not set(found.named["topic"]) & ({*TOPICS, "membership"} - {topic})


@pytest.mark.parametrize("english", [0, 1])
def test_one_language_only(english):
    random = np.random.default_rng(4)
    kind, topic = random.integers(0, len(KINDS), 3_000), random.integers(0, len(TOPICS), 3_000)
    said = read_phrases().comment(topic, kind, language=np.full(3_000, english), random=random).to_pylist()
    own = pd.Series(said, dtype="str")
    alone = (language(normalised(own)) == ("English" if english else "Chinese")).to_numpy()
    written = comments(own[alone].tolist())
    found = study.study_needs(written, draws=100)
    assert recovered(found, written, topic[alone]) >= 0.85
    key, values = findings.comments_finding(found)
    assert key == ("needs.comments_latin" if english else "needs.comments")
    assert values.get("chinese", 0) == 1 - english


def test_rare_mixtures_do_not_outvote_topics_when_comments_are_many():
    written, topic = simulated(1, 20_000, in_english=0)
    found = study.study_needs(written, draws=100)
    assert len(found.named) == len(TOPICS)
    assert recovered(found, written, topic) >= 0.95


def test_shuffled_scores_find_no_driver_and_no_urgent_matter():
    written, _ = simulated(12, 3_000)
    random = np.random.default_rng(12)
    found = study.study_needs(written, numbers=[6], draws=100)
    nobody, alarms = pd.DataFrame({"customer_id": [], "segment": []}, dtype="str"), 0
    for _ in range(10):
        rows = found.rows.assign(satisfaction=random.integers(1, 6, len(found.rows)).astype(float))
        effects = drivers.satisfaction_effects(drivers.contacts(rows, nobody))
        alarms += findings.answer(found, effects)[0] == "needs.answer"
        luck = replace(found, rows=rows)
        assert not luck.sentiment.useful
        assert study.urgent(luck, as_of=date(2024, 6, 1)).empty
    assert alarms <= 2


def test_planted_effects_on_satisfaction_are_covered():
    written, topic = simulated(13, 5_000)
    effect = np.array([0.0, -0.2, 0.2, -0.5, 0.3, 0.2])
    scores = 3 + effect[topic] + np.random.default_rng(13).normal(0, 0.8, len(written))
    found = study.study_needs(written.assign(satisfaction=scores), draws=100)
    contacts = drivers.contacts(found.rows, pd.DataFrame({"customer_id": [], "segment": []}, dtype="str"))
    worst = drivers.satisfaction_effects(contacts).iloc[0]
    others = topic != TOPICS.index("returns")
    assert worst["topic"] == "returns"
    assert worst["effect_low"] < -0.5 - effect[topic[others]].mean() < worst["effect_high"]
    assert findings.answer(found, drivers.satisfaction_effects(contacts))[0] == "needs.answer"


def test_quotes_are_masked_different_and_of_different_customers():
    written, _ = simulated(7, 2_000)
    written["comment"] = written["comment"] + " 电话13800138000"
    found = study.study_needs(written, draws=100)
    said = quotes.quotes(found.rows, found.words, each=3)
    assert said["topic"].nunique() == len(found.named)
    assert not said["quote"].str.contains("138").any()
    assert said["quote"].str.contains("[number]", regex=False).all()
    assert said["quote"].is_unique


def test_long_comments_are_quoted_from_their_beginning_and_masked_before_they_are_cut():
    written, _ = simulated(7, 2_000)
    written["comment"] = written["comment"].str.cat([" long " * 40 + "13800138000 "] * 2_000)
    written["comment"] = "13800138000 " + written["comment"]
    found = study.study_needs(written, draws=100)
    said = quotes.quotes(found.rows, found.words, each=2)
    assert said["topic"].nunique() == len(found.named) > 0
    assert (said["quote"].str.len() <= quotes.LONGEST + 2).all()
    assert said["quote"].str.endswith(" …").all()
    assert said["quote"].str.startswith("[number]").all()


def test_a_topic_of_few_customers_is_not_shown():
    written, _ = simulated(8, 2_000)
    written["customer_id"] = [f"c{number % 9}" for number in range(len(written))]
    found = study.study_needs(written, draws=100)
    assert not found.known
    assert quotes.quotes(found.rows, found.words).empty


def test_topics_keep_the_names_of_the_last_report():
    before = study.study_needs(simulated(10, 3_000)[0], draws=50).table
    before["topic"] = "our " + before["topic"]
    written, topic = simulated(11, 3_000)
    found = study.study_needs(written, previous=before, draws=50)
    assert set(found.named["topic"]) == set(before["topic"])
    place = written.set_index("communication_id").index.get_indexer(found.rows["communication_id"])
    delivery = found.rows["topic"] == "our delivery"
    assert np.mean(topic[place][delivery] == TOPICS.index("delivery")) > 0.95
    assert study.study_needs(written, previous=before.iloc[:0], draws=50).known


def test_no_two_topics_get_one_name():
    now = pd.DataFrame({"topic": ["a", "b"], "words": ["x y z", "p q r"]})
    then = pd.DataFrame({"topic": ["b", "c"], "words": ["x y z", "k l m"]})
    assert kept_names(now, then) == {}
    swapped = pd.DataFrame({"topic": ["b", "a"], "words": ["x y z", "p q r"]})
    assert kept_names(now, swapped) == {"a": "b", "b": "a"}


def test_two_studies_are_equal_to_the_last_digit():
    written, _ = simulated(9, 2_000)
    one, other = (study.study_needs(written, draws=100) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    pd.testing.assert_frame_equal(one.customers, other.customers)
