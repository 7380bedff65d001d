"""The command: quick to help, one line for what is wrong, the exit code that says which kind of wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PROFILE = """\
name = "Corner shop"
currency = "EUR"
[sources.orders]
kind = "csv"
path = "orders.csv"
[tables.transactions]
source = "orders"
columns = { order_id = "id", customer_id = "who", ordered_at = "at", amount = "paid" }
"""
SIZES = "a whole number from 1 to 9 (count)"
CELLS = {
    "parameters": 'company: str = "shop"  # name: folder in data/\nsize: int = 3  # count [1..9]: how many',
    "close": (
        "import json, os, pathlib\n"
        "context = json.loads(pathlib.Path(os.environ['CRM_RUN']).read_text())\n"
        "result = {'page': '01_alpha', 'title': 'A', 'question': 'Why?', 'answer': str(9 // (9 - size))}\n"
        "pathlib.Path(context['staging'], '01_alpha.result.json').write_text(json.dumps(result))"
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workbook with one page and one company."""
    build = nbformat.v4
    cells = [build.new_markdown_cell("# 01 · Who buys?", id="title")]
    cells += [build.new_code_cell(source, id=name) for name, source in CELLS.items()]
    cells[1].metadata["tags"] = ["parameters"]
    stated = {"reads": {"required": [], "optional": ["customers"]}, "writes": ["alpha"]}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "shop").mkdir(parents=True)
    (tmp_path / "data" / "shop" / "profile.toml").write_text(PROFILE)
    notebook = build.new_notebook(cells=cells, metadata={"kernelspec": kernel, "crm": stated})
    nbformat.write(notebook, tmp_path / "notebooks" / "01_alpha.ipynb")
    return tmp_path


def crm(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crm_helpers", *words],
        cwd=root,
        env={**os.environ, "CRM_HOME": str(root), "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def test_help_takes_a_few_starts_of_the_interpreter_and_states_exit_codes(root):
    bare = [sys.executable, "-c", "pass"]
    beside = [
        (seconds(lambda: crm(root, "--help")), seconds(lambda: subprocess.run(bare, check=True)))
        for _ in range(5)
    ]
    helped, started = (min(times) for times in zip(*beside, strict=True))
    assert helped < 10 * started
    outcome = crm(root, "--help")
    assert "Exit codes: 0 good; 1 the run failed; 2 the call" in " ".join(outcome.stdout.split())
    for command in ("run", "pages", "params", "runs", "check", "new", "demo"):
        assert f"\n  {command} " in outcome.stdout


def test_help_imports_nothing_heavy(root):
    code = "import sys, crm_helpers.cli; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    heavy = {
        "pandas",
        "numpy",
        "ibis",
        "duckdb",
        "pydantic",
        "papermill",
        "nbformat",
        "jupyter_client",
        "zmq",
    }
    assert heavy & set(found.stdout.split()) == set()


def test_pages_are_listed_with_what_they_read_and_write(root):
    assert crm(root, "pages").stdout == (
        "01_alpha  Who buys?\n    reads customers (optional)\n    writes alpha\n"
    )


def test_parameters_are_listed_with_what_is_accepted(root):
    assert crm(root, "params", "01").stdout == (
        "01_alpha.company = 'shop'\n    text (name): folder in data/\n"
        f"01_alpha.size = 3\n    {SIZES}: how many\n"
    )


def test_a_company_without_runs_says_how_to_make_one(root):
    assert crm(root, "runs", "shop").stdout == "shop has no run yet: crm run shop\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "shpo"], 'crm: no company "shpo" in data/: did you mean "shop"? (crm new shpo makes it)'),
        (["run", "no/no"], "crm: company name 'no/no': use lower-case letters, digits, - and _ (at most 63)"),
        (["run", "shop", "--only", "02"], 'crm: no single page "02": known: 01_alpha'),
        (["run", "shop", "--from", "x"], 'crm: no single page "x": known: 01_alpha'),
        (["run", "shop", "-p", "01.sise=4"], 'crm: 01_alpha.sise: unknown parameter; did you mean "size"?'),
        (["run", "shop", "-p", "01.size=x"], f"crm: 01_alpha.size: 'x' is not {SIZES}"),
        (["run", "shop", "-f", "no.yaml"], "crm: parameters file no.yaml: No such file or directory"),
        (["run", "shop"], 'crm: company "shop" has no clean tables yet: run 02_cleaning first'),
        (["params", "07"], 'crm: no single page "07": known: 01_alpha'),
        (["runs", "shpo"], 'crm: no company "shpo" in data/: did you mean "shop"? (crm new shpo makes it)'),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_line_and_writes_nothing(root, words, said):
    before = sorted(root.rglob("*"))
    outcome = crm(root, *words)
    assert (outcome.returncode, outcome.stderr, outcome.stdout) == (2, f"{said}\n", "")
    assert sorted(root.rglob("*")) == before


def test_a_call_with_an_unknown_option_ends_with_two(root):
    assert crm(root, "run", "shop", "--parallel").returncode == 2


def test_a_profile_that_is_wrong_is_one_line(root):
    path = root / "data" / "shop" / "profile.toml"
    path.write_text(path.read_text().replace("currency", "curency"))
    outcome = crm(root, "run", "shop")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("crm: data/shop/profile.toml: ")
    assert 'curency: unknown key; did you mean "currency"?' in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


def test_a_good_and_a_failed_run(root):
    path = root / "notebooks" / "01_alpha.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.crm.reads.optional = []
    nbformat.write(notebook, path)
    good = crm(root, "run", "shop")
    assert good.returncode == 0, good.stderr
    assert Path(good.stdout.splitlines()[-1]).name == "index.html"
    assert Path(good.stdout.splitlines()[-1]).is_file()
    assert "01_alpha: started, 3 cells" in good.stderr
    failed = crm(root, "run", "shop", "-p", "01.size=9")
    assert failed.returncode == 1
    assert 'crm: 01_alpha, cell 3 "close": ZeroDivisionError at line 3 of the cell' in failed.stderr
    assert "go on with: crm run shop -p 01.size=9 --from 01_alpha" in failed.stderr
    listed = crm(root, "runs", "shop").stdout.splitlines()
    assert [line.split()[1] for line in listed if not line.startswith(" ")] == ["failed", "good"]


def test_new_takes_several_files_after_one_from(root):
    for name, header in {
        "people": "customer_id,name\n1,a\n",
        "lines": "order_id,customer_id,amount\n1,1,2\n",
    }.items():
        (root / f"{name}.csv").write_text(header, encoding="utf-8")
    outcome = crm(root, "new", "acme", "--from", str(root / "people.csv"), str(root / "lines.csv"))
    assert outcome.returncode == 0, outcome.stderr
    profile = (root / "data" / "acme" / "profile.toml").read_text(encoding="utf-8")
    assert "[sources.people]" in profile
    assert "[sources.lines]" in profile
