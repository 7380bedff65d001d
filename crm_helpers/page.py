"""What a notebook holds in its hand: read, say, show, check, publish.

Notebooks have no other way to put something into the report, so escaping, number formats, captions,
alternative texts and lineage live behind these few calls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display

from crm_helpers import lake
from crm_helpers.errors import InputError, RunError, suggest
from crm_helpers.layout import CompanyFolder, company_folder, notebooks_folder, project_root
from crm_helpers.page_data import PageData
from crm_helpers.record import Check, RunContext, Verdict
from crm_helpers.report.blocks import MIME, Block, chart_block, table_block
from crm_helpers.report.figures import Chart, plotted, set_fonts
from crm_helpers.report.findings import make_headline
from crm_helpers.report.format import visible
from crm_helpers.report.fragment import fragment
from crm_helpers.report.outline import page_title, question_of
from crm_helpers.report.wording import Spans, plain, sentence
from crm_helpers.run.parameters import check_parameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    set_fonts()
    return Page(name, notebook, folder=folder, staging=staging, parameters=checked, run=run)


class Page(PageData):
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
        super().__init__(name, notebook, folder=folder, staging=staging, parameters=parameters, run=run)
        self.blocks: list[Block] = []
        self._question = question_of(notebook)
        self._emit("open", page=name, parameters={key: str(value) for key, value in parameters.items()})

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

    def say_each(self, *sentences: tuple[str, Mapping[str, Any]]) -> None:
        """Say sentences one after the other, each a key and its values."""
        for key, values in sentences:
            self.say(key, **values)

    def show(
        self,
        shown: pd.DataFrame | Chart | Figure,
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
            A frame, first column naming the row; a chart of `report.figures`; or your own figure, or axes, of
            matplotlib or seaborn.
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
            chart = shown if isinstance(shown, Chart) else plotted(shown)
            block = chart_block(chart, alt=alt, caption=caption)
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

    def actions(self, steps: Mapping[str, Mapping[str, Any]]) -> None:
        """Say what to do next, each a key and its values, in their order."""
        for key, values in steps.items():
            self.action(key, **values)

    def close(self) -> None:
        """Write the page's `result.json`, whole or not at all: the last thing a notebook does."""
        as_of = self.as_of if "as_of" in vars(self) or self.parameters.get("as_of") else None
        result = self._found.result(
            self.name, title=page_title(self.name), question=self._question, as_of=as_of
        )
        lake.write_text(result.model_dump_json(indent=1) + "\n", self.staging / f"{self.name}.result.json")

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
