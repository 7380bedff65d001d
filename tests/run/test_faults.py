"""What must not break us: faults injected into real runs; the last good report stays to the byte."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock

from crm_helpers.errors import InputError
from crm_helpers.layout import company_folder
from crm_helpers.run.publish import read_manifests

NAP = "import time\ntime.sleep(120)"


def wait_for(condition, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail("nothing happened in time")


def last_manifest(shop):
    return read_manifests(company_folder("shop", shop.root))[0]


@pytest.fixture
def good(shop):
    """A shop with one good report, and the hashes of its files."""
    shop.page("01_alpha", "one = 1", writes=("alpha",))
    shop.page("02_beta", "two = 2", reads=("alpha",))
    report = shop.run()
    assert report.good, report.failures
    return shop.bytes_of(report.path.parent)


def untouched(shop, good) -> bool:
    return len(shop.published()) == 1 and shop.bytes_of(shop.published()[0]) == good


@pytest.mark.parametrize("fault", ["1 / 0", "import os\nos.kill(os.getpid(), 9)", "raise SystemExit"])
def test_a_failed_page_leaves_the_last_report_and_says_how_to_go_on(shop, good, fault):
    shop.page("02_beta", "fine = 1", fault, reads=("alpha",))
    report = shop.run(assignments=("02.size=4",))
    assert not report.good
    assert report.failures[0].startswith('02_beta, cell 5 "step-2": ')
    assert report.resume == "crm run shop -p 02.size=4 --from 02_beta"
    assert untouched(shop, good)
    manifest = last_manifest(shop)
    assert manifest.status == "failed"
    assert [(page.page, page.status, page.failed_cell) for page in manifest.pages] == [
        ("01_alpha", "good", None), ("02_beta", "failed", 5),
    ]  # fmt: skip
    assert report.path == shop.reports / ".failed" / report.run
    assert not list(shop.reports.glob(".staging-*"))


def test_pages_after_a_failed_one_are_not_started(shop, good):
    shop.page("01_alpha", "1 / 0", writes=("alpha",))
    shop.run()
    assert [page.status for page in last_manifest(shop).pages] == ["failed", "not run"]


def test_a_page_that_ends_without_a_result_failed(shop, good):
    shop.page("02_beta", "fine = 1", reads=("alpha",), close=False)
    assert shop.run().failures == ("02_beta: it ended without a result: page.close() is missing",)
    assert untouched(shop, good)


def test_a_page_over_its_time_fails_the_run(shop, good):
    shop.page("02_beta", NAP, reads=("alpha",))
    report = shop.run(page_seconds=1.0)
    assert report.failures == (
        '02_beta, cell 4 "step-1": not done within 1 s; give it more with --timeout SECONDS',
    )
    assert untouched(shop, good)


def test_a_run_over_its_time_fails(shop, good):
    shop.page("01_alpha", "import time\ntime.sleep(1)", writes=("alpha",))
    shop.page("02_beta", NAP, reads=("alpha",))
    report = shop.run(run_seconds=6.0)
    assert not report.good
    assert report.seconds < 30


def test_an_input_that_is_wrong_from_the_start_leaves_nothing(shop, good):
    shop.page("03_gamma", "import crm_helpers.errors as e", "raise e.InputError('a.csv, row 7: no day')",
              writes=("products",))  # fmt: skip
    with pytest.raises(InputError, match=r'03_gamma, cell 5 "step-2": a\.csv, row 7: no day'):
        shop.run()
    assert untouched(shop, good)
    assert not (shop.reports / ".failed").exists()


def test_a_second_run_of_the_company_refuses_at_once(shop, good):
    with FileLock(shop.reports / ".lock"), pytest.raises(InputError, match="another run of shop is at work"):
        shop.run()
    assert untouched(shop, good)


def test_a_secret_of_the_environment_is_never_published(shop, good, monkeypatch):
    monkeypatch.setenv("SHOP_API_KEY", "s3cr3t-<value>")
    shop.page("02_beta", "import os\nprint(os.environ['SHOP_API_KEY'])", reads=("alpha",))
    report = shop.run()
    assert report.failures == (
        "notebooks/02_beta.ipynb holds the value of the environment variable SHOP_API_KEY: nothing published",
    )
    assert untouched(shop, good)
    kept = b"".join(path.read_bytes() for path in shop.reports.rglob("*") if path.is_file())
    assert b"s3cr3t" not in kept


def test_a_runner_killed_in_the_middle_of_a_page_is_cleaned_up_by_the_next(shop, good):
    shop.page("02_beta", "import os", "open('kernel.pid', 'w').write(str(os.getpid()))",
              NAP, reads=("alpha",))  # fmt: skip
    runner = shop.start("run", "shop")
    kernel = wait_for(lambda: (shop.root / "kernel.pid").exists() and (shop.root / "kernel.pid").read_text())
    time.sleep(0.3)
    runner.send_signal(signal.SIGKILL)
    runner.communicate()
    wait_for(lambda: not Path(f"/proc/{kernel}").exists(), seconds=10)
    assert untouched(shop, good)
    assert len(list(shop.reports.glob(".staging-*"))) == 1

    shop.page("02_beta", "two = 2", reads=("alpha",))
    code, _, err = shop.crm("run", "shop")
    assert code == 0, err
    assert "was abandoned (its runner was killed): cleaned up" in err
    assert not list(shop.reports.glob(".staging-*"))
    abandoned = read_manifests(company_folder("shop", shop.root))[1]
    assert abandoned.status == "abandoned"
    assert abandoned.error == 'the runner was killed while 02_beta was at cell 6 "step-3"'
    assert shop.bytes_of(shop.published()[0]) == good


def test_no_process_outlives_a_killed_runner(shop):
    shop.page("01_alpha", NAP)
    runner = shop.start("run", "shop")
    wait_for(lambda: list(shop.reports.glob(".staging-*/.run/events.jsonl")))
    family = descendants(runner.pid)
    assert len(family) >= 2
    runner.send_signal(signal.SIGKILL)
    runner.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), seconds=10)


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] + [d for child in children for d in descendants(int(child))]


def test_a_runner_asked_to_stop_closes_its_record(shop, good):
    shop.page("02_beta", NAP, reads=("alpha",))
    runner = shop.start("run", "shop")
    wait_for(lambda: any('"02_beta"' in path.read_text() and "step-1" in path.read_text()
                         for path in shop.reports.glob(".staging-*/.run/events.jsonl")))  # fmt: skip
    runner.send_signal(signal.SIGTERM)
    _, err = runner.communicate(timeout=30)
    assert runner.returncode == 1
    assert "stopped before its end" in err
    assert last_manifest(shop).status == "failed"
    assert untouched(shop, good)


def test_two_equal_runs_give_equal_bytes(shop, good):
    report = shop.run()
    again = shop.bytes_of(report.path.parent)
    assert {name for name in again if again[name] != good[name]} == {"manifest.json"}


def test_pages_that_need_nothing_of_each_other_run_side_by_side(shop):
    wait = (
        "import pathlib, time\npathlib.Path('{0}').touch()\nend = time.monotonic() + 30\n"
        "while not pathlib.Path('{1}').exists():\n    assert time.monotonic() < end\n    time.sleep(.05)"
    )
    shop.page("01_alpha", wait.format("a", "b"))
    shop.page("02_beta", wait.format("b", "a"))
    assert shop.run(jobs=2).good


def test_a_start_that_fails_is_tried_once_more(shop, good, monkeypatch):
    # the first fork is killed before it can answer, the second is left alone
    from crm_helpers.run import kernels

    launch, seen = kernels.WarmProvisioner.launch_kernel, []

    async def launch_and_kill_the_first(self, cmd, **kwargs):
        information = await launch(self, cmd, **kwargs)
        if not seen:
            os.kill(self.process.pid, signal.SIGKILL)
        seen.append(self.process.pid)
        return information

    monkeypatch.setattr(kernels.WarmProvisioner, "launch_kernel", launch_and_kill_the_first)
    report = shop.run()
    assert report.good, report.failures
    assert len(seen) == 3


def test_going_on_takes_over_what_did_not_change(shop, good):
    shop.page("02_beta", "1 / 0", reads=("alpha",))
    shop.run()
    shop.page("02_beta", "two = 3", reads=("alpha",))
    report = shop.run(start="02")
    assert report.good, report.failures
    assert [page.status for page in last_manifest(shop).pages] == ["reused", "good"]
    again = shop.bytes_of(report.path.parent)
    assert again["01_alpha.html"] == good["01_alpha.html"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("notebook", "01_alpha: its notebook changed since"),
        ("parameters", "01_alpha: its parameters changed since"),
        ("profile", "01_alpha: the profile changed since"),
    ],
)
def test_going_on_refuses_what_changed_and_says_where_to_start(shop, good, change, said):
    options = {}
    if change == "notebook":
        shop.page("01_alpha", "one = 2", writes=("alpha",))
    elif change == "parameters":
        options = {"assignments": ("01.size=7",)}
    else:
        profile = shop.root / "data" / "shop" / "profile.toml"
        profile.write_text(profile.read_text().replace("EUR", "CNY"))
    with pytest.raises(InputError) as error:
        shop.run(start="02", **options)
    assert f"cannot go on from 02_beta: {said}" in str(error.value)
    assert "start with --from 01_alpha" in str(error.value)
    assert untouched(shop, good)


def test_going_on_without_any_earlier_run_is_refused(shop):
    shop.page("01_alpha", writes=("alpha",))
    shop.page("02_beta", reads=("alpha",))
    with pytest.raises(InputError, match="01_alpha: no earlier run has it"):
        shop.run(start="02")
    assert not list(shop.reports.glob(".staging-*"))


def test_a_failing_check_of_a_page_fails_the_run(shop, good):
    path = shop.page("02_beta", reads=("alpha",))
    notebook = nbformat.read(path, as_version=4)
    check = '"checks": [{"text": "shares sum to one", "outcome": "fail"}]'
    notebook.cells[3].source = notebook.cells[3].source.replace('"writes": []', check)
    nbformat.write(notebook, path)
    assert shop.run().failures == ("02_beta: its own check failed: shares sum to one",)
    assert untouched(shop, good)


def test_events_name_the_cells_of_a_failed_run(shop, good):
    shop.page("02_beta", "1 / 0", reads=("alpha",))
    report = shop.run()
    events = [json.loads(line) for line in (report.path / ".run" / "events.jsonl").read_text().splitlines()]
    assert events[-1] == {"page": "02_beta", "kind": "failed", "cell": 4, "id": "step-1"}


def test_a_report_that_cannot_be_rendered_is_not_published_and_says_so(shop, good):
    # a block no page.py writes: the template meets what it does not know
    broken = (
        "from IPython.display import publish_display_data as put\n"
        "put({'application/vnd.crm.block+json': {'kind': 'table', 'columns': 7}})"
    )
    shop.page("02_beta", broken, reads=("alpha",))
    report = shop.run()
    assert report.failures[0].startswith("02_beta: rendering failed (")
    assert report.resume == "crm run shop --from 02_beta"
    assert "Traceback" in (report.path / ".run" / "render.log").read_text()
    assert untouched(shop, good)
