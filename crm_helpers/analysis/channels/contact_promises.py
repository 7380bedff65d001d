"""What an earlier list of contacts promised, and what happened to those contacted beside those held out.

A list stays open until its window is over. Everybody on it counts as it was drawn, contacted or held out,
whatever was done in the end: only so do the two differ by chance and by the list alone.
"""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.channels.contact_plan import ContactPlan
from crm_helpers.analysis.channels.findings import Said
from crm_helpers.analysis.estimates import Estimate, normal_estimate, rounded

__all__ = ["open_lists", "promise_sentences", "resting", "score_lists"]

_OPEN = ["customer_id", "channel", "band", "arm", "listed_on", "closes_on", "expected_sales", "error"]
_KEYS = ["listed_on", "closes_on", "channel", "band", "arm"]
_COLUMNS = [
    "listed_on", "closes_on", "channel", "contacts", "held_out", "contacted", "held_out_contacted",
    "promised", "promised_low", "promised_high", "happened", "happened_low", "happened_high", "outcome",
]  # fmt: skip
_SURE = 1.959964


def open_lists(plan: ContactPlan, before: pd.DataFrame, *, as_of: date, window_days: int) -> pd.DataFrame:
    """Keep the lists whose window is not over, and today's: what later reports score.

    Parameters
    ----------
    plan
        Today's contacts.
    before
        The same table of an earlier report.
    as_of
        The day today's list stands for.
    window_days
        Days from that day in which spend counts.

    Returns
    -------
    pandas.DataFrame
        A row a list, customer and channel: `arm`, `expected_sales` of a contact and its standard `error`.
    """
    chosen = plan.people.dropna(subset=["channel"])
    cells = plan.cells[["channel", "band", "effect", "effect_high"]]
    joined = chosen.merge(cells, on=["channel", "band"], how="left")
    day = pd.Timestamp(as_of)
    today = joined.assign(
        listed_on=day, closes_on=day + pd.Timedelta(days=window_days),
        error=(joined["effect_high"] - joined["effect"]).astype(float) / _SURE,
    )  # fmt: skip
    earlier = _dated(before)
    still = earlier[(earlier["listed_on"] < day) & (earlier["closes_on"] > day)]
    kept = [rows[_OPEN] for rows in (still, today) if len(rows)]
    rows = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=_OPEN)
    return rounded(rows.sort_values(["listed_on", "customer_id", "channel"], ignore_index=True))


def resting(before: pd.DataFrame, *, as_of: date) -> list[str]:
    """List the customers held out of a list that is still open: a contact now would spoil its score."""
    rows, day = _dated(before), pd.Timestamp(as_of)
    still = rows[(rows["listed_on"] < day) & (rows["closes_on"] > day) & (rows["arm"] == "holdout")]
    return sorted(set(still["customer_id"].astype(str)))


def score_lists(
    before: pd.DataFrame, transactions: ibis.Table, contacts: ibis.Table, *, as_of: date
) -> pd.DataFrame:
    """Hold every earlier list against what its customers spent in its window.

    Parameters
    ----------
    before
        `open_lists` of an earlier report.
    transactions, contacts
        Canonical `transactions` and `campaign_contacts`.
    as_of
        The day the numbers stand for.

    Returns
    -------
    pandas.DataFrame
        A row a list and channel: sales a contact was promised to add and added, with 95 % intervals, and
        `outcome`: hit (they differ by no more than both errors allow), miss, "not yet" while the window is
        open, or "not used" where those to contact were not contacted more often than those held out.
    """
    rows, day = _dated(before), pd.Timestamp(as_of)
    rows = rows[rows["listed_on"] < day]
    if rows.empty:
        return pd.DataFrame(columns=_COLUMNS)
    sums = _sums(rows, transactions, contacts)
    lists = sums.groupby(["listed_on", "closes_on", "channel"], sort=True)
    return rounded(pd.DataFrame([_scored(own, day) for _key, own in lists], columns=_COLUMNS))


def promise_sentences(scored: pd.DataFrame) -> list[Said]:
    """Say of every earlier list what it promised and what came; nothing where there was none."""
    return [_sentence(row) for _place, row in scored.iterrows()]


def _dated(before: pd.DataFrame) -> pd.DataFrame:
    days = {name: pd.to_datetime(before[name]) for name in ("listed_on", "closes_on")}
    return before.assign(**days)


def _sums(rows: pd.DataFrame, transactions: ibis.Table, contacts: ibis.Table) -> pd.DataFrame:
    listed = ibis.memtable(rows.astype(dict.fromkeys(_OPEN[:4], "str")))
    first, last = rows["listed_on"].min().date(), rows["closes_on"].max().date()
    seen = transactions.filter(_.ordered_at.date() >= ibis.date(first), _.ordered_at.date() < ibis.date(last))
    day = seen.ordered_at.date()
    days = seen.group_by("customer_id", day=day).aggregate(amount=_.amount.sum().cast("float64"))
    spent = _within(listed, days, "day").aggregate(y=_.amount.sum())
    made = contacts.filter(_.arm.fill_null("treated") != "holdout").select(
        "customer_id", day=_.contacted_at.date()
    )
    reached = _within(listed, made, "day").aggregate(made=_.count())
    people = listed.left_join(spent, ["customer_id", "listed_on"])[[*_OPEN, "y"]]
    people = people.left_join(reached, ["customer_id", "listed_on"])[[*_OPEN, "y", "made"]]
    people = people.mutate(y=_.y.fill_null(0.0), made=(_.made.fill_null(0) > 0).cast("float64"))
    table: pd.DataFrame = (
        people.group_by(*_KEYS)
        .aggregate(
            n=_.count(), mean=_.y.mean(), variance=_.y.var(), made=_.made.sum(),
            expected=_.expected_sales.mean(), error=_.error.mean(),
        )
        .order_by(*_KEYS)
        .to_pandas()
    )  # fmt: skip
    return table


def _within(listed: ibis.Table, events: ibis.Table, day: str) -> ibis.expr.types.GroupedTable:
    people = listed.select("customer_id", "listed_on", "closes_on").distinct()
    inside = [
        people.customer_id == events.customer_id,
        events[day] >= people.listed_on.date(),
        events[day] < people.closes_on.date(),
    ]
    return people.inner_join(events, inside).group_by("customer_id", "listed_on")


def _scored(own: pd.DataFrame, day: pd.Timestamp) -> tuple[object, ...]:
    key = tuple(own[["listed_on", "closes_on", "channel"]].iloc[0])
    contact, held = (own[own["arm"] == arm].set_index("band") for arm in ("contact", "holdout"))
    n = contact["n"].astype(float)
    share = n / n.sum()
    promised = normal_estimate(
        float((share * contact["expected"]).sum()), float((share * contact["error"]).sum())
    )
    reached = [float(arm["made"].sum() / max(arm["n"].sum(), 1)) for arm in (contact, held)]
    counts = (int(n.sum()), int(held["n"].sum()), *reached)
    told = (*key, *counts, promised.value, promised.low, promised.high)
    nothing = (np.nan, np.nan, np.nan)
    if key[1] > day:
        return (*told, *nothing, "not yet")
    if not _used(reached, n.sum(), held["n"].sum()):
        return (*told, *nothing, "not used")
    both = contact.join(held.add_suffix("_held"), how="inner").dropna(subset=["variance", "variance_held"])
    if both.empty:
        return (*told, *nothing, "nobody to compare")
    happened, error = _difference(both)
    apart = abs(happened.value - promised.value)
    allowed = float(np.hypot(error, (promised.high - promised.value) / _SURE)) * _SURE
    return (*told, happened.value, happened.low, happened.high, "hit" if apart <= allowed else "miss")


def _used(reached: list[float], contacts: float, held: float) -> bool:
    """Say whether those to contact were contacted more often than those held out, by more than chance."""
    spread = sum(share * (1 - share) / max(n, 1) for share, n in zip(reached, (contacts, held), strict=True))
    return reached[0] - reached[1] > _SURE * float(np.sqrt(spread))


def _difference(both: pd.DataFrame) -> tuple[Estimate, float]:
    """Average over the groups the mean spend of those contacted less that of those held out."""
    share = both["n"] / both["n"].sum()
    variance = both["variance"] / both["n"] + both["variance_held"] / both["n_held"]
    error = float(np.sqrt((share**2 * variance).sum()))
    return normal_estimate(float((share * (both["mean"] - both["mean_held"])).sum()), error), error


def _sentence(row: pd.Series) -> Said:
    place = {"day": row["listed_on"].date(), "channel": row["channel"]}
    promised = Estimate(*(float(row[name]) for name in ("promised", "promised_low", "promised_high")))
    if row["outcome"] == "not yet":
        return "channels.promise_open", {**place, "until": row["closes_on"].date(), "promised": promised}
    if row["outcome"] == "not used":
        return "channels.promise_unused", place
    if row["outcome"] == "nobody to compare":
        return "channels.promise_alone", place
    happened = Estimate(*(float(row[name]) for name in ("happened", "happened_low", "happened_high")))
    key = "channels.promise_hit" if row["outcome"] == "hit" else "channels.promise_miss"
    return key, {**place, "promised": promised, "happened": happened}
