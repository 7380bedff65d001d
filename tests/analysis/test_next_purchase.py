"""The next order: literal tables, and customers whose habits are known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from made_orders import AS_OF, book_of, few, shop

from crm_helpers.analysis.value.lookback import look_back
from crm_helpers.analysis.value.next_purchase import BUYING, OFTEN, REPEAT, next_orders, next_test, tastes

NAMES = {"p": "food", "q": "toys", "r": "books"}


def test_what_was_bought_last_most_and_next():
    lines = few(
        ("a", "1", "2024-05-01", 9.0), ("a", "2", "2024-05-02", 9.0), ("a", "3", "2024-05-03", 9.0),
        ("a", "4", "2024-06-02", 9.0), ("b", "5", "2024-05-03", 9.0), ("c", "6", "2024-06-03", 9.0),
    )  # fmt: skip
    book = book_of(lines.assign(product_id=["p", "p", "q", "r", "q", "p"]), products=NAMES)
    found = tastes(book, day=date(2024, 6, 1), until=AS_OF)
    named = np.array([*found.categories, "none"])
    assert found.customers.tolist() == ["a", "b"]
    assert named[found.last].tolist() == ["toys", "toys"]
    assert named[found.often()].tolist() == ["food", "toys"]
    assert named[found.following].tolist() == ["books", "none"]


def habits(customers: int = 300) -> pd.DataFrame:
    """Everybody buys his own category nine times of ten, once a week."""
    generator = np.random.default_rng(1)
    who, week = np.repeat(np.arange(customers), 30), np.tile(np.arange(30), customers)
    other = generator.random(len(who)) < 0.1
    product = np.array(["p", "q", "r"])[np.where(other, generator.integers(0, 3, len(who)), who % 3)]
    day = week * 7 + generator.integers(0, 2, len(who)) + who % 7
    times = pd.Timestamp(AS_OF) - pd.Timedelta(days=220) + pd.to_timedelta(day, unit="D")
    return pd.DataFrame({
        "customer_id": [f"c{number:03d}" for number in who], "order_id": [str(n) for n in range(len(who))],
        "ordered_at": times, "amount": 9.0, "product_id": product,
    })  # fmt: skip


def test_a_habit_beats_repeating_the_last_category():
    book = book_of(habits(), products=NAMES)
    table, weights = next_test(book, look_back(book, ago=42), window=42)
    what = table[table["question"] == "what"].set_index("method")
    assert what.loc[OFTEN, "score"] > 0.85
    assert what.loc[OFTEN, "gain_low"] > 0
    assert what.loc[REPEAT, "gain"] == 0
    found = next_orders(book, look_back(book), tested=table, weights=weights)
    expected = pd.Series(np.array(["food", "toys", "books"])[np.arange(300) % 3])
    assert (found["next_category"] == expected).mean() > 0.95


def test_without_categories_only_the_time_is_tested():
    book = book_of(shop())
    table, weights = next_test(book, look_back(book, ago=60), window=60)
    assert table["question"].unique().tolist() == ["when"]
    found = next_orders(book, look_back(book), tested=table, weights=weights)
    assert found["next_category"].isna().all()
    assert (found["next_order_days"].dropna() > 0).all()


def test_days_are_measured_to_the_end_of_the_window():
    book = book_of(shop())
    past = look_back(book, ago=60)
    table, _ = next_test(book, past, window=60)
    when = table.set_index("method")
    assert (when["score"] <= 60).all()
    assert when.loc[BUYING, "score"] < 60
    assert past.day == AS_OF - timedelta(days=60)
    assert past.table["later_days"].dropna().between(1, 60).all()
