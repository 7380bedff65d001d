"""What customers were expected to bring, by all that was known of them on the day before a campaign.

Page 04 says that of today; there the campaign's own sales are counted, and an order of customers by them
would be tried on what it was made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.campaigns.panel import exact
from crm_helpers.analysis.churn.rhythm import fit_leaving, no_order, rhythm
from crm_helpers.analysis.value.lifetime import BuyingModel, fit_buying

__all__ = ["Past", "look_past"]

_WEEK = 7.0
_MOST = 20_000  # customers that the model is fitted on
_LEARNED = 5_000  # customers that the chance of leaving is fitted on: one of seven
_FEWEST = 100


@dataclass(frozen=True)
class Past:
    """Buyers before a day, and the model of how they buy and leave: BG/NBD (Fader, Hardie & Lee 2005)."""

    history: pd.DataFrame
    """By customer `x`, `t_x`, `T` in weeks, `orders` (days with one) and `money`."""
    model: BuyingModel

    def spend(self, customers: pd.Series, *, days: float) -> np.ndarray:
        """Expect money of customers in the days to come; 0 of those who never bought.

        Orders expected times the value of one, the mean pulled by one order towards that of all.
        """
        expected = self.model.expected(self.history, days / _WEEK)
        return self._of(customers, expected * self._order_value(), never=0.0)

    def by_rhythm(
        self, customers: pd.Series, *, days: int, silent: pd.Series
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the chance of an order by the rhythm of alike customers, and the money that comes of it.

        Parameters
        ----------
        customers
            Of whom; the chance of those who never bought is 0.
        days
            Days to come.
        silent
            By customer, of some who were left alone: whether they ordered nothing in these days.

        Returns
        -------
        tuple of numpy.ndarray
            Chance and money of each.
        """
        known = rhythm(self.history.assign(mean=self.history["money"] / self.history["orders"]))
        place = self.history.index.get_indexer(silent.index)
        bought = np.flatnonzero(place >= 0)
        learned = bought[:: max(-(-len(bought) // _LEARNED), 1)]
        leaving = fit_leaving(known[place[learned]], silent.to_numpy(bool)[learned], window=days)
        chance = 1 - no_order(known, leaving=leaving, window=days)
        money = chance * self._order_value()
        return self._of(customers, chance, never=0.0), self._of(customers, money, never=0.0)

    def silence(self, customers: pd.Series, *, days: float) -> np.ndarray:
        """Compute the chance of no order in the days to come; 1 for those who never bought."""
        goes_on = 1 - self.model.none_while_alive(self.history, days / _WEEK)
        return self._of(customers, 1 - self.model.alive(self.history) * goes_on, never=1.0)

    def _order_value(self) -> pd.Series:
        known = self.history
        usual = known["money"].sum() / known["orders"].sum()
        return (known["money"] + usual) / (known["orders"] + 1)

    def _of(self, customers: pd.Series, values: pd.Series | np.ndarray, *, never: float) -> np.ndarray:
        known = pd.Series(np.asarray(values), index=self.history.index)
        return known.reindex(customers).fillna(never).to_numpy(float)


def look_past(days: ibis.Table, *, start: date) -> Past | None:
    """Fit how customers buy to what they bought before a day.

    Parameters
    ----------
    days
        From `panel.customer_days`.
    start
        Nothing from this day on is seen.

    Returns
    -------
    Past or None
        None where too few bought, or nobody twice.
    """
    history = _history(days, start)
    if len(history) < _FEWEST or not history["x"].any():
        return None
    return Past(history, fit_buying(history.iloc[:: -(-len(history) // _MOST)]))


def _history(days: ibis.Table, start: date) -> pd.DataFrame:
    before = days.filter((_.day < ibis.date(start)) & (_.orders > 0))
    sums = before.group_by("customer_id").aggregate(
        first=_.day.min(),
        last=_.day.max(),
        orders=_.count(),
        money=exact(_.amount).sum().cast("float64"),
    )
    frame: pd.DataFrame = sums.order_by("customer_id").to_pandas().set_index("customer_id")
    first, last = pd.to_datetime(frame.pop("first")), pd.to_datetime(frame.pop("last"))
    frame["x"] = frame["orders"] - 1
    frame["t_x"] = (last - first).dt.days / _WEEK
    frame["T"] = (pd.Timestamp(start) - first).dt.days / _WEEK
    return frame
