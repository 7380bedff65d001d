"""What was known of customers on an earlier day, what the model of buying made of it, and what came after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from crm_helpers.analysis.value.buying import Buying, BuyingKind, fit_kind, kinds_of
from crm_helpers.analysis.value.purchases import DAYS_A_WEEK, OrderBook, histories
from crm_helpers.analysis.value.study import Value

__all__ = ["Past", "look_back", "look_now"]


@dataclass(frozen=True)
class Past:
    """Histories on a day and the model fitted to them; no model where nobody had ordered again."""

    day: date
    table: pd.DataFrame
    model: Buying | None

    @property
    def silent_days(self) -> np.ndarray:
        """Days since each customer's last order."""
        return ((self.table["T"] - self.table["t_x"]) * DAYS_A_WEEK).to_numpy(float)


def look_back(book: OrderBook, *, ago: int = 0, ahead: int = 0, kind: BuyingKind | None = None) -> Past:
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
        The model of buying; without it the first of those that suit the company.

    Returns
    -------
    Past
        By customer who had ordered.
    """
    day = book.as_of - timedelta(days=ago)
    table = histories(book, until=day, later=day + timedelta(days=ahead or ago))
    again = len(table) > 0 and table["x"].sum() > 0
    kind = kind or kinds_of(book.terms)[0]
    return Past(day, table, fit_kind(table, kind=kind, terms=book.terms) if again else None)


def look_now(book: OrderBook, found: Value) -> Past:
    """Take histories as of the book's day with the model that was fitted to them for what is to come.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    found
        Result of `value_now`; without a model of value one of buying is fitted.

    Returns
    -------
    Past
        By customer who had ordered.
    """
    return Past(book.as_of, found.customers, found.model.buying) if found.model else look_back(book)
