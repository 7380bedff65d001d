"""The kernel's side of a warm start: what the fork server imports beforehand, and what a fork does first.

The fork server imports this module once, and with it whatever the pages of the run import. It starts no
thread: a fork of a threaded process may hang. Each kernel is then one fork of it.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import random
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing import connection, current_process, parent_process
from pathlib import Path
from types import ModuleType

from crm_helpers.run.server import PRELOAD

__all__ = ["serve_kernel"]

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _preload() -> None:
    for name in os.environ.pop(PRELOAD).split(","):
        # whatever a module fails with, the page that needs it says so better, with its cell
        with suppress(Exception):
            _import_whole(importlib.import_module(name))
    if "duckdb" in sys.modules:
        # its import opens a default connection with a worker thread: this ends the thread
        sys.modules["duckdb"].default_connection().execute("SET threads = 1")
    if "crm_helpers.report.figures" in sys.modules:
        sys.modules["crm_helpers.report.figures"].set_fonts()  # reading them takes longer than a chart
    gc.collect()
    gc.freeze()  # objects of the imports stay out of the collector, so forks keep sharing their memory


def _import_whole(module: ModuleType) -> None:
    if module.__name__.startswith("crm_helpers.analysis."):  # its modules come when they are first named
        for inner in pkgutil.iter_modules(getattr(module, "__path__", ())):
            importlib.import_module(f"{module.__name__}.{inner.name}")


def serve_kernel(command: list[str], environment: dict[str, str], folder: str, log: str) -> None:
    """Become an IPython kernel: run in a fork of the server, for one page.

    Parameters
    ----------
    command
        Arguments of the kernel's command line, without the interpreter and `-m` module.
    environment
        The kernel's whole environment.
    folder
        Working directory.
    log
        File that takes what is written past IPython, such as a crash of a compiled library.
    """
    os.setsid()
    current_process().daemon = False  # a page may start processes of its own, as in any kernel
    threading.Thread(target=_die_with_the_runner, daemon=True).start()
    _own_streams(Path(log))
    _own_environment(environment)
    os.chdir(folder)
    _fresh_random_state()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", *command]
    # a parent handle of 1 tells ipykernel that somebody else watches over it, and to greet nobody
    app = IPKernelApp.instance(parent_handle=1)
    app.initialize(command)
    app.start()


def _die_with_the_runner() -> None:
    from multiprocessing import forkserver

    runner = parent_process()
    # a kernel inherits the pipe that keeps the fork server alive: open, the server outlives a killed runner
    with suppress(OSError, AttributeError, TypeError):
        os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]  # noqa: SLF001
    if runner is not None:
        connection.wait([runner.sentinel])
        os.killpg(0, signal.SIGKILL)


def _own_streams(log: Path) -> None:
    for stream, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, _appending(log)), (2, _appending(log))):
        os.dup2(target, stream)
        os.close(target)
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as long as the kernel lives


def _appending(log: Path) -> int:
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _own_environment(environment: dict[str, str]) -> None:
    limits = {name: os.environ[name] for name in _THREAD_LIMITS if name in os.environ}
    os.environ.clear()
    os.environ.update(environment | limits)


def _fresh_random_state() -> None:
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


if PRELOAD in os.environ:
    _preload()
