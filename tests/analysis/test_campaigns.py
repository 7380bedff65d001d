"""Campaign effects on simulated customers whose effect is known, and on campaigns that carry none."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from campaign_world import AS_OF, FIRST, START, World, canonical
from scipy import stats

from crm_helpers.analysis.campaigns.effects import evaluate
from crm_helpers.analysis.campaigns.findings import answer, effect_finding, money_finding, risk_finding
from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.campaigns.returns import add_returns, gross_margin, portfolio, progress


def test_a_randomised_campaign_gets_grade_a_and_its_effect() -> None:
    world = World()
    world.campaign("one", *world.drawn(), effect=20.0, design="randomised", holdout_share=0.5)
    row = world.judged().loc["one"]
    assert (row["design"], row["grade"], row["reason"]) == ("randomised", "A", "")
    assert row["effect_low"] < 20.0 < row["effect_high"]
    assert row["effect_high"] - row["effect_low"] < row["difference_high"] - row["difference_low"]
    assert row["detectable"] == pytest.approx(
        (row["effect_high"] - row["effect_low"]) / 2 / 1.963 * 2.802, rel=1e-2
    )


def test_the_effect_is_lins_regression_by_statsmodels() -> None:
    world = World(200)
    treated, held = world.drawn()
    world.campaign("one", treated, held, effect=20.0)
    row = world.judged().loc["one"]
    lines = pd.concat(world.lines)
    lines["before"] = (START - FIRST).days - lines["day"]
    own = pd.DataFrame(index=np.arange(200))
    recent, earlier = lines["before"].between(1, 28), lines["before"].between(29, 91)
    own["spend"] = lines[lines["before"].between(-27, 0)].groupby("person")["amount"].sum()
    own["spend_recent"] = lines[recent].groupby("person")["amount"].sum()
    own["spend_earlier"] = lines[earlier].groupby("person")["amount"].sum()
    own["orders_before"] = lines[recent | earlier].groupby("person")["day"].nunique()
    own["days_since_order"] = lines[recent | earlier].groupby("person")["before"].min()
    own["days_since_order"] = own["days_since_order"].fillna(91)
    own = own.fillna(0.0)
    own["log_spend"] = np.log1p(own["spend_recent"] + own["spend_earlier"])
    own["treated"] = own.index.isin(treated).astype(float)
    centred = own[list(COVARIATES)] - own[list(COVARIATES)].mean()
    design = sm.add_constant(
        pd.concat([own["treated"], centred, centred.mul(own["treated"], axis=0).add_suffix("_t")], axis=1)
    )
    theirs = sm.OLS(own["spend"], design).fit(cov_type="HC3", use_t=True)
    assert row["effect"] == pytest.approx(theirs.params["treated"], rel=1e-7)
    assert row["effect_low"] == pytest.approx(theirs.conf_int().loc["treated", 0], rel=1e-7)
    assert row["p_value"] == pytest.approx(theirs.pvalues["treated"], rel=1e-6)


def test_targeted_customers_are_compared_with_their_likes() -> None:
    world = World(800)
    score = np.log(world.worth) + world.random.gumbel(0, 0.5, 800)
    treated = np.argsort(-score)[:200]
    world.campaign("aimed", treated, np.array([]), effect=15.0, design="targeted")
    row = world.judged().loc["aimed"]
    assert row["design"] == "targeted"
    assert row["grade"] in ("B", "C", "D")
    assert (row["treated"], row["compared"]) == (200, 600)
    assert abs(row["effect"] - 15.0) < abs(row["difference"] - 15.0) / 4
    assert row["effect_low"] < 15.0 < row["effect_high"]


def test_customers_chosen_by_what_the_comparison_does_not_know_fail_the_placebo() -> None:
    world = World(800, seed=2)
    treated = np.arange(200)
    world.campaign("aimed", treated, np.array([]), design="targeted")
    assert world.judged(before_days=56).loc["aimed", "grade"] in ("B", "C")
    # a taste that shows 77 days before the start, in the placebo's window, and never again
    world.lines.append(pd.DataFrame({"person": treated, "day": 105, "amount": 60.0}))
    assert world.judged(before_days=56).loc["aimed", "grade"] == "D"


def test_no_effect_is_found_in_one_of_twenty_tests_without_one() -> None:
    p_values: list[float] = []
    for seed in range(2):
        world = World(250, seed=seed)
        for number in range(60):
            start = date(2024, 5, 1) + timedelta(days=3 * number)
            world.campaign(f"{number:02}", *world.drawn(0.6), start=start)
        p_values.extend(world.judged()["p_value"])
    assert len(p_values) == 120
    rejected = sum(p < 0.05 for p in p_values)
    assert stats.binomtest(rejected, 120, 0.05).pvalue > 0.001


def test_arms_not_in_the_planned_ratio_are_refused() -> None:
    world = World(600)
    world.campaign("broken", *world.drawn(0.6), effect=20.0, design="randomised", holdout_share=0.5)
    row = world.judged().loc["broken"]
    assert (row["design"], row["grade"]) == ("not consistent", "")
    assert row["reason"] == "arms not in the planned ratio"
    assert np.isnan(row["effect"])


def test_arms_that_differed_before_are_refused() -> None:
    world = World(600)
    order = np.argsort(world.worth)
    world.campaign("broken", order[300:], order[:300], design="randomised")
    assert world.judged().loc["broken", "reason"] == "arms differ before the start"


def test_forty_customers_are_not_enough_and_the_detectable_effect_is_said() -> None:
    world = World(40)
    world.campaign("small", *world.drawn(), effect=20.0)
    row = world.judged().loc["small"]
    assert (row["grade"], row["reason"]) == ("", "too few customers")
    assert np.isnan(row["effect"])
    assert row["detectable"] > 0


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (AS_OF, "not started"),
        (date(2024, 12, 20), "window not over"),
        (date(2024, 2, 1), "no history before the start"),
    ],
)
def test_a_window_without_data_gives_a_reason(start: date, reason: str) -> None:
    world = World(200)
    world.campaign("aimed", np.arange(80), np.array([]), start=start)
    assert world.judged().loc["aimed", "reason"] == reason


def test_where_everybody_was_contacted_there_is_nobody_to_compare_with() -> None:
    world = World(100)
    world.campaign("all", np.arange(100), np.array([]))
    row = world.judged().loc["all"]
    assert (row["grade"], row["reason"]) == ("", "nobody to compare with")


def test_spend_that_does_not_vary_says_nothing() -> None:
    world = World(200)
    world.lines = [pd.DataFrame({"person": np.arange(200), "day": 10, "amount": 5.0})]
    world.campaign("flat", *world.drawn())
    assert world.judged().loc["flat", "reason"] == "spend does not vary"


def test_one_customer_and_no_campaigns_are_no_faults() -> None:
    world = World(1)
    world.campaign("one", np.array([0]), np.array([]))
    assert world.judged().loc["one", "reason"] == "nobody to compare with"
    empty = World(5)
    assert empty.judged().empty
    found = portfolio(add_returns(empty.judged().reset_index(), empty.tables()["campaigns"], margin=None))
    assert answer(found)[:2] == ("campaigns.answer_none", "not enough data")


def test_customers_unknown_at_the_start_take_no_part_in_a_targeted_campaign() -> None:
    world = World(300, joined=None)
    late = pd.concat(world.lines)
    world.lines = [late[(late["person"] >= 100) | (late["day"] > (START - FIRST).days)]]
    world.campaign("aimed", np.arange(200), np.array([]))
    row = world.judged().loc["aimed"]
    assert (row["contacted"], row["treated"], row["compared"]) == (200, 100, 100)


def test_overlap_counts_contacts_reached_twice_within_the_window() -> None:
    world = World(200)
    world.campaign("a", np.arange(100), np.array([]))
    world.campaign("b", np.arange(75, 175), np.array([]), start=START + timedelta(days=10))
    world.campaign("c", np.arange(100), np.array([]), start=START + timedelta(days=60))
    assert world.judged()["overlap"].to_dict() == {"a": 0.25, "b": 0.25, "c": 0.0}


def test_money_back_is_effect_times_contacts_times_margin_less_cost() -> None:
    world = World(600)
    treated, held = world.drawn()
    world.campaign("one", treated, held, effect=30.0, cost=100, name="One")
    tables = world.tables()
    effects = evaluate(**tables, as_of=AS_OF)
    table = add_returns(effects, tables["campaigns"], margin=0.4)
    (row,) = table.itertuples()
    assert row.net == pytest.approx(0.4 * row.effect * 300 - 100)
    assert table["return"][0] == pytest.approx(0.4 * row.effect * 300 / 100)
    assert row.earned == "yes"
    found = portfolio(table)
    assert (found.earned, found.earned_proven, found.best, found.real) == (1, 1, "One", 1)
    assert answer(found)[:2] == ("campaigns.answer_earned", "solid")
    assert effect_finding(found) == ("campaigns.effects", {"judged": 1, "real": 1, "proven": 1})


def test_a_proven_campaign_leads_a_larger_one_that_is_only_compared() -> None:
    table = pd.DataFrame({
        "campaign_id": ["a", "b"], "name": ["proven", "compared"], "grade": ["A", "C"], "earned": "yes",
        "design": ["randomised", "targeted"], "p_adjusted": 0.001, "cost": 1.0,
        "net": [10.0, 99.0], "net_low": [5.0, 90.0], "net_high": [15.0, 110.0],
    })  # fmt: skip
    assert portfolio(table).best == "proven"
    only = portfolio(table.iloc[1:])
    assert (only.best, only.solid) == ("compared", False)
    assert answer(only)[1] == "indicative"


def test_without_costs_nothing_is_said_to_have_earned_unless_a_cost_is_given() -> None:
    world = World(600)
    world.campaign("one", *world.drawn(), effect=30.0)
    tables = world.tables()
    effects = evaluate(**tables, as_of=AS_OF)
    unknown = add_returns(effects, tables["campaigns"], margin=None)
    assert unknown["earned"].tolist() == ["not known"]
    assert money_finding(portfolio(unknown), margin=None) == ("campaigns.no_cost", {})
    given = add_returns(effects, tables["campaigns"], margin=None, cost_per_contact=1000.0)
    assert given["earned"].tolist() == ["no"]
    assert given["cost"].tolist() == [300_000.0]


def test_a_campaign_that_costs_nothing_has_no_return_but_a_net() -> None:
    world = World(600)
    world.campaign("one", *world.drawn(), effect=30.0, cost=0)
    tables = world.tables()
    table = add_returns(evaluate(**tables, as_of=AS_OF), tables["campaigns"], margin=None)
    assert table["return"].isna().all()
    assert table["earned"].tolist() == ["yes"]


def test_the_margin_counts_lines_with_a_cost_before_the_day_only() -> None:
    days = pd.to_datetime(["2024-05-01", "2024-05-02", "2025-05-01"]).astype("datetime64[us]")
    lines = pd.DataFrame({"ordered_at": days, "amount": [100.0, 500.0, 100.0], "cost": [60.0, None, 10.0]})
    assert gross_margin(canonical("transactions", lines), as_of=AS_OF) == pytest.approx(0.4)
    assert gross_margin(canonical("transactions", lines.assign(cost=np.nan)), as_of=AS_OF) is None


def test_progress_sets_what_happened_against_the_plan() -> None:
    world = World(100)
    world.campaign("past", np.arange(40), np.array([41]), planned_reach=50, budget=100, cost=120)
    world.campaign("next", np.arange(5), np.array([]), start=AS_OF, planned_reach=10, cost=1)
    tables = world.tables()
    table = progress(tables["campaigns"], tables["contacts"], as_of=AS_OF).set_index("campaign_id")
    assert table["state"].to_dict() == {"past": "finished", "next": "planned"}
    assert table.loc["past", ["reach", "reach_share", "cost_share"]].tolist() == [40, 0.8, 1.2]
    assert table.loc["next", "reach"] == 0
    assert np.isnan(table.loc["next", "cost"])


def test_without_any_campaign_nothing_is_at_risk() -> None:
    tables = World(100).tables()
    table = progress(tables["campaigns"], tables["contacts"], as_of=AS_OF)
    assert (len(table), risk_finding(table)) == (0, [])
