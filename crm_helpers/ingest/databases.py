"""Read a table of any database SQLAlchemy speaks to, streamed, every value as the driver gave it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.places import inside_company
from crm_helpers.ingest.readers import text_batches
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import Source

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["database_columns", "stage_table"]

FETCH_ROWS = 10_000


def database_columns(folder: CompanyFolder, name: str, source: Source) -> list[str]:
    """Connect and name the columns of the source's table, or raise `InputError`."""
    with _connected(folder, name, source) as connection:
        return _columns(connection, name, source)


def stage_table(folder: CompanyFolder, name: str, source: Source, work: Path) -> Path:
    """Copy a database table into a Parquet file of text columns.

    A database says nowhere whether a table changed: the copy's fingerprint does.

    Parameters
    ----------
    folder
        The company's places.
    name
        Name of the source.
    source
        Its URL (or the environment variable that holds it) and table.
    work
        Folder for the copy.

    Returns
    -------
    Path
        The copy; equal rows in equal order give equal bytes.

    Raises
    ------
    InputError
        When the database or the table cannot be reached, or the table is empty.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - only database sources pay for it

    path = work / f"{name}.parquet"
    with _connected(folder, name, source) as connection:
        names = _columns(connection, name, source)
        # columns without a type: SQLAlchemy's own conversions fail on what old databases hold as dates
        query: sa.Select[*tuple[Any, ...]] = sa.select(*map(sa.column, names)).select_from(
            _table(connection, source)
        )
        rows = connection.execution_options(stream_results=True, yield_per=FETCH_ROWS).execute(query)
        writer = None
        for batch in text_batches(names, (tuple(row) for row in rows)):
            writer = writer or pq.ParquetWriter(path, batch.schema, compression="zstd")
            writer.write_table(batch)
    if writer is None:
        raise InputError(f"sources.{name}.table: {source.table} has no rows")
    writer.close()
    return path


@contextmanager
def _connected(folder: CompanyFolder, name: str, source: Source) -> Iterator[sa.Connection]:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    engine = sa.create_engine(_url(folder, name, source))
    try:
        with engine.connect() as connection:
            yield connection
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        # neither the URL nor the statement: a message of a driver may hold both, and values
        what = type(getattr(error, "orig", None) or error).__name__
        raise InputError(
            f"sources.{name}: the database cannot be read ({what}); try its URL by hand"
        ) from None
    finally:
        engine.dispose()


def _url(folder: CompanyFolder, name: str, source: Source) -> sa.URL:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    stated = source.url if source.url_env is None else os.environ.get(source.url_env)
    if not stated:
        raise InputError(f"sources.{name}.url_env: set the environment variable {source.url_env}")
    try:
        url = sa.make_url(stated)
    except sa.exc.ArgumentError:
        raise InputError(f"sources.{name}: not a database URL; write dialect://host/database") from None
    if url.get_backend_name() != "sqlite":
        return url
    path = inside_company(folder, url.database or "", key=f"sources.{name}.url")
    if not path.is_file():
        raise InputError(f"sources.{name}.url: no file {url.database}")
    return url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})


def _columns(connection: sa.Connection, name: str, source: Source) -> list[str]:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    table = _table(connection, source)
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name, schema=table.schema):
        known = [*inspector.get_table_names(table.schema), *inspector.get_view_names(table.schema)]
        raise InputError(f'sources.{name}.table: no table "{source.table}"; {suggest(table.name, known)}')
    return [column["name"] for column in inspector.get_columns(table.name, schema=table.schema)]


def _table(connection: sa.Connection, source: Source) -> sa.TableClause:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    text = str(source.table)
    if sa.inspect(connection).has_table(text) or "." not in text:
        return sa.table(text)
    schema, table = text.split(".", 1)
    return sa.table(table, schema=schema)
