"""The same person keeps the same id from run to run; merges and splits are logged."""

from __future__ import annotations

import ibis
import pandas as pd
import pyarrow as pa

from crm_helpers.cleaning.people.clusters import CLUSTERS

__all__ = ["IDENTITIES", "keep_ids"]

IDENTITIES = "identities"  # the engine's table: customer_id, person_id


def keep_ids(connection: ibis.BaseBackend, previous: pd.DataFrame | pa.Table | None) -> pd.DataFrame:
    """Give every cluster a person id: one of its own customer ids, that of last time where there is one.

    A customer id is in one cluster, so a person's id can never be another's. Where several of a cluster's
    ids were people last time, that of the largest part stays; a new person goes by the shortest and then
    smallest id, which is the first where ids are numbers.

    Parameters
    ----------
    connection
        The engine with the table `clusters`; `identities` is written.
    previous
        `customer_id` and `person_id` of the last run.

    Returns
    -------
    pandas.DataFrame
        event (`merged`: all of the old person's records went over; `split`: some did), before, after,
        customers; one row for each old and new id that differ.
    """
    run = connection.raw_sql
    run("CREATE TEMP TABLE before (customer_id VARCHAR, person_id VARCHAR)")
    if previous is not None:
        connection.con.register("last_run", previous)
        run("INSERT INTO before SELECT customer_id, person_id FROM last_run")
        connection.con.unregister("last_run")
    run(
        f"CREATE TABLE {IDENTITIES} AS WITH parts AS (SELECT c.cluster, b.person_id, count(*) AS records"
        f" FROM {CLUSTERS} c JOIN before b USING (customer_id) GROUP BY ALL)"
        " SELECT c.customer_id, first_value(c.customer_id) OVER (PARTITION BY c.cluster ORDER BY"
        " coalesce(p.records, 0) DESC, length(c.customer_id), c.customer_id) AS person_id"
        f" FROM {CLUSTERS} c LEFT JOIN parts p ON p.cluster = c.cluster AND p.person_id = c.customer_id"
    )
    return _log(connection)


def _log(connection: ibis.BaseBackend) -> pd.DataFrame:
    log: pd.DataFrame = connection.con.execute(
        "WITH moves AS (SELECT b.person_id AS before, i.person_id AS after, count(*) AS customers"
        f" FROM before b JOIN {IDENTITIES} i USING (customer_id) GROUP BY ALL)"
        " SELECT CASE WHEN count(*) OVER (PARTITION BY before) > 1 THEN 'split' ELSE 'merged' END AS event,"
        " before, after, customers FROM moves QUALIFY before <> after ORDER BY before, after"
    ).df()
    return log
