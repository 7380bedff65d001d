"""What a notebook holds in its hand: read, say, show, check, publish.

Notebooks have no other way to put something into the report, so escaping, number formats, captions,
alternative texts and lineage live behind these few calls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display

from crm_helpers import lake
from crm_helpers.errors import InputError, RunError, suggest
from crm_helpers.layout import CompanyFolder, company_folder, notebooks_folder, project_root
from crm_helpers.profile import Profile, load_profile
from crm_helpers.record import Check, PageResult, RunContext, TableRecord, Verdict
from crm_helpers.report.blocks import MIME, Block, chart_block, table_block
from crm_helpers.report.findings import Findings, make_headline
from crm_helpers.report.format import is_missing, visible, write_date
from crm_helpers.report.fragment import fragment
from crm_helpers.report.outline import page_title, question_of, stated_tables
from crm_helpers.report.published import publish_frame
from crm_helpers.report.wording import Spans, plain, sentence
from crm_helpers.results import RESULTS
from crm_helpers.run.parameters import check_parameters
from crm_helpers.run.publish import previous_run, run_folder
from crm_helpers.tables import TABLES

if TYPE_CHECKING:
    import ibis

    from crm_helpers.report.figures import Chart

__all__ = ["Page", "open_page"]

VERDICTS = get_args(Verdict)


def open_page(name: str, **parameters: bool | float | str) -> Page:
    """Open a page: check its parameters, and find the company, the run and the tables.

    Parameters
    ----------
    name
        The notebook's name without ending, as `03_segmentation`.
    **parameters
        Everything the notebook's parameters cell names, `company` and `as_of` among them.

    Returns
    -------
    Page
        The page. Without the variable CRM_RUN (JupyterLab, plain papermill) it reads the newest
        clean tables and writes to a scratch run that is never published.

    Raises
    ------
    InputError
        When the page, the company or a parameter is not known or not of its type.
    """
    run = _running()
    root = Path(run.root) if run else project_root()
    checked = check_parameters(name, parameters, root)
    notebook = json.loads((notebooks_folder(root) / f"{name}.ipynb").read_text(encoding="utf-8"))
    folder = company_folder(str(checked["company"]), root)
    if run and run.company != folder.name:
        raise InputError(f'{name}: company "{folder.name}" is not the run\'s company "{run.company}"')
    staging = Path(run.staging) if run else folder.reports / ".scratch"
    return Page(name, notebook, folder=folder, staging=staging, parameters=checked, run=run)


class Page:
    """One page at work; made by `open_page`."""

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
        self.blocks: list[Block] = []
        self._question = question_of(notebook)
        self._stated = stated_tables(notebook)
        self._run = run
        self._found = Findings()
        self._emit("open", page=name, parameters={key: str(value) for key, value in parameters.items()})

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

    def say(self, key: str, **values: Any) -> None:
        """Say a sentence of the wording; the first after a `##` heading is the card's title.

        Parameters
        ----------
        key
            `section.key` in `report/wording/`.
        **values
            The numbers and words it names.
        """
        self._emit("say", key=key, spans=self._spans(key, values))

    def show(
        self,
        shown: pd.DataFrame | Chart,
        *,
        caption: str,
        alt: str = "",
        of: str | None = None,
        labels: dict[str, str] | None = None,
        units: dict[str, str] | None = None,
        limit: int = 50,
    ) -> None:
        """Show a table or a chart.

        Parameters
        ----------
        shown
            A frame, first column naming the row, or a chart of `report.figures`.
        caption
            What to see, the period and the number of cases.
        alt
            What a chart shows, in words.
        of
            Table of `results.py` or `tables.py` that knows the frame's columns.
        labels, units
            Labels and units of columns it does not know.
        limit
            Rows shown at most; how many there are is stated.
        """
        if isinstance(shown, pd.DataFrame):
            currency = self.profile.currency
            block = table_block(
                shown, caption=caption, of=of, labels=labels, units=units, currency=currency, limit=limit
            )
        else:
            block = chart_block(shown, alt=alt, caption=caption)
        self._emit(**block)

    def check(
        self, text: str, ok: bool, *, detail: str = "", level: Literal["fail", "warn"] = "fail"
    ) -> None:
        """State something that must hold, and whether it does.

        Parameters
        ----------
        text
            The statement.
        ok
            Whether it holds.
        detail
            Numbers to it.
        level
            What it means when it does not hold.
        """
        check = Check(text=visible(text), outcome="pass" if ok else level, detail=visible(detail))
        self._found.checks.append(check)
        self._emit("check", **check.model_dump())

    def headline(self, key: str, label: str, value: Any, *, unit: str = "") -> None:
        """Put a number among the page's headline numbers.

        Parameters
        ----------
        key
            Its name in `result.json`, the same in every run.
        label
            What it counts.
        value
            A number, words or an `Estimate`.
        unit
            How it is written, one of `report.format.FORMATS`.
        """
        if any(headline.key == key for headline in self._found.headlines):
            raise RunError(f'{self.name}: the headline "{key}" is given twice')
        headline = make_headline(key, label, value, unit=unit, currency=self.profile.currency)
        self._found.headlines.append(headline)
        self._emit("headline", key=key, label=headline.label, text=headline.text)

    def answer(self, key: str, *, verdict: Verdict, **values: Any) -> None:
        """Answer the page's question in one sentence, and say how sure it is.

        Parameters
        ----------
        key
            The sentence.
        verdict
            `solid`, `indicative` or `not enough data`; with a failed check `solid` becomes `indicative`.
        **values
            The sentence's numbers.
        """
        if verdict not in VERDICTS:
            raise RunError(f'{self.name}: no verdict "{verdict}": {suggest(str(verdict), VERDICTS)}')
        words = self._spans(key, values)
        self._found.verdict, self._found.answer = verdict, plain(words)
        self._emit("answer", key=key, verdict=verdict, spans=words)

    def action(self, key: str, **values: Any) -> None:
        """Say what to do next; it stands on the first screen.

        Parameters
        ----------
        key
            The sentence.
        **values
            Its numbers.
        """
        words = self._spans(key, values)
        self._found.actions.append(plain(words))
        self._emit("action", key=key, spans=words)

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

    def before(self, name: str) -> tuple[pd.DataFrame, date | None]:
        """Read a published table as the newest report on other data or another day has it.

        Parameters
        ----------
        name
            A table of `results.py`.

        Returns
        -------
        tuple of DataFrame and date or None
            Its rows, and the day they stand for; no rows and None where there is no such report or it has
            no such table.
        """
        asked = self._run.as_of if self._run else None
        day = asked or (None if self._run else self._stated_day) or self.version.as_of  # as the record has it
        found = previous_run(self.folder, self.version.version, day)
        path = run_folder(self.folder, found) / "tables" / f"{name}.parquet" if found else None
        if found is None or path is None or not path.is_file():
            return pd.DataFrame(columns=[column.name for column in RESULTS[name].columns]), None
        return self.connection.read_parquet(path).to_pandas(), found.as_of

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

    def close(self) -> None:
        """Write the page's `result.json`, whole or not at all: the last thing a notebook does."""
        as_of = self.as_of if "as_of" in vars(self) or self.parameters.get("as_of") else None
        result = self._found.result(
            self.name, title=page_title(self.name), question=self._question, as_of=as_of
        )
        lake.write_text(result.model_dump_json(indent=1) + "\n", self.staging / f"{self.name}.result.json")

    @property
    def _stated_day(self) -> date | None:
        stated = str(self.parameters.get("as_of") or "")
        return date.fromisoformat(stated) if stated else None

    def _read_published(self, table: str) -> ibis.Table:
        path = self.staging / "tables" / f"{table}.parquet"
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
        return (
            {} if is_missing(first) else {"first": write_date(first.date()), "last": write_date(last.date())}
        )

    def _must_be_stated(self, kind: str, name: str, stated: list[str]) -> None:
        if name not in stated:
            hint = suggest(name, stated)
            raise RunError(f'{self.name}: "{name}" is not under {kind} in the notebook\'s metadata; {hint}')

    def _spans(self, key: str, values: dict[str, Any]) -> Spans:
        return sentence(key, values, language=self.profile.language, currency=self.profile.currency)

    def _emit(self, kind: str, **content: Any) -> None:
        block = {"kind": kind, **content}
        self.blocks.append(block)
        if get_ipython() is not None:
            shown = {MIME: block, "text/html": fragment(block), "text/plain": f"<{kind}>"}
            display(shown, raw=True)  # type: ignore[no-untyped-call]


def _running() -> RunContext | None:
    stated = os.environ.get("CRM_RUN")
    return RunContext.model_validate_json(Path(stated).read_text(encoding="utf-8")) if stated else None
