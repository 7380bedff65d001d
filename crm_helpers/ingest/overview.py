"""What a company gives us, table by table: which canonical tables and columns its sources feed."""

from __future__ import annotations

import pandas as pd

from crm_helpers.ingest.loads import IngestResult
from crm_helpers.profile import Profile
from crm_helpers.tables import DATED, TABLES

__all__ = ["coverage", "most_wanted", "table_coverage"]


def table_coverage(profile: Profile) -> pd.DataFrame:
    """List every canonical table: where it comes from, how many of its columns are mapped, what is lacking.

    Parameters
    ----------
    profile
        The company's mapping.

    Returns
    -------
    pd.DataFrame
        `table`, `source`, `mapped`, `columns`, `absence` (what it means that a table is not there; empty
        where it is).
    """
    rows = []
    for name, table in TABLES.items():
        mapping = profile.tables.get(name)
        derived = " and ".join(profile.dated) if name == "customers" else ""
        source = mapping.source if mapping else derived
        mapped = len(mapping.columns) if mapping else 0
        rows.append((name, source, mapped, len(table.columns), "" if mapping else table.absence))
    return pd.DataFrame(rows, columns=["table", "source", "mapped", "columns", "absence"])


def most_wanted(tables: pd.DataFrame) -> dict[str, str]:
    """Pick the absent table to ask for first: what customers bought and said, before all else.

    Parameters
    ----------
    tables
        From `table_coverage`, with at least one that is absent.

    Returns
    -------
    dict of str to str
        `table` and `absence`.
    """
    absent = tables[tables["absence"] != ""].set_index("table")["absence"]
    name = next((name for name in (*DATED, *TABLES) if name in absent), "")
    return {"table": name.replace("_", " "), "absence": absent[name]}


def coverage(result: IngestResult, profile: Profile) -> dict[str, int]:
    """Count what came in: sources, rows, columns, used columns, tables that are mapped and that exist."""
    return {
        "sources": len(result.sources),
        "rows": int(result.sources["rows"].sum()),
        "columns": int(result.sources["columns"].sum()),
        "used": int(result.sources["used"].sum()),
        "tables": len(profile.tables),
        "all_tables": len(TABLES),
    }
