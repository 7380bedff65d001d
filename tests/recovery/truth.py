"""What page 04 finds in a simulated company, and what an oracle who knows the planted rates would say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np

from crm_helpers import lake
from crm_helpers.analysis.churn.features import Snapshot, snapshot
from crm_helpers.analysis.churn.study import Churn, study_churn, window_of
from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.value.lookback import look_back
from crm_helpers.analysis.value.purchases import OrderBook, histories, order_book
from crm_helpers.analysis.value.study import Trial, trial, value_now
from crm_helpers.demo.people import make_people, make_records
from crm_helpers.demo.plan import MONTH_STARTS, MONTHS, ORDERS_PER_CUSTOMER, WINDOW_END
from crm_helpers.layout import CompanyFolder

HAZARD = 0.025 / (WINDOW_END - MONTH_STARTS[14])  # planted: so many leave in the last ten months, evenly


@dataclass(frozen=True)
class Made:
    """A company of so many people, and what was found in it."""

    customers: int
    seed: int
    as_of: date
    lines: ibis.Table
    products: ibis.Table
    book: OrderBook
    churn: Churn
    latest: Snapshot
    tested: Trial


def studied(folder: CompanyFolder, *, customers: int, seed: int) -> Made:
    """Find what the page finds in the company's clean tables."""
    version, connection = lake.current_clean(folder), lake.connect()
    names = ("transactions", "products", "communications")
    lines, products, contacts = (lake.read_clean(connection, version, name) for name in names)
    book = order_book(lines, products, as_of=version.as_of)
    window, tested = window_of(book).days, trial(book)
    past = look_back(book, ago=window, kind=tested.kind)
    found, _ = study_churn(book, contacts, past, window=window)
    latest = snapshot(book, contacts, past, window=window, label=True)
    return Made(customers, seed, version.as_of, lines, products, book, found, latest, tested)


def foreseen(made: Made, *, ahead: timedelta) -> dict[str, tuple[Estimate, float]]:
    """Foresee orders and money of the last days from what was known before them, and count what came."""
    day = made.as_of - ahead
    book = order_book(made.lines, made.products, as_of=day)
    months = ahead.days * 12 / 365.25
    found = value_now(book, trial(book), months=months)
    came = histories(made.book, until=day, later=made.as_of)
    return {
        "orders": (found.orders, float(came["later_orders"].sum())),
        "money": (found.money, float(came["later_revenue"].sum())),
    }


def oracle(made: Made) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The best anybody could say who saw the same orders and knew each customer's planted rate.

    The oracle also knows how many leave a day, but, like everybody, not who has left already: a customer
    of rate λ, silent for s days, has left with odds h(e^λs − 1)/λ. Returns the customers whose rate was
    planted, their probability and the label.
    """
    people = make_people(made.customers, made.seed)
    records = make_records(people, made.seed)
    numbers = {f"{number + 1:0{records.width}d}": person for number, person in enumerate(records.person)}
    person = made.latest.customers.map(numbers)
    known = person.notna().to_numpy()
    exposure = sum(float(people.rate @ people.days_alive(month)) for month in range(MONTHS))
    rate = people.rate[person[known].astype(int)] * ORDERS_PER_CUSTOMER * made.customers / exposure
    silent, days = made.latest.features["silent_days"].to_numpy()[known], made.churn.window
    there = 1 / (1 + HAZARD * np.expm1(rate * silent) / rate)
    score = 1 - there * np.exp(-HAZARD * days) * -np.expm1(-rate * days)
    return made.latest.customers[known].tolist(), score, made.latest.churned[known].astype(float)
