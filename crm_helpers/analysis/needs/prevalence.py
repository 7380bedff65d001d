"""How many comments and customers a topic has, with intervals, and what it goes with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import LEVEL, quantile_estimate
from crm_helpers.analysis.needs.topics import OTHER

__all__ = ["FEWEST_CUSTOMERS", "customers_needs", "prevalence"]

FEWEST_CUSTOMERS = 10  # below them a topic's numbers and words would point at people


def prevalence(
    comments: pd.DataFrame, *, draws: int = 1000, seed: int = 1, level: float = LEVEL
) -> pd.DataFrame:
    """Measure each topic's share of the comments, with customers drawn again for the interval.

    A customer's comments are alike, so customers are drawn, with replacement. Customers who wrote equally
    often about each topic are one kind; how many of each kind are drawn is one multinomial draw, which is
    the same bootstrap without touching the customers one by one.

    Parameters
    ----------
    comments
        `customer_id`, `topic` and `satisfaction` of each comment.
    draws
        Resamples.
    seed
        Their seed.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    pandas.DataFrame
        One row a topic, `OTHER` included, the largest first: `topic`, `comments`, `share`, `share_low`,
        `share_high`, `customers`, `share_of_customers`, `scores`, `mean_score`.
    """
    if comments.empty:
        columns = ["topic", "comments", "share", "share_low", "share_high", "customers"]
        return pd.DataFrame(columns=[*columns, "share_of_customers", "scores", "mean_score"])
    whose = comments["customer_id"].fillna("")
    kinds, customers = _kinds(whose, comments["topic"])
    drawn = np.random.default_rng(seed).multinomial(customers.sum(), customers / customers.sum(), size=draws)
    totals = drawn @ kinds
    shares = totals / totals.sum(axis=1, keepdims=True)
    table = comments.groupby("topic").agg(comments=("topic", "size"), customers=("customer_id", "nunique"))
    scored = comments.groupby("topic")["satisfaction"].agg(scores="count", mean_score="mean")
    table["share"] = table["comments"] / len(comments)
    estimates = [
        quantile_estimate(share, shares[:, place], level=level) for place, share in enumerate(table["share"])
    ]
    table["share_low"], table["share_high"] = [e.low for e in estimates], [e.high for e in estimates]
    table["share_of_customers"] = table["customers"] / max(whose.nunique(), 1)
    table = table.join(scored).reset_index()
    table["last"] = table["topic"] == OTHER
    table = table.sort_values(["last", "comments", "topic"], ascending=[True, False, True])
    order = ["topic", "comments", "share", "share_low", "share_high", "customers", "share_of_customers"]
    return table[[*order, "scores", "mean_score"]].reset_index(drop=True)


def _kinds(whose: pd.Series, topic: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Count customers who wrote equally often about each topic (in the order of names): kinds, customers."""
    code, customers = pd.factorize(whose)
    column, topics = pd.factorize(topic, sort=True)
    written = np.zeros((len(customers), len(topics)), dtype=int)
    np.add.at(written, (code, column), 1)
    kinds, count = np.unique(written, axis=0, return_counts=True)
    return kinds, count


def customers_needs(comments: pd.DataFrame) -> pd.DataFrame:
    """Find each customer's main need: the topic of most comments, of equal ones the latest.

    Parameters
    ----------
    comments
        `customer_id`, `topic`, `occurred_at` of each comment, by time.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `need`, `comments`, `comments_of_need`, `last_comment`.
    """
    known = comments.dropna(subset=["customer_id"])
    of_topic = known.groupby(["customer_id", "topic"], as_index=False).agg(
        comments_of_need=("topic", "size"), last=("occurred_at", "max")
    )
    of_topic["named"] = of_topic["topic"] != OTHER
    order = ["customer_id", "named", "comments_of_need", "last", "topic"]
    main = of_topic.sort_values(order).drop_duplicates("customer_id", keep="last")
    all_of = known.groupby("customer_id").agg(comments=("topic", "size"), last_comment=("occurred_at", "max"))
    main = main.merge(all_of, on="customer_id").rename(columns={"topic": "need"})
    main["last_comment"] = pd.to_datetime(main["last_comment"]).dt.date
    return main[["customer_id", "need", "comments", "comments_of_need", "last_comment"]].reset_index(
        drop=True
    )
