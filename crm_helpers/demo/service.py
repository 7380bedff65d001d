"""What customers say to the simulated company: contacts with topic, comment and satisfaction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_helpers.demo.comments import KINDS, TOPICS, Phrases
from crm_helpers.demo.dirt import Ledger, hits, plant, repeated
from crm_helpers.demo.people import People, Records
from crm_helpers.demo.plan import CHANNELS, MONTH_STARTS, MONTHS
from crm_helpers.demo.text import blank, identifiers, pick, times

__all__ = ["CONTACTS_PER_CUSTOMER", "Contacts", "contact_file", "contact_query", "make_contacts"]

CONTACTS_PER_CUSTOMER = 1.5
_ENGLISH_SHARE = 0.2
_KIND_SHARES = (0.55, 0.33, 0.12)
_LEAVING_KIND_SHARES = (0.33, 0.65, 0.02)
_TOPIC_SHARES = (
    (0.28, 0.16, 0.16, 0.14, 0.16, 0.10),
    (0.30, 0.24, 0.10, 0.20, 0.08, 0.08),
    (0.25, 0.35, 0.16, 0.08, 0.06, 0.10),
)  # by kind
_TOPIC_EFFECT = np.array([-0.1, -0.15, 0.1, -0.35, 0.2, 0.15])
_KIND_EFFECT = np.array([0.0, -1.1, 0.9])
_MIDDLE_SCORE, _SCORE_SPREAD, _UNSCORED = 3.7, 0.75, 0.3
_LEAVING_DAYS, _LEAVING_WEIGHT = 60, 3.0


@dataclass(frozen=True)
class Contacts:
    """One element a contact; seconds since 1970-01-01 local, `score` 0 where none was given."""

    person: np.ndarray
    channel: np.ndarray
    kind: np.ndarray
    topic: np.ndarray
    second: np.ndarray
    score: np.ndarray
    resolved: np.ndarray

    def __len__(self) -> int:
        return len(self.person)


def make_contacts(people: People, month: int, *, random: np.random.Generator) -> Contacts:
    """Draw the contacts of a month; people about to leave come oftener and complain more.

    Parameters
    ----------
    people
        The people.
    month
        0 to 23.
    random
        The month's random numbers.

    Returns
    -------
    Contacts
        In the order of time.
    """
    weight = people.days_alive(month) * np.sqrt(people.rate)
    leaving = people.churned - MONTH_STARTS[month] < _LEAVING_DAYS
    reach = np.cumsum(weight * np.where(leaving, _LEAVING_WEIGHT, 1.0))
    size = random.poisson(CONTACTS_PER_CUSTOMER * len(people) / MONTHS)
    person = np.searchsorted(reach, random.random(size) * reach[-1], side="right")
    first = np.maximum(people.joined[person], MONTH_STARTS[month])
    end = np.minimum(people.churned[person], MONTH_STARTS[month + 1])
    day = first + (random.random(size) * (end - first)).astype(np.int64)
    second = day * 86_400 + random.integers(8 * 3_600, 22 * 3_600, size)
    order = np.argsort(second, kind="stable")
    person, second = person[order], second[order]
    channel = random.choice(len(CHANNELS), size, p=[c.contact_share for c in CHANNELS])
    kind = _among((_KIND_SHARES, _LEAVING_KIND_SHARES), leaving[person].astype(int), random)
    topic = _among(_TOPIC_SHARES, kind, random)
    hours = np.array([c.hours for c in CHANNELS])[channel] * np.exp(random.normal(-0.3, 0.8, size))
    score = _scores(channel, kind, topic, random)
    return Contacts(person, channel, kind, topic, second, score, second + (hours * 3_600).astype(np.int64))


def _among(shares: tuple[tuple[float, ...], ...], row: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Choose a column for each element by the shares in its row."""
    edges = np.cumsum(np.array(shares), axis=1)[:, :-1]
    return np.asarray((random.random(len(row))[:, None] > edges[row]).sum(axis=1))


def _scores(
    channel: np.ndarray, kind: np.ndarray, topic: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    middle = _MIDDLE_SCORE + np.array([c.satisfaction for c in CHANNELS])[channel]
    middle = middle + _KIND_EFFECT[kind] + _TOPIC_EFFECT[topic]
    score = np.clip(np.rint(middle + random.normal(0, _SCORE_SPREAD, len(channel))), 1, 5)
    return np.where(random.random(len(channel)) < _UNSCORED, 0, score).astype(np.int64)


def contact_file(
    contacts: Contacts,
    records: Records,
    *,
    phrases: Phrases,
    first: int,
    random: np.random.Generator,
    ledger: Ledger,
) -> tuple[pa.Table, pa.Table]:
    """Make a month of the contact log as the company exports it, and the topics planted.

    Parameters
    ----------
    contacts
        Contacts of the month.
    records
        Ids of the people.
    phrases
        What they say.
    first
        Number of the first contact.
    random
        Random numbers.
    ledger
        Grows by the dirt planted.

    Returns
    -------
    tuple of two pyarrow.Table
        The rows of the log, and communication_id with topic.
    """
    size = len(contacts)
    language = (random.random(size) < _ENGLISH_SHARE).astype(int)
    number = records.number(contacts.person, day=contacts.second // 86_400, coin=random.random(size))
    bad, quiet, undated = (hits(random, size, share=share) for share in (0.003, 0.01, 0.001))
    wrong = plant(ledger, _DIRT[0], rows=size, chosen=np.setdiff1d(bad, undated))
    silent = plant(ledger, _DIRT[1], rows=size, chosen=quiet)
    timeless = plant(ledger, _DIRT[2], rows=size, chosen=undated)
    score = np.where(wrong, 9, contacts.score)
    identifier = identifiers(np.arange(first, first + size), 9, prefix="T")
    comment = phrases.comment(contacts.topic, contacts.kind, language=language, random=random)
    open_still = (contacts.resolved >= MONTH_STARTS[-1] * 86_400) | (random.random(size) < 0.03)
    table = pa.table(
        {
            "ticket": identifier,
            "customer": identifiers(number, records.width),
            "time": times(contacts.second, missing=timeless),
            "channel": pick([c.name for c in CHANNELS], contacts.channel),
            "type": pick(KINDS, contacts.kind),
            "text": blank(silent, comment),
            "score": pa.array(score, mask=score == 0),
            "closed": times(contacts.resolved, missing=open_still),
        }
    )
    again = np.setdiff1d(hits(random, size, share=0.004), np.flatnonzero(timeless | wrong))
    ledger[_DIRT[3]] += len(again)
    truth = pa.table({"communication_id": identifier, "topic": pick(TOPICS, contacts.topic)})
    return table.take(pa.array(repeated(size, again))), truth


_DIRT = (
    ("communications", "satisfaction of 9", "quarantined"),
    ("communications", "comment missing", "none"),
    ("communications", "time missing", "quarantined"),
    ("communications", "exact duplicate row", "merged"),
)


def contact_query() -> str:
    """Return the SQL that writes rows of `contact_file` with times as the export has them."""
    written = ", ".join(f"strftime({name}, '%Y-%m-%dT%H:%M:%S') AS {name}" for name in ("time", "closed"))
    return f"SELECT * REPLACE ({written}) FROM rows"
