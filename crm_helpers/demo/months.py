"""The 24 months of the simulated company, one after another: orders, campaigns, contacts."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from crm_helpers.demo.campaigns import Campaign, add_orders, campaign_of, choose, divert_orders, remember
from crm_helpers.demo.catalogue import CATEGORIES, Catalogue, make_catalogue
from crm_helpers.demo.comments import Phrases
from crm_helpers.demo.directory import REGIONS, region_of
from crm_helpers.demo.dirt import Ledger
from crm_helpers.demo.orders import (
    Curves,
    Lines,
    Orders,
    base_orders,
    in_time,
    join_lines,
    join_orders,
    make_curves,
    make_lines,
)
from crm_helpers.demo.people import People, Records, make_people, make_records
from crm_helpers.demo.plan import CHANNELS, generator
from crm_helpers.demo.service import contact_file, make_contacts
from crm_helpers.demo.text import identifiers
from crm_helpers.demo.transactions import order_identifiers, transaction_month

__all__ = ["Company", "communications_of", "found", "transactions_of"]

_REMEMBERED = 4  # months before the present one: a campaign looks at the 90 days before it


def _by_region_and_category() -> np.ndarray:
    return np.zeros((len(REGIONS), len(CATEGORIES)))


@dataclass
class Company:
    """What stands from the beginning, and what grows while the months pass.

    `rows` are those written, by canonical table; `channel_value` is money by channel in CNY, `revenue`
    and `sales` are money and lines by region and category; `credited` are orders of campaigns.
    """

    seed: int
    people: People
    records: Records
    catalogue: Catalogue
    curves: Curves
    region: np.ndarray
    ledger: Ledger = field(default_factory=Ledger)
    past: deque[tuple[Orders, np.ndarray]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    campaigns: list[Campaign] = field(default_factory=list)
    credited: list[pa.Table] = field(default_factory=list)
    orders: int = 0
    contacts: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    channel_value: np.ndarray = field(default_factory=lambda: np.zeros(len(CHANNELS)))
    revenue: np.ndarray = field(default_factory=_by_region_and_category)
    sales: np.ndarray = field(default_factory=_by_region_and_category)


def found(customers: int, seed: int) -> Company:
    """Set the company up, before its first month.

    Parameters
    ----------
    customers
        How many people.
    seed
        The company's seed.

    Returns
    -------
    Company
        With people, ids, products and the costs and orders of its channels.
    """
    people = make_people(customers, seed)
    curves, catalogue = make_curves(customers, seed), make_catalogue(seed)
    return Company(seed, people, make_records(people, seed), catalogue, curves, region_of(people, seed))


def transactions_of(company: Company, month: int) -> pa.Table:
    """Let a month of orders pass, with the campaign that starts in it.

    Parameters
    ----------
    company
        Its memory and counts grow.
    month
        0 to 23, each once and in turn.

    Returns
    -------
    pyarrow.Table
        The month's order lines, see `transaction_month`.
    """
    random = generator(company.seed, 21, month)
    orders = base_orders(company.people, company.curves, month=month, random=random)
    lines = make_lines(orders, company.catalogue, random=random)
    amounts = lines.per_order(len(orders))
    company.channel_value += np.bincount(orders.channel, amounts, minlength=len(CHANNELS))
    number = campaign_of(month)
    if number is not None:
        orders, lines = _carry_out(company, number, orders, lines)
    company.past.append((orders, lines.per_order(len(orders))))
    orders, lines = in_time(orders, lines)
    _count(company, orders, lines)
    first = company.orders + 1
    company.orders += len(orders)
    return transaction_month(
        orders, lines, records=company.records, first=first, random=random, ledger=company.ledger
    )


def _carry_out(company: Company, number: int, orders: Orders, lines: Lines) -> tuple[Orders, Lines]:
    """Carry out a campaign: it changes who orders, or adds orders."""
    random, people = generator(company.seed, 22, number), company.people
    amounts = lines.per_order(len(orders))
    past = remember([*company.past, (orders, amounts)])
    campaign = choose(number, people, past=past, random=random)
    campaign, orders = divert_orders(campaign, people, orders=orders, amounts=amounts, random=random)
    worth = amounts.sum() / max(orders.value.sum(), 1.0)
    campaign, extra = add_orders(campaign, people, worth=float(worth), random=random)
    company.campaigns.append(campaign)
    extra_lines = make_lines(extra, company.catalogue, random=random)
    both = join_orders([orders, extra])
    return both, join_lines([lines, extra_lines], [len(orders), len(extra)])


def _count(company: Company, orders: Orders, lines: Lines) -> None:
    region, category = company.region[orders.person[lines.order]], company.catalogue.category[lines.product]
    cell, cells = region * len(CATEGORIES) + category, company.revenue.size
    company.revenue += np.bincount(cell, lines.amount / 100, minlength=cells).reshape(company.revenue.shape)
    company.sales += np.bincount(cell, minlength=cells).reshape(company.sales.shape)
    brought = np.flatnonzero(orders.campaign >= 0)
    number = orders.campaign[brought].astype(np.int64)
    columns = {
        "order_id": order_identifiers(company.orders + 1 + brought),
        "campaign_id": identifiers(number + 1, 2, prefix="C"),
    }
    company.credited.append(pa.table(columns))


def communications_of(company: Company, month: int, *, phrases: Phrases) -> tuple[pa.Table, pa.Table]:
    """Let a month of contacts pass.

    Parameters
    ----------
    company
        Its counts grow.
    phrases
        What people say.
    month
        0 to 23, each once and in turn.

    Returns
    -------
    tuple of two pyarrow.Table
        The month's contacts and their topics, see `contact_file`.
    """
    random = generator(company.seed, 20, month)
    contacts = make_contacts(company.people, month, random=random)
    first = company.contacts + 1
    company.contacts += len(contacts)
    return contact_file(
        contacts, company.records, phrases=phrases, first=first, random=random, ledger=company.ledger
    )
