"""What a notebook is as a page: its question, its cards, and what it reads and writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_helpers.report.blocks import MIME, Block

if TYPE_CHECKING:
    from nbformat import NotebookNode  # a page's kernel reads plain JSON: nbformat takes a second to import

__all__ = ["Outline", "Section", "outline", "page_title", "question_of", "stated_tables"]

_TITLE = re.compile(r"^#\s+(?:\d+\s*·\s*)?(.+?)\s*$", re.MULTILINE)
_HEADING = re.compile(r"^##\s+(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """A `##` heading with the prose under it and the blocks its cells made."""

    heading: str
    prose: tuple[str, ...]  # markdown
    blocks: tuple[Block, ...]
    appendix: bool = False


@dataclass(frozen=True)
class Outline:
    """A notebook taken apart for rendering."""

    question: str
    introduction: str  # markdown
    sections: tuple[Section, ...]
    code: tuple[str, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks of the page in order."""
        return tuple(block for section in self.sections for block in section.blocks)


def page_title(name: str) -> str:
    """Name a page in two words: `06_channel_optimization` is "Channel optimization".

    Examples
    --------
    >>> page_title("06_channel_optimization")
    'Channel optimization'
    """
    return name.split("_", 1)[-1].replace("_", " ").capitalize()


def question_of(notebook: Mapping[str, Any]) -> str:
    """Return the question of the notebook's title `# NN · Question?`."""
    text = "".join(notebook["cells"][0]["source"]) if notebook["cells"] else ""
    found = _TITLE.search(text)
    return found[1] if found else ""


def stated_tables(notebook: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the tables of the notebook's metadata: `required`, `optional` and `writes`."""
    crm = notebook["metadata"].get("crm", {})
    reads = crm.get("reads", {})
    return {
        "required": list(reads.get("required", [])),
        "optional": list(reads.get("optional", [])),
        "writes": list(crm.get("writes", [])),
    }


def outline(notebook: NotebookNode) -> Outline:
    """Take an executed notebook apart: markdown cells, our own blocks, and code; nothing else is kept.

    Parameters
    ----------
    notebook
        The executed notebook. Raw cells and any output that is not a block are left out.

    Returns
    -------
    Outline
        Question, introduction, sections in order, and the code.
    """
    introduction, sections, code = "", [Section("", (), ())], []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            code.append(cell.source)
            sections[-1] = _with(sections[-1], blocks=_blocks(cell))
        elif cell.cell_type == "markdown" and number == 0:
            introduction = _TITLE.sub("", cell.source, count=1).strip()
        elif cell.cell_type == "markdown":
            sections = _placed(sections, cell)
    return Outline(question_of(notebook), introduction, tuple(sections), tuple(filter(None, code)))


def _placed(sections: list[Section], cell: NotebookNode) -> list[Section]:
    appendix = "appendix" in cell.metadata.get("tags", [])
    found = _HEADING.match(cell.source.lstrip())
    if found is None and not appendix:
        return [*sections[:-1], _with(sections[-1], prose=(cell.source.strip(),))]
    rest = cell.source.lstrip()[found.end() :].strip() if found else cell.source.strip()
    heading = found[1] if found else ""
    return [*sections, Section(heading, (rest,) if rest else (), (), appendix)]


def _with(section: Section, *, prose: tuple[str, ...] = (), blocks: tuple[Block, ...] = ()) -> Section:
    return Section(section.heading, section.prose + prose, section.blocks + blocks, section.appendix)


def _blocks(cell: Any) -> tuple[Block, ...]:
    outputs = [output for output in cell.get("outputs", []) if output.output_type == "display_data"]
    return tuple(output.data[MIME] for output in outputs if MIME in output.get("data", {}))
