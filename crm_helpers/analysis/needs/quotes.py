"""Customers' own words for each topic: near its centre, unlike each other, masked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from crm_helpers.analysis.needs.masking import mask
from crm_helpers.analysis.needs.prevalence import FEWEST_CUSTOMERS
from crm_helpers.analysis.needs.topics import OTHER
from crm_helpers.analysis.needs.words import Words

__all__ = ["quotes"]

ALIKE = 0.25  # Jaccard similarity of their telling words from which two quotes say the same
SHORTEST, LONGEST = 8, 160  # characters of a quote; longer comments are quoted from their beginning
_TRIED = 500  # comments nearest to the centre among which quotes are chosen


def quotes(
    comments: pd.DataFrame, words: Words, *, each: int = 3, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Choose comments that stand for each topic, short ones before the beginnings of long ones.

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
    usable = comments[(comments["topic"] != OTHER) & (comments["comment"].str.len() >= SHORTEST)]
    found = []
    for topic, of in usable.groupby("topic"):
        if of["customer_id"].nunique() < FEWEST_CUSTOMERS:
            continue
        for place in _different(of, words, each):
            personal = _personal(known, of.loc[place, "customer_id"])
            found.append((topic, _beginning(mask(str(of.loc[place, "comment"]), known=personal))))
    return pd.DataFrame(found, columns=["topic", "quote"])


def _beginning(text: str) -> str:
    """Cut a text that is too long, between words where it has blanks."""
    if len(text) <= LONGEST:
        return text
    head = text[:LONGEST]
    return (head.rsplit(None, 1)[0] if " " in head[LONGEST // 2 :] else head).rstrip() + " …"


def _personal(known: pd.DataFrame | None, customer: object) -> list[str]:
    if known is None:
        return []
    rows = known.loc[(known["customer_id"] == customer).to_numpy(dtype=bool, na_value=False)]
    return [
        str(value)
        for value in rows.drop(columns="customer_id").to_numpy().ravel()
        if pd.notna(value) and str(value).strip()
    ]


def _different(comments: pd.DataFrame, words: Words, each: int) -> list[int]:
    """Take the nearest comment, then each next one that is unlike those taken, of another customer."""
    long = comments["comment"].str.len() > LONGEST
    near = comments.assign(text=words.text[comments.index], long=long)
    near = near.sort_values(["long", "nearness", "text"], ascending=[True, False, True], kind="stable")
    near = near.drop_duplicates("text").drop_duplicates("customer_id").head(_TRIED)
    alike = _similarity(words.matrix[near["text"].to_numpy()][:, words.topical])
    taken: list[int] = []
    for place in range(len(near)):
        if len(taken) < each and (alike[place, taken] < ALIKE).all():
            taken.append(place)
    return [int(place) for place in near.index[taken]]


def _similarity(held: sparse.csr_array) -> np.ndarray:
    """Compare the words of every two texts: those of both over those of either (Jaccard)."""
    both = (held @ held.T).toarray()
    size = np.diag(both)
    return np.asarray(both / np.maximum(size[:, None] + size - both, 1))
