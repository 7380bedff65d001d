"""The tables that the page of channels publishes: part of `results.py`, which is where they are read."""

from __future__ import annotations

from crm_helpers.tables import Column, Table

__all__ = ["CHANNEL_RESULTS"]

CHANNEL_RESULTS: tuple[Table, ...] = (
    Table(
        "channel_evaluation",
        "one row a channel and measure: the value, its interval, and the cases it stands on",
        (
            Column("channel", "text", "the channel, or the type of campaign", required=True),
            Column("measure", "text", "what is measured", required=True),
            Column("value", "number", "the value", "number"),
            Column("low", "number", "lower end of the 95% interval", "number"),
            Column("high", "number", "upper end of the 95% interval", "number"),
            Column("cases", "integer", "how many cases it stands on", "count", required=True),
            Column("cases_of", "text", "what a case is", required=True),
            Column("rank", "integer", "1 is best; empty with few cases", "count"),
        ),
        key=("channel", "measure"),
    ),
    Table(
        "channel_response",
        "one row a channel: orders a month = scale x cost ^ exponent, within the costs observed",
        (
            Column("channel", "text", "the channel", required=True),
            Column("scale", "number", "orders at a cost of one", "number", required=True),
            Column("exponent", "number", "how orders answer to cost", "number", required=True),
            Column("exponent_low", "number", "lower end of the 95% interval", "number"),
            Column("exponent_high", "number", "upper end of the 95% interval", "number"),
            Column("own_exponent", "number", "the same before it is drawn to the other channels", "number"),
            Column("r_squared", "number", "share of the months' differences the curve explains", "number"),
            Column("months", "integer", "months it was fitted to", "count"),
            Column("cost_low", "money", "lowest cost observed in a month", "money"),
            Column("cost_high", "money", "highest cost observed in a month", "money"),
            Column("cost_now", "money", "mean cost of the last months", "money"),
            Column("orders_now", "number", "orders a month the curve expects at that cost", "count"),
            Column("doubling", "number", "orders won by doubling the cost", "share"),
            Column("note", "text", "what to beware of"),
        ),
        key=("channel",),
    ),
    Table(
        "channel_plan",
        "one row a channel: the month's cost now and as planned, with what it brings",
        (
            Column("channel", "text", "the channel", required=True),
            Column("cost_now", "money", "cost of a month now", "money"),
            Column("cost_planned", "money", "cost of a month as planned", "money"),
            Column("change", "number", "planned over present cost, less one", "share"),
            Column("orders_now", "number", "orders a month now, by the curve", "count"),
            Column("orders_planned", "number", "orders a month as planned", "count"),
            Column("value_now", "money", "money a month now", "money"),
            Column("value_planned", "money", "money a month as planned", "money"),
            Column("marginal_now", "number", "money that one unit more brings now", "number"),
            Column("marginal_planned", "number", "money that one unit more brings as planned", "number"),
            Column("at_bound", "text", "where the plan stops at a cost observed"),
        ),
        key=("channel",),
    ),
    Table(
        "channel_attribution",
        "one row a channel: orders credited to it, each way; credit is not cause",
        (
            Column("channel", "text", "the channel", required=True),
            Column("last", "number", "orders whose last contact it was", "count"),
            Column("first", "number", "orders whose first contact it was", "count"),
            Column("linear", "number", "orders shared alike among all contacts", "count"),
            Column("markov", "number", "orders by what a chain of contacts loses without it", "count"),
            Column("shapley", "number", "orders by its mean part in all coalitions of channels", "count"),
            Column("lowest", "number", "smallest share of all credit by any way", "share"),
            Column("highest", "number", "largest share of all credit by any way", "share"),
            Column("disagree", "boolean", "whether the ways differ by five points or more"),
        ),
        key=("channel",),
    ),
    Table(
        "contact_list",
        "one row a customer and planned contact, or one that says why there is none; who is held out is kept",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("band", "text", "group by what was spent lately", required=True),
            Column("channel", "text", "channel of the contact; empty where none is planned"),
            Column("arm", "text", "contact, or held out by lot", choices=("contact", "holdout")),
            Column("expected_sales", "number", "sales a contact is expected to add", "money"),
            Column("expected_gain", "number", "margin on these, less the cost of the contact", "money"),
            Column("cost", "number", "cost of the contact", "money"),
            Column("reason", "text", "why this channel, or why none", required=True),
        ),
        key=("customer_id", "channel"),
    ),
    Table(
        "contact_plan",
        "one row a channel and group: contacts planned, held out by lot, and what one is expected to bring",
        (
            Column("channel", "text", "the channel", required=True),
            Column("band", "text", "group by what was spent lately", required=True),
            Column("contacts", "integer", "contacts planned", "count", required=True),
            Column("held_out", "integer", "customers held out by lot", "count", required=True),
            Column("effect", "number", "sales a contact adds", "money"),
            Column("effect_low", "number", "lower end of the 95% interval", "money"),
            Column("effect_high", "number", "upper end of the 95% interval", "money"),
            Column("cost", "number", "cost of a contact", "money"),
            Column("gain", "number", "margin on the sales, less the cost", "money"),
            Column("customers", "integer", "customers compared in campaigns with a holdout", "count"),
            Column("campaigns", "integer", "such campaigns of the channel", "count"),
        ),
        key=("channel", "band"),
    ),
)
"""What channels do, what more money brings, the month's budget, credit for orders, and the next contacts."""
