"""The ways by which customers came to an order, or did not: contacts and campaigns in their order."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
from ibis import _

__all__ = ["find_paths"]

_MOST_CHANNELS = 1024

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
    names = touches.select("channel").distinct().order_by("channel").to_pandas()["channel"].tolist()
    if not names:
        return pd.DataFrame(columns=_COLUMNS)
    lines = tables["transactions"].filter(_.ordered_at.date() < ibis.date(as_of), _.amount > 0)
    bought = lines.drop_null("customer_id").select("customer_id", order_at=_.ordered_at)
    numbered = touches.inner_join(_numbers(names), "channel")
    # time and channel in one number: sorting numbers in each path costs half of sorting rows
    steps = numbered.select("customer_id", "at", step=_["at"].epoch_seconds() * _MOST_CHANNELS + _.number)
    until_order = steps.asof_join(bought, steps["at"] <= bought.order_at, predicates="customer_id")
    counts = _counted(until_order, as_of=as_of, days=days, longest=longest)
    ways = [tuple(names[int(number)] for number in path) for path in counts["path"]]
    named = counts.assign(path=pd.Series(ways, dtype="object"))[_COLUMNS]
    return named.sort_values("path", ignore_index=True)


def _numbers(names: list[str]) -> ibis.Table:
    return ibis.memtable(
        pd.DataFrame({"channel": pd.Series(names, dtype="str"), "number": range(len(names))})
    )


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
    paths = marked.group_by("customer_id", "order_at", "converts").aggregate(path=_.step.collect())
    paths = paths.mutate(path=_.path.sort()[-longest:].map(lambda step: step % _MOST_CHANNELS))
    counts: pd.DataFrame = (
        paths.group_by("path").aggregate(conversions=_.converts.sum(), nulls=(~_.converts).sum()).to_pandas()
    )
    return counts
