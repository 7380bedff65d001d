"""The order lines of the simulated company as its shop system exports them, returns and dirt included."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crm_helpers.demo.dirt import Ledger, hits, plant, repeated
from crm_helpers.demo.orders import Lines, Orders
from crm_helpers.demo.people import Records
from crm_helpers.demo.plan import CHANNELS, WINDOW_END
from crm_helpers.demo.text import identifiers

__all__ = ["SHOPS", "order_identifiers", "transaction_month", "transaction_query"]

SHOPS = 40
_SHOP = next(place for place, channel in enumerate(CHANNELS) if channel.name == "shop")
_RETURNED, _RETURN_DAYS = 0.02, (3, 21)
_ORPHAN = ("transactions", "customer id not in the customer file", "flagged")
_PRICELESS = ("transactions", "amount missing", "quarantined")
_NAMELESS = ("transactions", "product missing", "none")
_AGAIN = ("transactions", "exact duplicate row", "merged")
_FULL_TIME, _SHOP_TIME = "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M"
# Money travels as whole fen and turns into yuan by exact decimal arithmetic.
_QUERY = f"""
SELECT
    'SO' || lpad(sale::VARCHAR, 10, '0') AS order_no,
    order_no || '-' || line || CASE WHEN quantity < 0 THEN 'R' ELSE '' END AS line_no,
    lpad(customer::VARCHAR, {{width}}, '0') AS customer_no,
    CASE WHEN shop IS NULL THEN strftime(moment, '{_FULL_TIME}')
        ELSE strftime(moment, '{_SHOP_TIME}') END AS order_time,
    'P' || lpad(product::VARCHAR, 4, '0') AS sku,
    quantity AS qty,
    coalesce((amount::DECIMAL(15, 0) * 0.01::DECIMAL(3, 2))::VARCHAR, CASE line WHEN 1 THEN '-' END) AS paid,
    discount::DECIMAL(15, 0) * 0.01::DECIMAL(3, 2) AS discount,
    cost::DECIMAL(15, 0) * 0.01::DECIMAL(3, 2) AS goods_cost,
    channel,
    'S' || lpad(shop::VARCHAR, 3, '0') AS shop
FROM rows
"""


def order_identifiers(number: np.ndarray) -> pa.Array:
    """Write order numbers as the export does.

    Examples
    --------
    >>> order_identifiers(np.array([17])).to_pylist()
    ['SO0000000017']
    """
    return identifiers(number, 10, prefix="SO")


def transaction_month(
    orders: Orders, lines: Lines, *, records: Records, first: int, random: np.random.Generator, ledger: Ledger
) -> pa.Table:
    """Make a month of order lines, numbers still as numbers.

    Parameters
    ----------
    orders, lines
        What was bought, orders in the order of time.
    records
        Ids of the people.
    first
        Number of the first order.
    random
        Random numbers.
    ledger
        Grows by the dirt planted.

    Returns
    -------
    pyarrow.Table
        One row a line, returns after the line they belong to.
    """
    size = len(orders)
    customer = records.number(orders.person, day=orders.day, coin=random.random(size))
    shop = np.where(orders.channel == _SHOP, 1 + orders.person % SHOPS, 0)
    orphan = np.isin(np.arange(size), hits(random, size, share=0.0005))
    customer = np.where(orphan, len(records) + 1 + orders.person % 90, customer)
    place, sign, wait = _with_returns(orders, lines, random)
    order, rows = lines.order[place], len(place)
    priceless = plant(ledger, _PRICELESS, rows=rows, chosen=hits(random, rows, share=0.001))
    nameless = plant(ledger, _NAMELESS, rows=rows, chosen=hits(random, rows, share=0.002))
    unknown = plant(ledger, _ORPHAN, rows=rows, chosen=np.flatnonzero(orphan[order] & ~priceless))
    spoilt = np.flatnonzero(priceless | nameless | unknown)
    again = np.setdiff1d(hits(random, rows, share=0.001), spoilt)
    ledger[_AGAIN] += len(again)
    table = pa.table(
        {
            "sale": first + order,
            "line": lines.line[place],
            "customer": customer[order],
            "moment": (orders.second[order] + wait).astype("datetime64[s]"),
            "product": pa.array(lines.product[place] + 1, mask=nameless),
            "quantity": lines.quantity[place] * sign,
            "amount": pa.array(lines.amount[place] * sign, mask=priceless),
            "discount": lines.discount[place] * sign,
            "cost": lines.cost[place] * sign,
            "channel": pa.array([c.name for c in CHANNELS]).take(pa.array(orders.channel[order])),
            "shop": pa.array(shop[order], mask=shop[order] == 0),
        }
    )
    return table.take(pa.array(repeated(rows, again)))


def _with_returns(
    orders: Orders, lines: Lines, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the places of lines, returned ones twice; the sign of each row; its seconds after the order."""
    size = len(lines.order)
    days = random.integers(*_RETURN_DAYS, size)
    back = random.random(size) < _RETURNED
    back &= orders.day[lines.order] + days < WINDOW_END
    place = repeated(size, np.flatnonzero(back))
    returns = np.concatenate([[False], place[1:] == place[:-1]])
    return place, np.where(returns, -1, 1), np.where(returns, days[place] * 86_400, 0)


def transaction_query(width: int) -> str:
    """Return the SQL that writes rows of `transaction_month` as the export has them.

    Parameters
    ----------
    width
        Digits of a customer id.

    Returns
    -------
    str
        A query over `rows`.
    """
    return _QUERY.format(width=width)
