"""Churn: the window against statsmodels, features that see nothing later, models against scikit-learn."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from made_orders import AS_OF, book_of, no_contacts, shop
from sklearn.metrics import roc_auc_score
from statsmodels.duration.survfunc import SurvfuncRight

from crm_helpers.analysis.churn.calibration import calibration_table, distance, fit_calibration
from crm_helpers.analysis.churn.features import find_leaks, snapshot, stacked
from crm_helpers.analysis.churn.insight import dependence, importance, lift
from crm_helpers.analysis.churn.models import KINDS, LOGISTIC, TRAINED, areas, compare_models, fit_churn
from crm_helpers.analysis.churn.study import churn_rules, risk_now, study_churn, window_of
from crm_helpers.analysis.churn.window import choose_window, compare_rules, lost_by
from crm_helpers.analysis.value.lookback import look_back

WINDOW = 60
trained = pytest.mark.parametrize("kind", TRAINED)


def planted(size: int = 2_500, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Features of which two matter, the label, and the probability it was drawn with."""
    generator = np.random.default_rng(seed)
    table = pd.DataFrame({"silent": generator.gamma(2, 20, size), "orders": generator.poisson(5, size) * 1.0,
                          "noise": generator.normal(size=size)})  # fmt: skip
    chance = 1 / (1 + np.exp(-(1.2 * np.log1p(table["silent"]) - 1.5 * np.log1p(table["orders"]) - 1.8)))
    return table, (generator.random(size) < chance).to_numpy(), chance.to_numpy()


def test_pauses_outlast_as_kaplan_and_meier_say():
    generator = np.random.default_rng(1)
    days, seen = generator.integers(1, 200, 3_000), generator.random(3_000) < 0.7
    counts = pd.DataFrame({"days": days, "ended": seen, "open": ~seen}).groupby("days").sum().reset_index()
    found = choose_window(counts.astype(int), span=4_000).evidence.set_index("days")["outlast"]
    curve = SurvfuncRight(days, seen.astype(int))
    for length in (14, 56, 122, 182):
        assert found[length] == pytest.approx(
            curve.surv_prob[np.searchsorted(curve.surv_times, length, "right") - 1]
        )


def test_the_window_is_the_shortest_from_which_on_most_stay_away():
    counts = pd.DataFrame({"days": [10, 40, 80, 400], "ended": [500, 300, 40, 0], "open": [0, 0, 0, 160]})
    found = choose_window(counts, span=4_000)
    assert (found.days, found.reached) == (42, True)
    assert found.back == pytest.approx(0.2)


def test_the_window_is_not_shorter_than_the_rhythm_of_slow_buyers():
    """Few come back within a fortnight of a fortnight's silence, but only because nobody orders so often."""
    counts = pd.DataFrame({"days": [90, 100, 110, 900], "ended": [300, 400, 300, 0], "open": [0, 0, 0, 200]})
    found = choose_window(counts, span=4_000)
    assert found.evidence.set_index("days").loc[14, "back"] == 0
    assert found.days == 122


def test_data_too_short_give_the_longest_window_and_say_so():
    counts = pd.DataFrame({"days": [30, 60], "ended": [90, 10], "open": [0, 0]})
    found = choose_window(counts, span=120)
    assert (found.days, found.reached) == (28, False)
    assert choose_window(counts, span=120, wanted=33).days == 33


def test_both_errors_of_a_rule_are_counted():
    called = {"all": np.ones(4, bool), "right": np.array([True, True, False, False])}
    table = compare_rules(called, np.array([False, False, True, True])).set_index("rule")
    assert table.index[0] == "right"
    assert table.loc["right", ["wrongly", "missed"]].tolist() == [0.0, 0.0]
    assert table.loc["all", ["wrongly", "missed"]].tolist() == [0.5, 0.0]


def test_the_own_rhythm_forgives_who_orders_seldom():
    table = pd.DataFrame({"x": [10.0, 10.0], "t_x": [20.0, 100.0], "T": [30.0, 110.0]})
    called = lost_by(table, days=35)
    assert called["silent for 35 days"].tolist() == [True, True]
    assert called["three times the own rhythm"].tolist() == [True, False]


def test_features_see_nothing_of_the_day_and_later():
    lines = shop()
    past = look_back(book_of(lines), ago=WINDOW)
    before = snapshot(book_of(lines), no_contacts(), past, window=WINDOW, label=True)
    later = pd.to_datetime(lines["ordered_at"]) >= pd.Timestamp(AS_OF - timedelta(days=WINDOW))
    cut = book_of(lines[~later])
    blind = snapshot(cut, no_contacts(), look_back(cut, ago=WINDOW), window=WINDOW, label=True)
    pd.testing.assert_frame_equal(before.features, blind.features)
    assert blind.churned.all()
    assert not before.churned.all()


def test_customers_of_several_days_are_learned_from_together():
    book = book_of(shop())
    days = [look_back(book, ago=ago, ahead=WINDOW) for ago in (WINDOW, 2 * WINDOW)]
    first, second = (snapshot(book, no_contacts(), past, window=WINDOW, label=True) for past in days)
    both = stacked(first, second)
    assert (
        len(both.customers)
        == len(both.features)
        == len(both.churned)
        == len(first.churned) + len(second.churned)
    )
    assert both.day == first.day
    assert list(both.features) == list(first.features)


def test_active_is_who_ordered_within_the_window():
    book = book_of(shop())
    past = look_back(book, ago=WINDOW)
    found = snapshot(book, no_contacts(), past, window=WINDOW, label=True)
    assert len(found.customers) == (past.silent_days < WINDOW).sum()
    assert (found.features["silent_days"] < WINDOW).all()


def test_a_feature_that_says_next_to_nothing_is_left_out():
    lines = shop()
    lines = lines.assign(day=pd.to_datetime(lines["ordered_at"]).dt.date)
    lines = lines.drop_duplicates(["customer_id", "day"]).reset_index(drop=True)
    lines["amount"] = 1_000 + np.arange(len(lines)) % 3 / 100
    book = book_of(lines)
    found = snapshot(book, no_contacts(), look_back(book, ago=WINDOW), window=WINDOW, label=True)
    assert "order_value" not in found.features
    assert {"orders", "recent_money", "silent_days"} <= set(found.features)


def test_a_feature_from_after_the_fact_is_named_and_refused():
    table, churned, _ = planted()
    leaking = table.assign(closed_account=churned * 1.0 + np.random.default_rng(1).normal(0, 0.2, len(table)))
    found = find_leaks(
        leaking, churned, day=AS_OF, known_on={"orders": date(2024, 7, 2), "silent": date(2024, 6, 1)}
    )
    assert sorted(found["feature"]) == ["closed_account", "orders"]
    assert "2024-07-02" in found.set_index("feature").loc["orders", "reason"]
    assert find_leaks(table, churned, day=AS_OF).empty


def test_areas_are_those_of_scikit_learn():
    generator = np.random.default_rng(2)
    score, label = generator.integers(0, 20, 400) / 20, generator.random(400) < 0.3
    weights = generator.poisson(1.0, (5, 400)).astype(float)
    expected = [roc_auc_score(label, score, sample_weight=row) for row in weights]
    np.testing.assert_allclose(areas(score, label.astype(float), weights), expected)


@trained
def test_models_come_near_the_probabilities_that_were_planted(kind):
    table, churned, _ = planted()
    fresh, label, chance = planted(4_000, seed=2)
    predicted = fit_churn(table, churned, kind=kind).predict(fresh)
    assert roc_auc_score(label, predicted) > roc_auc_score(label, chance) - 0.02
    assert np.abs(predicted - chance).mean() < 0.06


def test_probabilities_are_learned_from_as_log_odds():
    alive = np.array([0.02, 0.2, 0.5, 0.7, 0.97] * 40)
    model = fit_churn(pd.DataFrame({"p_alive": alive}), alive < 0.6, kind=LOGISTIC)
    odds = np.log(alive / (1 - alive))
    assert model.matrix(pd.DataFrame({"p_alive": alive}))[:, 0] == pytest.approx(
        (odds - odds.mean()) / odds.std()
    )


def test_the_simplest_model_within_noise_is_kept_and_a_worse_one_is_not():
    _, label, chance = planted(4_000)
    guess = np.random.default_rng(1).random(4_000)
    same = chance + np.random.default_rng(2).normal(0, 0.001, 4_000)
    table = compare_models({"simple": chance, "complex": same}, label)
    assert table.loc[table["kept"], "model"].tolist() == ["simple"]
    table = compare_models({"simple": guess, "complex": chance}, label)
    assert table.loc[table["kept"], "model"].tolist() == ["complex"]


def test_shuffled_labels_give_no_gain():
    table, churned, _ = planted()
    mixed = np.random.default_rng(3).permutation(churned)
    fresh, label, _ = planted(3_000, seed=4)
    label = np.random.default_rng(5).permutation(label)
    predicted = {kind: fit_churn(table, mixed, kind=kind).predict(fresh) for kind in KINDS[1:]}
    found = compare_models(predicted, label)
    assert (found["auc_low"] < 0.52).all()
    assert all(p.min() >= 0 and p.max() <= 1 for p in predicted.values())


def test_noise_features_tell_nobody_apart():
    generator = np.random.default_rng(11)
    features = [pd.DataFrame(generator.normal(size=(1_500, 6)), columns=list("abcdef")) for _ in range(2)]
    labels = [generator.random(1_500) < 0.3 for _ in range(2)]
    predicted = {
        kind: fit_churn(features[0], labels[0], kind=kind).predict(features[1]) for kind in KINDS[1:]
    }
    found = compare_models(predicted, labels[1])
    assert (found["auc_low"] < 0.5).all()
    assert found.loc[found["kept"], "model"].tolist() == [KINDS[1]]
    assert all(abs(p.mean() - 0.3) < 0.05 for p in predicted.values())


def test_calibrated_scores_come_true():
    _, churned, chance = planted(6_000)
    _, label, fresh = planted(6_000, seed=8)
    made = fit_calibration(chance**3, churned)
    table = calibration_table({"made": made(fresh**3), "raw": fresh**3}, label)
    assert distance(table, "made") < 0.03 < distance(table, "raw")
    assert table[table["model"] == "made"]["customers"].sum() == len(label)


def test_steps_are_taken_only_where_a_line_cannot_come_true():
    generator = np.random.default_rng(9)
    score = generator.random(8_000)
    steep = np.where(score < 0.7, 0.05, 0.6)
    stepped = fit_calibration(score, generator.random(8_000) < steep)
    assert stepped.kind == "isotonic"
    np.testing.assert_allclose(stepped(np.array([0.2, 0.6, 0.8, 0.95])), [0.05, 0.05, 0.6, 0.6], atol=0.06)
    assert fit_calibration(score, generator.random(8_000) < score).kind == "Platt"


def test_importance_finds_what_matters_and_dependence_its_direction():
    table, churned, _ = planted()
    fresh, label, _ = planted(2_000, seed=6)
    model = fit_churn(table, churned, kind=KINDS[1])
    found = importance(model, fresh, label, words={"noise": "nothing"})
    assert found["feature"].iloc[-1] == "noise"
    assert found["meaning"].iloc[-1] == "nothing"
    assert abs(found["loss"].iloc[-1]) < 0.01
    curve = dependence(model, fresh, ["silent", "orders"], words={})
    slopes = curve.groupby("feature")["probability"].apply(lambda p: p.iloc[-1] - p.iloc[0])
    assert slopes["silent"] > 0 > slopes["orders"]


def test_lift_adds_up():
    _, label, chance = planted(1_234)
    table = lift(chance, label)
    assert table["customers"].sum() == 1_234
    assert table["found"].iloc[-1] == pytest.approx(1.0)
    assert (table["customers"] * table["lift"]).sum() / 1_234 == pytest.approx(1.0)
    assert table["found"].is_monotonic_increasing


def test_a_shop_is_studied_whole():
    book = book_of(shop(customers=900, seed=3))
    window = window_of(book, wanted=WINDOW)
    past = look_back(book, ago=window.days)
    rules = churn_rules(past, window=window.days)
    found, latest = study_churn(book, no_contacts(), past, window=window.days, draws=100)
    assert found.models["model"].tolist() == list(KINDS)
    assert found.gain
    assert len(rules) == 5
    risk = risk_now(found, latest, book, no_contacts(), now=look_back(book))
    assert risk["churn_probability"].between(0, 1).all()
    assert risk["customer_id"].is_unique
