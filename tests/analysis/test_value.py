"""Expected money against lives that were lived, and the choice between the model and simple rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_orders import book_of, lives, shop

from crm_helpers.analysis.value.holdout import cell_average, compare, deciles, tracking
from crm_helpers.analysis.value.prediction import WEEKS_A_MONTH, fit_value, predict, total_value
from crm_helpers.analysis.value.study import MODEL, trial, value_now

PLANTED = (1.2, 6.0, 0.6, 3.0)


def lived(seed: int, customers: int = 1_500) -> pd.DataFrame:
    """Histories of lives, and the money that came in twice as long after."""
    weeks = np.random.default_rng(seed).integers(26, 27, customers).astype(float)
    table, beyond = lives(PLANTED, customers=customers, weeks=weeks, seed=seed)
    generator = np.random.default_rng(seed + 1_000)
    rate, orders = generator.gamma(4.0, 1 / 15, customers), table["x"] + 1
    values = generator.gamma(6.0, 1.0, int(orders.sum())) / np.repeat(rate, orders.astype(int))
    who = np.repeat(np.arange(customers), orders.astype(int))
    money = generator.gamma(6.0 * np.maximum(beyond, 1e-9)) / rate
    return table.assign(
        customer_id=[f"{number:05d}" for number in range(customers)], orders=orders,
        mean=np.bincount(who, values) / orders, log_mean=np.bincount(who, np.log(values)) / orders,
        revenue=np.bincount(who, values), later_orders=beyond, later_revenue=money * (beyond > 0),
    )  # fmt: skip


def test_intervals_of_totals_hold_what_came():
    inside = []
    for seed in range(12):
        table = lived(seed)
        found = total_value(fit_value(table), table, months=52 / WEEKS_A_MONTH, seed=seed)
        came = (table["later_orders"].sum(), table["later_revenue"].sum())
        inside += [
            estimate.low <= value <= estimate.high for estimate, value in zip(found, came, strict=True)
        ]
    # an honest 95 % interval holds fewer than 20 of 24 once in 200 times
    assert sum(inside) >= 20


def test_money_grows_with_the_horizon_and_shrinks_with_the_discount():
    table = lived(1, 500)
    model = fit_value(table)
    plain, less = predict(model, table, discount=0.0), predict(model, table, discount=0.2)
    assert (plain["value_3m"] <= plain["value_12m"]).all()
    assert (less["value_12m"] < plain["value_12m"]).all()
    np.testing.assert_allclose(plain["value_12m"], plain["orders_12m"] * plain["order_value"], rtol=1e-9)


def test_margin_takes_its_share():
    table = lived(2, 500)
    half = predict(fit_value(table, margin=0.5), table)["value_12m"]
    np.testing.assert_allclose(half, predict(fit_value(table), table)["value_12m"] / 2)


def test_a_model_that_knows_is_used_and_one_that_guesses_is_not():
    generator = np.random.default_rng(1)
    truth = generator.gamma(1.0, 100.0, 3_000)
    actual, rule = truth * generator.gamma(8, 1 / 8, 3_000), truth * generator.gamma(1, 1, 3_000)
    knows = compare({"model": truth, "rule": rule}, actual)
    assert knows.used == "model"
    assert knows.model_used
    guesses = compare({"model": generator.permutation(truth), "rule": rule}, actual)
    assert guesses.used == "rule"


def test_a_model_no_better_than_a_rule_gives_way():
    generator = np.random.default_rng(2)
    rule = generator.gamma(1.0, 100.0, 2_000)
    found = compare({"model": rule * 1.0, "rule": rule}, rule * generator.gamma(4, 1 / 4, 2_000))
    assert found.used == "rule"


def test_scores_are_those_of_pandas():
    generator = np.random.default_rng(3)
    predicted, actual = generator.gamma(1, 10, 500), generator.gamma(1, 10, 500)
    scores = compare({"model": predicted, "rule": actual}, actual).scores
    assert scores["rank"].iloc[0] == pytest.approx(
        pd.Series(predicted).corr(pd.Series(actual), method="spearman")
    )
    assert scores["error"].iloc[0] == pytest.approx(np.abs(predicted - actual).mean())
    assert scores["rank"].iloc[1] == pytest.approx(1.0)


def test_tenths_hold_everybody_and_all_the_money():
    generator = np.random.default_rng(4)
    table = deciles(generator.gamma(1, 10, 1_003), generator.gamma(1, 10, 1_003))
    assert table["customers"].sum() == 1_003
    assert table["share_of_revenue"].sum() == pytest.approx(1.0)
    assert table["predicted"].is_monotonic_decreasing


def test_alike_customers_bring_what_alike_ones_brought():
    earlier = pd.DataFrame({
        "T": [50.0] * 4, "t_x": [49.0, 49.0, 1.0, 1.0], "orders": [9, 9, 1, 1],
        "later_revenue": [100.0, 200.0, 0.0, 10.0],
    })  # fmt: skip
    now = pd.DataFrame({"T": [60.0, 60.0], "t_x": [59.5, 11.0], "orders": [9, 1]})
    assert cell_average(earlier, now).tolist() == [150.0, 5.0]


def test_tracking_cumulates():
    actual = pd.DataFrame({"week": pd.to_datetime(["2024-01-07", "2024-01-14"]), "orders": [3, 4]})
    table = tracking(actual, np.array([2.5, 6.0]), split=pd.Timestamp("2024-01-10"))
    assert table["actual"].tolist() == [3.0, 7.0]
    assert table["period"].tolist() == ["fitted", "test"]


def test_a_shop_is_predicted_and_tested_whole():
    book = book_of(shop())
    tested = trial(book, draws=100)
    found = value_now(book, tested)
    assert tested.days == book.span // 4
    assert tested.miss < 0.5
    assert found.customers["customer_id"].is_unique
    assert 0.9 * found.money.value < found.customers["value_12m"].sum() < found.money.value
    assert found.money.half_width >= 1.95 * tested.miss * found.money.value
    assert set(found.customers["method"]) == {tested.comparison.used}
    assert MODEL in tested.comparison.scores["method"].tolist()
    assert tested.tracking["expected"].is_monotonic_increasing


def test_what_comes_after_the_split_does_not_change_the_prediction():
    lines = shop()
    tested = trial(book_of(lines), draws=100)
    later = pd.to_datetime(lines["ordered_at"]) >= pd.Timestamp(tested.split)
    louder = lines.assign(amount=lines["amount"].where(~later, lines["amount"] * 7))
    assert trial(book_of(louder), draws=100).expected == tested.expected
