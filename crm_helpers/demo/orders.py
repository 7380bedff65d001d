"""Orders of the simulated company: channel totals answer to cost, people share them by their rates."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from crm_helpers.demo.catalogue import Catalogue
from crm_helpers.demo.people import People
from crm_helpers.demo.plan import CHANNELS, MONTH_STARTS, MONTHS, ORDERS_PER_CUSTOMER, generator

__all__ = [
    "Curves",
    "Lines",
    "Orders",
    "base_orders",
    "in_time",
    "join_lines",
    "join_orders",
    "make_curves",
    "make_lines",
    "place_orders",
]

_HOME_PREFERENCE = 3.0  # how much likelier an order comes through the channel that won the customer
_COST_RANGE = 0.8  # cost varies by exp(±0.8), log-uniform, whatever the demand
_HOURS = np.array([1, 1, 0.5, 0.5, 0.5, 1, 2, 4, 6, 8, 9, 9, 8, 7, 7, 7, 7, 7, 8, 10, 11, 9, 5, 2])
_CHANNEL_VALUE = np.array([channel.value_factor for channel in CHANNELS])


@dataclass(frozen=True)
class Curves:
    """Cost and orders by month (rows) and channel (columns), and the scale of each channel's curve.

    Orders are Poisson around ``scale * cost ** exponent``; cost in CNY a month, in whole fen.
    """

    scale: np.ndarray
    cost: np.ndarray
    orders: np.ndarray


@dataclass(frozen=True)
class Orders:
    """One element an order: person, channel, time in seconds since 1970-01-01 local, value aimed at."""

    person: np.ndarray
    channel: np.ndarray
    second: np.ndarray
    value: np.ndarray
    campaign: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    @property
    def day(self) -> np.ndarray:
        """Day of each order."""
        return self.second // 86_400

    def take(self, index: np.ndarray) -> Orders:
        """Return the orders at these places."""
        return Orders(*(getattr(self, item.name)[index] for item in fields(self)))


@dataclass(frozen=True)
class Lines:
    """One element an order line; money in fen, `order` is the place of its order."""

    order: np.ndarray
    line: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    amount: np.ndarray
    discount: np.ndarray
    cost: np.ndarray

    def per_order(self, orders: int) -> np.ndarray:
        """Amount of each order in CNY."""
        return np.bincount(self.order, self.amount, minlength=orders) / 100


def make_curves(customers: int, seed: int) -> Curves:
    """Draw costs and orders of every month and channel.

    Parameters
    ----------
    customers
        People of the company; cost and orders are in proportion.
    seed
        The company's seed.

    Returns
    -------
    Curves
        Arrays of 24 by 6, and the scales.
    """
    random = generator(seed, 3)
    exponent = np.array([c.exponent for c in CHANNELS])
    orders = np.array([c.order_share for c in CHANNELS]) * ORDERS_PER_CUSTOMER * customers / MONTHS
    middle = orders * np.array([c.cost_per_order for c in CHANNELS])
    cost = middle * np.exp(random.uniform(-_COST_RANGE, _COST_RANGE, (MONTHS, len(CHANNELS))))
    cost = np.round(cost, 2)
    scale = orders / middle**exponent
    return Curves(scale, cost, random.poisson(scale * cost**exponent))


def base_orders(people: People, curves: Curves, *, month: int, random: np.random.Generator) -> Orders:
    """Assign the month's orders of each channel to people alive, multinomially by their rates.

    Parameters
    ----------
    people
        The people.
    curves
        Orders by month and channel.
    month
        0 to 23.
    random
        The month's random numbers.

    Returns
    -------
    Orders
        As many as the curves say, channel by channel.
    """
    weight = people.rate * people.days_alive(month)
    totals = curves.orders[month]
    drawn = [_people_of(people, weight, channel, n, random) for channel, n in enumerate(totals)]
    person = np.concatenate(drawn)
    channel = np.repeat(np.arange(len(CHANNELS), dtype=np.int8), totals)
    first = np.maximum(people.joined[person], MONTH_STARTS[month])
    end = np.minimum(people.churned[person], MONTH_STARTS[month + 1])
    return place_orders(people, person, channel=channel, days=(first, end), random=random)


def _people_of(
    people: People, weight: np.ndarray, channel: int, size: int, random: np.random.Generator
) -> np.ndarray:
    reach = np.cumsum(weight * np.where(people.home == channel, 1 + _HOME_PREFERENCE, 1.0))
    return np.asarray(np.searchsorted(reach, random.random(size) * reach[-1], side="right"))


def place_orders(
    people: People,
    person: np.ndarray,
    *,
    channel: np.ndarray,
    days: tuple[np.ndarray, np.ndarray],
    random: np.random.Generator,
    campaign: int = -1,
) -> Orders:
    """Give orders a time between two days and a value around the person's own.

    Parameters
    ----------
    people
        The people.
    person, channel
        Who orders, and through what.
    days
        First day and the day after the last, for each order.
    random
        Random numbers.
    campaign
        The campaign that brought them; -1 for none.

    Returns
    -------
    Orders
        The orders.
    """
    size = len(person)
    day = days[0] + (random.random(size) * (days[1] - days[0])).astype(np.int64)
    hour = np.searchsorted(np.cumsum(_HOURS) / _HOURS.sum(), random.random(size), side="right")
    second = day * 86_400 + hour * 3_600 + random.integers(0, 3_600, size)
    noise = np.exp(random.normal(-0.03125, 0.25, size))
    value = people.value[person] * _CHANNEL_VALUE[channel] * noise
    return Orders(person, channel, second, value, np.full(size, campaign, np.int8))


def join_orders(orders: list[Orders]) -> Orders:
    """Put orders one after another."""
    return Orders(*(np.concatenate([getattr(o, item.name) for o in orders]) for item in fields(Orders)))


def join_lines(lines: list[Lines], orders: list[int]) -> Lines:
    """Put lines one after another, as `join_orders` does with their orders, so many each."""
    shift = np.cumsum([0, *orders[:-1]])
    moved = [replace(part, order=part.order + start) for part, start in zip(lines, shift, strict=True)]
    return Lines(*(np.concatenate([getattr(part, item.name) for part in moved]) for item in fields(Lines)))


def in_time(orders: Orders, lines: Lines) -> tuple[Orders, Lines]:
    """Sort orders by time and their lines with them."""
    sequence = np.argsort(orders.second, kind="stable")
    rank = np.empty_like(sequence)
    rank[sequence] = np.arange(len(sequence))
    moved = replace(lines, order=rank[lines.order])
    index = np.argsort(moved.order, kind="stable")
    return orders.take(sequence), Lines(*(getattr(moved, item.name)[index] for item in fields(Lines)))


def make_lines(orders: Orders, catalogue: Catalogue, *, random: np.random.Generator) -> Lines:
    """Fill orders with one to three lines whose prices come near the value aimed at.

    Parameters
    ----------
    orders
        The orders.
    catalogue
        Products by price.
    random
        Random numbers.

    Returns
    -------
    Lines
        Lines in the order of the orders.
    """
    count = random.choice([1, 2, 3], len(orders), p=[0.5, 0.32, 0.18])
    order = np.repeat(np.arange(len(orders)), count)
    line = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count) + 1
    part = random.uniform(0.5, 1.5, len(order))
    part /= np.bincount(order, part, minlength=len(orders))[order]
    quantity = random.choice([1, 2, 3], len(order), p=[0.72, 0.2, 0.08])
    product = catalogue.near(orders.value[order] * part / quantity, random)
    share = random.choice([0.0, 0.05, 0.1, 0.2], len(order), p=[0.7, 0.12, 0.12, 0.06])
    full, cost = catalogue.price[product] * quantity, catalogue.cost[product] * quantity
    discount = np.rint(full * share).astype(np.int64)
    return Lines(order, line, product, quantity, full - discount, discount, cost)
