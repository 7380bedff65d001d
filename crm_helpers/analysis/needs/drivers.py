"""Needs, satisfaction, channel and segment by regression: like is compared with like."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import benjamini_hochberg
from crm_helpers.analysis.needs.topics import OTHER
from crm_helpers.analysis.regression import ols

__all__ = ["contacts", "differences", "satisfaction_effects"]

FEWEST_SCORES = 100  # comments with a score, for a regression of it
FEWEST_ROWS = 30  # comments of a value, to stand by itself
_GROUPS = ("kind", "channel", "segment")


def contacts(comments: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Put beside each comment the segment of its customer; a value with few comments joins `others`.

    Parameters
    ----------
    comments
        `customer_id`, `topic`, `satisfaction`, `kind`, `channel`.
    segments
        `customer_id`, `segment`; may be empty.

    Returns
    -------
    pandas.DataFrame
        `topic`, `satisfaction`, `kind`, `channel`, `segment`; `not known` where nothing is recorded.
    """
    joined = comments[["customer_id", "topic", "satisfaction", "kind", "channel"]].merge(
        segments[["customer_id", "segment"]], on="customer_id", how="left"
    )
    for column in _GROUPS:
        values = joined[column].astype("str").fillna("not known")
        few = values.map(values.value_counts()) < FEWEST_ROWS
        joined[column] = values.mask(few, "others")
    return joined.drop(columns="customer_id")


def satisfaction_effects(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare scores on a topic with those of other comments of the same kind, channel and segment.

    One regression a topic: score on `1[topic]` and indicators of kind, channel and segment, with HC3 errors.

    Parameters
    ----------
    rows
        From `contacts`.

    Returns
    -------
    pandas.DataFrame
        `topic`, `effect`, `effect_low`, `effect_high`, `p_value`, `p_adjusted` (Benjamini & Hochberg),
        the most harmful first; without rows where fewer than 100 comments have a score.
    """
    columns = ["topic", "effect", "effect_low", "effect_high", "p_value", "p_adjusted"]
    scored = rows.dropna(subset=["satisfaction"])
    topics = _frequent(scored["topic"])
    if len(scored) < FEWEST_SCORES or len(topics) < 2:
        return pd.DataFrame(columns=columns)
    indicators, names = _indicators(scored)
    base = indicators.assign(score=scored["satisfaction"].to_numpy(float))
    stacked = _stacked(base, scored["topic"], topics)
    found = ols(
        ibis.memtable(stacked),
        outcome="score",
        regressors=["is_topic", *names],
        by="topic",
        only=["is_topic"],
    )
    lines = [(name, found[name].estimate("is_topic"), found[name].p_value("is_topic")) for name in topics]
    table = pd.DataFrame([(name, e.value, e.low, e.high, p) for name, e, p in lines], columns=columns[:5])
    table["p_adjusted"] = benjamini_hochberg(table["p_value"].to_numpy())
    return table.sort_values(["effect", "topic"]).reset_index(drop=True)


def differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare how often each channel and segment speaks of each topic with the most usual one.

    One linear regression a topic: `1[topic]` on indicators of kind, channel and segment, HC3 errors, so
    that a channel is not blamed for the kind of contact or the customers that it has.

    Parameters
    ----------
    rows
        From `contacts`.

    Returns
    -------
    pandas.DataFrame
        `group`, `value`, `topic`, `difference`, `difference_low`, `difference_high`, `p_adjusted` (Benjamini
        & Hochberg over all rows), `compared_with`.
    """
    columns = ["group", "value", "topic", "difference", "difference_low", "difference_high"]
    topics = _frequent(rows["topic"])
    indicators, names = _indicators(rows)
    wanted = {name: told for name, told in names.items() if told[0] != "kind"}
    if len(rows) < FEWEST_SCORES or not wanted or not topics:
        return pd.DataFrame(columns=[*columns, "p_adjusted", "compared_with"])
    stacked = ibis.memtable(_stacked(indicators, rows["topic"], topics))
    found = ols(stacked, outcome="is_topic", regressors=list(names), by="topic", only=list(wanted))
    cells = [(*wanted[name], topic, found[topic], name) for name in wanted for topic in topics]
    lines = [(group, value, topic, fit.estimate(name)) for group, value, _, topic, fit, name in cells]
    table = pd.DataFrame([(g, v, t, e.value, e.low, e.high) for g, v, t, e in lines], columns=columns)
    table["p_adjusted"] = benjamini_hochberg([fit.p_value(name) for *_, fit, name in cells])
    return table.assign(compared_with=[usual for _, _, usual, *_ in cells])


def _frequent(topics: pd.Series) -> list[str]:
    counts = topics[topics != OTHER].value_counts()
    return sorted(counts[counts >= FEWEST_ROWS].index)


def _indicators(rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, tuple[str, str, str]]]:
    """Make an indicator x1, x2 … of each value but the usual one; told by column, value and usual value."""
    columns: dict[str, np.ndarray] = {}
    names: dict[str, tuple[str, str, str]] = {}
    for group in _GROUPS:
        counts = rows[group].value_counts()
        usual, *values = sorted(counts.index, key=lambda value: (-counts[value], value)) or [""]
        for value in values:
            name = f"x{len(names) + 1}"
            names[name], columns[name] = (group, value, usual), (rows[group] == value).to_numpy(float)
    return pd.DataFrame(columns, index=range(len(rows))), names


def _stacked(base: pd.DataFrame, topic: pd.Series, topics: list[str]) -> pd.DataFrame:
    """Repeat the rows once for each topic: `is_topic` says whether the row is about it."""
    of = topic.to_numpy()
    parts = [base.assign(is_topic=(of == name).astype(float), topic=name) for name in topics]
    return pd.concat(parts, ignore_index=True)
