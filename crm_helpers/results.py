"""The tables that pages publish: the same vocabulary for results as `tables.py` keeps for inputs."""

from __future__ import annotations

from crm_helpers.campaign_results import CAMPAIGN_RESULTS
from crm_helpers.channel_results import CHANNEL_RESULTS
from crm_helpers.needs_results import NEEDS_RESULTS
from crm_helpers.people_results import PEOPLE_RESULTS
from crm_helpers.quality_results import QUALITY_RESULTS
from crm_helpers.tables import Column, Table
from crm_helpers.value_results import VALUE_RESULTS

__all__ = ["RESULTS"]

_TABLE_NAME = Column("table", "text", "the canonical table", required=True)

_RESULTS: tuple[Table, ...] = (
    Table(
        "sources",
        "one row a source: what came in",
        (
            Column("source", "text", "name of the source", required=True),
            Column("kind", "text", "kind of source", required=True),
            Column("origin", "text", "where it comes from", required=True),
            Column("rows", "integer", "rows it holds", "count", required=True),
            Column("columns", "integer", "columns it has", "count", required=True),
            Column("used", "integer", "columns that feed a canonical table", "count", required=True),
            Column("fingerprint", "text", "hash of what was read", required=True),
            Column("tables", "text", "canonical tables it feeds"),
        ),
        key=("source",),
    ),
    Table(
        "mapping",
        "one row a source column: which canonical columns it feeds",
        (
            Column("source", "text", "name of the source", required=True),
            Column("column", "text", "name of the column there", required=True),
            Column("maps_to", "text", "canonical columns it feeds; empty when none"),
        ),
        key=("source", "column"),
    ),
    Table(
        "quality",
        "one row a table and rule; the rule 'every row' reconciles: read = clean + quarantined + merged",
        (
            _TABLE_NAME,
            Column("source", "text", "source of the rows"),
            Column("rule", "text", "the rule", required=True),
            Column("column", "text", "the column it is about"),
            Column("read", "integer", "rows read of the table", "count", required=True),
            Column("clean", "integer", "of these, clean", "count", required=True),
            Column("quarantined", "integer", "rows set aside", "count", required=True),
            Column("merged", "integer", "rows that another row stands for", "count", required=True),
            Column("set_missing", "integer", "values set missing in rows kept", "count", required=True),
            Column("flagged", "integer", "rows kept and flagged", "count", required=True),
            Column("derived", "integer", "rows added from other tables", "count", required=True),
        ),
        key=("table", "rule", "column"),
    ),
    Table(
        "quarantine",
        "one row a value or row that did not become clean, with its place in the source",
        (
            _TABLE_NAME,
            Column("source", "text", "source of the row", required=True),
            Column("row", "integer", "record of the source; a file's header is row 1", required=True),
            Column("column", "text", "the column"),
            Column("rule", "text", "the rule it breaks", required=True),
            Column("outcome", "text", "what became of it", required=True),
            Column("masked_value", "text", "form of the value: 9 a digit, x a letter"),
        ),
    ),
    Table(
        "census",
        "one row: what the clean tables hold, for whoever knows the company's own figures",
        (
            Column("customers", "integer", "customers", "count", required=True),
            Column("buyers", "integer", "customers who ordered", "count"),
            Column("orders", "integer", "orders", "count"),
            Column("lines", "integer", "order lines", "count"),
            Column("sales", "money", "sales, returns taken off", "money"),
            Column("first_order", "date", "day of the first order"),
            Column("last_order", "date", "day of the last order"),
            Column("largest_quantity", "number", "largest quantity on a line", "quantity"),
            Column("median_quantity", "number", "median quantity of a line", "quantity"),
            Column("communications", "integer", "contacts between customers and the company", "count"),
            Column("first_communication", "date", "day of the first of them"),
            Column("last_communication", "date", "day of the last of them"),
            Column("campaigns", "integer", "campaigns", "count"),
            Column("contacts", "integer", "campaign contacts", "count"),
            Column("customers_contacted", "integer", "customers contacted", "count"),
            Column("responses", "integer", "contacts that led to a response", "count"),
        ),
    ),
    Table(
        "missing_values",
        "one row a mapped column: how often it is empty in the clean table",
        (
            _TABLE_NAME,
            Column("column", "text", "the column", required=True),
            Column("rows", "integer", "clean rows that should have a value", "count", required=True),
            Column("missing", "integer", "rows where it is empty", "count", required=True),
            Column("share", "number", "share of the rows where it is empty", "share", required=True),
        ),
        key=("table", "column"),
    ),
    *QUALITY_RESULTS,
    Table(
        "sales_bridge",
        "one row a step: sales from the source to the clean table",
        (
            Column("step", "text", "the step", required=True),
            Column("rows", "integer", "transaction lines", "count", required=True),
            Column("amount", "money", "their sales", "money", required=True),
            Column("meets", "integer", "lines it is true of, also those a step before took", "count"),
        ),
        key=("step",),
    ),
    *PEOPLE_RESULTS,
    Table(
        "segments",
        "one row a customer: where the customer stands as of the date",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("segment", "text", "name of the segment by rule", required=True),
            Column("cluster", "text", "name of the group of alike customers", required=True),
            Column("use", "text", "which of the two may be used outside the report", required=True),
            Column("recency_score", "integer", "1 silent for long, the highest ordered lately", "score"),
            Column("frequency_score", "integer", "1 few orders, the highest many", "score"),
            Column("monetary_score", "integer", "1 little money, the highest much", "score"),
            Column("orders", "integer", "orders in the window, net above zero", "count", required=True),
            Column("revenue", "money", "money in the window, net of returns", "money", required=True),
            Column("mean_order", "number", "mean value of an order", "money"),
            Column("first_order", "date", "day of the first order in the window"),
            Column("last_order", "date", "day of the last order in the window"),
            Column("recency_days", "integer", "days from the last order to the date", "days", minimum=1),
            Column("tenure_days", "integer", "days from the first order to the date", "days", minimum=1),
        ),
        key=("customer_id",),
    ),
    Table(
        "segment_profile",
        "one row a segment: how many customers, what they are worth and what they deserve",
        (
            Column("segment", "text", "name of the segment by rule", required=True),
            Column("customers", "integer", "customers", "count", required=True),
            Column("share_of_customers", "number", "share of all customers", "share", required=True),
            Column("revenue", "money", "money in the window, net of returns", "money", required=True),
            Column("share_of_revenue", "number", "share of all money", "share"),
            Column("share_of_revenue_low", "number", "lower end of its interval", "share"),
            Column("share_of_revenue_high", "number", "upper end of its interval", "share"),
            Column("median_recency", "number", "median days since the last order", "days"),
            Column("median_orders", "number", "median number of orders", "number"),
            Column("median_order_value", "money", "median of the customers' mean order", "money"),
            Column("median_revenue", "money", "median money a customer", "money"),
            Column("effort", "text", "what the segment deserves"),
        ),
        key=("segment",),
    ),
    Table(
        "cluster_profile",
        "one row a group of alike customers: what they do, and how sure the group is",
        (
            Column("cluster", "text", "name of the group of alike customers", required=True),
            Column("customers", "integer", "customers", "count", required=True),
            Column("share_of_customers", "number", "share of those who ordered", "share", required=True),
            Column("share_of_revenue", "number", "share of their money", "share"),
            Column("median_recency", "number", "median days since the last order", "days"),
            Column("median_orders", "number", "median number of orders", "number"),
            Column("median_order_value", "money", "median of the customers' mean order", "money"),
            Column("median_revenue", "money", "median money a customer", "money"),
            Column("jaccard", "number", "mean Jaccard similarity over resampled customers", "number"),
            Column("trust", "text", "what that similarity means (Hennig 2007)"),
        ),
        key=("cluster",),
    ),
    Table(
        "segment_rules",
        "one row a rule: the segments as defined, the groups as the decision tree explains them",
        (
            Column("kind", "text", "segment or cluster", required=True, choices=("segment", "cluster")),
            Column("position", "integer", "order of the rules within the kind", "count", required=True),
            Column("name", "text", "name the rule gives", required=True),
            Column("rule", "text", "the rule in words", required=True),
            Column("effort", "text", "what the segment deserves"),
            Column("customers", "integer", "customers the rule holds for", "count", required=True),
            Column("share_right", "number", "share of them who bear that name", "share"),
            Column("use", "text", "whether the name may be used outside the report", required=True),
            Column("sql", "text", "the rule over the columns of segments; empty where it is shown only"),
        ),
        key=("kind", "position"),
    ),
    *VALUE_RESULTS,
    Table(
        "segment_moves",
        "one row a segment of the last report, one of this and a reason: customers who went that way",
        (
            Column("before", "text", "segment in the last report", required=True),
            Column("after", "text", "segment in this one", required=True),
            Column("reason", "text", "why it changed, or that it stayed", required=True),
            Column("customers", "integer", "customers", "count", required=True),
            Column("share", "number", "share of the customers of the segment before", "share", required=True),
        ),
        key=("before", "after", "reason"),
    ),
    Table(
        "rule_sets",
        "one row a set of rules and segment: life cycle, value, age, and the company's own",
        (
            Column("set", "text", "the set of rules", required=True),
            Column("segment", "text", "name the rule gives", required=True),
            Column("customers", "integer", "customers", "count", required=True),
            Column("share_of_customers", "number", "share of customers", "share", required=True),
            Column("share_of_revenue", "number", "share of sales", "share"),
            Column("sql", "text", "the rule as a condition; empty for everybody else"),
        ),
        key=("set", "segment"),
    ),
    *NEEDS_RESULTS,
    *CHANNEL_RESULTS,
    *CAMPAIGN_RESULTS,
)

RESULTS: dict[str, Table] = {table.name: table for table in _RESULTS}
"""Published tables by name."""
