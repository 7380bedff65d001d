"""Make a company's folder from files and databases: a commented profile, for a person to correct.

Every guess stands there with its score, and every column that was not used stands there as a comment.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from crm_helpers.errors import InputError
from crm_helpers.ingest.archives import PACKED
from crm_helpers.ingest.databases import table_names
from crm_helpers.ingest.draft import FoundSource, draft_profile
from crm_helpers.ingest.likeness import likeliest_table
from crm_helpers.ingest.parts_of_one import parts_joined
from crm_helpers.ingest.samples import SAMPLE_ROWS, sample_source
from crm_helpers.ingest.sniff import KINDS, Written, kind_of, written_as
from crm_helpers.layout import CompanyFolder, company_folder
from crm_helpers.profile import AnySource

__all__ = ["new_company"]

_SOURCE: TypeAdapter[AnySource] = TypeAdapter(AnySource)
_DATABASE = re.compile(r"env:([A-Z][A-Z0-9_]*)")


def new_company(name: str, origins: Iterable[Path | str], root: Path) -> CompanyFolder:
    """Make `data/NAME/` with copies of files and a profile guessed from their headers and values.

    Parameters
    ----------
    name
        The company's folder name.
    origins
        CSV, Excel, JSON, Parquet or SQLite files, packed or not, and folders of files that are one source;
        each sheet and each table is a source of its own. `env:SHOP_URL` is the database whose address the
        environment variable SHOP_URL holds; nothing of it is copied, and the profile names the variable.
    root
        The project's root.

    Returns
    -------
    CompanyFolder
        The new company's places.

    Raises
    ------
    InputError
        When the company is there already, a file is missing, empty, or of no known kind, or a database
        cannot be read; nothing is left behind then.
    """
    folder = company_folder(name, root, must_exist=False)
    if folder.data.exists():
        raise InputError(
            f'company "{name}" is there already; edit data/{name}/profile.toml or take another name'
        )
    stated = [str(origin) for origin in origins]
    databases = [found[1] for found in map(_DATABASE.fullmatch, stated) if found]
    paths = [_checked(origin) for origin in stated if not _DATABASE.fullmatch(origin)]
    if not stated:
        raise InputError("name at least one file, or env:VARIABLE for a database, with --from")
    folder.data.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".new-{name}-", dir=folder.data.parent))
    try:
        (staging / "source").mkdir()
        for path in paths:
            _copy(path, staging / "source" / path.name)
        draft = CompanyFolder(staging.parent.parent, staging.name)
        text = draft_profile(name, _sources(draft, [path.name for path in paths], databases))
        draft.profile.write_text(text, encoding="utf-8")
        staging.chmod(0o755)  # mkdtemp makes it private
        staging.rename(folder.data)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _checked(origin: str) -> Path:
    if "://" in origin:  # not shown: an address may hold a password
        raise InputError(
            "--from takes no address: put that of a database into an environment variable and write"
            " env:VARIABLE; a web service is a source of kind rest, see the end of any profile"
        )
    if origin.startswith("env:"):
        raise InputError(f"{origin}: write env: and the name of an environment variable, as env:SHOP_URL")
    path = Path(origin)
    if path.is_dir():
        kinds = {kind_of(file) for file in _files(path)}
        if len(kinds) != 1 or kinds & {None, "sql", "zip"}:
            raise InputError(
                f"{path.name}/: a folder must hold files of one kind; name other files one by one"
            )
        return path
    if not path.is_file():
        raise InputError(f"no file {path}; look at its path")
    if kind_of(path) is None:
        raise InputError(f"{path.name}: no known kind of file; known: {', '.join((*KINDS, *PACKED))}")
    return path


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))


def _copy(path: Path, target: Path) -> None:
    if path.is_file():
        shutil.copyfile(path, target)
        return
    target.mkdir()
    for file in _files(path):
        shutil.copyfile(file, target / file.name)


def _sources(folder: CompanyFolder, names: list[str], databases: list[str]) -> list[FoundSource]:
    with tempfile.TemporaryDirectory(prefix="crm-new-") as work:
        all_written = [
            *((name, written) for name in names for written in _of_file(folder, name, Path(work))),
            *((variable, written) for variable in databases for written in _of_database(folder, variable)),
        ]
        return _named(parts_joined(_found(folder, *each, Path(work)) for each in all_written))


def _found(folder: CompanyFolder, name: str, written: Written, work: Path) -> FoundSource:
    source = _SOURCE.validate_python(written.keys)
    title = written.keys.get("sheet") or written.keys.get("table") or Path(name).name.split(".")[0]
    return FoundSource(
        title, source, sample_source(folder, title, source, work, most=SAMPLE_ROWS), written.notes
    )


def _named(sources: list[FoundSource]) -> list[FoundSource]:
    taken: list[str] = []
    for item in sources:
        fallback = f"{likeliest_table(item.title, list(item.columns))}_{item.source.kind}"
        taken.append(_source_name(item.title, set(taken), fallback=fallback))
    return [replace(item, name=name) for item, name in zip(sources, taken, strict=True)]


def _of_database(folder: CompanyFolder, variable: str) -> list[Written]:
    tables = table_names(folder, variable)
    return [Written({"kind": "sql", "url_env": variable, "table": table}) for table in tables]


def _of_file(folder: CompanyFolder, name: str, work: Path) -> Iterator[Written]:
    path, inside = folder.data / "source" / name, f"source/{name}"
    if kind_of(path) == "sql":
        import sqlalchemy as sa  # noqa: PLC0415 - only databases pay for it

        engine = sa.create_engine(f"sqlite:///{path}")
        tables = sa.inspect(engine).get_table_names()
        engine.dispose()
        yield from [
            Written({"kind": "sql", "url": f"sqlite:///{inside}", "table": table}) for table in tables
        ]
        return
    first = _files(path)[0] if path.is_dir() else path
    for written in written_as(first, work):
        yield Written({**written.keys, "path": inside}, written.notes)


def _source_name(title: str, taken: set[str], *, fallback: str) -> str:
    plain = re.sub(r"\W+", "_", title.casefold(), flags=re.ASCII).strip("_") or fallback
    name = plain if re.match(r"[a-z]", plain) else f"source_{plain}".rstrip("_")
    name = name[:60]
    number = 2
    while name in taken:
        name, number = f"{re.sub(r'_[0-9]+$', '', name)}_{number}", number + 1
    return name
