"""What came back: every returned line led to the purchase before it, and sales gross, returned and net."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import ibis
import pandas as pd

from crm_helpers.cleaning.converted import PLACE
from crm_helpers.cleaning.standardise import clean_place
from crm_helpers.lake import quote_text

__all__ = ["FREE", "MATCHED", "NET", "SOLD", "UNMATCHED", "net_returns"]

SOLD, FREE, NET, _BACK = "sold", "for nothing", "net", "returned"
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
        `step`, `lines`, `amount`: sold, for nothing, returned in up to four ways, net.
    """
    sold = clean_place("transactions")
    signs = {SOLD: "amount > 0", FREE: "amount = 0", _BACK: "amount < 0", NET: "true"}
    totals = ", ".join(
        f"count(*) FILTER ({sign}), coalesce(sum(amount) FILTER ({sign}), 0)" for sign in signs.values()
    )
    found = connection.raw_sql(f"SELECT {totals} FROM {sold}").fetchone()
    steps = {step: found[2 * place : 2 * place + 2] for place, step in enumerate(signs)}
    if steps.pop(_BACK)[0]:
        key = "customer_id, product_id" if "product_id" in columns else "customer_id"
        steps |= {step: (lines, amount) for step, lines, amount in _returned(connection, sold, key)}
    order = [SOLD, FREE, *MATCHED, *UNMATCHED, NET]
    rows = [(step, *steps[step]) for step in order if step in steps and (steps[step][0] or step != FREE)]
    return pd.DataFrame(rows, columns=["step", "lines", "amount"])


def _returned(connection: ibis.BaseBackend, sold: str, key: str) -> list[tuple[str, int, Decimal]]:
    same, earlier, beyond, before = map(quote_text, (*MATCHED, *UNMATCHED))
    # an empty product joins nothing: such a return leads to no purchase
    lost = f"SELECT {before}, amount FROM {sold} WHERE amount < 0 AND product_id IS NULL"
    query = (
        f"SELECT CASE WHEN bought = 0 THEN {before} WHEN back > bought THEN {beyond}"
        f" WHEN same_order > 0 THEN {same} ELSE {earlier} END AS step, amount FROM ("
        " SELECT amount, sum(greatest(amount, 0)) OVER earlier AS bought,"
        " -sum(least(amount, 0)) OVER earlier AS back,"
        f" max(amount) OVER (PARTITION BY order_id, {key}) AS same_order"
        f" FROM {sold} SEMI JOIN (SELECT DISTINCT {key} FROM {sold} WHERE amount < 0) USING ({key})"
        f" WINDOW earlier AS (PARTITION BY {key} ORDER BY ordered_at, amount DESC, {PLACE}"
        f" ROWS UNBOUNDED PRECEDING)) WHERE amount < 0"
        f"{f' UNION ALL {lost}' if 'product_id' in key else ''}"
    )
    found: list[tuple[str, int, Decimal]] = connection.raw_sql(
        f"SELECT step, count(*), sum(amount) FROM ({query}) GROUP BY step"
    ).fetchall()
    return found
