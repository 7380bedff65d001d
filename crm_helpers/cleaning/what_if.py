"""What it takes to say who would be one person at another threshold, and what that person ordered.

Orders refer to people once people are found, so the orders of whoever might be somebody else are kept
by the customer id they came with.
"""

from __future__ import annotations

import ibis
import pandas as pd

from crm_helpers.lake import quote_identifier

__all__ = ["keep_pairs"]

_PAIRS = ["customer_id", "other_id", "probability", "person_id", "other_person_id"]
_ORDERS = ["customer_id", "order_id", "ordered_at", "amount"]
_PLACE = quote_identifier("orders of likely people")


def keep_pairs(
    connection: ibis.BaseBackend, pairs: pd.DataFrame | None, transactions: str
) -> dict[str, ibis.Table | pd.DataFrame]:
    """Keep the pairs that a threshold decides about, and the orders of their customers.

    Parameters
    ----------
    connection
        The engine, before transactions refer to people.
    pairs
        Pairs that only the threshold decides about, by customer; none when nobody was compared.
    transactions
        SQL of the clean order lines.

    Returns
    -------
    dict
        `people_pairs` and `people_orders`.
    """
    if pairs is None or pairs.empty:
        return {"people_pairs": pd.DataFrame(columns=_PAIRS), "people_orders": pd.DataFrame(columns=_ORDERS)}
    ends = pd.concat([pairs["customer_id"], pairs["other_id"]])
    connection.con.register("likely people", pd.DataFrame({"customer_id": ends.unique()}))
    connection.raw_sql(
        f"CREATE TEMP TABLE {_PLACE} AS SELECT customer_id, order_id, ordered_at,"
        f" CAST(sum(amount) AS DECIMAL(18, 4)) AS amount FROM ({transactions})"
        ' WHERE customer_id IN (SELECT customer_id FROM "likely people") GROUP BY ALL ORDER BY ALL'
    )
    connection.con.unregister("likely people")
    return {
        "people_pairs": pairs,
        "people_orders": connection.sql(f"FROM {_PLACE} ORDER BY ALL", dialect="duckdb"),
    }
