"""When will a customer order next, and of what category? Beside rules that need no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import _

from crm_helpers.analysis.estimates import mean_estimate
from crm_helpers.analysis.value.lookback import Past
from crm_helpers.analysis.value.purchases import DAYS_A_WEEK, OrderBook, engine_date

__all__ = [
    "BUYING", "COMPANY", "MIX", "OFTEN", "OWN", "REPEAT", "Tastes", "next_orders", "next_test", "tastes",
]  # fmt: skip

COMPANY, OWN, BUYING = "the company's usual pause", "the customer's usual pause", "model of buying"
REPEAT, OFTEN, MIX = "the last category again", "the category bought most", "own mix and everybody's"
MOST_CATEGORIES = 100  # others are one, which nobody is told to buy
OTHER = "other categories"
FEWEST = 100  # customers an expectation is tested on
_PRIORS = (0.5, 2.0, 8.0)  # orders that everybody's mix weighs
_NEVER = -1_000_000  # days, where there is no such order
_LAST = (0.0, 0.5, 1.0, 2.0)  # orders that the last one weighs in addition


@dataclass(frozen=True)
class Tastes:
    """What customers bought by a day, and next: one row a customer, one column a category.

    `last` and `following` are places of columns; −1 where there is none.
    """

    customers: pd.Series
    categories: list[str]
    counts: np.ndarray
    last: np.ndarray
    following: np.ndarray

    def often(self) -> np.ndarray:
        """Find the category each bought most; the greater one of all breaks ties."""
        return self.mixed(prior=1e-6, weight=0.0)

    def mixed(self, *, prior: float, weight: float) -> np.ndarray:
        """Find the one with most orders, when everybody's mix weighs `prior` orders and the last `weight`."""
        shares = self.counts.sum(axis=0) / max(self.counts.sum(), 1)
        scores = self.counts + prior * shares
        known = np.flatnonzero(self.last >= 0)
        scores[known, self.last[known]] += weight
        if self.categories[-1:] == [OTHER]:
            scores[:, -1] = -1.0
        return np.asarray(scores.argmax(axis=1))


def tastes(book: OrderBook, *, day: date, until: date | None = None) -> Tastes:
    """Count the categories each customer bought before a day, and find the one bought next.

    Of several categories on the last or the next day, the one bought more often counts.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    day
        The day.
    until
        The day after the last on which a next order is looked for; without it none is.

    Returns
    -------
    Tastes
        By customer who ordered before the day; nobody where categories are not known.
    """
    cut, end = engine_date(day), engine_date(until or day)
    known = book.orders.drop_null("category").filter((_.amount > 0) & (_.day < end))
    counted = known.group_by("customer_id", "category").aggregate(
        orders=(_.day < cut).sum(), last=_since(cut, _.day.max(where=_.day < cut)),
        next=_since(cut, _.day.min(where=_.day >= cut)),
    ).to_pyarrow()  # fmt: skip
    places, names = _coded(counted["customer_id"])
    kinds, known_categories = _named(counted["category"].to_numpy(), book.categories)
    counts = pd.DataFrame({name: counted[name].to_numpy() for name in ("orders", "last", "next")})
    most = np.argsort(-np.bincount(kinds, counts["orders"], minlength=len(known_categories)), kind="stable")
    categories = [str(name) for name in known_categories[most[:MOST_CATEGORIES]]]
    column = np.minimum(np.argsort(most), MOST_CATEGORIES)[kinds]
    if len(most) > MOST_CATEGORIES:
        categories.append(OTHER)
    began = np.bincount(places, counts["orders"], minlength=len(names)) > 0
    known_before = began[places]
    counts, columns = counts[known_before], column[known_before]
    rows, customers = (np.cumsum(began) - 1)[places[known_before]], pd.Series(names[began])
    matrix = np.zeros((len(customers), len(categories)))
    np.add.at(matrix, (rows, columns), counts["orders"].to_numpy(float))
    last, following = (
        _edge(counts.assign(row=rows, column=columns), name, first=name == "next", size=len(customers))
        for name in ("last", "next")
    )
    return Tastes(customers, categories, matrix, last, following)


def next_test(
    book: OrderBook, past: Past, *, window: int, level: float = 0.95
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Test what is said of the next order against the next orders of the last window.

    Days are counted from the cut-off and, like the data, end with the window: who has not ordered by
    then counts as the whole window. The weights of the mix are chosen one window earlier.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    past
        From `look_back`, one window ago, with what came after.
    window
        Days that are looked at.
    level
        Of the intervals.

    Returns
    -------
    tuple of pandas.DataFrame and tuple
        `question` (when, what), `method`, `customers`, `score` (mean error in days, or share right) with
        `score_low`, `score_high`, and `gain` over the first method with its interval, better being above
        zero; and the chosen weights. Questions with fewer than 100 customers are left out.
    """
    parts = [_when(past, window=window, level=level)]
    weights = _chosen(tastes(book, day=past.day - timedelta(days=window), until=past.day))
    now = tastes(book, day=past.day, until=book.as_of)
    asked = (now.following >= 0) & (now.last >= 0)
    if asked.sum() >= FEWEST:
        guesses = {REPEAT: now.last, OFTEN: now.often(), MIX: now.mixed(prior=weights[0], weight=weights[1])}
        named = now.following != (now.categories.index(OTHER) if OTHER in now.categories else -1)
        right = {
            name: ((guess == now.following) & named)[asked].astype(float) for name, guess in guesses.items()
        }
        parts.append(_scored("what", right, sign=1.0, level=level))
    return pd.concat(parts, ignore_index=True), weights


def next_orders(
    book: OrderBook, now: Past, *, tested: pd.DataFrame, weights: tuple[float, float]
) -> pd.DataFrame:
    """Say for each customer by when half of such customers order, and which category comes first.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    now
        From `look_back`, as of the day the numbers stand for.
    tested, weights
        Result of `next_test`; the category is by the best method there.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `next_order_days` (missing where half of such customers are gone, or where no
        customer ordered twice), `next_category` (missing where categories are not known).
    """
    waits = now.model.median_wait(now.table) * DAYS_A_WEEK if now.model else np.full(len(now.table), np.nan)
    found = tastes(book, day=now.day)
    what = tested[tested["question"] == "what"]
    method = REPEAT if what.empty else str(what["method"].iloc[int(what["score"].to_numpy().argmax())])
    names = np.array([*found.categories, None], dtype=object)
    known = pd.Series(dtype="object")
    if len(found.customers):
        guess = {REPEAT: lambda: found.last, OFTEN: found.often}.get(
            method, lambda: found.mixed(prior=weights[0], weight=weights[1])
        )
        known = pd.Series(names[guess()], index=found.customers.to_numpy())
    table = pd.DataFrame({"customer_id": now.table["customer_id"], "next_order_days": waits})
    table["next_order_days"] = table["next_order_days"].replace(np.inf, np.nan)
    return table.assign(next_category=table["customer_id"].map(known).astype("str"))


def _when(past: Past, *, window: int, level: float) -> pd.DataFrame:
    table = past.table
    active = (table["x"].to_numpy() > 0) & (past.silent_days < window)
    if active.sum() < FEWEST or past.model is None:
        return _scored("when", {}, sign=-1.0, level=level)
    came = table["later_days"].fillna(window).to_numpy(float)
    own = table["t_x"] / table["x"].replace(0, np.nan) * DAYS_A_WEEK
    usual = float(own[active].median())
    guesses = {
        COMPANY: usual - past.silent_days,
        OWN: own.to_numpy(float) - past.silent_days,
        BUYING: past.model.median_wait(table) * DAYS_A_WEEK,
    }
    wrong = {name: np.abs(np.clip(guess, 1, window) - came)[active] for name, guess in guesses.items()}
    return _scored("when", wrong, sign=-1.0, level=level)


def _scored(question: str, values: Mapping[str, np.ndarray], *, sign: float, level: float) -> pd.DataFrame:
    rows, first = [], next(iter(values.values()), np.zeros(0))
    for name, each in values.items():
        score, gain = (_mean(part, level) for part in (each, sign * (each - first)))
        rows.append((question, name, len(each), *score, *gain))
    columns = [
        "question",
        "method",
        "customers",
        "score",
        "score_low",
        "score_high",
        "gain",
        "gain_low",
        "gain_high",
    ]
    return pd.DataFrame(rows, columns=columns)


def _mean(values: np.ndarray, level: float) -> tuple[float, float, float]:
    found = mean_estimate(float(values.mean()), float(values.std(ddof=1)), len(values), level=level)
    return found.value, found.low, found.high


def _chosen(known: Tastes) -> tuple[float, float]:
    """Choose the weights that would have been right most often, the smallest where equal."""
    asked = known.following >= 0
    if not asked.any():
        return _PRIORS[0], _LAST[0]
    grid = [(prior, weight) for prior in _PRIORS for weight in _LAST]
    right = [
        float((known.mixed(prior=prior, weight=weight) == known.following)[asked].mean())
        for prior, weight in grid
    ]
    return grid[int(np.argmax(right))]


def _edge(counts: pd.DataFrame, name: str, *, first: bool, size: int) -> np.ndarray:
    """Find the place of the category of the last or first day; −1 where there is none."""
    known = counts[counts[name] != _NEVER]
    key = known[name].to_numpy()
    order = np.lexsort((known["column"], -known["orders"], key if first else -key, known["row"]))
    rows, columns = known["row"].to_numpy()[order], known["column"].to_numpy()[order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    found = np.full(size, -1)
    found[rows[starts]] = columns[starts]
    return found


def _since(cut: ibis.Value, day: ibis.Value) -> ibis.Value:
    # a number, as dates and what is missing come out of the engine one by one
    return day.delta(cut, unit="day").fill_null(_NEVER)


def _named(codes: np.ndarray, categories: ibis.Table) -> tuple[np.ndarray, np.ndarray]:
    """Give the categories that occur numbers in the order of their names, and look the names up."""
    used, places = np.unique(codes, return_inverse=True)
    names = categories.to_pandas().set_index("category")["name"]
    return places, names.reindex(used).to_numpy(object)


def _coded(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Give words numbers in their order, without making each of them an object."""
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    words = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(words)
    return np.argsort(order)[encoded.indices.to_numpy()], words[order]
