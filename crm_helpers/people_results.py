"""The tables that pages publish of people, households and companies: a part of `results.py`."""

from __future__ import annotations

from crm_helpers.tables import Column, Table

__all__ = ["PEOPLE_RESULTS"]

PEOPLE_RESULTS: tuple[Table, ...] = (
    Table(
        "people",
        "one row a customer of the source: the customer id the person goes by in all clean tables",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column(
                "person_id", "text", "the person's id, one of theirs", required=True, personal="identifier"
            ),
        ),
        key=("customer_id",),
    ),
    Table(
        "people_review",
        "one row a pair that may be one person, for somebody to decide",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("other_id", "text", "the other customer", required=True, personal="identifier"),
            Column("probability", "number", "chance that they are one person", "share", required=True),
            Column("evidence", "text", "what agrees and what does not", required=True),
            Column("reason", "text", "why they were held apart, where they were"),
            Column("rule", "text", "what brought the pair together"),
        ),
        key=("customer_id", "other_id"),
    ),
    Table(
        "people_rules",
        "one row a rule by which customers are compared at all: those who share what it names",
        (
            Column("rule", "text", "what two customers must share", required=True),
            Column("records", "integer", "customers who have it", "count", required=True),
            Column("pairs", "integer", "pairs who share it", "count", required=True),
            Column("largest_block", "integer", "most customers of one value", "count", required=True),
            Column("excluded_values", "integer", "values too common to compare", "count", required=True),
            Column("excluded_records", "integer", "customers who have these", "count", required=True),
            Column("used", "boolean", "whether its pairs were compared", required=True),
            Column("reason", "text", "why not, where not"),
        ),
        key=("rule",),
    ),
    Table(
        "people_log",
        "one row an id that changed since the clean version before",
        (
            Column("event", "text", "merged into another person, or split", required=True),
            Column("before", "text", "the person's id before", required=True, personal="identifier"),
            Column("after", "text", "the person's id now", required=True, personal="identifier"),
            Column("customers", "integer", "customers who went over", "count", required=True),
        ),
        key=("before", "after"),
    ),
    Table(
        "people_curve",
        "one row a threshold: how many people there would be if pairs were merged from it on",
        (
            Column("threshold", "number", "probability from which a pair is merged", "share", required=True),
            Column("pairs", "integer", "pairs at or above it", "count", required=True),
            Column("merged", "integer", "rows that join another", "count", required=True),
            Column("people", "integer", "people", "count", required=True),
        ),
        key=("threshold",),
    ),
    Table(
        "people_pairs",
        "one row a pair of customers that only the threshold makes one person or two",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("other_id", "text", "the other customer", required=True, personal="identifier"),
            Column("probability", "number", "chance that they are one person", "share", required=True),
            Column("person_id", "text", "the customer's person", required=True, personal="identifier"),
            Column("other_person_id", "text", "the other's person", required=True, personal="identifier"),
        ),
        key=("customer_id", "other_id"),
    ),
    Table(
        "people_orders",
        "one row an order and time of the customers in these pairs, by the id they came with",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("order_id", "text", "the order", required=True),
            Column("ordered_at", "datetime", "time of the order", required=True),
            Column("amount", "money", "money received", "money", required=True),
        ),
        key=("customer_id", "order_id", "ordered_at"),
    ),
    Table(
        "people_thresholds",
        "one row a threshold and segment: how segments would move if people were merged from it on",
        (
            Column("threshold", "number", "probability from which a pair is merged", "share", required=True),
            Column("people", "integer", "customers there would be in all", "count", required=True),
            Column("segment", "text", "name of the segment by rule", required=True),
            Column("customers", "integer", "customers it would have", "count", required=True),
            Column("change", "integer", "more or fewer than it has", "count", required=True),
            Column("moved", "integer", "rows of the source that would come into it", "count", required=True),
        ),
        key=("threshold", "segment"),
    ),
    Table(
        "people_provenance",
        "one row a merged person and column: the customer the value was taken from, and by which rule",
        (
            Column("person_id", "text", "the person's id", required=True, personal="identifier"),
            Column("column", "text", "the column of customers", required=True),
            Column("customer_id", "text", "the customer it is from", required=True, personal="identifier"),
            Column("rule", "text", "the rule of survivorship", required=True),
        ),
        key=("person_id", "column"),
    ),
    Table(
        "households",
        "one row a customer and group: who belongs together, by the relations",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column("household_id", "text", "one of its customers", required=True, personal="identifier"),
            Column("kind", "text", "household or company", required=True),
            Column("customers", "integer", "customers of the group", "count", required=True),
            Column("believed", "boolean", "not too large for its kind", required=True),
        ),
        key=("customer_id", "kind"),
    ),
    Table(
        "household_value",
        "one row a group: what its customers ordered together",
        (
            Column("household_id", "text", "one of its customers", required=True, personal="identifier"),
            Column("kind", "text", "household or company", required=True),
            Column("customers", "integer", "customers of the group", "count", required=True),
            Column("believed", "boolean", "not too large for its kind", required=True),
            Column("buyers", "integer", "of these, customers who ordered", "count", required=True),
            Column("orders", "integer", "orders", "count", required=True),
            Column("sales", "money", "their sales, returns taken off", "money", required=True),
            Column("last_order", "date", "day of the last order"),
        ),
        key=("household_id", "kind"),
    ),
    Table(
        "household_sizes",
        "one row a kind and size of group; one customer is a customer in no such group",
        (
            Column("kind", "text", "household or company", required=True),
            Column("customers", "integer", "customers of a group", "count", required=True),
            Column("groups", "integer", "groups of that size", "count", required=True),
            Column("share_of_customers", "number", "share of all customers", "share", required=True),
            Column("sales", "money", "their sales, returns taken off", "money", required=True),
            Column("share_of_sales", "number", "share of all sales", "share"),
            Column("sales_each", "number", "sales a customer", "money"),
        ),
        key=("kind", "customers"),
    ),
    Table(
        "household_relations",
        "one row a kind of relation: how many there are, and which of them lead nowhere",
        (
            Column("kind", "text", "household, company or other", required=True),
            Column("relations", "integer", "relations", "count", required=True),
            Column("to_themselves", "integer", "of a customer to themselves", "count", required=True),
            Column("to_nobody", "integer", "to a customer who is not known", "count", required=True),
            Column("groups", "integer", "groups they make", "count", required=True),
            Column("too_large", "integer", "of these, too large to be believed", "count", required=True),
        ),
        key=("kind",),
    ),
)
