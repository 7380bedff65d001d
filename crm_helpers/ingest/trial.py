"""Try the mapping on the first rows of every source, in one engine, before a run; nothing is loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis

from crm_helpers.errors import InputError
from crm_helpers.ingest.contract import require_incremental
from crm_helpers.ingest.conversion import Locale
from crm_helpers.ingest.mapping import map_table
from crm_helpers.ingest.samples import Sample, sample_source
from crm_helpers.lake import connect
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource, Profile
from crm_helpers.tables import TABLES

__all__ = ["Trial", "emptiness", "first_faults", "not_computed", "refusal", "sampled", "trial"]

HEAD_ROWS = 1_000  # of a source; a run looks at no more, `crm check` at twenty times as many


@dataclass(frozen=True)
class Trial:
    """The sampled sources in one engine, and the tables that can be mapped from them."""

    connection: ibis.BaseBackend
    profile: Profile
    samples: Mapping[str, Sample]
    mapped: Mapping[str, ibis.Table]
    faults: Mapping[str, str]  # of tables that cannot be mapped

    @property
    def locale(self) -> Locale:
        """Zone, currency and country of the company."""
        return Locale(self.profile.timezone, self.profile.currency, self.profile.country)


def first_faults(folder: CompanyFolder, profile: Profile) -> list[str]:
    """Open each source and try each mapping on its head; say what a run would refuse.

    Parameters
    ----------
    folder
        The company's places.
    profile
        Its sources and mapping.

    Returns
    -------
    list of str
        A line a fault, with the key and the way out; none when the run may begin.
    """
    samples: dict[str, Sample] = {}
    faults = []
    with tempfile.TemporaryDirectory(prefix="crm-look-") as work:
        for name, source in profile.sources.items():
            try:
                samples[name] = sampled(folder, name, source, Path(work), most=HEAD_ROWS)
            except InputError as error:
                faults.append(str(error))
    faults += [emptiness(name, sample) for name, sample in samples.items()]
    with trial(profile, samples) as tried:
        faults += [tried.faults.get(table) or _tried(tried, table) for table in profile.tables]
    return [fault for fault in faults if fault]


def _tried(tried: Trial, table: str) -> str:
    if table not in tried.mapped:
        return ""  # its source is a fault already
    try:
        return refusal(tried, table)
    except duckdb.Error:
        return not_computed(table)


def sampled(folder: CompanyFolder, name: str, source: AnySource, work: Path, *, most: int) -> Sample:
    """Read at most so many first rows of a source, or raise `InputError`."""
    sample = sample_source(folder, name, source, work, most=most)
    if source.incremental:
        require_incremental(name, source.incremental, sample.columns)
    return sample


def emptiness(name: str, sample: Sample) -> str:
    """Say that a source has no row, as a table of a database may; nothing when it has."""
    return "" if sample.rows.num_rows else f"sources.{name}: no rows; a run refuses it"


@contextmanager
def trial(profile: Profile, samples: Mapping[str, Sample]) -> Iterator[Trial]:
    """Map every table whose source was sampled, in an engine that lasts as long as the block.

    Parameters
    ----------
    profile
        The company's mapping.
    samples
        First rows by source; a source that cannot be read is left out.

    Yields
    ------
    Trial
        What could be mapped, and why the rest could not.
    """
    connection = connect(Path(tempfile.gettempdir()))
    mapped: dict[str, ibis.Table] = {}
    faults: dict[str, str] = {}
    columns = {name: sample.columns for name, sample in samples.items()}
    try:
        for name, sample in samples.items():
            connection.create_table(name, sample.rows)
        for table, mapping in profile.tables.items():
            if mapping.source not in samples:
                continue
            try:
                mapped[table] = map_table(connection, profile, table, columns)
            except InputError as error:
                faults[table] = str(error)
            except duckdb.Error:
                faults[table] = not_computed(table)
        yield Trial(connection, profile, samples, mapped, faults)
    finally:
        connection.disconnect()


def refusal(tried: Trial, table: str) -> str:
    """Say what cleaning would refuse in the sample, as an order of day and month that is not declared."""
    # cleaning stands on ingestion: this one look ahead must not make the two import each other
    from crm_helpers.cleaning.standardise import standardise  # noqa: PLC0415

    mapping = tried.profile.tables[table]
    looked_up = any("select" in column.sql.lower() for column in mapping.columns.values() if column.sql)
    if looked_up or not tried.samples[mapping.source].rows.num_rows:
        return ""  # a part of another source need not hold what is looked up
    with tempfile.TemporaryDirectory(prefix="crm-trial-") as work:
        place, rows = Path(work), tried.mapped[table]
        try:
            standardise(tried.connection, rows, TABLES[table], mapping, folder=place, locale=tried.locale)
        except InputError as error:
            return str(error)
    return ""


def not_computed(table: str) -> str:
    """Say that the engine refused an expression of a table's mapping."""
    return f"tables.{table}.columns: a mapped value cannot be computed; look at its expressions"
