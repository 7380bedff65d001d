"""The nbconvert exporter of the reports: our template, escaping on, only our own blocks rendered.

`jupyter nbconvert --to crm_helpers.report.exporter.ReportExporter` works on any executed notebook of
the workbook; a run calls it through `report.render`.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode
from traitlets import List, Unicode
from traitlets.config import Config

from crm_helpers.record import PageResult
from crm_helpers.report.context import RenderContext
from crm_helpers.report.fragment import TEMPLATES, environment
from crm_helpers.report.outline import outline
from crm_helpers.report.view import page_view

__all__ = ["ReportExporter"]


class ReportExporter(TemplateExporter):  # type: ignore[misc] # nbconvert ships no types
    """Render an executed page; outputs that are not blocks, and raw cells, are never rendered."""

    export_from_notebook = "CRM report"
    file_extension = Unicode(".html")
    template_name = Unicode("template").tag(affects_template=True)
    template_file = Unicode("page.html.j2").tag(affects_template=True)
    extra_template_basedirs = List(Unicode(), [str(TEMPLATES.parent)]).tag(affects_environment=True)

    @property
    def default_config(self) -> Config:
        """Nothing is removed or run before rendering."""
        return Config()

    def _create_environment(self) -> Environment:
        return environment()

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Render a notebook.

        Parameters
        ----------
        nb
            The executed notebook.
        resources
            `result` and `context` of the run; made from the notebook alone when not given.
        **kw
            Passed on to nbconvert.

        Returns
        -------
        tuple
            The HTML and the resources.
        """
        given = dict(resources or {})
        page = outline(nb)
        name = given.get("metadata", {}).get("name", "") or "page"
        result = given.get("result") or PageResult(page=name, title=name, question=page.question)
        context = given.get("context") or RenderContext(company=name, name=name, currency="")
        given |= {"view": page_view(page, result=result, context=context), "context": context}
        html, given = super().from_notebook_node(nb, given, **kw)
        return html, given
