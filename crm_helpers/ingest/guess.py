"""Make a company's folder from files: a commented profile whose mapping is guessed, for a person to correct.

Every guess stands there with its score, and every column that was not used stands there as a comment.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from crm_helpers.errors import InputError
from crm_helpers.ingest.databases import database_columns
from crm_helpers.ingest.draft import FoundSource, draft_profile
from crm_helpers.ingest.readers import ROW, read_file
from crm_helpers.layout import CompanyFolder, company_folder
from crm_helpers.profile import AnySource, Source
from crm_helpers.sources import DatabaseSource

__all__ = ["new_company"]

KINDS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "excel", ".xlsm": "excel", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".parquet": "parquet", ".sqlite": "sql", ".sqlite3": "sql", ".db": "sql",
}  # fmt: skip
ENCODINGS = ("utf-8", "gb18030", "cp1252")  # tried in this order; the first that reads the whole file
DELIMITERS = ",;\t|"


def new_company(name: str, files: Iterable[Path], root: Path) -> CompanyFolder:
    """Make `data/NAME/` with copies of files and a profile guessed from their headers.

    Parameters
    ----------
    name
        The company's folder name.
    files
        CSV, Excel, JSON lines, Parquet or SQLite files; each sheet and each table is a source.
    root
        The project's root.

    Returns
    -------
    CompanyFolder
        The new company's places.

    Raises
    ------
    InputError
        When the company is there already, or a file is missing, empty, or of no known kind; nothing is
        left behind then.
    """
    folder = company_folder(name, root, must_exist=False)
    if folder.data.exists():
        raise InputError(
            f'company "{name}" is there already; edit data/{name}/profile.toml or take another name'
        )
    paths = [_checked(Path(file)) for file in files]
    if not paths:
        raise InputError("name at least one file with --from")
    folder.data.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".new-{name}-", dir=folder.data.parent))
    try:
        (staging / "source").mkdir()
        for path in paths:
            shutil.copyfile(path, staging / "source" / path.name)
        draft = CompanyFolder(staging.parent.parent, staging.name)
        text = draft_profile(name, _sources(draft, [path.name for path in paths]))
        draft.profile.write_text(text, encoding="utf-8")
        staging.chmod(0o755)  # mkdtemp makes it private
        staging.rename(folder.data)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"no file {path}; look at its path")
    if path.suffix.lower() not in KINDS:
        raise InputError(f"{path.name}: no known kind of file; known: {', '.join(KINDS)}")
    return path


def _sources(folder: CompanyFolder, names: list[str]) -> list[FoundSource]:
    found: list[FoundSource] = []
    for name in names:
        for source in _of_file(folder, name):
            title = getattr(source, "sheet", None) or getattr(source, "table", None) or Path(name).stem
            own = _source_name(title, {item.name for item in found}, fallback=Path(name).stem)
            found.append(FoundSource(own, source, _columns(folder, own, source)))
    return found


def _of_file(folder: CompanyFolder, name: str) -> Iterator[AnySource]:
    path, inside = folder.data / "source" / name, f"source/{name}"
    kind = KINDS[path.suffix.lower()]
    if kind == "csv":
        encoding = _encoding(path)
        yield Source(kind="csv", path=inside, encoding=encoding, delimiter=_delimiter(path, encoding))
    elif kind == "excel":
        from openpyxl import load_workbook  # noqa: PLC0415 - half a second that only Excel files should pay

        book = load_workbook(path, read_only=True)
        yield from [Source(kind="excel", path=inside, sheet=sheet) for sheet in book.sheetnames]
        book.close()
    elif kind == "sql":
        import sqlalchemy as sa  # noqa: PLC0415 - only databases pay for it

        engine = sa.create_engine(f"sqlite:///{path}")
        tables = sa.inspect(engine).get_table_names()
        engine.dispose()
        yield from [DatabaseSource(url=f"sqlite:///{inside}", table=table) for table in tables]
    else:
        yield Source.model_validate({"kind": kind, "path": inside})


def _columns(folder: CompanyFolder, name: str, source: AnySource) -> tuple[str, ...]:
    if isinstance(source, DatabaseSource):
        return tuple(database_columns(folder, name, source))
    with tempfile.TemporaryDirectory(prefix="crm-new-") as work:
        path = folder.data / str(getattr(source, "path", ""))
        batches = read_file(path, source, Path(work), label=path.name)
        head = next(batches)
        batches.close()
    return tuple(column for column in head.column_names if column != ROW)


def _encoding(path: Path) -> str:
    start = path.read_bytes()[:2]
    if start in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    for encoding in ENCODINGS:
        try:
            with path.open(encoding=encoding) as file:
                while file.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise InputError(f"{path.name}: none of {', '.join(ENCODINGS)} reads it; save it as UTF-8")


def _delimiter(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding) as file:
        header = file.readline()
    return max(DELIMITERS, key=header.count)


def _source_name(title: str, taken: set[str], *, fallback: str) -> str:
    plain = re.sub(r"\W+", "_", title.casefold(), flags=re.ASCII).strip("_")
    if not plain:
        plain = re.sub(r"\W+", "_", fallback.casefold(), flags=re.ASCII).strip("_")
    name = plain if re.match(r"[a-z]", plain) else f"source_{plain}".rstrip("_")
    name = name[:60]
    number = 2
    while name in taken:
        name, number = f"{re.sub(r'_[0-9]+$', '', name)}_{number}", number + 1
    return name
