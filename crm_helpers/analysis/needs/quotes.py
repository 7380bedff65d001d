"""Customers' own words for each topic: near its centre, unlike each other, masked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_helpers.analysis.needs.masking import mask
from crm_helpers.analysis.needs.prevalence import FEWEST_CUSTOMERS
from crm_helpers.analysis.needs.topics import OTHER
from crm_helpers.analysis.needs.words import Words

__all__ = ["quotes"]

ALIKE = 0.25  # Jaccard similarity of their telling words from which two quotes say the same
SHORTEST, LONGEST = 8, 160  # characters of a quote
_TRIED = 500  # comments nearest to the centre among which quotes are chosen


def quotes(
    comments: pd.DataFrame, words: Words, *, each: int = 3, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Choose comments that stand for each topic.

    Parameters
    ----------
    comments
        `customer_id`, `comment`, `topic`, `nearness`, in the order of `words.text`.
    words
        From `find_words`.
    each
        Quotes for each topic at most.
    known
        Columns of what is known of customers (`customer_id`, `name`, `phone` …), masked in their quotes.

    Returns
    -------
    pandas.DataFrame
        `topic`, `quote`; none for a topic that fewer than ten customers speak of.
    """
    length = comments["comment"].str.len()
    usable = comments[(comments["topic"] != OTHER) & length.between(SHORTEST, LONGEST)]
    people = {} if known is None else known.set_index("customer_id").astype(object).T.to_dict("list")
    found = []
    for topic, of in usable.groupby("topic"):
        if of["customer_id"].nunique() < FEWEST_CUSTOMERS:
            continue
        for place in _different(of, words, each):
            personal = [
                str(value) for value in people.get(of.loc[place, "customer_id"], []) if pd.notna(value)
            ]
            found.append((topic, mask(str(of.loc[place, "comment"]), known=personal)))
    return pd.DataFrame(found, columns=["topic", "quote"])


def _different(comments: pd.DataFrame, words: Words, each: int) -> list[int]:
    """Take the nearest comment, then each next one that is unlike those taken, of another customer."""
    near = comments.assign(text=words.text[comments.index])
    near = near.sort_values(["nearness", "text"], ascending=[False, True], kind="stable")
    near = near.drop_duplicates("text").head(_TRIED)
    taken: list[int] = []
    for place in near.index:
        if len(taken) == each:
            break
        if all(_similarity(words, place, other) < ALIKE for other in taken) and (
            near.loc[place, "customer_id"] not in set(near.loc[taken, "customer_id"])
        ):
            taken.append(int(place))
    return taken


def _similarity(words: Words, one: int, other: int) -> float:
    held = (words.matrix[[words.text[place]]].indices for place in (one, other))
    first, second = (columns[words.topical[columns]] for columns in held)
    return len(np.intersect1d(first, second)) / max(len(np.union1d(first, second)), 1)
