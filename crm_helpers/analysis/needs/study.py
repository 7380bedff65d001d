"""The whole study of customers' needs in one call: comments in, everything that the page shows out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from crm_helpers.analysis.needs.comments import Comments, choose_comments
from crm_helpers.analysis.needs.continuity import with_kept_names
from crm_helpers.analysis.needs.prevalence import FEWEST_CUSTOMERS, customers_needs, prevalence
from crm_helpers.analysis.needs.sentiment import Sentiment, learn_sentiment
from crm_helpers.analysis.needs.thesaurus import Thesaurus
from crm_helpers.analysis.needs.topics import NUMBERS, OTHER, Topics, find_topics
from crm_helpers.analysis.needs.words import Words, find_words

__all__ = ["Needs", "study_needs", "urgent"]

_URGENT_DAYS = 30


@dataclass(frozen=True)
class Needs:
    """What customers speak about."""

    comments: Comments
    words: Words
    topics: Topics
    rows: pd.DataFrame
    """The comments that count, with `topic` and `nearness`."""
    prevalence: pd.DataFrame
    """From `prevalence`: one row a topic."""

    @property
    def known(self) -> bool:
        """Whether topics were found."""
        return bool((self.prevalence["topic"] != OTHER).any())

    @property
    def named(self) -> pd.DataFrame:
        """The rows of `prevalence` that are topics."""
        return self.prevalence[self.prevalence["topic"] != OTHER].reset_index(drop=True)

    @property
    def coverage(self) -> float:
        """Share of the comments that have a topic."""
        return float((self.rows["topic"] != OTHER).mean()) if len(self.rows) else float("nan")

    @property
    def told(self) -> float:
        """Share of the comments that have a word of the vocabulary of subjects."""
        about = np.diff(self.words.about.indptr) > 0
        return float(about[self.words.text].mean()) if len(self.rows) else float("nan")

    @property
    def table(self) -> pd.DataFrame:
        """One row a topic with its words, coherence and prevalence, as it is published."""
        return self.named.merge(self.topics.table, on="topic")

    @cached_property
    def customers(self) -> pd.DataFrame:
        """Main need of each customer who wrote."""
        return customers_needs(self.rows)

    @cached_property
    def sentiment(self) -> Sentiment:
        """Scores that the words let expect."""
        return learn_sentiment(self.rows, self.words)


def study_needs(
    written: pd.DataFrame, *, previous: pd.DataFrame | None = None, thesaurus: Thesaurus | None = None,
    numbers: Sequence[int] = NUMBERS, draws: int = 1000, seed: int = 1, level: float = 0.95,
) -> Needs:  # fmt: skip
    """Find what customers speak about, and how often.

    Parameters
    ----------
    written
        From `read_comments`.
    previous
        The table `needs_topics` of the last report, whose names are kept.
    thesaurus
        Subjects to look for; without one the general ones.
    numbers
        Numbers of topics the evidence may choose from.
    draws, seed, level
        Of the intervals.

    Returns
    -------
    Needs
        Without topics where the comments are too few or alike; a topic of fewer than ten customers is none.
    """
    comments = choose_comments(written)
    words = find_words(comments.rows["text"], thesaurus=thesaurus)
    found = find_topics(words, numbers=numbers, seed=seed)
    if previous is not None:
        found = with_kept_names(found, previous)
    rows = comments.rows.assign(topic=found.label.astype(str), nearness=found.nearness)
    people = rows.groupby("topic")["customer_id"].transform("nunique")
    rows["topic"] = np.where(people < FEWEST_CUSTOMERS, OTHER, rows["topic"])
    return Needs(comments, words, found, rows, prevalence(rows, draws=draws, seed=seed, level=level))


def urgent(needs: Needs, *, as_of: date) -> pd.DataFrame:
    """Find matters of the last thirty days that are not closed and sound like the least content tenth.

    Parameters
    ----------
    needs
        From `study_needs`.
    as_of
        The day the numbers stand for.

    Returns
    -------
    pandas.DataFrame
        `communication_id`, `customer_id`, `occurred_at`, `topic`, `expected_score`, the least content first;
        no rows where scores cannot be told from words.
    """
    columns = ["communication_id", "customer_id", "occurred_at", "topic", "expected_score"]
    if not needs.sentiment.useful:
        return pd.DataFrame(columns=columns)
    rows = needs.rows.assign(expected_score=needs.sentiment.scores)
    since = pd.Timestamp(as_of) - pd.Timedelta(days=_URGENT_DAYS)
    waiting = rows[(rows["occurred_at"] >= since) & rows["resolved_at"].isna()]
    low = waiting[waiting["expected_score"] <= rows["expected_score"].quantile(0.1)]
    return low.sort_values(["expected_score", "communication_id"])[columns].reset_index(drop=True)
