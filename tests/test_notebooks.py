"""Every notebook keeps the house's shape: thin, top to bottom, prose first and last, nothing stored."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from crm_helpers.cleaning.households import HOUSEHOLD_TABLES
from crm_helpers.cleaning.measures import MEASURES
from crm_helpers.cleaning.same_person import PEOPLE_TABLES
from crm_helpers.results import RESULTS
from crm_helpers.run.parameters import notebook_parameters
from crm_helpers.tables import TABLES

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))
PAGES = [
    "01_ingestion",
    "02_cleaning",
    "03_segmentation",
    "04_customer_value",
    "05_customer_needs",
    "06_channel_optimization",
    "07_campaign_regression",
    "10_reporting",
]
OF_CLEANING = {
    "quality", "problems", "missing_values", "census", "sales_bridge", "quarantine",
    *PEOPLE_TABLES, *HOUSEHOLD_TABLES, *MEASURES,
}  # fmt: skip
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[Any]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tree(path: Path) -> ast.Module:
    return ast.parse("\n".join(cell.source for cell in code_cells(path)))


def calls(path: Path, method: str) -> set[str]:
    """First literal arguments of every `page.<method>(...)` of a notebook."""
    return {
        node.args[0].value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "page"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def test_the_eight_pages_are_there():
    assert [path.stem for path in NOTEBOOKS] == PAGES


@every_notebook
def test_it_is_valid_and_stores_no_output(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert [cell.id for cell in code_cells(path) if cell.outputs or cell.execution_count] == []


@every_notebook
def test_cell_ids_are_words_that_stay(path):
    identifiers = [cell.id for cell in read(path).cells]
    assert len(set(identifiers)) == len(identifiers)
    assert [name for name in identifiers if not re.fullmatch(r"[a-z][a-z0-9-]+", name)] == []


@every_notebook
def test_it_begins_with_one_question_and_ends_with_prose(path):
    cells = read(path).cells
    assert cells[0].cell_type == cells[-1].cell_type == "markdown"
    assert re.match(rf"# {path.stem[:2]} · .+\?\n", cells[0].source)
    assert any("## So what" in cell.source for cell in cells if cell.cell_type == "markdown")


@every_notebook
def test_it_is_thin(path):
    assert len(read(path).cells) <= 30
    long = [
        cell.id
        for cell in code_cells(path)
        if "parameters" not in cell.metadata.get("tags", [])
        and len([line for line in cell.source.splitlines() if line.strip()]) > 8
    ]
    assert long == []


@every_notebook
def test_it_defines_nothing_and_loops_over_nothing(path):
    banned = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda, ast.Try)
    assert [type(node).__name__ for node in ast.walk(tree(path)) if isinstance(node, banned)] == []


@every_notebook
def test_it_puts_nothing_into_the_report_but_through_the_page(path):
    source = "\n".join(cell.source for cell in code_cells(path))
    assert not re.search(
        r"\bprint\(|display\(|filterwarnings|^\s*[%!]|\.to_html|savefig|HTML\(", source, re.MULTILINE
    )


@every_notebook
def test_every_parameter_states_its_unit_and_meaning(path):
    parameters = notebook_parameters(path)
    assert {"company", "as_of"} <= {parameter.name for parameter in parameters}
    (cell,) = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(parameters) == len(cell.source.strip().splitlines())


@every_notebook
def test_every_parameter_is_used(path):
    names = {parameter.name for parameter in notebook_parameters(path)}
    loaded = {
        node.id
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert names - loaded == set()


def published_together(path: Path) -> set[str]:
    """Names in the dictionaries of `page.publish_all`; `result.tables` are those of a clean version."""
    given = [
        node.args[0]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "page.publish_all"
    ]
    inner = [part for argument in given for part in ast.walk(argument)]
    names = {key.value for part in inner if isinstance(part, ast.Dict) for key in part.keys}
    cleaned = any(ast.unparse(part) == "result.tables" for part in inner)
    return names | (OF_CLEANING if cleaned else set())


@every_notebook
def test_what_it_reads_and_writes_is_what_it_states(path):
    stated = read(path).metadata.crm
    reads = {*stated["reads"].get("required", []), *stated["reads"].get("optional", [])}
    assert calls(path, "read") <= reads <= {*TABLES, *RESULTS, "raw", "results"}
    assert calls(path, "publish") | published_together(path) == set(stated["writes"]) - {"raw", *TABLES}
