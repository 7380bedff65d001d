"""Read a table of any database SQLAlchemy speaks to, streamed, every value as the driver gave it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.batches import header_names, text_batches
from crm_helpers.ingest.contract import require_incremental
from crm_helpers.ingest.places import inside_company
from crm_helpers.layout import CompanyFolder
from crm_helpers.sources import DatabaseSource

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["StagedTable", "database_place", "first_rows", "stage_table", "table_names"]

FETCH_ROWS = 10_000
PATIENCE = 10  # seconds to wait for a server to answer at all

_PLACE = ("host", "port", "dbname", "service", "unix_socket")  # parameters that say which server it is
_DRIVERS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}  # to the extras of this package
_FAULTS = (  # words of servers and drivers; their whole messages may hold users, hosts and statements
    ("unknown database|database .* does not exist|to database", "has no such database; look at its name in"),
    ("permission denied|command denied", "does not let this user read the table; ask for the right to"),
    ("password|access denied|authentication|no pg_hba", "refuses the login; look at user and password in"),
    ("connect|refused|timed? ?out|resolve|translate", "cannot be reached; look at host and port in"),
)


@dataclass(frozen=True)
class StagedTable:
    """A copy of a table, or of what changed in it."""

    path: Path | None  # None when nothing changed
    rows: int  # of the whole table, counted when the copy was made


def first_rows(folder: CompanyFolder, name: str, source: DatabaseSource, *, most: int) -> pa.Table:
    """Read at most so many rows of the source's table, none of an empty one, or raise `InputError`."""
    with _connected(folder, name, source) as connection:
        names = _columns(connection, name, source)
        query = _query(connection, name, source, names, None).limit(most)
        schema = pa.schema([(own, pa.string()) for own in _own_names(name, names)])
        return pa.concat_tables([schema.empty_table(), *_rows(connection, query, schema.names)])


def table_names(folder: CompanyFolder, variable: str) -> list[str]:
    """List the tables of a database, then its views.

    Parameters
    ----------
    folder
        The company's places.
    variable
        The environment variable that holds its URL.

    Returns
    -------
    list of str
        Those of the user's own schema by name, those of PostgreSQL's other schemas as `schema.table`.

    Raises
    ------
    InputError
        When the variable is not set, or the database cannot be reached or has no table.
    """
    import sqlalchemy as sa  # noqa: PLC0415 - only database sources pay for it

    with _connected(folder, variable, DatabaseSource(url_env=variable, table="*")) as connection:
        inspector = sa.inspect(connection)
        own = inspector.default_schema_name
        schemas = inspector.get_schema_names() if connection.dialect.name == "postgresql" else []
        found = [*inspector.get_table_names(), *inspector.get_view_names()]
        for schema in sorted(set(schemas) - {own, "information_schema"}):
            names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
            found += [f"{schema}.{name}" for name in names]
    if not found:
        raise InputError(f"the database of {variable} has no table this user may see; look at its rights")
    return found


def database_place(folder: CompanyFolder, name: str, source: DatabaseSource) -> str:
    """Say which database a source means, without user and password."""
    url = _url(folder, name, source)
    query = {key: value for key, value in url.query.items() if key in _PLACE}
    return url.set(username=None, password=None, query=query).render_as_string()


def stage_table(
    folder: CompanyFolder, name: str, source: DatabaseSource, work: Path, *, since: str | None = None
) -> StagedTable:
    """Copy a database table into a Parquet file of text columns.

    A database says nowhere whether a table changed: the copy's fingerprint does. Rows are in the order of the
    primary key, where there is one.

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
    since
        The cursor's last value, for the rows from there on; all rows when not given.

    Returns
    -------
    StagedTable
        The copy, equal rows in equal order give equal bytes, and the rows of the whole table.

    Raises
    ------
    InputError
        When the database or the table cannot be reached, or the table is empty.
    """
    path = work / f"{name}.parquet"
    with _connected(folder, name, source) as connection:
        names = _columns(connection, name, source)
        query = _query(connection, name, source, names, since)
        writer, count = None, 0
        for batch in _rows(connection, query, _own_names(name, names)):
            writer = writer or pq.ParquetWriter(path, batch.schema, compression="zstd")
            writer.write_table(batch)
            count += batch.num_rows
        if writer:
            writer.close()
        rows = count if since is None else _count(connection, source)
    if rows == 0:
        raise InputError(f"sources.{name}.table: {source.table} has no rows")
    return StagedTable(path if count else None, rows)


def _own_names(name: str, names: Sequence[str]) -> list[str]:
    return header_names(names, row=0, label=f"sources.{name}.table")


def _rows(connection: sa.Connection, query: sa.Select[Any], names: Sequence[str]) -> Iterator[pa.Table]:
    streamed = connection.execution_options(stream_results=True, yield_per=FETCH_ROWS).execute(query)
    yield from text_batches(names, (tuple(row) for row in streamed))


def _query(
    connection: sa.Connection, name: str, source: DatabaseSource, names: Sequence[str], since: str | None
) -> sa.Select[Any]:
    import sqlalchemy as sa  # noqa: PLC0415 - only database sources pay for it

    table = _table(connection, source)
    # columns without a type: SQLAlchemy's own conversions fail on what old databases hold as dates
    bits = _bits(connection, table)
    query: sa.Select[Any] = sa.select(
        *(sa.column(n).op("+")(sa.literal_column("0")) if n in bits else sa.column(n) for n in names)
    ).select_from(table)
    incremental = source.incremental
    if incremental is None:
        keys = sa.inspect(connection).get_pk_constraint(table.name, schema=table.schema)
        return query.order_by(*map(sa.column, keys["constrained_columns"]))
    require_incremental(name, incremental, names)
    if since is None:
        return query
    cursor: sa.ColumnClause[Any] = sa.column(str(incremental.cursor))
    # a parameter without a type: the server reads it as what the column is
    newer = cursor.op(">=")(sa.bindparam("since", since, type_=sa.types.NullType()))
    return query.where(sa.or_(newer, cursor.is_(None)))


def _bits(connection: sa.Connection, table: sa.TableClause) -> set[str]:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    # drivers of MySQL give BIT as bytes
    if connection.dialect.name not in {"mysql", "mariadb"}:
        return set()
    columns = sa.inspect(connection).get_columns(table.name, schema=table.schema)
    return {column["name"] for column in columns if type(column["type"]).__name__ == "BIT"}


def _count(connection: sa.Connection, source: DatabaseSource) -> int:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    query = sa.select(sa.func.count()).select_from(_table(connection, source))
    return int(connection.execute(query).scalar_one())


@contextmanager
def _connected(folder: CompanyFolder, name: str, source: DatabaseSource) -> Iterator[sa.Connection]:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    url = _url(folder, name, source)
    engine = None
    try:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, **_settings(url))
        with engine.connect() as connection:
            yield connection
    except (sa.exc.NoSuchModuleError, ModuleNotFoundError):
        raise InputError(f"sources.{name}: {_missing_driver(url)}") from None
    except sa.exc.SQLAlchemyError as error:
        raise InputError(f"sources.{name}: {_fault(error, source)}") from None
    finally:
        if engine is not None:
            engine.dispose()


def _settings(url: sa.URL) -> dict[str, Any]:
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        return {}
    waiting: dict[str, Any] = {"connect_args": {"connect_timeout": PATIENCE}}
    # one picture of the table for its rows and its count; MySQL takes one anyway
    if backend == "postgresql":
        picture = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return waiting | {"execution_options": picture, "json_deserializer": _json_text}
    return waiting


def _json_text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _missing_driver(url: sa.URL) -> str:
    backend = url.get_backend_name()
    extra = _DRIVERS.get(backend)
    if extra:
        return f"the driver of {backend} is not installed; pip install 'crm-workbook[{extra}]'"
    return f"no driver for {url.drivername} is installed; pip install SQLAlchemy's dialect for it"


def _fault(error: BaseException, source: DatabaseSource) -> str:
    # neither the URL nor the statement: a message of a driver may hold both, and values
    cause = getattr(error, "orig", None) or error
    place = f"the environment variable {source.url_env}" if source.url_env else "url"
    text = str(cause).lower()
    said = next((words for pattern, words in _FAULTS if re.search(pattern, text)), None)
    if said is None:
        return f"the database cannot be read ({type(cause).__name__}); try its URL by hand"
    return f"the database {said} {place}" if said.endswith(" in") else f"the database {said}"


def _url(folder: CompanyFolder, name: str, source: DatabaseSource) -> sa.URL:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    stated = source.url if source.url_env is None else os.environ.get(source.url_env)
    if not stated:
        raise InputError(f"sources.{name}.url_env: set the environment variable {source.url_env}")
    try:
        url = sa.make_url(stated)
    except (sa.exc.ArgumentError, ValueError):
        raise InputError(f"sources.{name}: not a database URL; write dialect://host/database") from None
    if url.drivername == "postgresql":  # the driver this package asks for
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in {"mysql", "mariadb"}:
        return url.set(drivername=f"{url.drivername}+pymysql")
    if url.get_backend_name() != "sqlite":
        return url
    path = inside_company(folder, url.database or "", key=f"sources.{name}.url")
    if not path.is_file():
        raise InputError(f"sources.{name}.url: no file {url.database}")
    return url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})


def _columns(connection: sa.Connection, name: str, source: DatabaseSource) -> list[str]:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    table = _table(connection, source)
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name, schema=table.schema):
        known = [*inspector.get_table_names(table.schema), *inspector.get_view_names(table.schema)]
        raise InputError(f'sources.{name}.table: no table "{source.table}"; {suggest(table.name, known)}')
    # not by reflection: SQLAlchemy leaves quotes in MySQL's names doubled, and SQLite's are cut at a dot
    query = sa.select(sa.text("*")).select_from(table).limit(0)
    return list(connection.execute(query, execution_options={"sqlite_raw_colnames": True}).keys())


def _table(connection: sa.Connection, source: DatabaseSource) -> sa.TableClause:
    import sqlalchemy as sa  # noqa: PLC0415 - as above

    if "." not in source.table or sa.inspect(connection).has_table(source.table):
        return sa.table(source.table)
    schema, table = source.table.split(".", 1)
    return sa.table(table, schema=schema)
