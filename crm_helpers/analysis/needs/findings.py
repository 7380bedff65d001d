"""What the page of needs says: findings as sentences of the wording, with their values."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.needs.study import Needs
from crm_helpers.record import Verdict

__all__ = [
    "Said", "action", "answer", "comments_finding", "covered", "criteria", "effect_chart", "labelled",
    "number_finding", "risen", "rising_finding", "satisfaction_finding", "sentiment_finding",
    "speakers_finding", "surest", "topics_finding", "ways_finding",
]  # fmt: skip

Said = tuple[str, dict[str, Any]]
"""Key of a sentence and its numbers."""

FEWEST_COMMENTS = 300
STABLE = 0.8  # mean adjusted Rand index between halves
COVERED = 0.7  # share of the comments with a topic
CERTAIN = 0.05
_RECORD: Said = ("needs.do_record", {})
_TOLD = "comments with a topic"


def comments_finding(needs: Needs) -> Said:
    """Say how many comments there are, of whom, in which languages."""
    count = needs.comments.count
    if not len(needs.rows):
        return "needs.no_comments", {"written": count("written")}
    chinese = needs.rows["language"] != "English"
    values = {"used": len(needs.rows), "customers": int(needs.rows["customer_id"].nunique())}
    if not chinese.any():
        return "needs.comments_latin", values
    return "needs.comments", values | {"chinese": float(chinese.mean())}


def topics_finding(needs: Needs) -> Said:
    """Say what most comments are about, or that nothing can be told."""
    if not needs.known:
        return "needs.no_topics", {"used": len(needs.rows)}
    first, second = needs.named.iloc[0], needs.named.iloc[min(1, len(needs.named) - 1)]
    values = {"topics": len(needs.named), "first": first["topic"], "share": _estimate(first, "share")}
    return "needs.topics", values | {"second": second["topic"], "next": float(second["share"])}


def number_finding(needs: Needs) -> Said:
    """Say how many topics were chosen, and whether they are there at all."""
    choice = needs.topics.choice
    if choice.table.empty:
        return "needs.too_few_texts", {"texts": needs.topics.texts}
    if not needs.known:
        return "needs.chance", {"explained": choice.explained, "chance": choice.chance}
    key = "needs.stable" if choice.stability >= STABLE else "needs.unstable"
    return key, {"topics": len(needs.named), "stability": choice.stability}


def ways_finding(needs: Needs) -> Said:
    """Compare the two ways of finding topics."""
    found = needs.topics
    return "needs.ways", {"nmf": found.coherence, "lda": found.coherence_lda, "agreement": found.agreement}


def satisfaction_finding(effects: pd.DataFrame) -> Said:
    """Say which topic leaves customers least content, like compared with like."""
    worst = _worst(effects)
    if effects.empty:
        return "needs.no_scores", {}
    if worst is None:
        return "needs.all_alike", {"topics": len(effects)}
    return "needs.worst", {"topic": worst["topic"], "effect": _estimate(worst, "effect")}


def speakers_finding(differences: pd.DataFrame) -> Said:
    """Say how many channels and segments speak of other things than the most usual one."""
    if differences.empty:
        return "needs.nobody_compared", {}
    sure = surest(differences)
    if sure.empty:
        return "needs.alike", {"compared": len(differences)}
    first = sure.iloc[0]
    values = {name: first[name] for name in ("value", "topic", "compared_with")}
    found = _estimate(first, "difference")
    values |= {"differ": len(sure), "compared": len(differences)}
    if found.value > 0:
        return "needs.more", {**values, "points": found}
    return "needs.less", {**values, "points": Estimate(-found.value, -found.high, -found.low)}


def surest(differences: pd.DataFrame) -> pd.DataFrame:
    """Keep the differences that are surely not chance, the largest first."""
    sure = differences[differences["p_adjusted"] < CERTAIN]
    order = sure["difference"].abs().sort_values(ascending=False, kind="stable").index
    return sure.loc[order].reset_index(drop=True)


def rising_finding(trends: pd.DataFrame) -> Said:
    """Say which topic is spoken of more and more."""
    if trends.empty:
        return "needs.too_short", {}
    rising = trends[trends["trend"] == "rising"]
    if rising.empty:
        return "needs.none_rising", {
            "topics": len(trends),
            "falling": int((trends["trend"] == "falling").sum()),
        }
    first = rising.iloc[0]
    return "needs.rising", {
        "topic": first["topic"],
        "change": _estimate(first, "change"),
        "rising": len(rising),
    }


def sentiment_finding(needs: Needs, waiting: int) -> Said:
    """Say whether words tell how content a customer is, and how many unclosed matters sound worst."""
    learned = needs.sentiment
    if not learned.better.known:
        return "needs.no_sentiment", {"learned": learned.learned}
    if not learned.useful:
        return "needs.useless_sentiment", {"better": learned.better}
    return "needs.sentiment", {"better": learned.better, "waiting": waiting}


def criteria(needs: Needs) -> pd.DataFrame:
    """State what a solid answer needs, and what was found.

    Returns
    -------
    pandas.DataFrame
        `criterion`, `found`, `needed`, `met`.
    """
    choice = needs.topics.choice
    rows = [
        (
            "comments that count",
            len(needs.rows),
            FEWEST_COMMENTS,
            f"{len(needs.rows):,}",
            f"{FEWEST_COMMENTS}",
        ),
        ("agreement of topics from halves", choice.stability, STABLE, f"{choice.stability:.2f}", f"{STABLE}"),
        ("explained beyond chance", choice.gain, 0.03, f"{choice.gain:.0%}", "3%"),
        (_TOLD, needs.coverage, COVERED, f"{needs.coverage:.0%}", f"{COVERED:.0%}"),
    ]
    table = [
        (
            name,
            found.replace("nan%", "not known").replace("nan", "not known"),
            f"at least {least}",
            bool(value >= needed),
        )
        for name, value, needed, found, least in rows
    ]
    return pd.DataFrame(table, columns=["criterion", "found", "needed", "met"])


def covered(needs: Needs) -> str:
    """Write the share of the comments that have a topic, as far as it is known."""
    return str(criteria(needs).set_index("criterion").loc[_TOLD, "found"])


def answer(needs: Needs, effects: pd.DataFrame) -> tuple[str, Verdict, dict[str, Any]]:
    """Answer the page's question: the largest need, and the one that costs most satisfaction."""
    if not needs.comments.count("written"):
        return "needs.answer_nothing", "not enough data", {}
    if not needs.known:
        return "needs.answer_few", "not enough data", {"used": len(needs.rows)}
    verdict: Verdict = "solid" if criteria(needs)["met"].all() else "indicative"
    first = needs.named.iloc[0]
    values = {"first": first["topic"], "share": _estimate(first, "share")}
    worst = _worst(effects)
    if worst is None:
        return "needs.answer_topics", verdict, values | {"topics": len(needs.named)}
    return "needs.answer", verdict, values | {"worst": worst["topic"], "points": -float(worst["effect"])}


def action(needs: Needs, effects: pd.DataFrame) -> Said:
    """Say what to do next: repair the topic that costs most satisfaction, else answer the largest."""
    if not needs.known:
        written = needs.comments.count("written")
        return ("needs.do_own_words", {"written": written}) if written >= FEWEST_COMMENTS else _RECORD
    worst = _worst(effects)
    if worst is None:
        return "needs.do_answer", {"topic": needs.named.iloc[0]["topic"]}
    of = needs.named.set_index("topic").loc[worst["topic"]]
    values = {"comments": int(of["comments"]), "customers": int(of["customers"])}
    return "needs.do_repair", {"topic": worst["topic"], **values}


def risen(trends: pd.DataFrame) -> list[str]:
    """Name the topics that are rising, the steepest first."""
    return list(trends.loc[trends["trend"] == "rising", "topic"])


def labelled(needs: Needs) -> pd.DataFrame:
    """Give each topic a label that shows customers' own words: `delivery · 快递 包裹`."""
    table = needs.table
    own = [
        topic if " · " in topic else f"{topic} · {_others(words, topic)}"
        for topic, words in zip(table["topic"], table["words"], strict=True)
    ]
    return table.assign(label=own)


def effect_chart(needs: Needs, effects: pd.DataFrame) -> pd.DataFrame:
    """Give the effects the labels of `labelled`."""
    return effects.merge(labelled(needs)[["topic", "label", "comments"]], on="topic")


def _others(words: str, name: str) -> str:
    return " ".join([word for word in words.split(" ") if word != name][:2])


def _worst(effects: pd.DataFrame) -> pd.Series | None:
    sure = effects[(effects["p_adjusted"] < CERTAIN) & (effects["effect"] < 0)] if len(effects) else effects
    return None if sure.empty else sure.sort_values(["effect", "topic"]).iloc[0]


def _estimate(row: pd.Series, name: str) -> Estimate:
    return Estimate(float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"]))
