"""Everything that is measured of the clean tables before they are published, and which rows it flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import pandas as pd

from crm_helpers.cleaning.consistency import check_relations, relation_flags
from crm_helpers.cleaning.dimensions import arrivals, inner_dimensions
from crm_helpers.cleaning.flags import Flag, find_traps
from crm_helpers.cleaning.outliers import find_outliers, outlier_flags
from crm_helpers.cleaning.references import check_references, orphan_flags
from crm_helpers.cleaning.returns import net_returns
from crm_helpers.cleaning.standardise import Standardised
from crm_helpers.profile import Profile
from crm_helpers.results import RESULTS
from crm_helpers.tables import TABLES

__all__ = ["MEASURES", "Found", "find_flags", "measure"]

MEASURES = ("quality_dimensions", "arrivals", "reference_checks", "outliers", "returns")
"""What a clean version holds of its own quality, beside `quality` and `missing_values`."""


@dataclass(frozen=True)
class Found:
    """What was looked for in the rows that stay."""

    flags: Mapping[str, list[Flag]]  # by table
    references: pd.DataFrame
    relations: pd.DataFrame
    outliers: pd.DataFrame


def find_flags(
    connection: ibis.BaseBackend,
    tables: Mapping[str, Standardised],
    profile: Profile,
    *,
    merged: Mapping[str, str],
) -> Found:
    """Look for everything that is kept and must be known of.

    Parameters
    ----------
    connection
        The engine, with the clean tables in it.
    tables
        The converted tables.
    profile
        Its rules of outliers.
    merged
        By table, the engine's table of the rows that a later row replaces.

    Returns
    -------
    Found
        Flags by table, and the tables they come from.
    """
    mapped = {name: {column.name for column in table.columns} for name, table in tables.items()}
    mapped.setdefault("customers", set(TABLES["customers"].key))  # derived from other tables
    references = check_references(connection, mapped)
    relations = check_relations(connection, tables)
    outliers = find_outliers(connection, tables, profile.outliers)
    sold = {name: table for name, table in tables.items() if name == "transactions"}
    traps = {name: find_traps(connection, table, merged[name]) for name, table in sold.items()}
    kinds = (orphan_flags(references), relation_flags(relations), traps, outlier_flags(outliers))
    flags = {name: [flag for kind in kinds for flag in kind.get(name, [])] for name in tables}
    return Found(flags, references, relations, outliers)


def measure(
    connection: ibis.BaseBackend,
    tables: Mapping[str, Standardised],
    found: Found,
    *,
    quality: pd.DataFrame,
    missing: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Measure the clean tables.

    Parameters
    ----------
    connection
        The engine, with the clean tables in it.
    tables
        The converted tables.
    found
        Result of `find_flags`.
    quality, missing
        What became of the rows, and the empty cells of each column.

    Returns
    -------
    dict
        The tables `MEASURES`, by name; `returns` where something was sold.
    """
    dimensions = inner_dimensions(
        tables, quality=quality, missing=missing,
        references=found.references, relations=found.relations,
    )  # fmt: skip
    dimensions["share"] = dimensions["good"] / dimensions["cases"]
    later = [column.name for column in RESULTS["quality_dimensions"].columns if column.name not in dimensions]
    measures = {
        "quality_dimensions": dimensions.assign(**dict.fromkeys(later)),  # known to the page
        "arrivals": arrivals(connection, tables),
        "reference_checks": found.references,
        "outliers": found.outliers,
    }
    if "transactions" in tables:
        sold = [column.name for column in tables["transactions"].columns]
        measures["returns"] = net_returns(connection, sold)
    return measures
