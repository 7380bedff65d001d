"""The ways by which customers came to an order, or did not: contacts and campaigns in their order."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
from ibis import _

__all__ = ["SEPARATOR", "find_paths"]

SEPARATOR = "\x1f"  # stands in no channel's name

_COLUMNS = ["path", "conversions", "nulls"]


def find_paths(
    tables: dict[str, ibis.Table], *, as_of: date, days: int = 30, longest: int = 20
) -> pd.DataFrame:
    """List the paths of contacts and how often each ended with an order.

    A path is what a customer was contacted through in the days before an order and since the order before
    it. A contact that no order follows within the days ends a path without one; those whose days are not over
    are left out.

    Parameters
    ----------
    tables
        Canonical `transactions`, `communications`, `campaigns` and `campaign_contacts`.
    as_of
        The day the numbers stand for.
    days
        Days before an order in which a contact counts.
    longest
        Contacts of a path that are kept, the last ones.

    Returns
    -------
    pandas.DataFrame
        `path` (tuple of channels), `conversions`, `nulls`; in the order of the paths.
    """
    touches = _touches(tables, as_of=as_of)
    orders = tables["transactions"].filter(_.ordered_at.date() < ibis.date(as_of), _.amount > 0)
    orders = orders.drop_null("customer_id").group_by("customer_id", "order_id")
    bought = orders.aggregate(at=_.ordered_at.min()).select(
        "customer_id", at="at", channel=ibis.null("string")
    )
    both = touches.mutate(is_order=0).union(bought.mutate(is_order=1))
    so_far = ibis.cumulative_window(group_by="customer_id", order_by=["at", "is_order", "channel"])
    events = both.mutate(ordered=_.is_order.sum().over(so_far) - _.is_order)
    closed = events.group_by("customer_id", "ordered").aggregate(order_at=_.at.max(where=_.is_order == 1))
    steps = events.filter(_.is_order == 0).inner_join(closed, ["customer_id", "ordered"])
    return _counted(steps, as_of=as_of, days=days, longest=longest)


def _touches(tables: dict[str, ibis.Table], *, as_of: date) -> ibis.Table:
    calls = tables["communications"].select("customer_id", at="occurred_at", channel="channel")
    named = tables["campaigns"].select("campaign_id", "channel")
    reached = tables["campaign_contacts"].filter(_.arm.fill_null("treated") != "holdout")
    mailed = reached.inner_join(named, "campaign_id").select(
        "customer_id", at="contacted_at", channel="channel"
    )
    every = calls.union(mailed).drop_null(["customer_id", "at", "channel"])
    return every.filter(_.at.date() < ibis.date(as_of))


def _counted(steps: ibis.Table, *, as_of: date, days: int, longest: int) -> pd.DataFrame:
    until = ibis.date(as_of) - ibis.interval(days=days)
    in_time = (steps.order_at - ibis.interval(days=days) <= steps["at"]).fill_null(False)
    marked = steps.mutate(converts=in_time).filter(_.converts | (_.at.date() < until))
    last = ibis.window(
        group_by=["customer_id", "ordered", "converts"], order_by=[ibis.desc("at"), ibis.desc("channel")]
    )
    kept = marked.mutate(place=ibis.row_number().over(last)).filter(_.place < longest)
    paths = kept.group_by("customer_id", "ordered", "converts").aggregate(
        path=_.channel.group_concat(SEPARATOR, order_by=ibis.desc("place"))
    )
    counts: pd.DataFrame = (
        paths.group_by("path")
        .aggregate(conversions=_.converts.sum(), nulls=(~_.converts).sum())
        .order_by("path")
        .to_pandas()
    )
    ways = [tuple(path.split(SEPARATOR)) for path in counts["path"]]
    return counts.assign(path=pd.Series(ways, dtype="object"))[_COLUMNS]
