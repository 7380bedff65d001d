"""What a page reads and writes: clean tables, tables of this run and of the last, each on record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from crm_helpers import lake
from crm_helpers.engine import schema_of
from crm_helpers.errors import InputError, RunError, suggest
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import Profile, load_profile
from crm_helpers.record import PageResult, RunContext, TableRecord
from crm_helpers.report.findings import Findings
from crm_helpers.report.format import is_missing, write_date
from crm_helpers.report.outline import stated_tables
from crm_helpers.report.published import publish_frame
from crm_helpers.results import RESULTS
from crm_helpers.run.publish import previous_run, run_folder
from crm_helpers.tables import TABLES

if TYPE_CHECKING:
    import ibis

__all__ = ["PageData"]


class PageData(ABC):
    """The tables of one page, and the record of what it read and wrote."""

    def __init__(
        self,
        name: str,
        notebook: dict[str, Any],
        *,
        folder: CompanyFolder,
        staging: Path,
        parameters: dict[str, Any],
        run: RunContext | None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.staging = staging
        self.parameters = parameters
        self.profile: Profile = load_profile(folder)
        self._stated = stated_tables(notebook)
        self._run = run
        self._found = Findings()

    @cached_property
    def version(self) -> lake.CleanVersion:
        """The clean tables this page reads: those of the run, else the newest."""
        if self._run and self._run.clean_version:
            return lake.clean_version(self.folder, self._run.clean_version)
        return lake.current_clean(self.folder)

    @cached_property
    def as_of(self) -> date:
        """The day the numbers stand for: as the call says, else the day after the last transaction."""
        asked = self._run.as_of if self._run else None
        return self._stated_day or asked or self.version.as_of

    @cached_property
    def connection(self) -> ibis.BaseBackend:
        """The engine the tables are read on."""
        return lake.connect()

    def read(self, table: str) -> ibis.Table:
        """Read a table; an optional one the company lacks comes empty, and the report says what that means.

        Parameters
        ----------
        table
            A name under `reads` in the notebook's metadata.

        Returns
        -------
        ibis.Table
            All columns of the vocabulary.
        """
        self._must_be_stated("reads", table, self._stated["required"] + self._stated["optional"])
        if table in RESULTS and table not in self.version.tables:
            return self._read_published(table)
        expression = lake.read_clean(self.connection, self.version, table)
        if table not in self.version.tables:
            self._found.missing.append(table)
            self._emit("missing", table=table, meaning=TABLES[table].absence)
        else:
            self._record_read(self.version.tables[table], self._period(table, expression))
        return expression

    def before(self, name: str) -> tuple[pd.DataFrame, date | None]:
        """Read a published table as the newest report with it on other data or another day has it.

        Parameters
        ----------
        name
            A table of `results.py`.

        Returns
        -------
        tuple of DataFrame and date or None
            Its rows, and the day they stand for; no rows and None where there is no such report.
        """
        asked = self._run.as_of if self._run else None
        day = asked or (None if self._run else self._stated_day) or self.version.as_of  # as the record has it
        table = f"tables/{name}.parquet"
        found = previous_run(self.folder, self.version.version, day, holding=table)
        if found is None:
            return pd.DataFrame(columns=[column.name for column in RESULTS[name].columns]), None
        return self.connection.read_parquet(run_folder(self.folder, found) / table).to_pandas(), found.as_of

    def publish(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table into the run's `tables/`, as Parquet and CSV, typed by `results.py`.

        Parameters
        ----------
        name
            A name under `writes` in the notebook's metadata.
        frame
            Its rows.
        """
        self._must_be_stated("writes", name, self._stated["writes"])
        record = publish_frame(name, frame, self.staging / "tables")
        self._record_write(record)
        self._emit("publish", **record.model_dump())

    def keep(self, name: str, text: str, *, rows: int) -> None:
        """Write what a page learnt as `<name>.json` into the run's `tables/`, for whoever applies it again.

        Parameters
        ----------
        name
            Name of the file without ending.
        text
            JSON.
        rows
            How many rows of numbers it holds.
        """
        path = self.staging / "tables" / f"{name}.json"
        lake.write_text(text, path)
        self._record_write(TableRecord(name=name, rows=rows, fingerprint=lake.fingerprint(path)))

    def publish_all(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Write several tables, by name; see `publish`."""
        for name, frame in tables.items():
            self.publish(name, frame)

    def lineage(self, *, reads: Iterable[TableRecord] = (), writes: Iterable[TableRecord] = ()) -> None:
        """Record tables that were read or written past this page: raw loads and clean tables.

        Parameters
        ----------
        reads, writes
            Name, rows and fingerprint of each.
        """
        for record in reads:
            self._record_read(record, {})
        for record in writes:
            self._record_write(record)
            self._emit("write", **record.model_dump())

    @property
    def skipped(self) -> dict[str, str]:
        """The pages this run leaves out because the company lacks a table, and why."""
        return self._run.skipped if self._run else {}

    def results(self) -> list[PageResult]:
        """Return what the other pages of this run found, in the order of their numbers."""
        paths = sorted(self.staging.glob("*.result.json"))
        others = [path for path in paths if path.name != f"{self.name}.result.json"]
        return [PageResult.model_validate_json(path.read_text(encoding="utf-8")) for path in others]

    @property
    def _stated_day(self) -> date | None:
        stated = str(self.parameters.get("as_of") or "")
        return date.fromisoformat(stated) if stated else None

    def _read_published(self, table: str) -> ibis.Table:
        path = self.staging / "tables" / f"{table}.parquet"
        if not path.is_file() and table in self._stated["optional"]:
            return self.connection.create_table(table, schema=schema_of(RESULTS[table]), temp=True)
        if not path.is_file():
            raise RunError(f'{self.name}: the table "{table}" was not published in this run')
        expression = self.connection.read_parquet(path)
        rows = int(expression.count().execute())
        self._record_read(TableRecord(name=table, rows=rows, fingerprint=lake.fingerprint(path)), {})
        return expression

    def _record_read(self, record: TableRecord, period: dict[str, str]) -> None:
        if record not in self._found.reads:
            self._found.reads.append(record)
            self._emit("read", **record.model_dump(), **period)

    def _record_write(self, record: TableRecord) -> None:
        if record not in self._found.writes:
            self._found.writes.append(record)

    def _period(self, table: str, expression: ibis.Table) -> dict[str, str]:
        if table != "transactions":
            return {}
        times = expression.aggregate(first=expression.ordered_at.min(), last=expression.ordered_at.max())
        first, last = times.execute().iloc[0]
        if is_missing(first):
            return {}
        self._require_after(first.date())
        return {"first": write_date(first.date()), "last": write_date(last.date())}

    def _require_after(self, first: date) -> None:
        asked = self._stated_day or (self._run.as_of if self._run else None)
        if asked and asked <= first:  # an empty report would be published as a good one
            raise InputError(
                f"{self.name}.as_of: {asked} is not after the first transaction, {first}; take a later day"
            )

    def _must_be_stated(self, kind: str, name: str, stated: list[str]) -> None:
        if name not in stated:
            hint = suggest(name, stated)
            raise RunError(f'{self.name}: "{name}" is not under {kind} in the notebook\'s metadata; {hint}')

    @abstractmethod
    def _emit(self, kind: str, **content: Any) -> None:
        """Put a block into the notebook's output."""
