"""What was known of customers on an earlier day, what the model of buying made of it, and what came after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from crm_helpers.analysis.value.lifetime import BuyingModel, Kind, fit_buying
from crm_helpers.analysis.value.purchases import DAYS_A_WEEK, OrderBook, histories

__all__ = ["Past", "look_back"]


@dataclass(frozen=True)
class Past:
    """Histories on a day and the model fitted to them; no model where nobody had ordered again."""

    day: date
    table: pd.DataFrame
    model: BuyingModel | None

    @property
    def silent_days(self) -> np.ndarray:
        """Days since each customer's last order."""
        return ((self.table["T"] - self.table["t_x"]) * DAYS_A_WEEK).to_numpy(float)


def look_back(book: OrderBook, *, ago: int = 0, ahead: int = 0, kind: Kind = "BG/NBD") -> Past:
    """Take histories as of an earlier day and fit the model of buying to them.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    ago
        Days before the book's day; 0 is today.
    ahead
        Days after the earlier day that are looked at as what came; 0 is all of them.
    kind
        The model of buying.

    Returns
    -------
    Past
        By customer who had ordered.
    """
    day = book.as_of - timedelta(days=ago)
    table = histories(book, until=day, later=day + timedelta(days=ahead or ago))
    again = len(table) > 0 and table["x"].sum() > 0
    return Past(day, table, fit_buying(table, kind=kind) if again else None)
