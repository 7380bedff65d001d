"""The command `crm`. Every command imports what it needs when it runs, so help comes at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crm_helpers.errors import CrmError, InputError

if TYPE_CHECKING:
    from crm_helpers.run.runner import Report

__all__ = ["app", "main"]

_EXIT_CODES = "Exit codes: 0 good; 1 the run failed; 2 the call, the profile or a source is wrong."

app = typer.Typer(
    name="crm",
    help="Run the CRM analysis workbook: numbered notebooks in, one report out.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_Company = Annotated[str, typer.Argument(metavar="COMPANY", help="A folder under data/.")]
_AsOf = Annotated[str, typer.Option(metavar="DATE", help=(
    "The day the numbers stand for, as 2024-12-31; without it the day after the last transaction."
))]  # fmt: skip
_Only = Annotated[str, typer.Option(metavar="PAGES", help="Run only these pages, by comma: 03,06.")]
_From = Annotated[str, typer.Option("--from", metavar="PAGE", help=(
    "Go on at this page; the pages before it are taken from an earlier run when nothing changed since."
))]  # fmt: skip
_Parameter = Annotated[list[str] | None, typer.Option("-p", metavar="PAGE.NAME=VALUE", help=(
    "Set a parameter; may be given several times."
))]  # fmt: skip
_File = Annotated[Path | None, typer.Option("-f", metavar="FILE", help="Parameters by page, as YAML.")]
_Jobs = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=64, help="Pages side by side; without it one a core, at most 3."),
]
_Timeout = Annotated[float, typer.Option(metavar="SECONDS", min=1, help="Longest time for one page.")]
_RunTimeout = Annotated[float | None, typer.Option(metavar="SECONDS", min=1, help=(
    "Longest time for all pages together."
))]  # fmt: skip
_Origins = Annotated[list[str], typer.Option("--from", metavar="FILE", help=(
    "A source file, or env:VARIABLE for the database whose URL that variable holds; more may follow, with or"
    " without --from."
))]  # fmt: skip


@app.command("run", epilog=_EXIT_CODES)
def run_command(  # noqa: PLR0913, PLR0917 - a command's options are its signature
    company: _Company,
    as_of: _AsOf = "",
    only: _Only = "",
    start: _From = "",
    parameter: _Parameter = None,
    file: _File = None,
    jobs: _Jobs = None,
    timeout: _Timeout = 3600,
    run_timeout: _RunTimeout = None,
) -> None:
    """Run a company's pages and publish the report; a run that fails leaves the last report as it was."""
    from crm_helpers.run.prepare import Request, default_jobs
    from crm_helpers.run.progress import terminal_or_log
    from crm_helpers.run.runner import run

    request = Request(
        company, as_of, tuple(filter(None, only.split(","))), start or None, tuple(parameter or ()), file,
        jobs or default_jobs(), timeout, float("inf") if run_timeout is None else run_timeout,
    )  # fmt: skip
    display = terminal_or_log()
    try:
        report = run(request, display)
    finally:
        display.close()
    _say_how_it_ended(report)


def _say_how_it_ended(report: Report) -> None:
    if report.good:
        typer.echo(f"run {report.run} is good, after {report.seconds:.1f} s\n{report.path}")
        return
    for failure in report.failures:
        typer.echo(f"crm: {failure}", err=True)
    typer.echo(
        f"run {report.run} failed after {report.seconds:.1f} s; the last good report is untouched\n"
        f"its record: {report.path}\ngo on with: {report.resume}",
        err=True,
    )
    raise typer.Exit(1)


@app.command("pages")
def pages_command() -> None:
    """List the pages: question, what each reads and writes."""
    from crm_helpers.layout import project_root
    from crm_helpers.run.plan import read_pages

    for page in read_pages(project_root()):
        typer.echo(f"{page.name}  {page.question}")
        optional = [f"{table} (optional)" for table in page.optional]
        typer.echo(f"    reads {', '.join([*page.required, *optional]) or 'nothing'}")
        typer.echo(f"    writes {', '.join(page.writes) or 'nothing'}")


@app.command("params")
def params_command(
    page: Annotated[str, typer.Argument(metavar="PAGE", help="Number or name of the page.")],
) -> None:
    """List a page's parameters: default, what is accepted, meaning."""
    from crm_helpers.layout import project_root
    from crm_helpers.run.plan import find_page, read_pages

    found = find_page(page, read_pages(project_root()))
    for parameter in found.parameters:
        typer.echo(f"{found.name}.{parameter.name} = {parameter.default!r}")
        typer.echo(f"    {parameter.accepts}: {parameter.meaning}")


@app.command("runs")
def runs_command(company: _Company) -> None:
    """List a company's runs, newest first, with how each ended."""
    from crm_helpers.layout import company_folder
    from crm_helpers.run.publish import read_manifests, run_folder

    folder = company_folder(company)
    manifests = read_manifests(folder)
    if not manifests:
        typer.echo(f"{company} has no run yet: crm run {company}")
    for manifest in manifests:
        place = run_folder(folder, manifest).relative_to(folder.root)
        as_of = manifest.as_of or "-"
        typer.echo(f"{manifest.run}  {manifest.status}  as of {as_of}  {manifest.seconds:.1f} s  {place}")
        for page in manifest.pages:
            if page.status == "failed":
                cell = f', cell {page.failed_cell} "{page.failed_cell_id}"' if page.failed_cell else ""
                typer.echo(f"    {page.page}{cell}: {page.error}")
        if manifest.error:
            typer.echo(f"    {manifest.error}")


@app.command("check", epilog=_EXIT_CODES)
def check_command(company: _Company) -> None:
    """Look at every source and mapping of a company, before a run."""
    from crm_helpers.ingest import check
    from crm_helpers.ingest.check_table import print_check
    from crm_helpers.layout import company_folder
    from crm_helpers.profile import load_profile

    folder = company_folder(company)
    found = check(folder, load_profile(folder))
    print_check(found, sys.stdout)
    faults = [str(detail) for detail in found.loc[~found["ok"], "detail"]]
    if faults:
        raise InputError("\ncrm: ".join(faults))


@app.command("new")
def new_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Folder name of the new company.")],
    origins: _Origins,
    more: Annotated[list[str] | None, typer.Argument(metavar="FILE", help="Further sources.")] = None,
) -> None:  # fmt: skip
    """Make a company: a commented profile with the mapping guessed from headers and values."""
    from crm_helpers.ingest.guess import new_company
    from crm_helpers.layout import project_root

    new_company(name, [*origins, *(more or [])], project_root())
    typer.echo(f"data/{name}/profile.toml: correct the mapping there, then crm check {name}")


@app.command("demo")
def demo_command(
    customers: Annotated[int, typer.Option(metavar="N", min=100, help="Customers to simulate.")] = 20_000,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Equal seeds give equal data.")] = 1,
) -> None:
    """Make the simulated company's data anew: sources, and the truth planted in them."""
    from crm_helpers import demo
    from crm_helpers.layout import company_folder

    folder = company_folder("demo")
    demo.make(folder.data, customers=customers, seed=seed)
    typer.echo(f"{customers} customers in data/demo; crm run demo makes the report")


def main() -> None:
    """Run the command; what is wrong is said in one line."""
    try:
        app()
    except CrmError as error:
        typer.echo(f"crm: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("crm: stopped", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
