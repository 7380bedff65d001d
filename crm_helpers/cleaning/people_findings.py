"""What the quality page says of people and of those who belong together."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_helpers.cleaning.result import CleanResult

__all__ = ["household_sentence", "person_sizes", "review_list", "worth_sentence"]

Said = tuple[str, dict[str, Any]]
"""A sentence of the wording and the values it names."""


def person_sizes(result: CleanResult) -> pd.DataFrame:
    """Count people by the rows they are made of: wrong merges hide among the largest."""
    rows = result.people["people"]["person_id"].value_counts().rename("rows")
    sizes = rows.value_counts().sort_index().rename("people").rename_axis("rows").reset_index()
    return sizes.assign(share=sizes["rows"] * sizes["people"] / len(result.people["people"]))


def review_list(result: CleanResult) -> pd.DataFrame:
    """List the pairs to decide on by their place in `people_review`: a report names nobody."""
    pairs = result.people["people_review"].drop(columns=["customer_id", "other_id"])
    return pairs.assign(pair=[f"{place:,}" for place in range(1, len(pairs) + 1)])[["pair", *pairs.columns]]


def household_sentence(result: CleanResult) -> Said:
    """Say how many customers belong to a household, or to a company, and what they bring."""
    sizes = result.households["household_sizes"]
    for kind, key in (("household", "cleaning.households"), ("company", "cleaning.companies")):
        groups = _groups(sizes, kind)
        if len(groups):
            return key, _summed(groups)
    return "cleaning.no_households", {}


def worth_sentence(result: CleanResult) -> Said:
    """Say what a customer of a household brings beside one who is in none, and what companies bring."""
    sizes = result.households["household_sizes"]
    if sizes.empty:
        return "cleaning.why_no_households", {}
    homes, companies = _groups(sizes, "household"), _groups(sizes, "company")
    if homes.empty:
        return "cleaning.company_worth", _each(sizes, "company")
    if companies.empty:
        return "cleaning.household_worth", _each(sizes, "household")
    return "cleaning.both_worth", _each(sizes, "household") | _summed(companies)


def _groups(sizes: pd.DataFrame, kind: str) -> pd.DataFrame:
    return sizes[(sizes["kind"] == kind) & (sizes["customers"] > 1)]


def _summed(groups: pd.DataFrame) -> dict[str, Any]:
    return {
        "customers": int((groups["customers"] * groups["groups"]).sum()),
        "groups": int(groups["groups"].sum()), "share": float(groups["share_of_sales"].sum()),
    }  # fmt: skip


def _each(sizes: pd.DataFrame, kind: str) -> dict[str, float]:
    """Sales a customer within the groups of a kind, and outside them."""
    own = sizes[sizes["kind"] == kind]
    inside = own["customers"] > 1
    found = {}
    for name, rows in (("each", own[inside]), ("alone", own[~inside])):
        customers = int((rows["customers"] * rows["groups"]).sum())
        found[name] = float(rows["sales"].astype(float).sum()) / max(customers, 1)
    return found
