"""What each limit of a budget costs: the money that one unit more of it would bring."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_helpers.analysis.channels.stated_limits import Limited, StatedLimits
from crm_helpers.analysis.estimates import rounded

__all__ = ["PRICE_COLUMNS", "limit_prices"]

PRICE_COLUMNS = ["limit", "kind", "at", "price"]


def limit_prices(
    table: pd.DataFrame, budget: float, *, price: float, limited: Limited | None, stated: StatedLimits
) -> pd.DataFrame:
    """List the budget and every limit that binds, with its shadow price.

    A channel that stops at its most would bring its own marginal value where the budget's last unit brings
    the price: the difference is what a unit of room is worth. At its least it is the other way round.

    Parameters
    ----------
    table
        Of the plan: `channel`, `cost_planned`, `marginal_planned`, `at_bound`.
    budget
        Money of the month.
    price
        What one more unit of budget would bring.
    limited
        The division within stated limits, if there are any.
    stated
        The limits.

    Returns
    -------
    pandas.DataFrame
        `limit`, `kind` (budget, channel, group), `at` (money) and `price`.
    """
    rows = [("the budget", "budget", budget, price)]
    for _place, row in table[table["at_bound"] != ""].iterrows():
        apart = float(row["marginal_planned"]) - price
        kind = "at least" if apart < 0 else "at most"
        given = "" if row["at_bound"] == "limit given" else ", as observed"
        rows.append((f"{row['channel']} {kind}{given}", "channel", float(row["cost_planned"]), abs(apart)))
    if limited:
        cost = dict(zip(table["channel"], table["cost_planned"], strict=True))
        for (members, low, high), worth in zip(stated.groups, limited.plan.group_prices, strict=True):
            spent, value = sum(cost[name] for name in members), float(worth) / limited.unit
            kind = "at least" if abs(spent - low) < abs(spent - high) else "at most"
            if value > 0:
                rows.append((f"{' + '.join(members)} {kind}", "group", spent, value))
    return rounded(pd.DataFrame(rows, columns=PRICE_COLUMNS)).replace({np.inf: np.nan})
