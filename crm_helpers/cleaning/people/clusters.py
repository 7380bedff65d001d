"""From pairs to people: connected records, held apart where a chain joins what cannot be one person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from crm_helpers.cleaning.people.guard import CONTRADICTION, DOUBT, hold_apart
from crm_helpers.cleaning.people.link import PAIRS, contradiction
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import PEOPLE
from crm_helpers.lake import quote_text

__all__ = ["CLUSTERS", "THRESHOLDS", "cluster", "components", "threshold_curve"]

CLUSTERS = "clusters"  # the engine's table: customer_id, cluster (the smallest customer_id of the person)
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
_WIDEST = 500  # records; in a larger cluster chains are cut before contradictions are looked for


def components(connection: ibis.BaseBackend, edges: str, place: str) -> None:
    """Write the connected components of a graph: every node takes the smallest label it can reach.

    Parameters
    ----------
    connection
        The engine.
    edges
        SQL of the edges: `one` and `other`.
    place
        Table to write: `node` and `component` (its smallest node), for nodes with an edge.
    """
    run = connection.raw_sql
    run(
        f"CREATE OR REPLACE TEMP TABLE links AS WITH e AS ({edges})"
        " SELECT one, other FROM e UNION SELECT other, one FROM e"
    )
    run(
        f"CREATE OR REPLACE TABLE {place} AS"
        " SELECT one AS node, least(one, min(other)) AS component FROM links GROUP BY one"
    )
    changed = True
    while changed:
        run(
            "CREATE OR REPLACE TEMP TABLE nearer AS"
            " SELECT l.one AS node, least(any_value(own.component), min(their.component)) AS component"
            f" FROM links l JOIN {place} own ON own.node = l.one JOIN {place} their ON their.node = l.other"
            " GROUP BY l.one"
        )
        # a label is itself a node: its own label may be smaller still, which halves the way
        run(
            "CREATE OR REPLACE TEMP TABLE nearest AS SELECT n.node, b.component"
            " FROM nearer n JOIN nearer b ON b.node = n.component"
        )
        query = f"SELECT count(*) FROM nearest n JOIN {place} p USING (node) WHERE n.component <> p.component"
        changed = bool(run(query).fetchone()[0])
        run(f"CREATE OR REPLACE TABLE {place} AS FROM nearest")
    for name in ("links", "nearer", "nearest"):
        run(f"DROP TABLE IF EXISTS {name}")


def cluster(connection: ibis.BaseBackend, settings: PeopleSettings, hard: Sequence[str]) -> None:
    """Join automatic pairs to people, and write what became of each pair.

    A pair that would join contradicting records, or hang a long chain together, is not merged but asked.

    Parameters
    ----------
    connection
        The engine with the tables `people` and `pairs`; `pairs` gains `decision` and `reason`, and the
        table `clusters` is written.
    settings
        The two thresholds and the largest person.
    hard
        Columns that two records of one person hardly ever have different.
    """
    decision = (
        f"CASE WHEN probability < {settings.review} THEN 'none'"
        f" WHEN contradicts OR doubtful OR probability < {settings.automatic} THEN 'review'"
        " ELSE 'automatic' END"
    )
    reason = (
        f"CASE WHEN contradicts THEN {quote_text(CONTRADICTION)} WHEN doubtful THEN {quote_text(DOUBT)}"
        " ELSE '' END"
    )
    connection.raw_sql(
        f"CREATE OR REPLACE TABLE {PAIRS} AS"
        f" SELECT *, {decision} AS decision, {reason} AS reason FROM {PAIRS}"
    )
    refused = True
    while refused:
        components(connection, f"SELECT one, other FROM {PAIRS} WHERE decision = 'automatic'", "joined")
        refused = _refuse(connection, settings.largest_person, hard)
    connection.raw_sql(
        f"CREATE TABLE {CLUSTERS} AS SELECT p.customer_id, coalesce(j.component, p.customer_id) AS cluster"
        f" FROM {PEOPLE} p LEFT JOIN joined j ON j.node = p.customer_id ORDER BY p.customer_id"
    )


def _refuse(connection: ibis.BaseBackend, most: int, hard: Sequence[str]) -> bool:
    sizes = "SELECT component, count(*) AS n FROM joined GROUP BY component"
    small = f"SELECT j.* FROM joined j JOIN ({sizes}) USING (component) WHERE n BETWEEN 3 AND {_WIDEST}"
    connection.raw_sql(
        f"CREATE OR REPLACE TEMP TABLE apart AS WITH small AS ({small})"
        " SELECT a.component, a.node AS one, b.node AS other"
        " FROM small a JOIN small b ON a.component = b.component AND a.node < b.node"
        f" JOIN {PEOPLE} l ON l.customer_id = a.node JOIN {PEOPLE} r ON r.customer_id = b.node"
        f" WHERE {contradiction('l', 'r', hard)}"
    )
    suspects = f"SELECT component FROM apart UNION SELECT component FROM ({sizes}) WHERE n > {most}"
    edges = connection.con.execute(
        f"SELECT p.one, p.other, p.weight FROM {PAIRS} p JOIN joined j ON j.node = p.one"
        f" WHERE p.decision = 'automatic' AND j.component IN ({suspects})"
        " ORDER BY p.weight DESC, p.one, p.other"
    ).fetchall()
    forbidden = connection.con.execute("SELECT one, other FROM apart ORDER BY ALL").fetchall()
    refused = hold_apart([(one, other) for one, other, _ in edges], forbidden, most=most)
    if refused:
        connection.con.register("refused", pd.DataFrame(refused, columns=["one", "other", "reason"]))
        connection.raw_sql(
            f"UPDATE {PAIRS} SET decision = 'review', reason = refused.reason FROM refused"
            f" WHERE {PAIRS}.one = refused.one AND {PAIRS}.other = refused.other"
        )
        connection.con.unregister("refused")
    return bool(refused)


def threshold_curve(
    connection: ibis.BaseBackend, customers: int, thresholds: Iterable[float] = THRESHOLDS
) -> pd.DataFrame:
    """Count how many people there would be at other thresholds.

    The strongest pairs that join everything form a forest (Kruskal's maximum spanning forest); each of
    its pairs at or above a threshold joins two groups, so one forest answers for every threshold.

    Parameters
    ----------
    connection
        The engine with the table `pairs`.
    customers
        How many customer records there are.
    thresholds
        Probabilities from which a pair would be merged.

    Returns
    -------
    pandas.DataFrame
        threshold, pairs, merged (records that join another), people. Pairs held apart count nowhere.
    """
    pairs = connection.con.execute(
        f"SELECT one, other, probability FROM {PAIRS} WHERE reason = '' ORDER BY one, other"
    ).df()
    joining = _forest(pairs)
    rows = [(t, int((pairs["probability"] >= t).sum()), int((joining >= t).sum())) for t in thresholds]
    frame = pd.DataFrame(rows, columns=["threshold", "pairs", "merged"])
    return frame.assign(people=customers - frame["merged"])


def _forest(pairs: pd.DataFrame) -> pd.Series:
    if pairs.empty:
        return pairs["probability"]
    codes, nodes = pd.factorize(pd.concat([pairs["one"], pairs["other"]]))
    size = len(nodes)
    ends = codes[: len(pairs)], codes[len(pairs) :]
    graph = coo_array((2 - pairs["probability"], ends), shape=(size, size))
    return pd.Series(2 - minimum_spanning_tree(graph.tocsr()).data).round(9)
