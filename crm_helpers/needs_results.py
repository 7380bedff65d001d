"""The tables that the page of needs publishes."""

from __future__ import annotations

from crm_helpers.tables import Column, Table

__all__ = ["NEEDS_RESULTS"]

NEEDS_RESULTS: tuple[Table, ...] = (
    Table(
        "needs_topics",
        "one row a topic: what customers speak about, in their words, and how many do",
        (
            Column("topic", "text", "name of the topic", required=True),
            Column("words", "text", "words customers use for it", required=True),
            Column("comments", "integer", "comments about it", "count", required=True),
            Column("share", "number", "share of all comments", "share", required=True),
            Column("share_low", "number", "lower end of its interval", "share"),
            Column("share_high", "number", "upper end of its interval", "share"),
            Column("customers", "integer", "customers who spoke of it", "count", required=True),
            Column("share_of_customers", "number", "share of customers who wrote", "share", required=True),
            Column("scores", "integer", "comments with a score", "count", required=True),
            Column("mean_score", "number", "mean score of these", "score"),
            Column("coherence", "number", "do its words come together (NPMI, -1 to 1)", "number"),
            Column("other_way", "text", "words that LDA finds for the same comments"),
        ),
        key=("topic",),
    ),
    Table(
        "needs_customers",
        "one row a customer who wrote: what the customer mostly speaks about",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("need", "text", "topic of most of the customer's comments", required=True),
            Column("comments", "integer", "comments of the customer", "count", required=True),
            Column("comments_of_need", "integer", "of these, about the need", "count", required=True),
            Column("last_comment", "date", "day of the last comment", required=True),
        ),
        key=("customer_id",),
    ),
    Table(
        "needs_prevalence",
        "one row a month and topic: how much it was spoken of",
        (
            Column("month", "date", "first day of the month", required=True),
            Column("topic", "text", "name of the topic", required=True),
            Column("comments", "integer", "comments about it", "count", required=True),
            Column("all_comments", "integer", "comments of the month", "count", required=True),
            Column("share", "number", "share of the month's comments", "share", required=True),
        ),
        key=("month", "topic"),
    ),
    Table(
        "needs_satisfaction",
        "one row a topic: how content its customers are, like compared with like",
        (
            Column("topic", "text", "name of the topic", required=True),
            Column(
                "effect", "number", "points above other comments of the same kind, channel, segment", "number"
            ),
            Column("effect_low", "number", "lower end of the 95% interval", "number"),
            Column("effect_high", "number", "upper end of the 95% interval", "number"),
            Column("p_value", "number", "chance of such a difference by luck alone", "number"),
            Column("p_adjusted", "number", "the same, for the number of topics", "number"),
        ),
        key=("topic",),
    ),
    Table(
        "needs_differences",
        "one row a channel or segment and topic: how much oftener it is spoken of than by the most usual one",
        (
            Column("group", "text", "channel or segment", required=True),
            Column("value", "text", "which one", required=True),
            Column("topic", "text", "name of the topic", required=True),
            Column("difference", "number", "difference in the share of comments", "share", required=True),
            Column("difference_low", "number", "lower end of the 95% interval", "share"),
            Column("difference_high", "number", "upper end of the 95% interval", "share"),
            Column("p_adjusted", "number", "chance of it by luck, for the number compared", "number"),
            Column("compared_with", "text", "the most usual one", required=True),
        ),
        key=("group", "value", "topic"),
    ),
    Table(
        "needs_urgent",
        "one row a matter that is not closed and sounds like the least content tenth",
        (
            Column("communication_id", "text", "the contact", required=True),
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("occurred_at", "datetime", "time of the contact", required=True),
            Column("topic", "text", "name of the topic", required=True),
            Column("expected_score", "number", "score its words let expect", "score", required=True),
        ),
        key=("communication_id",),
    ),
)
"""Topics, customers' needs, months, satisfaction, who speaks of what, and urgent matters."""
