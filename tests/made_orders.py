"""Orders of customers whose rates and lives are known, and order books of a few lines, for tests of value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd

from crm_helpers.analysis.value.purchases import OrderBook, order_book
from crm_helpers.profile import Contract

AS_OF = date(2024, 7, 1)
LINES = ibis.schema({
    "customer_id": "string", "order_id": "string", "product_id": "string", "ordered_at": "timestamp",
    "amount": "decimal(18, 4)",
})  # fmt: skip
PRODUCTS = ibis.schema({"product_id": "string", "category": "string"})
CONTACTS = ibis.schema({
    "customer_id": "string", "occurred_at": "timestamp", "kind": "string", "satisfaction": "float64",
})  # fmt: skip


def book_of(
    lines: pd.DataFrame, *, as_of: date = AS_OF, products: dict[str, str] | None = None,
    contract: Contract | None = None,
) -> OrderBook:  # fmt: skip
    """Make a book of lines (`customer_id`, `order_id`, `ordered_at`, `amount`, perhaps `product_id`)."""
    money = [Decimal(str(round(amount, 2))) for amount in lines["amount"]]
    table = lines.assign(amount=pd.Series(money, index=lines.index, dtype=object))
    table["ordered_at"] = pd.to_datetime(table["ordered_at"])
    if "product_id" not in table:
        table["product_id"] = None
    names = pd.DataFrame(list((products or {}).items()), columns=list(PRODUCTS))
    return order_book(
        ibis.memtable(table[list(LINES)], schema=LINES), ibis.memtable(names, schema=PRODUCTS), as_of=as_of,
        contract=contract,
    )  # fmt: skip


def few(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Lines of customer, order, time and amount."""
    return pd.DataFrame(rows, columns=["customer_id", "order_id", "ordered_at", "amount"])


def no_contacts() -> ibis.Table:
    """Communications of a company without any."""
    return ibis.memtable(pd.DataFrame(columns=list(CONTACTS)), schema=CONTACTS)


def lives(
    parameters: tuple[float, float, float, float],
    *,
    customers: int,
    weeks: np.ndarray,
    seed: int,
    offset: int = 0,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Live customers one by one as BG/NBD (offset 0) or MBG/NBD (1) says; also orders beyond T, to 3·T."""
    generator = np.random.default_rng(seed)
    r, alpha, a, b = parameters
    rate, leave = generator.gamma(r, 1 / alpha, customers), generator.beta(a, b, customers)
    x, last, beyond, now = (np.zeros(customers) for _ in range(4))
    alive = generator.random(customers) >= leave if offset else np.ones(customers, bool)
    while alive.any():
        now = np.where(alive, now + generator.exponential(1 / rate), now)
        inside, later = alive & (now <= weeks), alive & (now > weeks) & (now <= 3 * weeks)
        x, last, beyond = x + inside, np.where(inside, now, last), beyond + later
        alive &= (now <= 3 * weeks) & (generator.random(customers) >= leave)
    return pd.DataFrame({"x": x, "t_x": last, "T": weeks}), beyond


def shop(*, customers: int = 600, days: int = 400, seed: int = 1, again: bool = True) -> pd.DataFrame:
    """Lines of a shop whose customers come at rates of their own, some leaving half-way."""
    generator = np.random.default_rng(seed)
    first = generator.integers(0, days // 2, customers)
    end = np.where(
        generator.random(customers) < 0.3, first + generator.integers(5, days // 2, customers), days
    )
    count = generator.poisson(generator.gamma(2, 3, customers)) if again else np.zeros(customers, int)
    who = np.repeat(np.arange(customers), count + 1)
    share = np.where(np.append(True, np.diff(who) > 0), 0.0, generator.random(len(who)))
    day = (first[who] + share * (np.minimum(end, days - 1) - first)[who]).astype(int)
    money = generator.gamma(8, generator.gamma(6, 1.0, customers)[who])
    start = pd.Timestamp(AS_OF) - pd.Timedelta(days=days)
    return pd.DataFrame({
        "customer_id": [f"c{number:05d}" for number in who],
        "order_id": [str(number) for number in range(len(who))],
        "ordered_at": start + pd.to_timedelta(day, unit="D"),
        "amount": money.round(2) + 1,
    })  # fmt: skip
