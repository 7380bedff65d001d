"""Order books against literal tables: days, returns, what came before and after a day."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from made_orders import AS_OF, book_of, few

from crm_helpers.analysis.value.purchases import histories, pauses, repeat_orders, spent

CUT = date(2024, 6, 1)
LINES = few(
    ("a", "1", "2024-05-04 10:00", 30.0),
    ("a", "1", "2024-05-04 10:00", -10.0),
    ("a", "2", "2024-05-04 18:00", 5.0),
    ("a", "3", "2024-05-18 09:00", 40.0),
    ("a", "4", "2024-06-08 09:00", 7.0),
    ("b", "5", "2024-05-25 12:00", 9.0),
    ("b", "6", "2024-05-26 12:00", -4.0),
    ("c", "7", "2024-06-02 12:00", 9.0),
    ("d", "8", "2024-05-02 12:00", -1.0),
)


def test_orders_of_one_day_are_one_and_returns_are_none():
    table = histories(book_of(LINES), until=CUT, later=AS_OF).set_index("customer_id")
    assert table.index.tolist() == ["a", "b"]
    assert table["orders"].tolist() == [2, 1]
    assert table["x"].tolist() == [1, 0]
    assert table["t_x"].tolist() == [2.0, 0.0]
    assert table["T"].tolist() == [4.0, 1.0]
    assert table["mean"].tolist() == [32.5, 9.0]
    assert table["revenue"].tolist() == [65.0, 5.0]


def test_what_came_after_is_kept_apart():
    table = histories(book_of(LINES), until=CUT, later=AS_OF).set_index("customer_id")
    assert table["later_orders"].tolist() == [1, 0]
    assert table["later_revenue"].tolist() == [7.0, 0.0]
    assert table.loc["a", "later_days"] == 8
    assert pd.isna(table.loc["b", "later_days"])


def test_without_a_later_day_nothing_after_is_seen():
    table = histories(book_of(LINES), until=CUT)
    assert table[["later_orders", "later_revenue"]].to_numpy().sum() == 0


def test_pauses_end_with_an_order_or_stay_open():
    table = pauses(book_of(LINES)).set_index("days")
    assert table["ended"].to_dict() == {14: 1, 21: 1, 23: 0, 29: 0, 37: 0}
    assert table["open"].to_dict() == {14: 0, 21: 0, 23: 1, 29: 1, 37: 1}


def test_money_of_the_days_before():
    table = spent(book_of(LINES), until=CUT, windows={"short": 7, "long": 365})
    assert table["short"].to_dict() == {"a": 0.0, "b": 5.0, "d": 0.0}
    assert table["long"].to_dict() == {"a": 65.0, "b": 5.0, "d": -1.0}


def test_repeat_orders_are_counted_by_week_back_from_the_day():
    table = repeat_orders(book_of(LINES), joined_before=CUT)
    assert table["orders"].sum() == 2
    assert table["week"].iloc[-1] == pd.Timestamp(AS_OF) - pd.Timedelta(days=1)
    assert (table["week"].diff().dropna() == pd.Timedelta(days=7)).all()


def test_the_category_of_an_order_is_that_with_most_money():
    lines = LINES.head(4).assign(product_id=["p", "p", "q", "r"])
    lines = pd.concat([lines, lines.iloc[[3]].assign(product_id="q", amount=99.0)])
    book = book_of(lines, products={"p": "food", "q": "toys"})
    named = book.orders.join(book.categories, "category").select("order_id", "name")
    table = named.to_pandas().set_index("order_id")["name"]
    assert table[["1", "2", "3"]].tolist() == ["food", "toys", "toys"]


def test_a_book_without_orders_is_empty_and_no_error():
    book = book_of(LINES.head(0))
    assert book.span == 0
    assert histories(book, until=CUT).empty
    assert pauses(book).empty


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_does_not_matter(seed):
    mixed = histories(book_of(LINES.sample(frac=1, random_state=seed)), until=CUT, later=AS_OF)
    pd.testing.assert_frame_equal(histories(book_of(LINES), until=CUT, later=AS_OF), mixed)
