"""Campaigns: who is chosen, who loses orders to whom, and what is counted as the effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crm_helpers.demo.campaigns import PastSpend, add_orders, choose, divert_orders
from crm_helpers.demo.orders import base_orders, make_curves
from crm_helpers.demo.people import make_people
from crm_helpers.demo.plan import CAMPAIGNS, MONTH_STARTS, generator

PEOPLE = make_people(4_000, 5)
CURVES = make_curves(4_000, 5)
TARGETED = next(n for n, plan in enumerate(CAMPAIGNS) if plan.design == "targeted")
RANDOMISED = next(n for n, plan in enumerate(CAMPAIGNS) if plan.extra_orders and plan.design == "randomised")
HARMFUL = next(n for n, plan in enumerate(CAMPAIGNS) if plan.lost_share)
NOTHING = PastSpend(*(np.empty(0, kind) for kind in (int, int, float)))


def past_of(spenders: np.ndarray, campaign: int, *, days_before: int) -> PastSpend:
    day = MONTH_STARTS[CAMPAIGNS[campaign].month] + CAMPAIGNS[campaign].day - 1 - days_before
    return PastSpend(spenders, np.full(len(spenders), day), np.full(len(spenders), 500.0))


def test_spend_between_days_counts_the_first_day_and_not_the_last():
    past = PastSpend(np.array([0, 0, 1]), np.array([10, 20, 20]), np.array([1.0, 2.0, 4.0]))
    assert past.between(3, first=10, end=20).tolist() == [1.0, 0.0, 0.0]
    assert past.between(3, first=11, end=21).tolist() == [2.0, 4.0, 0.0]


@pytest.mark.parametrize(("days_before", "favoured"), [(90, True), (1, True), (91, False), (0, False)])
def test_targeting_looks_at_the_ninety_days_before_and_at_nothing_else(days_before, favoured):
    spenders = np.arange(0, 4_000, 4)
    past = past_of(spenders, TARGETED, days_before=days_before)
    campaign = choose(TARGETED, PEOPLE, past=past, random=generator(1, 1))
    share = np.isin(campaign.person, spenders).mean()
    assert (share > 0.5) == favoured
    assert campaign.treated.all()


def test_a_randomised_campaign_draws_among_customers_and_holds_out_the_share_planned():
    campaign = choose(RANDOMISED, PEOPLE, past=NOTHING, random=generator(1, 2))
    assert PEOPLE.alive_on(campaign.start)[campaign.person].all()
    assert len(np.unique(campaign.person)) == len(campaign.person)
    assert campaign.treated.mean() == pytest.approx(1 - CAMPAIGNS[RANDOMISED].holdout, abs=0.001)
    assert ((campaign.seconds > 0) == campaign.treated).all()


def test_extra_orders_are_of_the_contacted_within_the_window_and_worth_the_effect():
    chosen = choose(RANDOMISED, PEOPLE, past=NOTHING, random=generator(1, 3))
    campaign, extra = add_orders(chosen, PEOPLE, worth=1.0, random=generator(1, 4))
    assert np.isin(extra.person, campaign.contacted).all()
    assert (extra.day >= campaign.start).all()
    assert (extra.day < campaign.start + 28).all()
    assert extra.value.sum() / len(campaign.contacted) == pytest.approx(campaign.effect, rel=0.35)
    assert (campaign.responded_seconds[~campaign.treated] == 0).all()


def test_lost_orders_go_to_outsiders_of_the_segment_in_the_same_channel_at_the_same_time():
    orders = base_orders(PEOPLE, CURVES, month=CAMPAIGNS[HARMFUL].month, random=generator(1, 5))
    chosen = choose(HARMFUL, PEOPLE, past=NOTHING, random=generator(1, 6))
    campaign, after = divert_orders(
        chosen, PEOPLE, orders=orders, amounts=orders.value, random=generator(1, 7)
    )
    moved = orders.person != after.person
    assert moved.any()
    assert np.isin(orders.person[moved], campaign.contacted).all()
    assert not np.isin(after.person[moved], campaign.person).any()
    assert (PEOPLE.segment[orders.person] == PEOPLE.segment[after.person]).all()
    assert (orders.channel == after.channel).all()
    assert (orders.second == after.second).all()
    lost = orders.value[moved].sum() / len(campaign.contacted)
    assert campaign.effect == pytest.approx(-lost, rel=0.25)


def test_a_campaign_that_takes_nothing_leaves_the_orders_alone():
    orders = base_orders(PEOPLE, CURVES, month=3, random=generator(1, 8))
    chosen = choose(HARMFUL, PEOPLE, past=NOTHING, random=generator(1, 9))
    harmless = replace(chosen, plan=replace(chosen.plan, lost_share=0.0))
    assert (
        divert_orders(harmless, PEOPLE, orders=orders, amounts=orders.value, random=generator(1, 10))[1]
        is orders
    )
