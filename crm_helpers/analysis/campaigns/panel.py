"""Who was in a campaign, who can be compared, and what each of them bought before and after its start.

One row a campaign and customer, made by the engine for all campaigns at once.
"""

from __future__ import annotations

import ibis
import pandas as pd
import pyarrow as pa
from ibis import _

__all__ = ["COVARIATES", "assignments", "customer_days", "exact", "panel", "window_table", "windows"]

COVARIATES = ("spend_recent", "spend_earlier", "log_spend", "orders_before", "days_since_order")
"""What is known of a customer the day before the start: money of the last `window_days` and of the days
before those, the logarithm of both together, orders, and days since the last order."""

_DAYS = ("outcome_until", "recent_from", "before_from", "placebo_from")
_SUMS = ("spend", "spend_recent", "spend_earlier", "spend_placebo")


def windows(campaigns: ibis.Table, *, window_days: int, before_days: int) -> pd.DataFrame:
    """List the campaigns with the days in which they are judged.

    Parameters
    ----------
    campaigns
        Canonical campaigns.
    window_days
        Days from the start in which spend counts as the outcome.
    before_days
        Days before the start that describe a customer.

    Returns
    -------
    pandas.DataFrame
        The campaigns by start and id, each with a name (its id where it has none), `outcome_until` (the
        day after the window), `recent_from`, `before_from` (first day of the description) and
        `placebo_from` (`window_days` before that).
    """
    named = campaigns.mutate(name=_.name.coalesce(_.campaign_id))
    plan: pd.DataFrame = named.order_by("starts_on", "campaign_id").to_pandas()
    starts = pd.to_datetime(plan["starts_on"])
    offsets = (window_days, -min(window_days, before_days), -before_days, -before_days - window_days)
    days = dict(zip(("starts_on", *_DAYS), (0, *offsets), strict=True))
    return plan.assign(**{name: starts + pd.Timedelta(days=n) for name, n in days.items()})


def window_table(plan: pd.DataFrame) -> ibis.Table:
    """Hand a plan from `windows` to the engine."""
    types = {"campaign_id": "string", "design": "string"} | dict.fromkeys(("starts_on", *_DAYS), "date")
    schema = ibis.schema(types).to_pyarrow()
    return ibis.memtable(pa.Table.from_pandas(plan[list(types)], schema=schema, preserve_index=False))


def customer_days(transactions: ibis.Table) -> ibis.Table:
    """Add up what each customer bought on each day.

    Returns
    -------
    ibis.Table
        `customer_id`, `day`, `amount` (money, net of returns), `orders` (count); one row a day with lines.
    """
    # by order first: counting distinct orders of each day costs more
    orders = transactions.group_by("customer_id", "order_id", day=_.ordered_at.date())
    return (
        orders.aggregate(amount=_.amount.sum())
        .group_by("customer_id", "day")
        .aggregate(amount=_.amount.sum().cast("float64"), orders=_.order_id.count())
    )


def exact(amount: ibis.Value) -> ibis.Value:
    """Make money decimal before it is summed: threads add floating-point numbers in no fixed order."""
    return amount.cast("decimal(18, 4)")


def assignments(
    plan: pd.DataFrame, contacts: ibis.Table, customers: ibis.Table, days: ibis.Table
) -> ibis.Table:
    """Say who is compared with whom in each campaign.

    Where customers were held out, those assigned are compared, treated with held out. Where nobody was
    (or the campaign is recorded as targeted), those contacted are compared with every other customer
    known before the start, by joining date or first purchase; contacts not known by then take no part.

    Parameters
    ----------
    plan
        Campaigns, from `windows`.
    contacts
        Canonical campaign contacts.
    customers
        Canonical customers.
    days
        From `customer_days`.

    Returns
    -------
    ibis.Table
        `campaign_id`, `customer_id`, `treated` (0 or 1), `held_out` (whether the campaign has a holdout).
    """
    chosen = contacts.group_by("campaign_id", "customer_id").aggregate(
        treated=(_.arm.fill_null("treated") != "holdout").max().cast("int64")
    )
    arms = chosen.group_by("campaign_id").aggregate(holdouts=(1 - _.treated).sum())
    starts = window_table(plan).inner_join(arms, "campaign_id")
    held_out = (starts.holdouts > 0) & (starts.design.fill_null("") != "targeted")
    starts = starts.select("campaign_id", "starts_on", held_out=held_out)
    assigned = chosen.inner_join(starts.filter(_.held_out), "campaign_id")
    known = _known_since(customers, days)
    everyone = starts.filter(~_.held_out).join(known, starts.starts_on > known.known_on)
    compared = everyone.left_join(chosen, ["campaign_id", "customer_id"])
    columns = ("campaign_id", "customer_id", "treated", "held_out")
    return assigned.select(*columns).union(
        compared.mutate(treated=compared.treated.fill_null(0)).select(*columns)
    )


def panel(assigned: ibis.Table, plan: pd.DataFrame, days: ibis.Table, *, before_days: int) -> ibis.Table:
    """Describe every assigned customer before a campaign's start, and the spend after it.

    Parameters
    ----------
    assigned
        From `assignments`.
    plan
        Campaigns to describe, from `windows`.
    days
        From `customer_days`.
    before_days
        Days since the last order of a customer who had none in the description.

    Returns
    -------
    ibis.Table
        The assignment with `spend` and `orders` (in the window), `COVARIATES` and `spend_placebo` (in the
        window that ends where the description begins: nothing a campaign could change).
    """
    spans = window_table(plan)
    seen = days.join(spans, [days.day >= spans.placebo_from, days.day < spans.outcome_until])
    amount, after, before = exact(seen.amount), seen.day >= seen.starts_on, seen.day >= seen.before_from
    recent = seen.day >= seen.recent_from
    sums = seen.group_by("campaign_id", "customer_id").aggregate(
        spend=amount.sum(where=after),
        orders=seen.orders.sum(where=after),
        spend_recent=amount.sum(where=recent & ~after),
        spend_earlier=amount.sum(where=before & ~recent),
        spend_placebo=amount.sum(where=~before),
        orders_before=seen.orders.sum(where=before & ~after),
        days_since_order=seen.starts_on.delta(seen.day, unit="day").min(where=before & ~after),
    )
    rows = assigned.semi_join(spans, "campaign_id").left_join(sums, ["campaign_id", "customer_id"])
    filled = {name: rows[name].cast("float64").fill_null(0.0) for name in (*_SUMS, "orders", "orders_before")}
    filled["days_since_order"] = rows.days_since_order.cast("float64").fill_null(float(before_days))
    described = rows.select("campaign_id", "customer_id", "treated", "held_out", **filled)
    total = described.spend_recent + described.spend_earlier
    return described.mutate(log_spend=(ibis.greatest(total, 0.0) + 1).ln())


def _known_since(customers: ibis.Table, days: ibis.Table) -> ibis.Table:
    first = days.group_by("customer_id").aggregate(bought_on=_.day.min())
    known = customers.select("customer_id", "joined_on").left_join(first, "customer_id")
    return known.select("customer_id", known_on=ibis.least(known.joined_on, known.bought_on))
