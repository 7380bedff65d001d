"""What will people who belong together bring together? Values of customers, added up by household."""

from __future__ import annotations

import pandas as pd

__all__ = ["ALONE", "by_size", "expected_of_households", "overlooked"]

ALONE = "customers in none"
LARGEST = 4  # members from which groups are counted together
_SUMS = ["revenue", "orders_12m", "value"]


def expected_of_households(customers: pd.DataFrame, households: pd.DataFrame) -> pd.DataFrame:
    """Add up what is expected of the customers of each household or company.

    Parameters
    ----------
    customers
        `customers` of `study.Value`: those who ordered.
    households
        The clean table `households`; groups too large to be believed are left out.

    Returns
    -------
    pandas.DataFrame
        `household_id`, `kind`, `customers` (members), `buyers` (who ordered), `revenue` (so far),
        `orders_12m`, `value`, `largest` (value of the most valuable member), `share` (of the values of all
        customers); the most valuable first. Groups of whom nobody ordered are left out.
    """
    believed = households[households["believed"].fillna(False).astype(bool)]
    members = believed.merge(customers[["customer_id", *_SUMS]], on="customer_id")
    table = members.groupby(["household_id", "kind"], as_index=False).agg(
        customers=("customers", "first"), buyers=("value", "size"), **{name: (name, "sum") for name in _SUMS},
        largest=("value", "max"),
    )  # fmt: skip
    total = float(customers["value"].sum())
    table["share"] = table["value"] / total if total > 0 else float("nan")
    return table.sort_values(["value", "household_id"], ascending=[False, True], ignore_index=True)


def by_size(expected: pd.DataFrame, customers: pd.DataFrame, households: pd.DataFrame) -> pd.DataFrame:
    """Set groups of each kind and size beside the customers who are in none.

    Parameters
    ----------
    expected
        Result of `expected_of_households`.
    customers, households
        As there.

    Returns
    -------
    pandas.DataFrame
        `group` (in words), `groups`, `buyers`, `value_each` (a customer), `value_group`,
        `share_of_customers`, `share_of_value`; customers in no group last. Empty where nobody is in one.
    """
    if expected.empty:
        return pd.DataFrame(columns=[*_SIZES])
    size = expected["customers"].clip(upper=LARGEST)
    more = size.map(lambda members: f"{members:.0f}" + (" or more" if members == LARGEST else ""))
    named = expected.assign(group=expected["kind"] + " of " + more)
    table = named.groupby("group", as_index=False).agg(
        groups=("value", "size"), buyers=("buyers", "sum"), value=("value", "sum")
    )
    believed = households.loc[households["believed"].fillna(False).astype(bool), "customer_id"]
    alone = customers[~customers["customer_id"].isin(believed)]
    none = {"group": [ALONE], "groups": [len(alone)], "buyers": [len(alone)], "value": [alone["value"].sum()]}
    table = pd.concat([table, pd.DataFrame(none)], ignore_index=True)
    table = table.assign(
        value_each=table["value"] / table["buyers"].clip(lower=1),
        value_group=table["value"] / table["groups"].clip(lower=1),
        share_of_customers=table["buyers"] / max(len(customers), 1),
        share_of_value=table["value"] / customers["value"].sum(),
    )
    return table[[*_SIZES]]


def overlooked(expected: pd.DataFrame, *, least: float) -> pd.DataFrame:
    """Find groups that are worth as much as a valuable customer although none of their members is."""
    return expected[(expected["value"] >= least) & (expected["largest"] < least)]


_SIZES = ("group", "groups", "buyers", "value_each", "value_group", "share_of_customers", "share_of_value")
