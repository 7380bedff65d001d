"""When will a customer order next, and of what category? Beside rules that need no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.estimates import mean_estimate
from crm_helpers.analysis.lifetime import fit_buying
from crm_helpers.analysis.purchases import DAYS_A_WEEK, histories

__all__ = [
    "BUYING", "COMPANY", "MIX", "OFTEN", "OWN", "REPEAT", "Tastes", "next_orders", "next_test", "tastes",
]  # fmt: skip

COMPANY, OWN, BUYING = "the company's usual pause", "the customer's usual pause", "model of buying"
REPEAT, OFTEN, MIX = "the last category again", "the category bought most", "own mix and everybody's"
MOST_CATEGORIES = 100  # others are one, which nobody is told to buy
OTHER = "other categories"
FEWEST = 100  # customers an expectation is tested on
_PRIORS = (0.5, 2.0, 8.0)  # orders that everybody's mix weighs
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
        """The place of the category each bought most; the greater one of all breaks ties."""
        return self.mixed(prior=1e-6, weight=0.0)

    def mixed(self, *, prior: float, weight: float) -> np.ndarray:
        """The place with most orders, when everybody's mix weighs `prior` orders and the last `weight`."""
        shares = self.counts.sum(axis=0) / max(self.counts.sum(), 1)
        scores = self.counts + prior * shares
        known = np.flatnonzero(self.last >= 0)
        scores[known, self.last[known]] += weight
        if self.categories[-1:] == [OTHER]:
            scores[:, -1] = -1.0
        return np.asarray(scores.argmax(axis=1))


def tastes(orders: ibis.Table, *, day: date, until: date | None = None) -> Tastes:
    """Count the categories each customer bought before a day, and find the one bought next.

    Parameters
    ----------
    orders
        From `purchases.order_table`.
    day
        The day.
    until
        The day after the last on which a next order is looked for; without it none is.

    Returns
    -------
    Tastes
        By customer who ordered before the day; nobody where categories are not known.
    """
    known = orders.filter(_.category.notnull() & (_.amount > 0))
    before = known.filter(_.day < _literal(day))
    counts = before.group_by("customer_id", "category").aggregate(orders=_.count()).to_pandas()
    if counts.empty:
        nothing = np.zeros(0, int)
        return Tastes(pd.Series(dtype="str"), [], np.zeros((0, 0)), nothing, nothing)
    sizes = (
        counts.groupby("category")["orders"].sum().sort_index().sort_values(ascending=False, kind="stable")
    )
    categories = [str(name) for name in sizes.index[:MOST_CATEGORIES]]
    if len(sizes) > MOST_CATEGORIES:
        categories.append(OTHER)
    customers = pd.Series(np.sort(counts["customer_id"].unique()), name="customer_id")
    rows = np.searchsorted(customers.to_numpy(), counts["customer_id"].to_numpy())
    matrix = np.zeros((len(customers), len(categories)))
    np.add.at(matrix, (rows, _places(counts["category"], categories)), counts["orders"].to_numpy(float))
    ends = _edges(before, known, day=day, until=until).set_index("customer_id").reindex(customers)
    return Tastes(
        customers,
        categories,
        matrix,
        _places(ends["last"], categories),
        _places(ends["following"], categories),
    )


def next_test(
    orders: ibis.Table, *, as_of: date, window: int, level: float = 0.95
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Test what is said of the next order against the next orders of the last window.

    Days are counted from the cut-off and, like the data, end with the window: who has not ordered by
    then counts as the whole window. The weights of the mix are chosen one window earlier.

    Parameters
    ----------
    orders
        From `purchases.order_table`.
    as_of
        The day the numbers stand for.
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
    cut, earlier = (as_of - timedelta(days=window * times) for times in (1, 2))
    parts = [_when(histories(orders, until=cut, later=as_of), orders, day=cut, window=window, level=level)]
    weights = _chosen(tastes(orders, day=earlier, until=cut))
    now = tastes(orders, day=cut, until=as_of)
    asked = (now.following >= 0) & (now.last >= 0)
    if asked.sum() >= FEWEST:
        guesses = {REPEAT: now.last, OFTEN: now.often(), MIX: now.mixed(prior=weights[0], weight=weights[1])}
        real = now.following != (now.categories.index(OTHER) if OTHER in now.categories else -1)
        right = {
            name: ((guess == now.following) & real)[asked].astype(float) for name, guess in guesses.items()
        }
        parts.append(_scored("what", right, sign=1.0, level=level))
    return pd.concat(parts, ignore_index=True), weights


def next_orders(
    orders: ibis.Table,
    table: pd.DataFrame,
    *,
    as_of: date,
    tested: pd.DataFrame,
    weights: tuple[float, float],
) -> pd.DataFrame:
    """Say for each customer by when half of such customers order, and which category comes first.

    Parameters
    ----------
    orders
        From `purchases.order_table`.
    table
        From `purchases.histories`, as of the same day.
    as_of
        The day.
    tested, weights
        Result of `next_test`; the category is by the best method there.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `next_order_days` (missing where half of such customers are gone, or where no
        customer ordered twice), `next_category` (missing where categories are not known).
    """
    waits = fit_buying(table).median_wait(table) * DAYS_A_WEEK if table["x"].sum() > 0 else np.nan
    found = tastes(orders, day=as_of)
    what = tested[tested["question"] == "what"]
    method = REPEAT if what.empty else str(what.loc[what["score"].idxmax(), "method"])
    guesses = {REPEAT: found.last, OFTEN: None, MIX: None}
    if len(found.customers):
        guesses |= {OFTEN: found.often(), MIX: found.mixed(prior=weights[0], weight=weights[1])}
    guess = guesses[method]
    names = np.array([*found.categories, None], dtype=object)
    known = pd.Series(names[guess] if guess is not None else [], index=found.customers, dtype="object")
    made = pd.DataFrame({"customer_id": table["customer_id"], "next_order_days": waits})
    made["next_order_days"] = made["next_order_days"].replace(np.inf, np.nan)
    return made.assign(next_category=made["customer_id"].map(known).astype("str").where(lambda s: s != "nan"))


def _when(table: pd.DataFrame, orders: ibis.Table, *, day: date, window: int, level: float) -> pd.DataFrame:
    silent = (table["T"] - table["t_x"]) * DAYS_A_WEEK
    active = ((table["x"] > 0) & (silent < window)).to_numpy()
    if active.sum() < FEWEST:
        return _scored("when", {}, sign=-1.0, level=level)
    after = orders.filter((_.day >= _literal(day)) & (_.day < _literal(day + timedelta(days=window))))
    first = after.filter(_.amount > 0).group_by("customer_id").aggregate(day=_.day.min()).to_pandas()
    days = (pd.to_datetime(first["day"]) - pd.Timestamp(day)).dt.days + 1
    came = table["customer_id"].map(days.set_axis(first["customer_id"])).fillna(window).to_numpy(float)
    own = table["t_x"] / table["x"].replace(0, np.nan) * DAYS_A_WEEK
    usual = float(own[active].median())
    guesses = {
        COMPANY: usual - silent,
        OWN: own - silent,
        BUYING: pd.Series(fit_buying(table).median_wait(table) * DAYS_A_WEEK),
    }
    wrong = {
        name: np.abs(guess.clip(1, window).to_numpy(float) - came)[active] for name, guess in guesses.items()
    }
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


def _edges(before: ibis.Table, known: ibis.Table, *, day: date, until: date | None) -> pd.DataFrame:
    """Find the last order's category before the day and the first one's after; the order's id breaks ties."""

    def edge(part: ibis.Table, how: str, name: str) -> ibis.Table:
        key = ibis.struct({"day": part.day, "order_id": part.order_id, "category": part.category})
        chosen = part.mutate(key=key).group_by("customer_id").aggregate(key=getattr(_.key, how)())
        return chosen.select("customer_id", **{name: _.key["category"]})

    end = until or day
    after = known.filter((_.day >= _literal(day)) & (_.day < _literal(end)))
    last = edge(before, "max", "last")
    return (
        last.left_join(edge(after, "min", "following"), "customer_id").drop("customer_id_right").to_pandas()
    )


def _places(names: pd.Series, categories: list[str]) -> np.ndarray:
    places = {name: place for place, name in enumerate(categories)}
    rest = places.get(OTHER, -1)
    found = names.map(places).fillna(rest)
    return np.asarray(found.where(names.notna(), -1), dtype=int)


def _literal(day: date) -> ibis.Value:
    return ibis.date(day.year, day.month, day.day)
