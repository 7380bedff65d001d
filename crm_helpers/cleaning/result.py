"""What cleaning found, as the quality page reads it back from a clean version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from crm_helpers.cleaning.households import HOUSEHOLD_TABLES
from crm_helpers.cleaning.limits import exceeded
from crm_helpers.cleaning.measures import MEASURES
from crm_helpers.cleaning.quality import (
    problems,
    reconciliation,
)
from crm_helpers.cleaning.same_person import (
    PEOPLE_TABLES,
)
from crm_helpers.ingest.ledger import Load
from crm_helpers.lake import (
    CleanVersion,
    connect,
    read_clean,
)
from crm_helpers.profile import Profile
from crm_helpers.record import TableRecord
from crm_helpers.tables import TABLES

__all__ = ["CleanResult", "read_result"]

_QUALITY = ("census", "quality", "missing_values", "sales_bridge", "quarantine")


@dataclass(frozen=True)
class CleanResult:
    """A clean version and what became of every row on the way to it."""

    version: CleanVersion
    reads: tuple[TableRecord, ...]  # the loads it was made of
    quality: pd.DataFrame  # one row a table and rule, as published
    reconciliation: pd.DataFrame  # one row a table: read = clean + quarantined + merged
    people: Mapping[str, pd.DataFrame]  # by name of `PEOPLE_TABLES`; empty where nobody was compared
    households: Mapping[str, pd.DataFrame]  # by name of `HOUSEHOLD_TABLES`; empty where nobody is related
    problems: pd.DataFrame  # ranked, each with what to do
    missing: pd.DataFrame  # one row a mapped column
    census: pd.DataFrame  # one row: customers, orders, lines, sales, campaigns
    sales: pd.DataFrame  # step, rows, amount: from the source to the clean table
    quarantine: pd.DataFrame  # one row a value or row that did not become clean, masked
    measures: Mapping[str, pd.DataFrame]  # by name of `MEASURES`: dimensions, references, outliers, returns
    exceeded: pd.DataFrame  # one row a rule that broke a limit of the profile: table, column, rule, rows, ...

    @property
    def written(self) -> list[TableRecord]:
        """The canonical tables of the version; the others are on record where a page publishes them."""
        return [record for name, record in self.version.tables.items() if name in TABLES]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is published of all this, by name."""
        own = {
            "quality": self.quality, "problems": self.problems, "missing_values": self.missing,
            "census": self.census, "sales_bridge": self.sales, "quarantine": self.quarantine,
        }  # fmt: skip
        return own | dict(self.people) | dict(self.households) | dict(self.measures)


def read_result(version: CleanVersion, loads: Mapping[str, Load], profile: Profile) -> CleanResult:
    """Read what cleaning found back from the version it made."""
    connection = connect(version.path)
    try:
        frames = {
            name: read_clean(connection, version, name).to_pandas()
            for name in (*_QUALITY, *PEOPLE_TABLES, *HOUSEHOLD_TABLES, *MEASURES)
        }
    finally:
        connection.disconnect()
    quality = frames["quality"]
    return CleanResult(
        version=version,
        reads=tuple(
            TableRecord(name=f"raw/{load.source}", rows=load.rows, fingerprint=load.fingerprint)
            for load in loads.values()
        ),
        quality=quality,
        reconciliation=reconciliation(quality),
        people={name: frames[name] for name in PEOPLE_TABLES},
        households={name: frames[name] for name in HOUSEHOLD_TABLES},
        problems=problems(quality),
        missing=frames["missing_values"],
        census=frames["census"],
        sales=frames["sales_bridge"],
        quarantine=frames["quarantine"],
        measures={name: frames[name] for name in MEASURES},
        exceeded=exceeded(quality, profile.limits),
    )
