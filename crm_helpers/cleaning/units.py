"""Is one product sold in two units? Months in which its price is a hundred or a thousand times another."""

from __future__ import annotations

import math
from collections.abc import Collection

import ibis

from crm_helpers.cleaning.standardise import clean_place

__all__ = ["price_jumps"]

FACTORS = (100, 1000)  # cents for euros, grammes for kilogrammes
TOLERANCE = 0.05  # of the decimal logarithm: a price may move by an eighth beside its unit
FEWEST = 3  # lines that make a month's price


def price_jumps(connection: ibis.BaseBackend, columns: Collection[str]) -> int:
    """Count the lines of months whose median price is off the product's own by one of the factors.

    Parameters
    ----------
    connection
        The engine, with the clean transactions in it.
    columns
        Mapped columns of transactions; without product and quantity there is no price.

    Returns
    -------
    int
        Lines of such months, over all products.
    """
    if not {"product_id", "quantity"} <= set(columns):
        return 0
    priced = (
        "SELECT product_id, ordered_at, CAST(amount AS DOUBLE) / quantity AS price"
        f" FROM {clean_place('transactions')} WHERE amount > 0 AND quantity > 0 AND product_id IS NOT NULL"
    )
    # few products have prices so far apart: only theirs are put in order of size
    suspects = (
        f"SELECT product_id FROM ({priced}) GROUP BY product_id"
        f" HAVING max(price) > {FACTORS[0] * 10**-TOLERANCE} * min(price)"
    )
    off = "abs(log10(m.price / u.price))"
    near = " OR ".join(f"abs({off} - {math.log10(factor)}) < {TOLERANCE}" for factor in FACTORS)
    found = connection.raw_sql(
        f"WITH months AS (SELECT product_id, date_trunc('month', ordered_at) AS month, count(*) AS rows,"
        f" quantile_disc(price, 0.5) AS price FROM ({priced}) SEMI JOIN ({suspects}) USING (product_id)"
        f" GROUP BY ALL HAVING count(*) >= {FEWEST}),"
        " usual AS (SELECT product_id, quantile_disc(price, 0.5) AS price FROM months GROUP BY product_id)"
        f" SELECT coalesce(sum(m.rows), 0) FROM months m JOIN usual u USING (product_id) WHERE {near}"
    ).fetchone()
    return int(found[0])
