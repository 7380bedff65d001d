"""Which pages, in which order, and what may run side by side? Read from the notebooks themselves.

Each notebook states in `metadata.crm` the tables it reads (required, optional) and writes. `raw` is what
ingestion loads, `results` is what every other page found, all else are tables by name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Any

from crm_helpers.errors import InputError, suggest
from crm_helpers.layout import notebooks_folder
from crm_helpers.run.parameters import Parameter, declared_parameters, parameters_cell
from crm_helpers.tables import TABLES

__all__ = ["Page", "Plan", "find_page", "make_plan", "read_pages"]

RESULTS = "results"
_LASTING = ("raw", "quality")  # in the lake, beside the canonical tables
_FILE = re.compile(r"[0-9]{2}_[a-z][a-z0-9_]*\.ipynb")


@dataclass(frozen=True)
class Page:
    """One numbered notebook and what it states about itself."""

    name: str
    path: Path
    question: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    writes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    headings: tuple[str, ...]  # nearest heading above each cell: the steps a progress bar names
    cells: tuple[str, ...]  # cell ids, in order
    sha256: str  # of the sources; outputs and times do not count

    @property
    def number(self) -> str:
        """The two digits of the name."""
        return self.name[:2]

    @property
    def reads(self) -> tuple[str, ...]:
        """Every table it reads."""
        return self.required + self.optional


@dataclass(frozen=True)
class Plan:
    """What a run will do."""

    pages: tuple[Page, ...]  # all pages, in order
    run: tuple[str, ...]  # to execute, in order
    reused: tuple[str, ...]  # taken over from an earlier run (`--from`)
    skipped: dict[str, str]  # page: why
    after: dict[str, frozenset[str]]  # page: the pages of this run it waits for

    def page(self, name: str) -> Page:
        """Return the page of that name."""
        return next(page for page in self.pages if page.name == name)


def read_pages(root: Path) -> tuple[Page, ...]:
    """Read all numbered notebooks.

    Parameters
    ----------
    root
        The project's root.

    Returns
    -------
    tuple of Page
        By number.

    Raises
    ------
    InputError
        When a notebook cannot be read, states nothing, or two have one number.
    """
    folder = notebooks_folder(root)
    pages = tuple(_read_page(path) for path in sorted(folder.iterdir()) if _FILE.fullmatch(path.name))
    if not pages:
        raise InputError("notebooks/: no page such as 01_ingestion.ipynb")
    for first, second in pairwise(pages):
        if first.number == second.number:
            raise InputError(f"notebooks/: {first.name} and {second.name} have the same number")
    return pages


def _read_page(path: Path) -> Page:
    try:
        content = path.read_bytes()
        notebook = json.loads(content)
        stated = notebook["metadata"]["crm"]
        reads, writes, cells = stated["reads"], tuple(stated["writes"]), notebook["cells"]
        source = parameters_cell(notebook) or ""
        return Page(
            name=path.stem,
            path=path,
            question=_question(cells),
            required=tuple(reads.get("required", ())),
            optional=tuple(reads.get("optional", ())),
            writes=writes,
            parameters=declared_parameters(source, page=path.stem),
            headings=_headings(cells),
            cells=tuple(cell["id"] for cell in cells),
            sha256=_sources_sha256(stated, cells),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"notebooks/{path.name}: not a page; it needs cells with ids, and metadata.crm"
        ) from None


def _sources_sha256(stated: dict[str, Any], cells: list[dict[str, Any]]) -> str:
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return hashlib.sha256(json.dumps([stated, sources], sort_keys=True).encode()).hexdigest()


def _question(cells: list[dict[str, Any]]) -> str:
    first = "".join(cells[0]["source"]).splitlines()[0] if cells and cells[0]["source"] else ""
    return first.lstrip("# ").partition("·")[2].strip() or first.lstrip("# ")


def _headings(cells: list[dict[str, Any]]) -> tuple[str, ...]:
    found, current = [], ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            lines = "".join(cell["source"]).splitlines()
            current = next((line.lstrip("# ").strip() for line in lines if line.startswith("#")), current)
        found.append(current)
    return tuple(found)


def find_page(asked: str, pages: Iterable[Page]) -> Page:
    """Find a page by number, full name, or a beginning that only one page has.

    Parameters
    ----------
    asked
        `03`, `03_segmentation` or `03_seg`.
    pages
        The pages there are.

    Returns
    -------
    Page
        The one meant.

    Raises
    ------
    InputError
        When none or several are meant.
    """
    pages = tuple(pages)
    names = [page.name for page in pages]
    meant = [page for page in pages if asked and page.name.startswith(asked)]
    exact = [page for page in meant if page.name == asked]
    if len(exact or meant) != 1:
        raise InputError(f'no single page "{asked}": {suggest(asked, names)}')
    return (exact or meant)[0]


def make_plan(
    pages: Sequence[Page],
    absent: Collection[str],
    *,
    only: Collection[str] = (),
    start: str | None = None,
) -> Plan:
    """Order the pages and decide which run, which are taken over and which are skipped.

    Parameters
    ----------
    pages
        All pages.
    absent
        Tables this company does not have, whatever the pages write.
    only
        Names of the pages wanted; all when empty.
    start
        The page a resumed run starts at; those before it are taken over.

    Returns
    -------
    Plan
        What to do.

    Raises
    ------
    InputError
        When two pages write one table, pages wait for each other in a circle, or a wanted page needs
        a result of a page that is left out.
    """
    writers = _writers(pages)
    order = _order(pages, writers)
    wanted = [name for name in order if not only or name in only]
    reused = tuple(wanted[: wanted.index(start)]) if start else ()
    by_name = {page.name: page for page in pages}
    skipped = _skipped([by_name[name] for name in wanted], writers, absent)
    _check_complete([by_name[name] for name in wanted if name not in skipped], writers)
    kept = [name for name in wanted if name not in skipped and name not in reused]
    before = _before(pages, writers)
    return Plan(
        pages=tuple(by_name[name] for name in order),
        run=tuple(kept),
        reused=tuple(name for name in reused if name not in skipped),
        skipped=skipped,
        after={name: frozenset(before[name] & set(kept)) for name in kept},
    )


def _skipped(wanted: Sequence[Page], writers: dict[str, str], absent: Collection[str]) -> dict[str, str]:
    skipped: dict[str, str] = {}
    for page in wanted:
        lacking = [
            table
            for table in page.required
            if table in absent
            or writers.get(table) in skipped
            or (table not in writers and table not in TABLES)
        ]
        if lacking:
            skipped[page.name] = f"needs {', '.join(lacking)}: not in this company"
    return skipped


def _check_complete(kept: Sequence[Page], writers: dict[str, str]) -> None:
    """Canonical tables wait in the lake; what a page publishes is there only when that page is in the run."""
    names = {page.name for page in kept}
    for page in kept:
        for table in page.required:
            if table not in TABLES and table not in _LASTING and writers[table] not in names:
                raise InputError(f"{page.name} needs {table}, which {writers[table]} makes: add it to --only")


def _writers(pages: Sequence[Page]) -> dict[str, str]:
    writers: dict[str, str] = {}
    for page in pages:
        for table in page.writes:
            if table in writers:
                raise InputError(f"notebooks/: {writers[table]} and {page.name} both write {table}")
            writers[table] = page.name
    return writers


def _before(pages: Sequence[Page], writers: dict[str, str]) -> dict[str, set[str]]:
    everyone = {page.name for page in pages}
    closing = {page.name for page in pages if RESULTS in page.reads}
    return {
        page.name: {writers[table] for table in page.reads if table in writers}
        | (everyone - closing if RESULTS in page.reads else set())
        for page in pages
    }


def _order(pages: Sequence[Page], writers: dict[str, str]) -> list[str]:
    sorter = TopologicalSorter(_before(pages, writers))
    try:
        sorter.prepare()
    except CycleError as error:
        raise InputError(f"notebooks/: pages wait for each other: {' -> '.join(error.args[1])}") from None
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        order.append(ready.pop(0))
        sorter.done(order[-1])
    return order
