"""Channels month by month, and the plans of sales and service, as the simulated company keeps them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crm_helpers.demo.catalogue import CATEGORIES
from crm_helpers.demo.directory import REGIONS
from crm_helpers.demo.dirt import Ledger
from crm_helpers.demo.orders import Curves
from crm_helpers.demo.people import People
from crm_helpers.demo.plan import CHANNELS, MONTH_STARTS, MONTHS, generator
from crm_helpers.demo.service import CONTACTS_PER_CUSTOMER
from crm_helpers.demo.text import dates, pick
from crm_helpers.demo.words import book

__all__ = ["channel_table", "sales_plan", "service_plan"]

_OWNERS = [item["owner"] for item in book("words")["regions"].values()]


def channel_table(people: People, curves: Curves, *, seed: int, ledger: Ledger) -> pa.Table:
    """Make one row a month and channel: orders and cost of the curves, and the counts around them.

    `orders` are those the channel won by itself; orders that campaigns brought are not in them.

    Parameters
    ----------
    people
        The people; they belong to the channel that won them.
    curves
        Cost and orders.
    seed
        The company's seed.
    ledger
        Grows by the dirt planted.

    Returns
    -------
    pyarrow.Table
        144 rows.
    """
    random, size = generator(seed, 11), MONTHS * len(CHANNELS)
    orders = curves.orders.ravel()
    conversion = np.tile([c.conversion for c in CHANNELS], MONTHS) * np.exp(random.normal(0, 0.08, size))
    visits = orders + random.poisson(np.maximum(orders, 1) * (1 / conversion - 1))
    broken, unknown = np.split(random.permutation(size)[:4], 2)
    visits[broken] = -1
    ledger["channels", "visits of -1", "set missing"] += len(broken)
    ledger["channels", "visits missing", "none"] += len(unknown)
    scores = np.tile([c.satisfaction for c in CHANNELS], MONTHS)
    started, won, lost = _movements(people)
    return pa.table(
        {
            "month": dates(np.repeat(MONTH_STARTS[:MONTHS], len(CHANNELS))),
            "channel": pick([c.name for c in CHANNELS], np.tile(np.arange(len(CHANNELS)), MONTHS)),
            "visits": pa.array(visits, mask=np.isin(np.arange(size), unknown)),
            "orders": orders,
            "spend": curves.cost.ravel(),
            "customers_start": started,
            "customers_new": won,
            "customers_lost": lost,
            "sat_product": _score(3.9 + 0.3 * scores, random),
            "sat_service": _score(3.6 + scores, random),
            "sat_delivery": _score(3.7 + 0.5 * scores, random),
        }
    )


def _score(middle: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.round(np.clip(middle + random.normal(0, 0.1, len(middle)), 1, 5), 2)


def _movements(people: People) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count customers at the start of each month and channel, and those won and lost in it."""
    joined, churned = (_count(days, people.home) for days in (people.joined, people.churned))
    before = (joined - churned).cumsum(axis=0)[:-1]
    return before.ravel(), joined[1:].ravel(), churned[1:].ravel()


def _count(days: np.ndarray, home: np.ndarray) -> np.ndarray:
    """Count days by month (row 0 is all that came before the window) and channel."""
    month = np.searchsorted(MONTH_STARTS[: MONTHS + 1], days, side="right")
    rows = MONTHS + 2
    table = np.bincount(month * len(CHANNELS) + home, minlength=rows * len(CHANNELS))
    return table.reshape(rows, len(CHANNELS))[: MONTHS + 1]


def sales_plan(revenue: np.ndarray, orders: np.ndarray, *, seed: int) -> pa.Table:
    """Plan sales by month, region and category around what an even month would bring.

    Parameters
    ----------
    revenue, orders
        Revenue in CNY and orders of the 24 months, by region (rows) and category (columns).
    seed
        The company's seed.

    Returns
    -------
    pyarrow.Table
        One row a month, region and category.
    """
    random, cells = generator(seed, 12), len(REGIONS) * len(CATEGORIES)
    month, cell = np.divmod(np.arange(MONTHS * cells), cells)
    region, category = np.divmod(cell, len(CATEGORIES))
    ambition = np.linspace(0.9, 1.15, MONTHS)[month] * np.exp(random.normal(0, 0.08, len(month)))
    first = MONTH_STARTS[:MONTHS][month]
    return pa.table(
        {
            "月份": dates(first, "/", month="/"),
            "省份": pick(REGIONS, region),
            "品类": pick(CATEGORIES, category),
            "负责人": pick(_OWNERS, region),
            "计划销售额": np.round(revenue.ravel()[cell] / MONTHS * ambition, -1),
            "计划订单数": np.rint(orders.ravel()[cell] / MONTHS * ambition).astype(np.int64),
        }
    )


def service_plan(customers: int) -> pa.Table:
    """Plan the service by month and channel.

    Parameters
    ----------
    customers
        People of the company; contacts are in proportion.

    Returns
    -------
    pyarrow.Table
        144 rows.
    """
    month, channel = np.divmod(np.arange(MONTHS * len(CHANNELS)), len(CHANNELS))
    share = np.array([c.contact_share for c in CHANNELS])[channel]
    return pa.table(
        {
            "月份": dates(MONTH_STARTS[:MONTHS][month], "/", month="/"),
            "渠道": pick([c.name for c in CHANNELS], channel),
            "计划接待量": np.rint(share * customers * CONTACTS_PER_CUSTOMER / MONTHS * 1.05).astype(np.int64),
            "计划处理小时": np.array([c.hours for c in CHANNELS])[channel],
            "计划满意度": np.where(share > 0.2, 4.0, 3.6),
        }
    )
