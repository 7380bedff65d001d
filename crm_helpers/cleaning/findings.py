"""What the quality page says: how much was lost, how far to trust the rest, and what to do first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_helpers.cleaning.result import CleanResult
from crm_helpers.cleaning.rules import is_declared
from crm_helpers.record import Verdict

__all__ = [
    "answer_sentence",
    "bridged",
    "contents",
    "declared_rows",
    "declared_sentence",
    "faults",
    "flagged",
    "joined_rows",
    "listed",
    "lost_rows",
    "missing_sentence",
    "most_missing",
    "own_ids",
    "people_sentence",
    "problem_sentence",
    "reconciled_sentence",
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
        Rows `read`, `clean`, `quarantined`, `merged`, `derived`; values `set_missing`; rows `flagged`;
        `declared`, the rows quarantined by the profile's own rules; sales `before` and `after`; `lost`, the
        share of rows quarantined by any other rule; `sales_lost`, the share of sales lost that way.
    """
    counts = ("read", "clean", "quarantined", "merged", "set_missing", "flagged", "derived")
    found: dict[str, int | float] = {name: int(result.reconciliation[name].sum()) for name in counts}
    found["declared"] = int(declared_rows(result)["rows"].sum())
    amounts = result.sales.set_index("step")["amount"].astype(float)
    before, after = float(amounts.get("read", 0)), float(amounts.get("clean", 0))
    due = before - float(amounts[amounts.index.str.startswith("less declared")].sum())
    lost = (found["quarantined"] - found["declared"]) / max(found["read"], 1)
    sales_lost = abs(due - after) / abs(due) if due else 0.0
    return found | {"before": before, "after": after, "lost": lost, "sales_lost": round(sales_lost, 12)}


def verdict(found: dict[str, int | float]) -> Verdict:
    """Say how far the clean tables carry, by the larger of the shares of rows and sales that were lost.

    Examples
    --------
    >>> verdict({"lost": 0.002, "sales_lost": 0.03})
    'indicative'
    """
    worst = max(found["lost"], found["sales_lost"])
    return "solid" if worst <= SOLID else "indicative" if worst <= USABLE else "not enough data"


def faults(result: CleanResult) -> pd.DataFrame:
    """Return the problems, worst first; what the profile leaves out on purpose is none."""
    return result.problems[~result.problems["rule"].map(is_declared).astype(bool)]


def lost_rows(result: CleanResult) -> pd.DataFrame:
    """Return the problems that cost rows or values, worst first."""
    found = faults(result)
    return found[found["effect"].isin(["quarantined", "merged", "set missing"])]


def declared_rows(result: CleanResult) -> pd.DataFrame:
    """Return what the profile's own rules leave out: `table`, `rule`, `rows`, `share`, in their order."""
    lines = result.quality[result.quality["rule"].map(is_declared).astype(bool)]
    found = lines[["table", "rule"]].assign(rows=lines["quarantined"])
    return found.assign(share=lines["quarantined"] / lines["read"]).reset_index(drop=True)


def listed(result: CleanResult) -> pd.DataFrame:
    """Return the values and rows that somebody may have to repair: those set aside on purpose are none."""
    return result.quarantine[~result.quarantine["rule"].map(is_declared).astype(bool)]


def declared_sentence(result: CleanResult) -> Said:
    """Say how many rows the profile's own rules leave out."""
    found = declared_rows(result)
    return "cleaning.declared", {"rules": len(found), "rows": int(found["rows"].sum())}


def reconciled_sentence(found: dict[str, int | float]) -> Said:
    """Say where the rows went."""
    names = ("read", "clean", "lost")
    if found["declared"]:
        return "cleaning.reconciled_declared", {name: found[name] for name in (*names, "declared")}
    return "cleaning.reconciled", {name: found[name] for name in names}


def bridged(result: CleanResult) -> bool:
    """Say whether sales and lines of the source, less those of each step, are those of the clean table."""
    sales = result.sales.set_index("step")[["rows", "amount"]]
    less = sales[sales.index.str.startswith("less ")].sum()
    return sales.empty or bool((sales.loc["read"] - less == sales.loc["clean"]).all())


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
    row = result.census.astype({"sales": "float64"}).iloc[0].to_dict()
    said: dict[str, tuple[str, tuple[str, ...]]] = {
        "contents": ("cleaning.contents", ("customers", "orders", "lines", "sales")),
        "period": ("cleaning.period", ("first_order", "last_order", "buyers")),
    }
    if result.sales.empty:
        each = row["customers"] == row["communications"]
        said["contents"] = (
            ("cleaning.contents_each", ("communications",))
            if each
            else ("cleaning.contents_contacts", ("customers", "communications"))
        )
        said["period"] = ("cleaning.period_contacts", ("first_communication", "last_communication"))
    return {name: (key, {value: row[value] for value in values}) for name, (key, values) in said.items()}


def sales_sentence(result: CleanResult, found: dict[str, int | float]) -> Said:
    """Say whether the sum of sales moved."""
    if result.sales.empty:
        return "cleaning.no_sales", {}
    if found["before"] == found["after"]:
        return "cleaning.sales_same", {"after": found["after"]}
    return "cleaning.sales_changed", {name: found[name] for name in ("before", "after")}


def answer_sentence(result: CleanResult, found: dict[str, int | float]) -> Said:
    """Answer the page's question: where the rows are, and whether the sum of sales moved."""
    if result.sales.empty:
        rows = ("read", "clean", "quarantined", "merged")
        return "cleaning.answer_contacts", {name: found[name] for name in rows}
    if found["declared"]:
        same = found["before"] == found["after"]
        names = ("read", "clean", "declared", "merged", "after", *(() if same else ("before",)))
        values = {name: found[name] for name in names}
        key = "cleaning.answer_declared_same" if same else "cleaning.answer_declared"
        return key, values | {"quarantined": found["quarantined"] - found["declared"]}
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
