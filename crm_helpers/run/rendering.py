"""Write the HTML of a run that went well: every page, and the run's first page."""

from __future__ import annotations

import importlib
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from nbformat import NotebookNode

from crm_helpers.layout import CompanyFolder
from crm_helpers.record import PageRecord, PageResult
from crm_helpers.report.render import RenderContext, render_page, render_run_index
from crm_helpers.run import files
from crm_helpers.run.publish import previous_run, run_folder

__all__ = ["import_template_aside", "previous_results", "write_pages"]


def import_template_aside() -> None:
    """Import nbconvert in the background: it takes a second, and pages are at work meanwhile."""
    threading.Thread(target=_import_template, daemon=True).start()


def _import_template() -> None:
    with suppress(Exception):  # said when a page is rendered
        importlib.import_module("crm_helpers.report.exporter")


def write_pages(
    staging: Path,
    notebooks: Mapping[str, NotebookNode],
    *,
    results: Mapping[str, PageResult],
    records: Sequence[PageRecord],
    context: RenderContext,
) -> str:
    """Render everything into the staged run.

    Parameters
    ----------
    staging
        The run's folder.
    notebooks, results
        Executed notebook and result by page.
    records
        What became of every page.
    context
        What all pages are told of the run.

    Returns
    -------
    str
        Empty when all went well, else one line that says what could not be rendered; the rest is in the
        run's log `render.log`.
    """
    place = "index.html"
    try:
        for place, notebook in sorted(notebooks.items()):
            html = render_page(notebook, result=results[place], context=context)
            files.write_text(staging / f"{place}.html", html)
        place = "index.html"
        found = [results[name] for name in sorted(notebooks)]
        files.write_text(staging / place, render_run_index(context, found, records))
    # a template that fails must not cost the work of the pages, nor show a reader a traceback
    except Exception as error:  # noqa: BLE001
        with (staging / ".run" / "render.log").open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        return f"{place}: rendering failed ({type(error).__name__}); the run's .run/render.log says more"
    return ""


def previous_results(folder: CompanyFolder, clean_version: str, as_of: date | None) -> dict[str, PageResult]:
    """Read what the newest good run found that stood on other tables or another day.

    Parameters
    ----------
    folder
        The company's places.
    clean_version, as_of
        What the present run stands on; runs on the same are passed over, so that equal runs are equal.

    Returns
    -------
    dict
        Results by page; empty when there is no such run.
    """
    manifest = previous_run(folder, clean_version, as_of)
    if manifest is None:
        return {}
    paths = sorted(run_folder(folder, manifest).glob("*.result.json"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return {result.page: result for result in map(PageResult.model_validate_json, texts)}
