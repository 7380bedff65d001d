"""The tables that the quality page publishes of what it measured; part of `crm_helpers.results`."""

from __future__ import annotations

from crm_helpers.tables import Column, Table

__all__ = ["QUALITY_RESULTS"]

_TABLE_NAME = Column("table", "text", "the canonical table", required=True)

QUALITY_RESULTS: tuple[Table, ...] = (
    Table(
        "problems",
        "one row a rule that bit, ranked by the harm it does",
        (
            _TABLE_NAME,
            Column("column", "text", "the column it is about"),
            Column("rule", "text", "the rule", required=True),
            Column("rows", "integer", "rows it touches", "count", required=True),
            Column("share", "number", "share of the table's rows", "share", required=True),
            Column("effect", "text", "what became of the rows", required=True),
            Column("advice", "text", "what to do", required=True),
        ),
        key=("table", "rule", "column", "effect"),
    ),
    Table(
        "quality_dimensions",
        "one row a table and dimension of its quality: the share of cases that are right",
        (
            _TABLE_NAME,
            Column(
                "dimension",
                "text",
                "completeness, validity, uniqueness, consistency or timeliness",
                required=True,
            ),
            Column("share", "number", "share of the cases that are right", "share", required=True),
            Column("good", "integer", "cases that are right", "count", required=True),
            Column("cases", "integer", "cases looked at", "count", required=True),
            Column("cases_of", "text", "what a case is", required=True),
            Column("newest", "date", "day of the last record, where records arrive month by month"),
            Column("age_days", "integer", "days from it to the day the numbers stand for", "days"),
            Column("share_before", "number", "the share in the last report on other data", "share"),
            Column("change", "number", "the share less the one before", "share"),
        ),
        key=("table", "dimension"),
    ),
    Table(
        "arrivals",
        "one row a month of a table that grows from month to month: how many records came",
        (
            _TABLE_NAME,
            Column("month", "date", "its first day", required=True),
            Column("rows", "integer", "records", "count", required=True),
            Column("newest", "date", "day of the last one", required=True),
        ),
        key=("table", "month"),
    ),
    Table(
        "reference_checks",
        "one row a reference between two tables, looked up from both ends",
        (
            Column("table", "text", "the table that refers", required=True),
            Column("column", "text", "its column", required=True),
            Column("refers_to", "text", "table and column it refers to", required=True),
            Column("kind", "text", "reference, or words that two tables share", required=True),
            Column("rows", "integer", "rows with a value", "count", required=True),
            Column("unknown_rows", "integer", "of these, rows that lead nowhere", "count", required=True),
            Column("unknown_values", "integer", "different values that lead nowhere", "count", required=True),
            Column("near_rows", "integer", "of these rows, known in another writing", "count", required=True),
            Column(
                "near_values", "integer", "different values known in another writing", "count", required=True
            ),
            Column("example", "text", "one of them, where it is nobody's personal data"),
            Column("known_values", "integer", "values on the other side", "count", required=True),
            Column("unused_values", "integer", "of these, referred to by no row", "count", required=True),
        ),
        key=("table", "column", "refers_to"),
    ),
    Table(
        "outliers",
        "one row a column of numbers: what lies far from the rest, flagged and kept",
        (
            _TABLE_NAME,
            Column("column", "text", "the column", required=True),
            Column("rule", "text", "robust z, or bounds the profile declares", required=True),
            Column("values", "integer", "values held against it", "count", required=True),
            Column("median", "number", "median of their size", "quantity"),
            Column("low", "number", "lowest that is not flagged", "quantity"),
            Column("high", "number", "highest that is not flagged", "quantity"),
            Column("below", "integer", "values below", "count", required=True),
            Column("above", "integer", "values above", "count", required=True),
            Column("share", "number", "share of the values outside", "share", required=True),
        ),
        key=("table", "column"),
    ),
    Table(
        "returns",
        "one row a step from gross to net sales: returned lines by the purchase they belong to",
        (
            Column("step", "text", "the step", required=True),
            Column("lines", "integer", "transaction lines", "count", required=True),
            Column("amount", "money", "their money", "money", required=True),
        ),
        key=("step",),
    ),
    Table(
        "missing_by_segment",
        "one row a column of customers and segment: how often it is empty",
        (
            Column("column", "text", "the column of customers", required=True),
            Column("segment", "text", "the segment by rule", required=True),
            Column("customers", "integer", "customers of the segment", "count", required=True),
            Column("missing", "integer", "of these, with an empty value", "count", required=True),
            Column("share", "number", "share of them with an empty value", "share", required=True),
        ),
        key=("column", "segment"),
    ),
)
"""Problems, dimensions, arrivals, references, outliers, returns and missing values by segment."""
