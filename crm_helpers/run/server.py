"""The fork server of warm kernels: what it imports, and in which environment it lives.

Started first of all, so that it imports on one core while the runner gets ready on another.
"""

from __future__ import annotations

import ast
import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["PRELOAD", "imported_modules", "start_server", "warm_available"]

PRELOAD = "CRM_PRELOAD"
"""Environment variable that tells the fork server what to import, by comma."""

_WARM = "crm_helpers.run.warm"
# the command too: a fork imports the main module of the runner
_ALWAYS = ("ipykernel.kernelapp", "ipykernel.ipkernel", "matplotlib_inline.backend_inline", "crm_helpers.cli")
_PROJECT = ("pandas", "pyarrow.parquet", "crm_helpers.page", "ibis.backends.duckdb")


def warm_available() -> bool:
    """Whether this system can fork kernels."""
    return "forkserver" in multiprocessing.get_all_start_methods()


def imported_modules(notebooks: Iterable[Path]) -> tuple[str, ...]:
    """Modules that notebooks import, so that the server has them before the first page starts.

    Parameters
    ----------
    notebooks
        The pages' files.

    Returns
    -------
    tuple of str
        Names in order; the engine and the frames too when a page imports our helpers.
    """
    found: set[str] = set()
    for path in notebooks:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                found |= _imports("".join(cell["source"]))
    project = _PROJECT if any(name.startswith("crm_helpers") for name in found) else ()
    return tuple(dict.fromkeys((*_ALWAYS, *project, *sorted(found))))


def _imports(source: str) -> set[str]:
    names: set[str] = set()
    with suppress(SyntaxError):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def start_server(modules: Iterable[str]) -> None:
    """Start the fork server and return at once; it imports while the runner goes on.

    Parameters
    ----------
    modules
        What to import. A server that runs already keeps what it has.
    """
    if not warm_available():
        return
    from multiprocessing import forkserver

    multiprocessing.get_context("forkserver").set_forkserver_preload([_WARM])
    settings = {
        PRELOAD: ",".join(modules),
        "PYTHONPATH": os.pathsep.join(filter(None, (_package_root(), os.environ.get("PYTHONPATH")))),
        # one thread for linear algebra in each page: pages side by side do not fight for cores, sums keep
        # their order, and the server stays without threads
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        "MPLBACKEND": "agg",
        "PYTHONHASHSEED": "0",  # what a library takes out of a set comes in the same order in every run
    }
    with _environment(settings):
        forkserver.ensure_running()


def _package_root() -> str:
    return str(Path(__file__).resolve().parents[2])


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
