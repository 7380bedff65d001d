"""What the quality page says: how much was lost, how far to trust the rest, and what to do first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_helpers.cleaning.clean import CleanResult
from crm_helpers.record import Verdict

__all__ = [
    "answer_sentence",
    "contents",
    "flagged",
    "joined_rows",
    "lost_rows",
    "missing_sentence",
    "most_missing",
    "own_ids",
    "people_sentence",
    "problem_sentence",
    "review_sentence",
    "sales_sentence",
    "steps",
    "totals",
    "trap_sentence",
    "verdict",
]

Said = tuple[str, dict[str, Any]]
"""A sentence of the wording and the values it names."""

SOLID = 0.01  # share of rows or of sales that may be lost before a number is only indicative
USABLE = 0.20  # beyond it, what is left may be a different company


def totals(result: CleanResult) -> dict[str, int | float]:
    """Add up the rows of all tables, and the sales before and after.

    Parameters
    ----------
    result
        What cleaning found.

    Returns
    -------
    dict
        Rows `read`, `clean`, `quarantined`, `merged`, `derived`; values `set_missing`; rows `flagged`; sales
        `before` and `after`; `lost`, the share of rows quarantined; `sales_lost`, the share of sales.
    """
    counts = ("read", "clean", "quarantined", "merged", "set_missing", "flagged", "derived")
    found: dict[str, int | float] = {name: int(result.reconciliation[name].sum()) for name in counts}
    amounts = result.sales.set_index("step")["amount"].astype(float)
    before, after = float(amounts["read"]), float(amounts["clean"])
    lost = found["quarantined"] / max(found["read"], 1)
    sales_lost = abs(before - after) / abs(before) if before else 0.0
    return found | {"before": before, "after": after, "lost": lost, "sales_lost": sales_lost}


def verdict(found: dict[str, int | float]) -> Verdict:
    """Say how far the clean tables carry, by the larger of the shares of rows and sales that were lost.

    Examples
    --------
    >>> verdict({"lost": 0.002, "sales_lost": 0.03})
    'indicative'
    """
    worst = max(found["lost"], found["sales_lost"])
    return "solid" if worst <= SOLID else "indicative" if worst <= USABLE else "not enough data"


def lost_rows(result: CleanResult) -> pd.DataFrame:
    """Return the problems that cost rows or values, worst first."""
    return result.problems[result.problems["effect"].isin(["quarantined", "merged", "set missing"])]


def flagged(result: CleanResult) -> pd.DataFrame:
    """Return the traps: rows that were kept, counted, and must be known of."""
    return result.problems[result.problems["effect"].isin(["flagged", "derived"])]


def most_missing(result: CleanResult, *, most: int = 12) -> pd.DataFrame:
    """Return the columns with the largest shares of empty rows, named `table.column`."""
    missing = result.missing[result.missing["missing"] > 0]
    worst = missing.sort_values(["share", "table", "column"], ascending=[False, True, True]).head(most)
    return worst.assign(column=worst["table"] + "." + worst["column"]).drop(columns="table")


def problem_sentence(result: CleanResult) -> Said:
    """Say what cost most."""
    lost = lost_rows(result)
    if lost.empty:
        return "cleaning.no_problems", {}
    return "cleaning.problems", _picked(lost, "rule", "table", "rows")


def trap_sentence(result: CleanResult) -> Said:
    """Say how many traps stay in the clean rows, and the largest."""
    traps = flagged(result)
    if not (traps["effect"] == "flagged").any():
        return "cleaning.no_traps", {}
    return "cleaning.traps", {"n": int((traps["effect"] == "flagged").sum())} | _picked(
        traps, "rule", "share"
    )


def contents(result: CleanResult) -> dict[str, Said]:
    """Say what the clean tables hold, for whoever knows the company's own figures."""
    row = result.census.iloc[0].to_dict() | {"sales": float(result.census["sales"].iloc[0])}
    campaigns = ("campaigns", "contacts", "customers_contacted", "responses")
    said = {
        "contents": ("cleaning.contents", ("customers", "orders", "lines", "sales")),
        "period": ("cleaning.period", ("first_order", "last_order", "buyers")),
        "quantities": ("cleaning.quantities", ("largest_quantity", "median_quantity")),
        "campaigns": ("cleaning.campaigns", campaigns),
    }
    if pd.isna(row["campaigns"]):
        said["campaigns"] = ("cleaning.no_campaigns", ())
    return {name: (key, {value: row[value] for value in values}) for name, (key, values) in said.items()}


def sales_sentence(found: dict[str, int | float]) -> Said:
    """Say whether the sum of sales moved."""
    if found["before"] == found["after"]:
        return "cleaning.sales_same", {"after": found["after"]}
    return "cleaning.sales_changed", {name: found[name] for name in ("before", "after")}


def answer_sentence(found: dict[str, int | float]) -> Said:
    """Answer the page's question: where the rows are, and whether the sum of sales moved."""
    same = found["before"] == found["after"]
    names = ("read", "clean", "quarantined", "merged", "after", *(() if same else ("before",)))
    return "cleaning.answer_same" if same else "cleaning.answer", {name: found[name] for name in names}


def missing_sentence(result: CleanResult) -> Said:
    """Say which column is the emptiest."""
    worst = most_missing(result)
    if worst.empty:
        return "cleaning.no_missing", {}
    return "cleaning.missing", _picked(worst, "column", "share")


def joined_rows(result: CleanResult) -> int:
    """Count the customers who go by the id of another row of the same person."""
    people = result.people["people"]
    return int((people["customer_id"] != people["person_id"]).sum())


def people_sentence(result: CleanResult) -> Said:
    """Say how many customers were there more than once."""
    people, joined = result.people["people"], joined_rows(result)
    if people.empty:
        return "cleaning.people_not_compared", {}
    if not joined:
        return "cleaning.people_apart", {"records": len(people)}
    return "cleaning.people", {"joined": joined, "records": len(people), "people": len(people) - joined}


def review_sentence(result: CleanResult) -> Said:
    """Say how many pairs wait for a decision, how far the largest merge went, and how many ids changed."""
    people = result.people["people"]
    if people.empty:
        return "cleaning.why_not_compared", {}
    largest = int(people["person_id"].value_counts().max())
    counts = {"review": len(result.people["people_review"]), "changed": len(result.people["people_log"])}
    return "cleaning.review", counts | {"largest": largest}


def own_ids(result: CleanResult) -> bool:
    """Say whether every person goes by an id that is one of their own, and by one only."""
    people = result.people["people"]
    whole = people.set_index("customer_id")["person_id"]
    return bool((whole.reindex(whole).to_numpy() == whole.to_numpy()).all())


def steps(result: CleanResult) -> dict[str, dict[str, Any]]:
    """Say what to repair first and what to keep in mind, by sentence; a clean company needs neither."""
    kinds = {"cleaning.first": lost_rows(result), "cleaning.know": flagged(result)}
    found = {
        key: _picked(frame, "advice", "rule", "table", "rows") for key, frame in kinds.items() if len(frame)
    }
    return found or {"cleaning.fine": {}}


def _picked(frame: pd.DataFrame, *names: str) -> dict[str, Any]:
    return {name: frame[name].iloc[0] for name in names}
