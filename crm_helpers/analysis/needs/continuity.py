"""Names that last: a topic that comes again keeps the name that the last report gave it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from crm_helpers.analysis.needs.topics import OTHER, Topics

__all__ = ["kept_names", "with_kept_names"]

SAME = 0.25  # share of two topics' words that both have, from which they are one topic


def kept_names(topics: pd.DataFrame, previous: pd.DataFrame) -> dict[str, str]:
    """Match topics to those of the last report by their words, so that together most words are shared.

    Parameters
    ----------
    topics, previous
        `topic` and `words` of now and of then.

    Returns
    -------
    dict
        Name of then by name of now, for topics that are to be renamed; no two get one name.

    Examples
    --------
    >>> now = pd.DataFrame({"topic": ["account", "price"], "words": ["积分 会员 账号", "便宜 价格"]})
    >>> then = pd.DataFrame({"topic": ["membership", "size"], "words": ["会员 积分 等级", "尺码 偏大"]})
    >>> kept_names(now, then)
    {'account': 'membership'}
    """
    if topics.empty or previous.empty:
        return {}
    ours, theirs = ([set(words.split()) for words in frame["words"]] for frame in (topics, previous))
    shared = np.array([[len(one & other) / len(one | other) for other in theirs] for one in ours])
    pairs = [(row, column) for row, column in zip(*linear_sum_assignment(-shared), strict=True)]
    now, then = list(topics["topic"]), list(previous["topic"])
    renamed = {now[row]: then[column] for row, column in pairs if shared[row, column] >= SAME}
    unique = len({renamed.get(name, name) for name in now}) == len(now)
    return {name: old for name, old in renamed.items() if name != old} if unique else {}


def with_kept_names(topics: Topics, previous: pd.DataFrame) -> Topics:
    """Give topics the names of the last report.

    Parameters
    ----------
    topics
        From `find_topics`.
    previous
        The table `needs_topics` of the last report; may be empty.

    Returns
    -------
    Topics
        The same topics.
    """
    renamed = kept_names(topics.table, previous)
    kept = {name: renamed.get(name, name) for name in (*topics.names, OTHER)}
    label = pd.Series(topics.label).map(kept).to_numpy(dtype=object)
    table = topics.table.assign(topic=topics.table["topic"].map(kept))
    return replace(topics, names=tuple(kept[name] for name in topics.names), label=label, table=table)
