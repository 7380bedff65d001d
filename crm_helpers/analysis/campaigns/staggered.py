"""Difference in differences on the panel of customers and weeks, where campaigns start at different times.

Two-way effects are fitted on the weeks in which no campaign was at work on a customer, and what they say of
the other weeks is what would have been (imputation; Borusyak, Jaravel & Spiess 2024): weeks under a campaign
never serve as the comparison of another, the fault of the plain two-way regression.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.campaigns.panel import exact
from crm_helpers.analysis.estimates import Estimate, normal_estimate

__all__ = ["LEAD_WEEKS", "WeekPanel", "staggered_effects", "waves", "week_panel"]

LEAD_WEEKS = 4
"""Weeks before the start in which no effect can be: what is found there is what the method leaves over."""

_LEAST = 30  # customers
_APART = 2  # weeks between the first wave of contacts and the last
_MOST_CELLS = 8_000_000  # customers × weeks held at once; of more customers every k-th is taken


@dataclass(frozen=True)
class WeekPanel:
    """Money of each customer in each week, from the week after the first order on."""

    spend: np.ndarray  # customers × weeks
    known: np.ndarray
    free: np.ndarray  # known, and no campaign at work

    @cached_property
    def residual(self) -> np.ndarray:
        """Spend less what two-way effects of the free weeks expect, in every week."""
        free = np.where(self.free, self.spend, 0.0)
        customer, week = self._solve(free.sum(axis=1), free.sum(axis=0))
        return np.asarray(self.spend - customer[:, None] - week)

    def effect(self, own: np.ndarray, weeks: slice) -> Estimate:
        """Estimate what some customers have more than expected in some weeks, together and per customer.

        The error adds up over customers what each contributes, through these weeks and through the fit.

        Parameters
        ----------
        own
            Whether each customer counts; where weeks differ among them, customers × the weeks.
        weeks
            All weeks that count for anybody.

        Returns
        -------
        Estimate
            Money a customer; not a number with fewer than 30.
        """
        cells = self.known[:, weeks] & (own if own.ndim == 2 else own[:, None])
        chosen = cells.any(axis=1) & (self._each > 0)
        size = int(chosen.sum())
        if size < _LEAST:
            return Estimate(math.nan, math.nan, math.nan)
        cells &= chosen[:, None]
        totals = np.where(cells, self.residual[:, weeks], 0.0).sum(axis=1)
        weekly = np.zeros(self.spend.shape[1])
        weekly[weeks] = cells.sum(axis=0) / size
        customer, week = self._solve(cells.sum(axis=1) / size, weekly)
        effect = float(totals.sum() / size)
        through_fit = customer * self._left.sum(axis=1) + self._left @ week
        part = np.where(chosen, totals - effect, 0.0) / size - through_fit
        return normal_estimate(effect, math.sqrt((part**2).sum()))

    @cached_property
    def _left(self) -> np.ndarray:
        return np.where(self.free, self.residual, 0.0)

    @cached_property
    def _counted(self) -> np.ndarray:
        # as numbers: products of truth values go the slow way
        return self.free.astype(float)

    @cached_property
    def _weeks_inverse(self) -> np.ndarray:
        shared = self._counted.T @ (self._counted * self._each[:, None])
        gram = np.diag(self._counted.sum(axis=0)) - shared
        return np.asarray(np.linalg.pinv(gram, hermitian=True))

    @cached_property
    def _each(self) -> np.ndarray:
        counts = self.free.sum(axis=1)
        return np.asarray(np.where(counts > 0, 1 / np.maximum(counts, 1), 0.0))

    def _solve(self, own: np.ndarray, weekly: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Solve the normal equations; customers are eliminated first, weeks are few."""
        week = self._weeks_inverse @ (weekly - (own * self._each) @ self._counted)
        return (own - self._counted @ week) * self._each, week


@dataclass(frozen=True)
class _Event:
    """A campaign among customers and weeks."""

    begins: np.ndarray  # week of each customer's contact; below zero for those it did not reach
    length: int

    def spell(self, start: int, end: int) -> tuple[np.ndarray, slice]:
        """Mark the weeks from `start` to before `end`, counted from each customer's own contact."""
        reached = self.begins >= 0
        first = max(int(self.begins[reached].min()) + start, 0)
        weeks = slice(first, int(self.begins[reached].max()) + end)
        week = np.arange(weeks.start, weeks.stop) - self.begins[:, None]
        return (week >= start) & (week < end) & reached[:, None], weeks


def week_panel(days: ibis.Table, *, first: pd.Timestamp, weeks: int) -> tuple[np.ndarray, np.ndarray]:
    """Add up spend by customer and week.

    Parameters
    ----------
    days
        From `panel.customer_days`.
    first
        Monday or not: the first day of week 0.
    weeks
        How many.

    Returns
    -------
    tuple of numpy.ndarray
        Ids of the customers, and their spend, customers × weeks.
    """
    count = int(days.customer_id.nunique().to_pandas())
    step = max(1, math.ceil(count * weeks / _MOST_CELLS))
    kept = days.filter(_.customer_id.hash() % step == 0) if step > 1 else days
    origin = ibis.date(first.date())
    numbered = kept.mutate(week=(_.day.delta(origin, unit="day") // 7).cast("int64"))
    sums = numbered.filter((_.week >= 0) & (_.week < weeks)).group_by("customer_id", "week")
    frame = sums.aggregate(amount=exact(_.amount).sum().cast("float64")).to_pandas()
    place, names = pd.factorize(frame["customer_id"], sort=True)
    customers = np.asarray(names, dtype=object)
    spend = np.zeros((len(customers), weeks))
    spend[place, frame["week"].to_numpy()] = frame["amount"]
    return customers, spend


def staggered_effects(
    plan: pd.DataFrame, contacts: ibis.Table, days: ibis.Table, *, window_days: int, only: Collection[str]
) -> pd.DataFrame:
    """Estimate campaigns' effects on those they contacted from the panel of customers and weeks.

    Parameters
    ----------
    plan
        From `panel.windows`.
    contacts
        Canonical campaign contacts; those held out are not contacted.
    days
        From `panel.customer_days`.
    window_days
        Days from a contact in which a campaign is at work; no such week serves as a comparison.
    only
        The campaigns to estimate.

    Returns
    -------
    pandas.DataFrame
        By campaign: `change` with interval (money a contacted customer) and `lead` with interval: the same
        for the `LEAD_WEEKS` before, which should be zero.
    """
    span = days.aggregate(first=_.day.min(), last=_.day.max()).to_pandas().iloc[0]
    columns = [f"{kind}{end}" for kind in ("change", "lead") for end in ("", "_low", "_high")]
    if pd.isna(span["first"]) or not only:
        return pd.DataFrame(index=plan["campaign_id"], columns=columns, dtype=float)
    first = pd.Timestamp(span["first"])
    weeks = (pd.Timestamp(span["last"]) - first).days // 7 + 1
    customers, spend = week_panel(days, first=first, weeks=weeks)
    events = _events(plan, contacts, customers, first=first, window_days=window_days)
    known = np.cumsum(np.cumsum(spend != 0, axis=1), axis=1) > 1
    free = known.copy()
    for event in events.values():
        cells, span = event.spell(-LEAD_WEEKS, event.length)
        free[:, span] &= ~cells[:, : max(weeks - span.start, 0)]
    panel = WeekPanel(spend, known, free)
    found = {}
    for campaign, event in events.items():
        own, span = event.spell(0, event.length)
        if campaign in only and span.start > LEAD_WEEKS and span.stop <= weeks:
            lead = panel.effect(*event.spell(-LEAD_WEEKS, 0))
            found[campaign] = [*_numbers(panel.effect(own, span)), *_numbers(lead)]
    table = pd.DataFrame.from_dict(found, orient="index", columns=columns, dtype=float)
    return table.reindex(plan["campaign_id"])


def waves(contacts: ibis.Table, plan: pd.DataFrame) -> dict[str, pd.Timestamp]:
    """Find the campaigns that reached their customers at different times, with the day of the last wave.

    Parameters
    ----------
    contacts
        Canonical campaign contacts.
    plan
        From `panel.windows`.

    Returns
    -------
    dict of str to Timestamp
        By campaign with waves of at least 30 customers, the first two weeks or more before the last.
    """
    reached = contacts.filter(_.arm.fill_null("treated") != "holdout").drop_null("contacted_at")
    frame = reached.group_by("campaign_id", day=_.contacted_at.date()).aggregate(n=_.count()).to_pandas()
    if frame.empty:
        return {}
    starts = frame["campaign_id"].map(plan.set_index("campaign_id")["starts_on"])
    frame["day"] = pd.to_datetime(frame["day"])
    frame["week"] = (frame["day"] - pd.to_datetime(starts)).dt.days // 7
    weeks = frame.groupby(["campaign_id", "week"]).agg(n=("n", "sum"), day=("day", "max")).reset_index()
    large = weeks[(weeks["n"] >= _LEAST) & (weeks["week"] >= 0)].groupby("campaign_id")
    apart = large["week"].max() - large["week"].min()
    return {str(campaign): large["day"].max()[campaign] for campaign in apart.index[apart >= _APART]}


def _events(
    plan: pd.DataFrame, contacts: ibis.Table, customers: np.ndarray, *, first: pd.Timestamp, window_days: int
) -> dict[str, _Event]:
    """Say for each campaign whom it reached in which week, and for how many weeks it is at work.

    Customers reached on another day than the first count from their own day where there were waves.
    """
    reached = contacts.filter(_.arm.fill_null("treated") != "holdout")
    frame = (
        reached.group_by("campaign_id", "customer_id").aggregate(day=_.contacted_at.min().date()).to_pandas()
    )
    starts = frame["campaign_id"].map(plan.set_index("campaign_id")["starts_on"])
    starts = pd.to_datetime(starts)
    own = pd.to_datetime(frame["day"]).where(frame["campaign_id"].isin(waves(contacts, plan)))
    frame["week"] = (own.fillna(starts).clip(lower=starts) - first).dt.days // 7
    frame["place"] = pd.Index(customers).get_indexer(frame["customer_id"])
    length = math.ceil(window_days / 7) + 1  # a start in the middle of a week touches one more
    events = {}
    for campaign, part in frame[(frame["place"] >= 0) & (frame["week"] >= 0)].groupby("campaign_id"):
        begins = np.full(len(customers), -1)
        begins[part["place"]] = part["week"]
        events[str(campaign)] = _Event(begins, length)
    return events


def _numbers(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
