"""One page in a warm kernel: what happened is known from its cells and from how the kernel ended."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from crm_helpers.run.execute import Event, Job, execute_page
from crm_helpers.run.plan import read_pages
from crm_helpers.run.server import imported_modules, start_server


@pytest.fixture
def execute(shop, tmp_path_factory):
    """Execute cells as one page; returns the outcome and the events."""

    def run(*cells: str, seconds: float = 60.0, **parameters: object):
        shop.page("01_alpha", *cells, close=False)
        page = read_pages(shop.root)[0]
        start_server(imported_modules([page.path]))
        events: list[Event] = []
        sockets = tmp_path_factory.mktemp("s")
        job = Job(
            page=page, parameters=parameters, environment=dict(os.environ), folder=shop.root, sockets=sockets,
            log=shop.root / "page.log", seconds=seconds, observe=events.append,
        )  # fmt: skip
        return execute_page(job), events

    return run


def printed(outcome) -> str:
    return "".join(
        output.text
        for cell in outcome.notebook.cells
        for output in cell.get("outputs", ())
        if "text" in output
    )


def test_cells_run_with_the_parameters_given(execute):
    outcome, events = execute("print(size * 2)", size=5)
    assert outcome.failure is None
    assert printed(outcome) == "10\n"
    assert [(event.kind, event.cell_id) for event in events][:4] == [
        ("started", "title"), ("finished", "title"), ("started", "parameters"), ("finished", "parameters"),
    ]  # fmt: skip
    assert events[-3] == Event("01_alpha", "finished", 4, "step-1", "Something happens")


def test_the_executed_notebook_holds_no_time_and_no_random_id(execute):
    first, _ = execute("print(size)", size=5)
    second, _ = execute("print(size)", size=5)
    assert first.notebook == second.notebook


def test_a_kernel_is_a_process_of_its_own(execute, shop):
    outcome, _ = execute(
        "import os, sys\nprint(os.getpid(), os.getsid(0), os.getcwd(), sys.stdin.read() == '')",
        "import multiprocessing\nprint(multiprocessing.current_process().daemon)",
        "import random; print(random.random())",
    )
    pid, session, folder, empty, daemon, _ = printed(outcome).split()
    assert pid == session != str(os.getsid(0))
    assert (Path(folder), empty, daemon) == (shop.root, "True", "False")


def test_two_kernels_do_not_share_random_numbers(execute):
    first, _ = execute("import random, numpy\nprint(random.random(), numpy.random.rand())")
    second, _ = execute("import random, numpy\nprint(random.random(), numpy.random.rand())")
    assert set(printed(first).split()).isdisjoint(printed(second).split())


def test_the_fork_server_has_no_threads(execute):
    from multiprocessing import forkserver

    execute("1")
    server = forkserver._forkserver._forkserver_pid
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1


@pytest.mark.parametrize(
    ("cell", "cause"),
    [
        ("1 / 0", "ZeroDivisionError at line 1 of the cell"),
        ("x = 1\nraise ValueError('Ann Smith')", "ValueError at line 2 of the cell"),
        ("import json\njson.loads('{Ann')", "JSONDecodeError at line 2 of the cell"),
        ("raise SystemExit(0)", "the page asked to exit (SystemExit); a page ends with page.close()"),
        ("import sys; sys.exit(3)", "the page asked to exit (SystemExit); a page ends with page.close()"),
        ("raise KeyboardInterrupt", "interrupted (KeyboardInterrupt)"),
        ("raise MemoryError", "out of memory (MemoryError): close other programs, or run with --jobs 1"),
        ("x = (", "SyntaxError at line 1 of the cell"),
        ("from crm_helpers.layout import company_folder\ncompany_folder('no/no')",
         "company name 'no/no': use lower-case letters, digits, - and _ (at most 63)"),
        ("from crm_helpers.layout import company_folder\ncompany_folder(7)",
         r"TypeError at layout.py line \d+, in company_folder"),
    ],
)  # fmt: skip
def test_an_exception_names_its_cell_and_place_and_no_value(execute, cell, cause):
    outcome, events = execute("fine = 1", cell, "never = 1")
    assert (outcome.failure.cell, outcome.failure.cell_id) == (5, "step-2")
    assert outcome.failure.cause == cause or re.fullmatch(cause, outcome.failure.cause)
    assert events[-1].kind == "failed"
    assert "step-3" not in {event.cell_id for event in events}
    assert "Ann" not in str(outcome.failure)
    kept = [output for c in outcome.notebook.cells for output in c.get("outputs", ())]
    assert "Ann" not in str(kept)


def test_a_fault_of_the_input_is_told_apart(execute):
    outcome, _ = execute(
        "from crm_helpers.errors import InputError\nraise InputError('orders.csv: no column who')"
    )
    assert outcome.failure.input_fault
    assert outcome.failure.cause == "orders.csv: no column who"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "killed (SIGKILL): most often the machine ran out of memory"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "the kernel crashed (SIGSEGV)"),
        ("import os\nos._exit(0)", "the kernel ended by itself (exit code 0)"),
    ],
)  # fmt: skip
def test_a_kernel_that_dies_names_the_cell_it_died_in(execute, cell, said):
    outcome, events = execute("fine = 1", cell, "never = 1")
    assert (outcome.failure.cell, outcome.failure.cell_id) == (5, "step-2")
    assert said in outcome.failure.cause
    assert events[-1] == Event("01_alpha", "failed", 5, "step-2", "Something happens")


def test_a_page_over_its_time_is_stopped(execute):
    started = time.monotonic()
    outcome, _ = execute("print(1)", "import time\ntime.sleep(60)", seconds=1.5)
    assert time.monotonic() - started < 20
    assert outcome.failure.cause == "not done within 1.5 s; give it more with --timeout SECONDS"
    assert outcome.failure.cell_id == "step-2"


def test_a_cell_that_does_not_listen_to_interrupts_is_stopped_too(execute):
    cell = "import time\nwhile True:\n  try:\n    time.sleep(60)\n  except KeyboardInterrupt:\n    pass"
    outcome, _ = execute(cell, seconds=1.0)
    assert "not done within 1 s" in outcome.failure.cause
