"""Target lists scored later: what was planted comes back, as hit, miss, not yet or not used."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from campaign_world import START, World

from crm_helpers.analysis.campaigns.effects import study
from crm_helpers.analysis.campaigns.list_promises import list_findings, open_targets, score_targets
from crm_helpers.analysis.campaigns.next_findings import actions, promise_finding
from crm_helpers.analysis.campaigns.returns import add_returns, portfolio
from crm_helpers.analysis.campaigns.targeting import Targets, find_targets
from crm_helpers.analysis.estimates import Estimate

LISTED, CLOSES, LATER = date(2024, 10, 1), date(2024, 10, 29), date(2024, 12, 1)
WINDOW = 28
EFFECT = 20.0
BEFORE = pd.DataFrame(columns=["customer_id", "campaign", "band", "arm", "listed_on", "closes_on"])
NOTHING = pd.DataFrame(columns=["listed_on", "outcome"])
NO_PROMISES, NO_PREDICTIONS = pd.DataFrame(columns=["inside"]), pd.DataFrame()


@pytest.fixture(scope="module")
def told() -> tuple[Targets, pd.DataFrame]:
    """List of October, learnt from a campaign of July that brought 20 a customer, and all effects."""
    tables = _world().tables()
    found = study(tables, as_of=LISTED)
    effects = add_returns(found.effects, tables["campaigns"], margin=0.5)
    return find_targets(found, effects, tables["customers"], margin=0.5), effects


@pytest.fixture
def listed(told: tuple[Targets, pd.DataFrame]) -> pd.DataFrame:
    return open_targets(told[0], BEFORE, scored=NOTHING, as_of=LISTED, window_days=WINDOW)


def _world() -> World:
    world = World(1_600)
    treated, held = world.drawn(0.6)
    world.campaign("one", treated, held, effect=EFFECT, name="One", start=START)
    return world


def _used(listed: pd.DataFrame, *, effect: float, who: str = "contact", timed: bool = True) -> World:
    """Carry the list out: `who` is contacted and spends `effect` more, after the window a thousand more."""
    world = _world()
    chosen = listed if who == "all" else listed[listed["arm"] == who]
    people = np.flatnonzero(np.isin(world.ids, chosen["customer_id"]))
    world.campaign("two", people, np.array([]), effect=effect, start=LISTED, name="Two")
    if timed:
        world.contacts[-1]["contacted_at"] = datetime(2024, 10, 2, 9)
    late = (CLOSES - date(2024, 1, 1)).days
    world.lines.append(pd.DataFrame({"person": people, "day": late, "amount": 1_000.0}))
    return world


@pytest.mark.parametrize("timed", [True, False], ids=["times recorded", "from the campaign's start"])
def test_a_list_that_brings_what_the_campaign_brought_is_a_hit(listed: pd.DataFrame, timed: bool) -> None:
    tables = _used(listed, effect=EFFECT, timed=timed).tables()
    (row,) = score_targets(listed, tables, as_of=LATER).itertuples()
    assert row.promised_low < EFFECT < row.promised_high
    assert row.happened_low < EFFECT < row.happened_high
    assert (row.campaign, row.outcome, row.contacted, row.held_out_contacted) == ("One", "hit", 1, 0)
    assert row.contacts + row.held_out == len(listed)
    assert list_findings(score_targets(listed, tables, as_of=LATER))[0][0] == "campaigns.list_hit"


def test_a_large_promise_of_a_list_that_brings_nothing_is_a_miss(listed: pd.DataFrame) -> None:
    boasted = listed.assign(expected_sales=60.0, error=2.0)
    scored = score_targets(boasted, _used(listed, effect=0.0).tables(), as_of=LATER)
    assert scored["outcome"].tolist() == ["miss"]
    assert scored["happened_low"][0] < 0 < scored["happened_high"][0]
    assert scored["promised"][0] == 60
    ((key, values),) = promise_finding(NO_PROMISES, NO_PREDICTIONS, scored)
    assert (key, values["campaign"], values["day"]) == ("campaigns.list_miss", "One", LISTED)


@pytest.mark.parametrize("who", ["nobody", "all"])
def test_a_list_that_changed_nobodys_contacts_is_not_scored(listed: pd.DataFrame, who: str) -> None:
    scored = score_targets(listed, _used(listed, effect=EFFECT, who=who).tables(), as_of=LATER)
    assert scored["outcome"].tolist() == ["not used"]
    assert scored["happened"].isna().all()
    found = promise_finding(NO_PROMISES, NO_PREDICTIONS, scored)
    assert [key for key, _values in found] == ["campaigns.no_promises", "campaigns.list_unused"]


def test_a_list_waits_for_its_window_through_reports_in_between(
    told: tuple[Targets, pd.DataFrame], listed: pd.DataFrame
) -> None:
    tables, between = _used(listed, effect=EFFECT).tables(), LISTED + timedelta(days=10)
    scored = score_targets(listed, tables, as_of=between)
    assert scored["outcome"].tolist() == ["not yet"]
    assert list_findings(scored)[0][0] == "campaigns.list_open"
    kept = open_targets(told[0], listed, scored=scored, as_of=between, window_days=WINDOW)
    assert sorted(kept["listed_on"].dt.date.unique()) == [LISTED, between]
    scored = score_targets(kept, tables, as_of=CLOSES)
    assert scored["outcome"].tolist() == ["hit", "not yet"]
    last = open_targets(Targets("no list"), kept, scored=scored, as_of=CLOSES, window_days=WINDOW)
    assert last["listed_on"].dt.date.unique().tolist() == [between]


def test_a_day_past_the_window_does_not_close_it_while_its_orders_are_not_loaded(
    listed: pd.DataFrame,
) -> None:
    tables = _used(listed, effect=EFFECT).tables()
    loaded = tables["transactions"]
    early = {**tables, "transactions": loaded.filter(loaded.ordered_at < datetime(2024, 10, 15))}
    scored = score_targets(listed, early, as_of=LATER)
    assert scored["outcome"].tolist() == ["not yet"]
    kept = open_targets(Targets("no list"), listed, scored=scored, as_of=LATER, window_days=WINDOW)
    assert len(kept) == len(listed)


def test_a_report_for_an_earlier_day_hands_later_lists_on(listed: pd.DataFrame) -> None:
    earlier = LISTED - timedelta(days=30)
    scored = score_targets(listed, _world().tables(), as_of=earlier)
    kept = open_targets(Targets("no list"), listed, scored=scored, as_of=earlier, window_days=WINDOW)
    assert scored.empty
    pd.testing.assert_frame_equal(kept, listed)


def test_todays_list_replaces_itself_and_without_lists_nothing_is_said(
    told: tuple[Targets, pd.DataFrame], listed: pd.DataFrame
) -> None:
    tables = _world().tables()
    scored = score_targets(listed, tables, as_of=LISTED)
    assert (len(scored), list_findings(scored)) == (0, [])
    again = open_targets(told[0], listed, scored=scored, as_of=LISTED, window_days=WINDOW)
    pd.testing.assert_frame_equal(again, listed)
    none = open_targets(Targets("no list"), BEFORE, scored=scored, as_of=LISTED, window_days=WINDOW)
    assert none.empty


def test_what_is_promised_is_that_of_those_to_contact(told: tuple[Targets, pd.DataFrame]) -> None:
    targets, effects = told
    net = pd.DataFrame({"customer_id": ["a", "b"], "net": [30.0, 10.0], "group": ["contact", "holdout"]})
    targets = replace(targets, people=net, promised=Estimate(40.0, 20.0, 60.0))
    key, values = actions(targets, portfolio(effects), as_of=LISTED, window_days=WINDOW)[0]
    assert key == "campaigns.do_contact"
    assert values["promised"] == Estimate(30.0, 15.0, 45.0)
    assert (values["listed"], values["held"], values["until"]) == (1, 1, CLOSES)
