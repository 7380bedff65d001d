"""What came back: every returned line led to the purchase before it, and sales gross, returned and net."""

from __future__ import annotations

from collections.abc import Collection

import ibis
import pandas as pd

from crm_helpers.cleaning.standardise import clean_place
from crm_helpers.ingest.readers import ROW
from crm_helpers.lake import quote_text

__all__ = ["MATCHED", "UNMATCHED", "net_returns"]

SOLD, FREE, NET = "sold", "for nothing", "net"
MATCHED = ("returned from the same order", "returned from an earlier order")
UNMATCHED = ("returned beyond what was bought", "returned without a purchase before")


def net_returns(connection: ibis.BaseBackend, columns: Collection[str]) -> pd.DataFrame:
    """Net returned lines against earlier purchases of the same customer and product.

    A line with a negative amount is a return. It is matched as long as the customer's returns of the product
    do not add up to more money than the purchases so far; without products, the customer's own purchases
    count. What has no purchase before it was bought before the data begin, or never.

    Parameters
    ----------
    connection
        The engine, with the clean transactions in it.
    columns
        Mapped columns of transactions.

    Returns
    -------
    pd.DataFrame
        `step`, `lines`, `customers`, `amount`: sold, for nothing, returned in up to four ways, net.
    """
    key = "customer_id, product_id" if "product_id" in columns else "customer_id"
    sold = clean_place("transactions")
    returned = (
        f"SELECT *, {_status()} AS step FROM ("
        f"SELECT customer_id, amount, {ROW},"
        f" sum(greatest(amount, 0)) OVER earlier AS bought, -sum(least(amount, 0)) OVER earlier AS back,"
        f" max(amount) OVER (PARTITION BY order_id, {key}) AS same_order"
        f" FROM {sold} SEMI JOIN (SELECT DISTINCT {key} FROM {sold} WHERE amount < 0) USING ({key})"
        f" WINDOW earlier AS (PARTITION BY {key} ORDER BY ordered_at, amount DESC, {ROW}"
        " ROWS UNBOUNDED PRECEDING)) WHERE amount < 0"
    )
    places = {step: place for place, step in enumerate((SOLD, FREE, *MATCHED, *UNMATCHED, NET))}
    order = " ".join(f"WHEN {quote_text(step)} THEN {place}" for step, place in places.items())
    counts = "count(*) AS lines, count(DISTINCT customer_id) AS customers"
    money = "CAST(coalesce(sum(amount), 0) AS DECIMAL(18, 4)) AS amount"
    parts = [
        f"SELECT {quote_text(SOLD)} AS step, {counts}, {money} FROM {sold} WHERE amount > 0",
        f"SELECT {quote_text(FREE)}, {counts}, {money} FROM {sold} WHERE amount = 0 HAVING count(*) > 0",
        f"SELECT step, {counts}, {money} FROM ({_with_lost_keys(returned, key)}) GROUP BY step",
        f"SELECT {quote_text(NET)}, {counts}, {money} FROM {sold}",
    ]
    query = f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY CASE step {order} END"
    frame: pd.DataFrame = connection.sql(query, dialect="duckdb").to_pandas()
    return frame


def _status() -> str:
    same, earlier, beyond, before = map(quote_text, (*MATCHED, *UNMATCHED))
    return (
        f"CASE WHEN bought = 0 THEN {before} WHEN back > bought THEN {beyond}"
        f" WHEN same_order > 0 THEN {same} ELSE {earlier} END"
    )


def _with_lost_keys(returned: str, key: str) -> str:
    """Add the returned lines without a product: an empty key joins nothing, and leads to no purchase."""
    if "product_id" not in key:
        return f"SELECT step, customer_id, amount FROM ({returned})"
    lost = (
        f"SELECT {quote_text(UNMATCHED[1])}, customer_id, amount FROM {clean_place('transactions')}"
        " WHERE amount < 0 AND product_id IS NULL"
    )
    return f"SELECT step, customer_id, amount FROM ({returned}) UNION ALL {lost}"
