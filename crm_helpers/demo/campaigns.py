"""Campaigns of the simulated company: who takes part, and what a contact adds to their spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crm_helpers.demo.orders import Orders, place_orders
from crm_helpers.demo.people import People
from crm_helpers.demo.plan import CAMPAIGNS, CHANNELS, MONTH_STARTS, WINDOW_DAYS, CampaignPlan

__all__ = ["Campaign", "PastSpend", "add_orders", "campaign_of", "choose", "divert_orders", "remember"]

_PRE_DAYS = 90
_SELECTION = 1.3  # log-odds of being targeted per standard deviation of log spend before
_BASE_RESPONSE, _BUYER_RESPONSE = 0.06, 0.75
_ORDER_SHARE = np.array([channel.order_share for channel in CHANNELS])
_CHANNEL_VALUE = np.array([channel.value_factor for channel in CHANNELS])


@dataclass(frozen=True)
class PastSpend:
    """Spend of people by day, of the months still remembered; amounts in CNY."""

    person: np.ndarray
    day: np.ndarray
    amount: np.ndarray

    def between(self, people: int, *, first: int, end: int) -> np.ndarray:
        """Spend of each person from the first day to the day before `end`."""
        chosen = (first <= self.day) & (self.day < end)
        return np.asarray(np.bincount(self.person[chosen], self.amount[chosen], minlength=people))


@dataclass(frozen=True)
class Campaign:
    """A campaign carried out: its members, who of them was contacted, and the effect planted.

    `effect` is the expected change of a contacted customer's spend in CNY over 28 days from the
    first day, averaged over the contacted; `seconds` are 0 for a member who was held out, and
    `responded_seconds` for one who did not answer.
    """

    number: int
    plan: CampaignPlan
    person: np.ndarray
    treated: np.ndarray
    seconds: np.ndarray
    responded_seconds: np.ndarray
    effect: float = 0.0

    @property
    def identifier(self) -> str:
        """The campaign's id."""
        return f"C{self.number + 1:02d}"

    @property
    def start(self) -> int:
        """First day."""
        return int(MONTH_STARTS[self.plan.month]) + self.plan.day - 1

    @property
    def contacted(self) -> np.ndarray:
        """People contacted."""
        return np.asarray(self.person[self.treated])


def campaign_of(month: int) -> int | None:
    """Return the number of the campaign that starts in the month, if one does."""
    return next((number for number, plan in enumerate(CAMPAIGNS) if plan.month == month), None)


def choose(number: int, people: People, *, past: PastSpend, random: np.random.Generator) -> Campaign:
    """Choose the members: at random with a holdout, or by their spend in the 90 days before.

    A targeted campaign contacts the highest of log spend plus Gumbel noise, so that the odds of
    being contacted depend on the spend before and on nothing else.

    Parameters
    ----------
    number
        Place in the plan of campaigns.
    people
        The people.
    past
        Their spend so far.
    random
        Random numbers.

    Returns
    -------
    Campaign
        Without responses and effect yet.
    """
    plan = CAMPAIGNS[number]
    start = int(MONTH_STARTS[plan.month]) + plan.day - 1
    eligible = np.flatnonzero(people.alive_on(start))
    size = min(round(plan.reach * len(people)), len(eligible) // 2)
    if plan.design == "targeted":
        spend = np.log1p(past.between(len(people), first=start - _PRE_DAYS, end=start)[eligible])
        pull = _SELECTION * (spend - spend.mean()) / max(spend.std(), 1e-9)
        score = pull + random.gumbel(size=len(eligible))
        person = np.sort(eligible[np.argsort(-score, kind="stable")[:size]])
    else:
        person = np.sort(random.permutation(eligible)[:size])
    treated = np.ones(size, bool)
    treated[random.permutation(size)[: round(size * plan.holdout)]] = False
    seconds = np.where(treated, start * 86_400 + random.integers(9 * 3_600, 20 * 3_600, size), 0)
    return Campaign(number, plan, person, treated, seconds, np.zeros(size, np.int64))


def add_orders(
    campaign: Campaign, people: People, *, worth: float, random: np.random.Generator
) -> tuple[Campaign, Orders]:
    """Let the campaign bring its extra orders, and let people answer it.

    Parameters
    ----------
    campaign
        With its members.
    people
        The people.
    worth
        Money that an order brings for each CNY of value aimed at.
    random
        Random numbers.

    Returns
    -------
    tuple of Campaign and Orders
        The campaign with responses and effect, and the orders it brought.
    """
    contacted = campaign.contacted
    extra = random.poisson(campaign.plan.extra_orders, len(contacted))
    person = np.repeat(contacted, extra)
    channel = random.choice(len(CHANNELS), len(person), p=_ORDER_SHARE).astype(np.int8)
    first = np.full(len(person), campaign.start)
    end = np.minimum(first + WINDOW_DAYS, people.churned[person])
    orders = place_orders(
        people, person, channel=channel, days=(first, end), random=random, campaign=campaign.number
    )
    value = people.value[contacted].mean() * (_ORDER_SHARE @ _CHANNEL_VALUE) if len(contacted) else 0.0
    answered = _answers(campaign, extra, random)
    effect = campaign.effect + campaign.plan.extra_orders * float(value) * worth
    return replace(campaign, responded_seconds=answered, effect=effect), orders


def _answers(campaign: Campaign, extra: np.ndarray, random: np.random.Generator) -> np.ndarray:
    chance = np.where(extra > 0, _BUYER_RESPONSE, _BASE_RESPONSE)
    wait = random.exponential(3 * 86_400, len(extra)).astype(np.int64) % (campaign.plan.length * 86_400)
    answered = np.zeros(len(campaign.person), np.int64)
    said_yes = random.random(len(extra)) < chance
    answered[campaign.treated] = np.where(said_yes, campaign.seconds[campaign.treated] + 600 + wait, 0)
    return answered


def divert_orders(
    campaign: Campaign, people: People, *, orders: Orders, amounts: np.ndarray, random: np.random.Generator
) -> tuple[Campaign, Orders]:
    """Let contacted people lose orders to people outside the campaign, segment by segment.

    The orders stay in their channel and month, so that channel totals keep following cost.

    Parameters
    ----------
    campaign
        With its members.
    people
        The people.
    orders
        Orders of the month.
    amounts
        Money of each order in CNY.
    random
        Random numbers.

    Returns
    -------
    tuple of Campaign and Orders
        The campaign with its (negative) effect, and the orders with some people changed.
    """
    if not campaign.plan.lost_share:
        return campaign, orders
    contacted = np.zeros(len(people), bool)
    contacted[campaign.contacted] = True
    inside = contacted[orders.person] & (orders.day >= campaign.start)
    inside &= orders.day < campaign.start + WINDOW_DAYS
    lost = np.flatnonzero(inside & (random.random(len(orders)) < campaign.plan.lost_share))
    person = orders.person.copy()
    person[lost] = _outsiders(campaign, people, people.segment[person[lost]], random)
    effect = -campaign.plan.lost_share * amounts[inside].sum() / max(len(campaign.contacted), 1)
    return replace(campaign, effect=float(effect)), replace(orders, person=person)


def _outsiders(
    campaign: Campaign, people: People, segments: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    end = campaign.start + WINDOW_DAYS
    free = people.alive_on(int(MONTH_STARTS[campaign.plan.month])) & people.alive_on(end + 4)
    free[campaign.person] = False
    chosen = np.empty(len(segments), np.int64)
    for segment in np.unique(segments):
        place = segments == segment
        pool = np.flatnonzero(free & (people.segment == segment))
        pool = pool if len(pool) else np.flatnonzero(free)
        chosen[place] = random.choice(pool, int(place.sum()))
    return chosen


def remember(past: Sequence[tuple[Orders, np.ndarray]]) -> PastSpend:
    """Make the spend of the last months, from their orders and the money of each."""
    return PastSpend(
        np.concatenate([orders.person for orders, _ in past]),
        np.concatenate([orders.day for orders, _ in past]),
        np.concatenate([amounts for _, amounts in past]),
    )
