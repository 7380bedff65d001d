"""What the page on customer value says of households and companies, as sentences of the wording."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_helpers.analysis.churn.findings import VALUABLE
from crm_helpers.analysis.value.households import ALONE, overlooked
from crm_helpers.analysis.value.study import Value

__all__ = ["households_ahead", "households_note", "published_households"]

Sentence = tuple[str, dict[str, Any]]


def households_ahead(expected: pd.DataFrame, found: Value) -> Sentence:
    """Say what share of the expected money is of customers who belong together.

    Parameters
    ----------
    expected
        Result of `expected_of_households`.
    found
        Result of `value_now`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.model is None or expected.empty:
        return "value.no_households", {}
    homes = expected[expected["kind"] == "household"]
    kind = homes if len(homes) else expected
    key = "value.households" if len(homes) else "value.companies"
    values = {
        "groups": len(kind),
        "customers": int(kind["buyers"].sum()),
        "share": float(kind["share"].sum()),
    }
    return key, values


def households_note(expected: pd.DataFrame, sizes: pd.DataFrame, found: Value) -> Sentence:
    """Say what a customer of a group and one of none bring, and which groups a list of customers overlooks.

    Parameters
    ----------
    expected, sizes
        Results of `expected_of_households` and `by_size`.
    found
        Result of `value_now`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.model is None or expected.empty:
        return "value.why_no_households", {}
    alone = sizes[sizes["group"] == ALONE].iloc[0]
    together = sizes[sizes["group"] != ALONE]
    least = float(found.customers["value"].quantile(VALUABLE))
    return "value.households_note", {
        "each": float((together["value_each"] * together["buyers"]).sum() / together["buyers"].sum()),
        "alone": float(alone["value_each"]), "hidden": len(overlooked(expected, least=least)), "least": least,
    }  # fmt: skip


def published_households(expected: pd.DataFrame) -> pd.DataFrame:
    """Bring the values of groups into the published form: the table `household_expected`."""
    columns = ["household_id", "kind", "customers", "buyers", "revenue", "orders_12m", "value", "share"]
    return expected[columns]
