"""What the customers of each segment buy, where, and what service and campaigns meet."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

__all__ = ["by_segment"]

_BY_SEGMENT = ["products", "margin_share", "main_channel", "complaints", "satisfaction", "response_rate"]


def by_segment(
    customers: pd.DataFrame, segments: pd.Series, *, order: Sequence[str] | None = None
) -> pd.DataFrame:
    """Sum up by segment what `service_features.described` says of customers.

    Parameters
    ----------
    customers
        Result of `service_features.described`, executed.
    segments
        The segment of each, in the same order.
    order
        The segments in the order they are shown; by name when not given.

    Returns
    -------
    pd.DataFrame
        `segment`, `customers`, `products` (mean number of different ones), `margin_share` (margin over
        the money of customers whose margin is known), `main_channel` (of most customers), `complaints` (share
        who complained, of those in contact with service), `satisfaction` (mean of the customers' means),
        `response_rate` (answers over contacts by campaigns).
    """
    known = customers["margin"].notna()
    sums = customers.assign(
        segment=segments.to_numpy(),
        money_known=customers["revenue"].where(known),
        complained=(customers["complaints"] > 0).where(customers["contacts"] > 0).astype(float),
    ).groupby("segment")
    table = sums.agg(
        customers=("customer_id", "size"), products=("products", "mean"), margin=("margin", "sum"),
        money=("money_known", "sum"), complaints=("complained", "mean"),
        satisfaction=("satisfaction", "mean"), campaigns=("campaigns", "sum"), responses=("responses", "sum"),
    )  # fmt: skip
    table["margin_share"] = table["margin"] / table["money"].where(table["money"] > 0)
    table["response_rate"] = table["responses"] / table["campaigns"].where(table["campaigns"] > 0)
    table["main_channel"] = sums["main_channel"].agg(_most_common)
    ordered = table.loc[list(order)] if order is not None else table
    return ordered.reset_index()[["segment", "customers", *_BY_SEGMENT]]


def _most_common(names: pd.Series) -> object:
    common = names.mode()  # of equally common ones the first by name
    return common.iloc[0] if len(common) else None
