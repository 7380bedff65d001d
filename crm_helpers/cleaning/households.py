"""Which customers belong together, and what they are worth together: relations become groups.

Related customers are one group however long the way from one to the other is: connected components, in
the engine. A group is named by one of its own customers, so it keeps its name while that customer stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import pandas as pd

from crm_helpers.cleaning.people.clusters import components
from crm_helpers.cleaning.standardise import clean_place
from crm_helpers.lake import quote_text

__all__ = ["HOUSEHOLD_TABLES", "group_customers"]

HOUSEHOLD_TABLES = ("households", "household_value", "household_sizes", "household_relations")
"""What a clean version holds of groups, where the company has relations."""


@dataclass(frozen=True)
class _Kind:
    """One kind of group: the words that sources use for its relations, and how large it can be."""

    name: str
    words: tuple[str, ...]
    most: int  # customers; a larger one hangs together by a mistake


_KINDS = (
    _Kind("household", (
        "household", "family", "spouse", "partner", "husband", "wife", "parent", "mother", "father", "child",
        "son", "daughter", "sibling", "brother", "sister", "家庭", "家人", "家属", "夫妻", "配偶",
    ), 20),
    _Kind("company", (
        "company", "colleague", "employer", "employee", "subsidiary", "parent company", "branch", "account",
        "公司", "企业", "同事", "单位", "子公司", "母公司",
    ), 1_000),
)  # fmt: skip
_OTHER = "other"  # friends and referrals make no group: they would join everybody
_KIN, _NODES, _GROUPS, _SALES = "kin", "kin_nodes", "kin_groups", "kin_sales"


def group_customers(connection: ibis.BaseBackend) -> dict[str, pd.DataFrame]:
    """Make households and company groups of the clean relations.

    Parameters
    ----------
    connection
        The engine with the views of the clean customers, transactions and relations.

    Returns
    -------
    dict
        The frames of `HOUSEHOLD_TABLES`.
    """
    run = connection.raw_sql
    run(f"CREATE TEMP TABLE {_KIN} AS {_related()}")
    sided = "kind || chr(31) || {} AS {}"
    components(
        connection,
        f"SELECT {sided.format('customer_id', 'one')}, {sided.format('related_id', 'other')} FROM {_KIN}"
        " WHERE flaw = ''",
        _NODES,
    )
    run(f"CREATE TEMP TABLE {_GROUPS} AS {_members()}")
    run(f"CREATE TEMP TABLE {_SALES} AS {_spent()}")
    queries = (
        f"FROM {_GROUPS} ORDER BY kind, household_id, length(customer_id), customer_id",
        _worth(), _sizes(), _counted(),
    )  # fmt: skip
    frames = {
        name: connection.con.execute(query).df()
        for name, query in zip(HOUSEHOLD_TABLES, queries, strict=True)
    }
    for name in (_KIN, _NODES, _GROUPS, _SALES):
        run(f"DROP TABLE {name}")
    return frames


def _related() -> str:
    cases = " ".join(
        f"WHEN lower(trim(relation)) IN ({', '.join(map(quote_text, kind.words))})"
        f" THEN {quote_text(kind.name)}"
        for kind in _KINDS
    )
    known = f"(SELECT customer_id FROM {clean_place('customers')})"
    return (
        f"SELECT CASE {cases} ELSE {quote_text(_OTHER)} END AS kind, customer_id, related_id,"
        f" CASE WHEN customer_id = related_id THEN 'self' WHEN customer_id NOT IN {known}"
        f" OR related_id NOT IN {known} THEN 'nobody' WHEN kind = {quote_text(_OTHER)} THEN 'other'"
        f" ELSE '' END AS flaw FROM {clean_place('relations')}"
    )


def _members() -> str:
    most = " ".join(f"WHEN {quote_text(kind.name)} THEN {kind.most}" for kind in _KINDS)
    return (
        "WITH parts AS (SELECT split_part(node, chr(31), 1) AS kind,"
        f" split_part(node, chr(31), 2) AS customer_id, component FROM {_NODES})"
        " SELECT customer_id, first_value(customer_id) OVER (PARTITION BY component"
        " ORDER BY length(customer_id), customer_id) AS household_id, kind,"
        " count(*) OVER (PARTITION BY component) AS customers,"
        f" count(*) OVER (PARTITION BY component) <= CASE kind {most} END AS believed FROM parts"
    )


def _spent() -> str:
    return (
        "SELECT customer_id, count(DISTINCT order_id) AS orders, sum(amount) AS sales,"
        f" CAST(max(ordered_at) AS DATE) AS last_order FROM {clean_place('transactions')}"
        " GROUP BY customer_id"
    )


def _worth() -> str:
    return (
        "SELECT household_id, kind, any_value(customers) AS customers, any_value(believed) AS believed,"
        " count(s.customer_id) AS buyers, CAST(coalesce(sum(orders), 0) AS BIGINT) AS orders,"
        " CAST(coalesce(sum(sales), 0) AS DECIMAL(18, 4)) AS sales, max(last_order) AS last_order"
        f" FROM {_GROUPS} LEFT JOIN {_SALES} s USING (customer_id) GROUP BY household_id, kind"
        " ORDER BY kind, length(household_id), household_id"
    )


def _sizes() -> str:
    """Write SQL of the believed groups by size; customers in none are a size of one."""
    kinds = ", ".join(f"({quote_text(kind.name)})" for kind in _KINDS)
    return f"""
WITH grouped AS (
  SELECT kind, customers, household_id, g.customer_id, coalesce(sales, 0) AS sales
  FROM {_GROUPS} g LEFT JOIN {_SALES} USING (customer_id) WHERE believed
), alone AS (
  SELECT kind, 1 AS customers, c.customer_id AS household_id, c.customer_id, coalesce(sales, 0) AS sales
  FROM (VALUES {kinds}) k(kind) JOIN {clean_place("customers")} c ON true
  LEFT JOIN {_SALES} USING (customer_id)
  WHERE NOT EXISTS (SELECT 1 FROM grouped g WHERE g.customer_id = c.customer_id AND g.kind = k.kind)
    AND kind IN (SELECT kind FROM grouped)
), summed AS (
  SELECT kind, customers, count(DISTINCT household_id) AS groups, count(*) AS members, sum(sales) AS sales
  FROM (FROM grouped UNION ALL FROM alone) GROUP BY kind, customers
)
SELECT kind, customers, groups, members / sum(members) OVER (PARTITION BY kind) AS share_of_customers,
       CAST(sales AS DECIMAL(18, 4)) AS sales,
       CAST(sales AS DOUBLE) / nullif(CAST(sum(sales) OVER (PARTITION BY kind) AS DOUBLE), 0)
         AS share_of_sales,
       CAST(sales AS DOUBLE) / members AS sales_each
FROM summed ORDER BY kind DESC, customers"""


def _counted() -> str:
    return (
        "SELECT k.kind, count(*) AS relations, count_if(flaw = 'self') AS to_themselves,"
        " count_if(flaw = 'nobody') AS to_nobody,"
        f" (SELECT count(DISTINCT household_id) FROM {_GROUPS} g WHERE g.kind = k.kind) AS groups,"
        f" (SELECT count(DISTINCT household_id) FROM {_GROUPS} g WHERE g.kind = k.kind AND NOT believed)"
        f" AS too_large FROM {_KIN} k GROUP BY k.kind ORDER BY k.kind"
    )
