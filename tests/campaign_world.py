"""Simulated customers whose campaigns change their spend by an amount that is known."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from crm_helpers.analysis.campaigns.effects import Study, study
from crm_helpers.lake import schema_of
from crm_helpers.tables import TABLES

FIRST = date(2024, 1, 1)
AS_OF = date(2025, 1, 1)
START = date(2024, 7, 1)


def canonical(name: str, frame: pd.DataFrame) -> ibis.Table:
    """Make a canonical table of the columns given; the others are empty."""
    fields = schema_of(TABLES[name]).to_pyarrow()
    return ibis.memtable(pa.table([_column(frame, field) for field in fields], schema=fields))


def _column(frame: pd.DataFrame, field: pa.Field) -> pa.Array:
    if field.name not in frame:
        return pa.nulls(len(frame), field.type)
    values = frame[field.name].astype(float) if pa.types.is_decimal(field.type) else frame[field.name]
    return pa.Array.from_pandas(values).cast(field.type)


class World:
    """Customers who buy about once a week for what they are worth, and campaigns among them."""

    def __init__(self, customers: int = 600, *, seed: int = 1, joined: date | None = FIRST) -> None:
        self.random = np.random.default_rng(seed)
        self.ids = np.array([f"c{n:05}" for n in range(customers)])
        self.worth = self.random.lognormal(3, 0.6, customers)
        self.joined = joined
        self.region = np.full(customers, None, dtype=object)
        day = np.tile(np.arange(0, 366, 7), customers)
        person = np.repeat(np.arange(customers), len(range(0, 366, 7)))
        self.lines = [pd.DataFrame({"person": person, "day": day, "amount": self._amounts(person)})]
        self.lines[0] = self.lines[0][self.random.random(len(person)) < 0.6]
        self.plans: list[dict[str, Any]] = []
        self.contacts: list[pd.DataFrame] = []

    def _amounts(self, person: np.ndarray) -> np.ndarray:
        return np.round(self.worth[person] * self.random.gamma(4, 0.25, len(person)), 2)

    def campaign(
        self,
        key: str,
        treated: np.ndarray,
        held: np.ndarray,
        *,
        effect: float = 0.0,
        start: date = START,
        **plan: Any,
    ) -> None:
        """Contact some and hold out others; every contacted customer spends `effect` more."""
        self.plans.append(
            {"campaign_id": key, "starts_on": start, "ends_on": start + timedelta(days=13), **plan}
        )
        arm = np.repeat(["treated", "holdout"], [len(treated), len(held)])
        people = self.ids[np.append(treated, held).astype(int)]
        self.contacts.append(pd.DataFrame({"campaign_id": key, "customer_id": people, "arm": arm}))
        day = (start - FIRST).days + 3
        if effect:
            self.lines.append(pd.DataFrame({"person": treated, "day": day, "amount": effect}))

    def drawn(self, share: float = 0.5, *, of: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Draw an arm of the contacted and one held out."""
        order = self.random.permutation(len(self.ids))[:of]
        cut = round(len(order) * share)
        return order[:cut], order[cut:]

    def tables(self) -> dict[str, ibis.Table]:
        lines = pd.concat(self.lines, ignore_index=True)
        moment = pd.Timestamp(FIRST) + pd.to_timedelta(lines["day"], unit="D") + pd.Timedelta(hours=12)
        number = lines.index.astype("str")
        orders = pd.DataFrame({
            "order_id": number, "line_id": number, "customer_id": self.ids[lines["person"]],
            "ordered_at": moment.astype("datetime64[us]"), "amount": lines["amount"].round(4),
        })  # fmt: skip
        people = pd.DataFrame({"customer_id": self.ids, "joined_on": self.joined, "region": self.region})
        contacts = pd.concat(self.contacts) if self.contacts else pd.DataFrame()
        return {
            "campaigns": canonical("campaigns", pd.DataFrame(self.plans)),
            "contacts": canonical("campaign_contacts", contacts),
            "customers": canonical("customers", people),
            "transactions": canonical("transactions", orders),
        }

    def study(self, **rules: Any) -> Study:
        return study(self.tables(), as_of=AS_OF, **rules)

    def judged(self, **rules: Any) -> pd.DataFrame:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", message="The 'future.infer_string'")
            return self.study(**rules).effects.set_index("campaign_id")
