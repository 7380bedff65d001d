"""The people of the simulated company: segment, life, order rate, household; and their customer ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm_helpers.demo.plan import CHANNELS, MONTH_STARTS, SEGMENTS, WINDOW_END, WINDOW_START, generator

__all__ = ["NEVER", "People", "Records", "make_people", "make_records"]

NEVER = 10**6  # a day beyond every calendar: has not churned
_DUPLICATE_SHARE = 0.03
_NEWCOMERS, _LAPSED = 3, 4


@dataclass(frozen=True)
class People:
    """One element a person in every array; days count from 1970-01-01.

    `rate` is orders a month while alive before the channels' totals scale it, `value` the mean order
    value in CNY before the channel's factor, `home` the channel that won the person, `household` the
    person whose address is shared (oneself when alone).
    """

    segment: np.ndarray
    joined: np.ndarray
    churned: np.ndarray
    rate: np.ndarray
    value: np.ndarray
    home: np.ndarray
    household: np.ndarray

    def __len__(self) -> int:
        return len(self.segment)

    def days_alive(self, month: int) -> np.ndarray:
        """Days each person was a customer in the month."""
        first, end = MONTH_STARTS[month], MONTH_STARTS[month + 1]
        last = np.minimum(self.churned, end)
        return np.asarray(np.maximum(last - np.maximum(self.joined, first), 0))

    def alive_on(self, day: int) -> np.ndarray:
        """Whether each person is a customer on the day."""
        return np.asarray((self.joined <= day) & (day < self.churned))


@dataclass(frozen=True)
class Records:
    """The customer ids: one element an id, in the order of the ids, which count from 1.

    `first` and `second` hold, one element a person, the number of the person's id and of the
    duplicate's (0 for none); `second_joined` the day the duplicate was opened.
    """

    person: np.ndarray
    duplicate: np.ndarray
    joined: np.ndarray
    first: np.ndarray
    second: np.ndarray
    second_joined: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    @property
    def width(self) -> int:
        """Digits of an id, leading zeros included."""
        return max(6, len(str(len(self) + 100)))

    def number(self, person: np.ndarray, *, day: np.ndarray, coin: np.ndarray) -> np.ndarray:
        """Choose the id under which people act: half of a duplicate person's acts go to each id."""
        use_second = (self.second[person] > 0) & (day >= self.second_joined[person]) & (coin < 0.5)
        return np.asarray(np.where(use_second, self.second[person], self.first[person]))


def make_people(customers: int, seed: int) -> People:
    """Draw the people.

    Parameters
    ----------
    customers
        How many people.
    seed
        The company's seed.

    Returns
    -------
    People
        Arrays of that length.
    """
    random = generator(seed, 1)
    segment = random.choice(len(SEGMENTS), customers, p=[s.share for s in SEGMENTS]).astype(np.int8)
    joined = _joined(segment, random)
    return People(
        segment=segment,
        joined=joined,
        churned=_churned(segment, joined, random),
        rate=np.array([s.orders_per_month for s in SEGMENTS])[segment] * _around_one(random, customers, 0.2),
        value=np.array([s.order_value for s in SEGMENTS])[segment] * _around_one(random, customers, 0.18),
        home=random.choice(len(CHANNELS), customers, p=[c.order_share for c in CHANNELS]).astype(np.int8),
        household=_households(customers, random),
    )


def _around_one(random: np.random.Generator, size: int, spread: float) -> np.ndarray:
    return np.asarray(np.exp(random.normal(-(spread**2) / 2, spread, size)))


def _joined(segment: np.ndarray, random: np.random.Generator) -> np.ndarray:
    size = len(segment)
    before = WINDOW_START - random.integers(1, 3 * 365, size)
    within = WINDOW_START + random.integers(0, 400, size)
    late = np.where(random.random(size) < 0.75, before, within)
    newcomer = random.integers(MONTH_STARTS[20], WINDOW_END - 21, size)
    lapsed = np.where(random.random(size) < 0.8, before, WINDOW_START + random.integers(0, 120, size))
    return np.select([segment == _NEWCOMERS, segment == _LAPSED], [newcomer, lapsed], late)


def _churned(segment: np.ndarray, joined: np.ndarray, random: np.random.Generator) -> np.ndarray:
    size = len(segment)
    first_half = np.maximum(joined, WINDOW_START) + 60
    lapsed = first_half + (random.random(size) * (WINDOW_START + 330 - first_half)).astype(np.int64)
    leaves = (random.random(size) < 0.025) & (segment != _NEWCOMERS)
    later = np.where(leaves, random.integers(MONTH_STARTS[14], WINDOW_END, size), NEVER)
    return np.where(segment == _LAPSED, lapsed, later)


def _households(customers: int, random: np.random.Generator) -> np.ndarray:
    household = np.arange(customers)
    chosen = random.permutation(customers)[: customers // 10]
    pairs = len(chosen) // 2
    household[chosen[pairs : 2 * pairs]] = chosen[:pairs]
    return household


def make_records(people: People, seed: int) -> Records:
    """Give every person a customer id and 3 % of them a second one, numbered by the day of joining.

    Parameters
    ----------
    people
        The people.
    seed
        The company's seed.

    Returns
    -------
    Records
        The ids.
    """
    random = generator(seed, 2)
    size = len(people)
    twice = np.sort(random.permutation(size)[: round(size * _DUPLICATE_SHARE)])
    opened = np.maximum(people.joined[twice], WINDOW_START)
    span = np.maximum(np.minimum(people.churned[twice], WINDOW_END) - opened, 1)
    opened = opened + (random.random(len(twice)) * span * 0.7).astype(np.int64)
    person = np.concatenate([np.arange(size), twice])
    joined = np.concatenate([people.joined, opened])
    duplicate = np.concatenate([np.zeros(size, bool), np.ones(len(twice), bool)])
    order = np.lexsort((person, duplicate, joined))
    person, joined, duplicate = person[order], joined[order], duplicate[order]
    first, second, second_joined = (np.zeros(size, np.int64) for _ in range(3))
    numbers = np.arange(1, len(person) + 1)
    first[person[~duplicate]] = numbers[~duplicate]
    second[person[duplicate]] = numbers[duplicate]
    second_joined[person[duplicate]] = joined[duplicate]
    return Records(person, duplicate, joined, first, second, second_joined)
