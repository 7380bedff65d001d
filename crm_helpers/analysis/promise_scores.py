"""Lists of customers that an earlier report drew up: what each promised, and what came, scored by lot.

A list stays open until its window is over and the orders of all of it are there. Everybody on it counts as
it was drawn, contacted or held out, whatever was done in the end: only so do the two differ by chance and by
the list alone. What a list is for (a channel, a campaign) is the column `by`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.estimates import Estimate, normal_estimate, rounded

__all__ = ["list_sentences", "open_rows", "score_rows", "standard_error", "still_open"]

_SURE = 1.959964


def standard_error(half_width: pd.Series) -> pd.Series:
    """Turn halves of 95 % intervals into standard errors."""
    return half_width / _SURE


def open_rows(
    today: pd.DataFrame, before: pd.DataFrame, *, scored: pd.DataFrame, by: str, as_of: date, window_days: int
) -> pd.DataFrame:
    """Keep the lists not scored yet, and today's: what later reports score.

    Parameters
    ----------
    today
        A row a customer and `by`: `band`, `arm` (contact or holdout), `expected_sales`, its `error`.
    before
        This function's table of an earlier report.
    scored
        What `score_rows` makes of it today.
    by
        The column that says what a list is for.
    as_of
        The day today's list stands for.
    window_days
        Days from that day in which spend counts.

    Returns
    -------
    pandas.DataFrame
        A row a list, customer and `by`.
    """
    day = pd.Timestamp(as_of)
    dated = today.assign(listed_on=day, closes_on=day + pd.Timedelta(days=window_days))
    kept = [rows[_open(by)] for rows in (_waiting(_dated(before), scored, day), dated) if len(rows)]
    rows = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=_open(by))
    return rounded(rows.sort_values(["listed_on", "customer_id", by], ignore_index=True))


def still_open(before: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """Take the rows of earlier lists whose window is not over on the day."""
    rows, day = _dated(before), pd.Timestamp(as_of)
    return rows[(rows["listed_on"] < day) & (rows["closes_on"] > day)]


def score_rows(
    before: pd.DataFrame, transactions: ibis.Table, contacts: ibis.Table, *, by: str, as_of: date
) -> pd.DataFrame:
    """Hold every earlier list against what its customers spent in its window.

    Parameters
    ----------
    before
        `open_rows` of an earlier report.
    transactions, contacts
        Canonical `transactions` and `campaign_contacts`.
    by
        The column that says what a list is for.
    as_of
        The day the numbers stand for.

    Returns
    -------
    pandas.DataFrame
        A row a list and `by`: sales a contact was promised to add and added, with 95 % intervals, and
        `outcome`: hit (they differ by no more than both errors allow), miss, "not yet" while the window is
        open or its last orders are not there, or "not used" where those to contact were not contacted more
        often than those held out.
    """
    columns = ["listed_on", "closes_on", by, *_SCORED]
    rows = _dated(before)
    rows = rows[rows["listed_on"] < pd.Timestamp(as_of)]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    day = _known_until(transactions, as_of)
    sums = _sums(rows, transactions, contacts, by=by, day=day)
    lists = sums.groupby(["listed_on", "closes_on", by], sort=True)
    scored = [(*key, *_scored(own, day)) for key, own in lists]
    return rounded(pd.DataFrame(scored, columns=columns))


def list_sentences(
    scored: pd.DataFrame, keys: Mapping[str, str], *, by: str
) -> list[tuple[str, dict[str, Any]]]:
    """Say of every earlier list what it promised and what came, by one of `keys` for each outcome."""
    return [(keys[row["outcome"]], _values(row, by)) for _place, row in scored.iterrows()]


_SCORED = [
    "contacts", "held_out", "contacted", "held_out_contacted", "promised", "promised_low", "promised_high",
    "happened", "happened_low", "happened_high", "outcome",
]  # fmt: skip


_NAMED = {"hit": ("promised", "happened"), "miss": ("promised", "happened"), "not yet": ("promised", "until")}


def _open(by: str) -> list[str]:
    return ["customer_id", by, "band", "arm", "listed_on", "closes_on", "expected_sales", "error"]


def _dated(before: pd.DataFrame) -> pd.DataFrame:
    days = {name: pd.to_datetime(before[name]) for name in ("listed_on", "closes_on")}
    return before.assign(**days)


def _waiting(before: pd.DataFrame, scored: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Leave out lists of today, which today's replaces, and those that are done with."""
    done = pd.to_datetime(scored.loc[scored["outcome"] != "not yet", "listed_on"])
    return before[(before["listed_on"] != day) & ~before["listed_on"].isin(done)]


def _known_until(transactions: ibis.Table, as_of: date) -> pd.Timestamp:
    """Take the day up to which orders are there: without them nobody on a list has spent anything."""
    after = pd.Timestamp(transactions.ordered_at.max().date().to_pandas()) + pd.Timedelta(days=1)
    return min(pd.Timestamp(as_of), after)


def _sums(
    rows: pd.DataFrame, transactions: ibis.Table, contacts: ibis.Table, *, by: str, day: pd.Timestamp
) -> pd.DataFrame:
    names, keys = _open(by), ["listed_on", "closes_on", by, "band", "arm"]
    listed = ibis.memtable(rows.astype(dict.fromkeys(names[:4], "str")))
    first, last = rows["listed_on"].min().date(), min(rows["closes_on"].max(), day).date()
    seen = transactions.filter(_.ordered_at.date() >= ibis.date(first), _.ordered_at.date() < ibis.date(last))
    days = seen.group_by("customer_id", day=_.ordered_at.date()).aggregate(
        amount=_.amount.sum().cast("float64")
    )
    spent = _within(listed, days, "day").aggregate(y=_.amount.sum())
    made = contacts.filter(_.arm.fill_null("treated") != "holdout", _.contacted_at.date() < ibis.date(last))
    made = made.select("customer_id", day=_.contacted_at.date())
    reached = _within(listed, made, "day").aggregate(made=_.count())
    people = listed.left_join(spent, ["customer_id", "listed_on"])[[*names, "y"]]
    people = people.left_join(reached, ["customer_id", "listed_on"])[[*names, "y", "made"]]
    people = people.mutate(y=_.y.fill_null(0.0), made=(_.made.fill_null(0) > 0).cast("float64"))
    table: pd.DataFrame = (
        people.group_by(*keys)
        .aggregate(
            n=_.count(), mean=_.y.mean(), variance=_.y.var(), made=_.made.sum(),
            expected=_.expected_sales.mean(), error=_.error.mean(),
        )
        .order_by(*keys)
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
    contact, held = (own[own["arm"] == arm].set_index("band") for arm in ("contact", "holdout"))
    n = contact["n"].astype(float)
    share = n / n.sum()
    promised = normal_estimate(
        float((share * contact["expected"]).sum()), float((share * contact["error"]).sum())
    )
    reached = [float(arm["made"].sum() / max(arm["n"].sum(), 1)) for arm in (contact, held)]
    counts = (int(n.sum()), int(held["n"].sum()), *reached)
    told = (*counts, promised.value, promised.low, promised.high)
    nothing = (np.nan, np.nan, np.nan)
    if own["closes_on"].iloc[0] > day:
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


def _values(row: pd.Series, by: str) -> dict[str, Any]:
    """Take the values that the sentence of the row's outcome names."""
    ends = ("", "_low", "_high")
    money = {
        name: Estimate(*(float(row[f"{name}{end}"]) for end in ends)) for name in ("promised", "happened")
    }
    more = {"until": row["closes_on"].date(), **money}
    named = _NAMED.get(row["outcome"], ())
    return {"day": row["listed_on"].date(), by: row[by], **{name: more[name] for name in named}}
