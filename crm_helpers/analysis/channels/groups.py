"""Channels by segment and by need: the same measures for each kind of customer, small groups without rank."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
from ibis import _

from crm_helpers.analysis.channels.measures import SEPARATOR, MeasureRow, ranked, ratio_rows

__all__ = ["by_group"]

_COLUMNS = ["channel", "kind", "group", "measure", "value", "low", "high", "cases", "rank"]


def by_group(
    communications: ibis.Table,
    transactions: ibis.Table,
    groups: dict[str, ibis.Table],
    *,
    as_of: date,
    minimum: int = 30,
) -> pd.DataFrame:
    """Measure satisfaction and order value by channel within each group of customers.

    Parameters
    ----------
    communications, transactions
        Canonical tables; any may be empty.
    groups
        By kind (segment, need): `customer_id` and a second column with the group.
    as_of
        The day the numbers stand for.
    minimum
        Cases below which a channel gets no rank in a group.

    Returns
    -------
    pandas.DataFrame
        `channel`, `kind`, `group`, `measure`, `value`, `low`, `high`, `cases`, `rank` among the channels of
        the group.
    """
    contacts = communications.filter(_.occurred_at.date() < ibis.date(as_of))
    orders = transactions.filter(_.ordered_at.date() < ibis.date(as_of))
    rows = {kind: _rows(contacts, orders, table) for kind, table in groups.items()}
    parts = [_ranked_within(kind, own, minimum=minimum) for kind, own in rows.items()]
    known = [part for part in parts if len(part)]
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=_COLUMNS)


def _rows(contacts: ibis.Table, orders: ibis.Table, table: ibis.Table) -> list[MeasureRow]:
    name = next(column for column in table.columns if column != "customer_id")
    of = table.select("customer_id", group=table[name])
    scored = contacts.inner_join(of, "customer_id").group_by("channel", "group", "customer_id")
    people = scored.aggregate(total=_.satisfaction.sum(), scores=_.satisfaction.count())
    bought = orders.inner_join(of, "customer_id").group_by("channel", "group", "customer_id")
    spent = bought.aggregate(revenue=_.amount.sum(), orders=_.order_id.nunique())
    return [
        *ratio_rows(people, {"satisfaction": ("total", "scores")}, within="group"),
        *ratio_rows(spent, {"order value": ("revenue", "orders")}, within="group"),
    ]


def _ranked_within(kind: str, rows: list[MeasureRow], *, minimum: int) -> pd.DataFrame:
    apart: dict[str, list[MeasureRow]] = {}
    for key, name, estimate, cases in rows:
        channel, _separator, group = key.partition(SEPARATOR)
        apart.setdefault(group, []).append((channel, name, estimate, cases))
    tables = [
        ranked(own, minimum=minimum).assign(kind=kind, group=group) for group, own in sorted(apart.items())
    ]
    return pd.concat(tables, ignore_index=True)[_COLUMNS] if tables else pd.DataFrame(columns=_COLUMNS)
