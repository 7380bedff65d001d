"""Needs, satisfaction, channel and segment by regression: like is compared with like."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_helpers.analysis.cells import cell_ols
from crm_helpers.analysis.estimates import benjamini_hochberg
from crm_helpers.analysis.needs.topics import OTHER
from crm_helpers.analysis.regression import Regression

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
    design, names, cell = _cells(scored)
    found = {topic: _scores(scored, topic, design, names=list(names), cell=cell) for topic in topics}
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
    design, names, cell = _cells(rows)
    wanted = {name: told for name, told in names.items() if told[0] != "kind"}
    if len(rows) < FEWEST_SCORES or not wanted or not topics:
        return pd.DataFrame(columns=[*columns, "p_adjusted", "compared_with"])
    found = {topic: _shares(rows["topic"] == topic, design, names=list(names), cell=cell) for topic in topics}
    cells = [(*wanted[name], topic, found[topic], name) for name in wanted for topic in topics]
    lines = [(group, value, topic, fit.estimate(name)) for group, value, _, topic, fit, name in cells]
    table = pd.DataFrame([(g, v, t, e.value, e.low, e.high) for g, v, t, e in lines], columns=columns)
    table["p_adjusted"] = benjamini_hochberg([fit.p_value(name) for *_, fit, name in cells])
    return table.assign(compared_with=[usual for _, _, usual, *_ in cells])


def _frequent(topics: pd.Series) -> list[str]:
    counts = topics[topics != OTHER].value_counts()
    return sorted(counts[counts >= FEWEST_ROWS].index)


def _cells(rows: pd.DataFrame) -> tuple[np.ndarray, dict[str, tuple[str, str, str]], np.ndarray]:
    """Find the kinds of rows, with an indicator x1, x2 … of each value but the usual one.

    Returned are one row of indicators a kind, what each indicator tells (column, value, usual value), and
    the kind of each row.
    """
    cell, kinds = pd.factorize(pd.MultiIndex.from_frame(rows[list(_GROUPS)]))
    columns: list[np.ndarray] = []
    names: dict[str, tuple[str, str, str]] = {}
    for place, group in enumerate(_GROUPS):
        counts = rows[group].value_counts()
        usual, *values = sorted(counts.index, key=lambda value: (-counts[value], value)) or [""]
        for value in values:
            names[f"x{len(names) + 1}"] = (group, value, usual)
            columns.append((kinds.get_level_values(place) == value).astype(float))
    return np.array(columns).reshape(len(names), len(kinds)).T, names, cell


def _scores(
    scored: pd.DataFrame, topic: str, design: np.ndarray, *, names: list[str], cell: np.ndarray
) -> Regression:
    """Regress scores on the topic and the indicators: each kind once with the topic and once without."""
    about, score = (scored["topic"] == topic).to_numpy(), scored["satisfaction"].to_numpy(float)
    place, count = 2 * cell + about, 2 * len(design)
    both = np.column_stack([np.arange(count) % 2, np.repeat(design, 2, axis=0)])
    sums = [np.bincount(place, of, minlength=count) for of in (np.ones(len(score)), score, score**2)]
    return cell_ols(both, rows=sums[0], total=sums[1], squares=sums[2], names=["is_topic", *names])


def _shares(about: pd.Series, design: np.ndarray, *, names: list[str], cell: np.ndarray) -> Regression:
    """Regress whether a row is about a topic on the indicators."""
    rows, told = (np.bincount(cell, of, minlength=len(design)) for of in (np.ones(len(cell)), about))
    return cell_ols(design, rows=rows, total=told, squares=told, names=names)
