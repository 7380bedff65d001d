"""Bring names, telephones, e-mails and addresses into forms that can be compared, in the engine.

The customers are copied into an engine of their own, so that nothing of the linking is left behind in
the caller's, and a company on Spark is served by the same steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import pyarrow as pa

from crm_helpers.cleaning.people.folding import PARTS, assembled, folded
from crm_helpers.cleaning.people.names import readings
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.forms import PHONES, register_phones
from crm_helpers.lake import connect, quote_identifier

__all__ = ["COLUMNS", "PEOPLE", "Prepared", "evidence", "identifier_columns", "prepare"]

PEOPLE = "people"  # the engine's table that linking works on
COLUMNS = ("name", "birth_date", "phone", "email", "address", "city")
"""Canonical columns that can be evidence of one person."""

_SHARED = ("phone", "email", "email_local", "address")
_FEW = 50_000  # customers; up to them a second core takes more than it gives, and other pages want it
_COMMON_BIRTH = 0.01  # share of birth dates; a day more common than that is a form's default


@dataclass(frozen=True)
class Prepared:
    """Customers ready to be compared."""

    connection: ibis.BaseBackend
    customers: int
    filled: dict[str, int]  # records with a value that can be evidence, by standardised column
    ignored: dict[str, int]  # records whose value too many others have, by standardised column


def identifier_columns(settings: PeopleSettings) -> dict[str, str]:
    """Names of the settings' identifiers, by the name each has in the engine's table."""
    return {f"identifier_{place}": name for place, name in enumerate(settings.identifiers)}


def evidence(settings: PeopleSettings) -> tuple[str, ...]:
    """Standardised columns that can be evidence, in the order of the table."""
    return ("name", "name_key", "family", "given", *_SHARED, "street", "numbers", "city", "birth_date",
            *identifier_columns(settings))  # fmt: skip


def prepare(customers: ibis.Table, settings: PeopleSettings) -> Prepared:
    """Copy the customers into an engine of their own and bring what can be compared into one form.

    Parameters
    ----------
    customers
        `customer_id`, and any of `COLUMNS` and of the settings' identifiers.
    settings
        Country, identifiers and the number of records that may share a value.

    Returns
    -------
    Prepared
        The engine with the table `people`: one row a customer.

    Raises
    ------
    InputError
        When a customer's id is missing or there twice, or an identifier is no column.
    """
    connection = connect(memory=settings.memory, threads=settings.threads)
    try:
        return _prepared(connection, customers, settings)
    except Exception:
        connection.disconnect()
        raise


def _prepared(connection: ibis.BaseBackend, customers: ibis.Table, settings: PeopleSettings) -> Prepared:
    connection.raw_sql("SET preserve_insertion_order = false")
    _copy(connection, customers, settings)
    few = connection.raw_sql("SELECT count(*) FROM copied").fetchone()[0] <= _FEW
    if settings.threads is None and few:
        connection.raw_sql("SET threads = 1")
    more = tuple(identifier_columns(settings))
    connection.raw_sql(f"CREATE TEMP TABLE folded AS {folded(more)}")
    register_phones(connection, "SELECT raw_phone FROM folded", country=settings.country or None)
    _look_up(connection, "read_parts", PARTS, readings)
    connection.raw_sql(f"CREATE TEMP TABLE assembled AS {assembled(more)}")
    connection.raw_sql(f"CREATE TABLE {PEOPLE} AS {_believable(settings)}")
    prepared = _counted(connection, evidence(settings))
    for name in ("copied", PHONES, "read_parts", "folded", "assembled"):
        connection.raw_sql(f"DROP TABLE {quote_identifier(name)}")
    return prepared


def _copy(connection: ibis.BaseBackend, customers: ibis.Table, settings: PeopleSettings) -> None:
    present = set(customers.columns)
    for name in ("customer_id", *settings.identifiers):
        if name not in present:
            raise InputError(f'customers: no column "{name}": {suggest(name, present)}')
    wanted = {"customer_id": "customer_id"} | {name: name for name in COLUMNS if name in present}
    wanted |= identifier_columns(settings)
    texts = customers.select(**{new: customers[old].cast("string") for new, old in wanted.items()})
    absent = "".join(f", CAST(NULL AS VARCHAR) AS {name}" for name in COLUMNS if name not in present)
    engine = connection.con
    engine.register("incoming", texts.to_pyarrow())
    engine.execute(f"CREATE TEMP TABLE copied AS SELECT *{absent} FROM incoming")
    engine.unregister("incoming")
    query = (
        "SELECT count(*) - count(customer_id), count(customer_id) - count(DISTINCT customer_id) FROM copied"
    )
    missing, again = engine.execute(query).fetchone()
    if missing or again:
        raise InputError(
            f"customers: customer_id is empty in {missing:,} rows and there more than once in {again:,} rows;"
            " people are looked for among clean customers, one row an id"
        )


def _look_up(
    connection: ibis.BaseBackend, place: str, query: str, read: Callable[[pa.Table], pa.Table]
) -> None:
    distinct = connection.con.execute(query).to_arrow_table()
    connection.con.register("looked_up", read(distinct))
    connection.raw_sql(f"CREATE TEMP TABLE {place} AS SELECT * FROM looked_up")
    connection.con.unregister("looked_up")


def _believable(settings: PeopleSettings) -> str:
    """Leave out what so many share that it cannot tell people apart: a form's default, a shop's number."""
    limits = {name: str(settings.most_holders) for name in (*_SHARED, *identifier_columns(settings))}
    day = f"(SELECT {_COMMON_BIRTH} * count(birth_date) FROM assembled)"
    limits["birth_date"] = f"greatest({settings.most_holders}, {day})"
    kept = ", ".join(_kept(name, limits[name]) if name in limits else name for name in evidence(settings))
    return f"SELECT customer_id, {kept} FROM assembled"


def _kept(name: str, limit: str) -> str:
    # a list of the few common values: counting by window would carry all columns along, four times the cost
    filled = f"SELECT {name} FROM assembled WHERE {name} IS NOT NULL"
    common = f"{filled} GROUP BY {name} HAVING count(*) > {limit}"
    return f"CASE WHEN {name} NOT IN ({common}) THEN {name} END AS {name}"


def _counted(connection: ibis.BaseBackend, names: tuple[str, ...]) -> Prepared:
    counts = ", ".join(f"count({name})" for name in names)
    total, *before = connection.raw_sql(f"SELECT count(*), {counts} FROM assembled").fetchone()
    _, *after = connection.raw_sql(f"SELECT count(*), {counts} FROM {PEOPLE}").fetchone()
    filled = dict(zip(names, after, strict=True))
    ignored = {name: b - filled[name] for name, b in zip(names, before, strict=True) if b > filled[name]}
    return Prepared(connection, total, filled, ignored)
