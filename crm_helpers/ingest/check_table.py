"""Print what a look at every source found, as two tables and what is wrong."""

from __future__ import annotations

from typing import TextIO

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_check"]

LOG_WIDTH = 150  # characters of a line where nobody's terminal says how wide it is
_SOURCES = ("", "source", "reachable", "rows", "columns mapped", "personal data")
_TABLES = ("", "table", "columns mapped", "values that convert")


def print_check(found: pd.DataFrame, stream: TextIO) -> None:
    """Print the sources, the tables, and under each what is worth a look.

    Parameters
    ----------
    found
        What `ingest.check` returns.
    stream
        Where to print: a terminal or a log.
    """
    console = Console(file=stream, width=None if stream.isatty() else LOG_WIDTH, highlight=False)
    sources, tables = _columns(_SOURCES), _columns(_TABLES)
    for row in found.to_dict("records"):
        state, name = "good" if row["ok"] else "FAULT", str(row["name"])
        mapped = f"{row['used']} of {row['columns']}" if row["reachable"] else ""
        if row["what"] == "source":
            reachable = "yes" if row["reachable"] else "no"
            _add(sources, state, name, reachable, row["rows"], mapped, row["personal"])
        elif row["what"] == "table":
            _add(tables, state, name, mapped.split(" of ", maxsplit=1)[0], row["converts"])
    for table in (sources, tables):
        console.print(table)
        console.print()
    for line in "".join(found["advice"]).splitlines():
        console.print(Text(f"look at {line}"), soft_wrap=True)


def _columns(names: tuple[str, ...]) -> Table:
    table = Table(*names, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in table.columns[:5]:
        column.no_wrap = True
    return table


def _add(table: Table, *cells: object) -> None:
    table.add_row(*(Text(str(cell)) for cell in cells))  # a name in [brackets] is no markup
