"""From what pages found to HTML: a page, a run's index, a company's index of runs.

Every file is whole in itself: no network, no script needed, one content security policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode

from crm_helpers.record import Headline, Manifest, PageRecord, PageResult
from crm_helpers.report.context import PageLink, RenderContext
from crm_helpers.report.format import NOT_KNOWN
from crm_helpers.report.fragment import environment
from crm_helpers.report.outline import page_title
from crm_helpers.report.summary import FOUNDATIONS
from crm_helpers.results import RESULTS

if TYPE_CHECKING:
    from crm_helpers.report.exporter import ReportExporter

__all__ = ["PageLink", "RenderContext", "render_company_index", "render_page", "render_run_index"]

_MOST_TILES = 8
_SUMMARY = "10_reporting"


def render_page(notebook: NotebookNode, *, result: PageResult, context: RenderContext) -> str:
    """Render an executed page.

    Parameters
    ----------
    notebook
        The executed notebook; only markdown cells, code and our own blocks are used.
    result
        What the page found.
    context
        The run it belongs to.

    Returns
    -------
    str
        One self-contained HTML file; equal inputs give equal bytes.
    """
    html, _ = _exporter().from_notebook_node(notebook, {"result": result, "context": context})
    return str(html)


def render_run_index(
    context: RenderContext, results: Sequence[PageResult], records: Sequence[PageRecord]
) -> str:
    """Render the first page of a run: what each page answers, and what did not run.

    Parameters
    ----------
    context
        The run.
    results
        Results of the pages that have one.
    records
        What became of every page, in order.

    Returns
    -------
    str
        `index.html` of the run's folder.
    """
    found = {result.page: result for result in results}
    pages = [
        (record, page_title(record.page), found.get(record.page))
        for record in records
        if record.page != _SUMMARY
    ]
    lost = [record for record in records if record.status in ("failed", "skipped", "not run")]
    tables = {table.name: table for result in results for table in result.writes if table.name in RESULTS}
    return _render(
        "run.html.j2",
        context=context,
        summary=found.get(_SUMMARY),
        pages=pages,
        lost=lost,
        tables=list(tables.values()),
        tiles=_tiles(results),
    )


def render_company_index(manifests: Sequence[Manifest], *, name: str = "") -> str:
    """Render the list of a company's runs.

    Parameters
    ----------
    manifests
        Manifests of published, failed and abandoned runs; shown newest first.
    name
        The company's name; its folder's name when not given.

    Returns
    -------
    str
        `index.html` of the company's folder.
    """
    newest = sorted(manifests, key=lambda manifest: (manifest.started_at, manifest.run), reverse=True)
    company = name or (newest[0].company if newest else "")
    context = RenderContext(company=company, name=company, currency="")
    return _render("company.html.j2", context=context, runs=newest)


@cache
def _exporter() -> ReportExporter:
    # nbconvert is imported only when a page is rendered: it takes longer than everything else here
    from crm_helpers.report.exporter import ReportExporter  # noqa: PLC0415

    return ReportExporter()


def _render(template: str, **values: Any) -> str:
    return environment().get_template(template).render(**values)


def _tiles(results: Sequence[PageResult]) -> list[tuple[str, Headline]]:
    """Known numbers, the first of each page before the second of any; those about the data come last."""
    ranked = [
        (result.page in FOUNDATIONS, place, order, (result.page, headline))
        for order, result in enumerate(results)
        if result.page != _SUMMARY  # it repeats the others' numbers
        for place, headline in enumerate(result.headlines)
        if headline.text != NOT_KNOWN
    ]
    return [tile for *_, tile in sorted(ranked, key=lambda item: item[:3])][:_MOST_TILES]
