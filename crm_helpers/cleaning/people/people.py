"""Which customer records are one person? From clean customers to people, in one call."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crm_helpers.cleaning.people.blocking import Rule, choose_rules, rule_frame, write_blocks
from crm_helpers.cleaning.people.clusters import cluster, threshold_curve
from crm_helpers.cleaning.people.comparisons import comparisons
from crm_helpers.cleaning.people.identity import IDENTITIES, keep_ids
from crm_helpers.cleaning.people.link import PAIRS, no_pairs, score_pairs
from crm_helpers.cleaning.people.model import Model, learn
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import Prepared, identifier_columns, prepare
from crm_helpers.errors import CrmError, RunError

__all__ = ["PeopleResult", "link_people", "people_at"]


@dataclass(frozen=True)
class PeopleResult:
    """Who is one person, and how we know."""

    people: pd.DataFrame  # customer_id, person_id; one row a customer
    pairs: pd.DataFrame  # customer_id, other_id, probability, weight, evidence, decision, reason, rule
    rules: pd.DataFrame  # blocking rules with their counted pairs
    model: pd.DataFrame  # comparison, level, m, u, weight
    sizes: pd.DataFrame  # records (of a person), people
    log: pd.DataFrame  # event, before, after, customers
    curve: pd.DataFrame  # threshold, pairs, merged, people
    ignored: pd.DataFrame  # column, records whose value too many others have
    learnt: bool  # weights from this company's data; otherwise general ones, for want of certain pairs

    @property
    def open_pairs(self) -> pd.DataFrame:
        """Pairs that only the threshold makes one person or two: none that contradicts or was held apart."""
        return self.pairs[self.pairs["reason"] == ""].reset_index(drop=True)

    @property
    def review(self) -> pd.DataFrame:
        """Pairs for a person to decide on, the likeliest first."""
        asked = self.pairs[self.pairs["decision"] == "review"]
        order = ["probability", "customer_id", "other_id"]
        return asked.sort_values(order, ascending=[False, True, True], ignore_index=True)


def link_people(
    customers: ibis.Table,
    settings: PeopleSettings | None = None,
    *,
    previous: pd.DataFrame | pa.Table | None = None,
) -> PeopleResult:
    """Find the customer records that are one person.

    Parameters
    ----------
    customers
        The clean customers: `customer_id`, one row each, and any of name, birth_date, phone, email,
        address and city; missing or empty columns are no evidence.
    settings
        Thresholds, caps and rules; those that serve most companies when not given.
    previous
        `customer_id` and `person_id` of the last run, so that people keep their ids.

    Returns
    -------
    PeopleResult
        One person a customer where nothing matches.

    Raises
    ------
    InputError
        When a customer id is missing or there twice, or an identifier is no column.
    RunError
        When the engine or Splink fails; it names the way out, and no value.
    """
    try:
        return _linked(customers, settings or PeopleSettings(), previous)
    except CrmError:
        raise
    except Exception as error:  # noqa: BLE001 - of the engine or of Splink: their messages may hold values
        kind = type(error).__name__
        raise RunError(
            f"customers could not be compared ({kind}): merge = false under [people] of the profile goes on"
            " without, each customer a person"
        ) from None


def people_at(people: pd.DataFrame, pairs: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Say who would be one person if pairs were merged from another threshold on.

    Parameters
    ----------
    people
        `customer_id` and `person_id` as they are; every customer of the pairs is among them.
    pairs
        `customer_id`, `other_id` and `probability` of pairs that nothing holds apart.
    threshold
        Probability, 0.5 or more.

    Returns
    -------
    pandas.DataFrame
        The same customers with the person each would be: an id that is a person's now, where one is among
        the person's customers, else the first of these.
    """
    likely = pairs[pairs["probability"] >= threshold]
    customers = pd.Index(people["customer_id"])
    ends = tuple(customers.get_indexer(likely[name]) for name in ("customer_id", "other_id"))
    graph = coo_array((np.ones(len(likely)), ends), shape=(len(customers), len(customers)))
    labels = connected_components(graph, directed=False)[1]
    kept = people["customer_id"].where(people["customer_id"] == people["person_id"])
    first = people["customer_id"].groupby(labels).transform("first")
    return people.assign(person_id=kept.groupby(labels).transform("first").fillna(first))


def _linked(
    customers: ibis.Table, settings: PeopleSettings, previous: pd.DataFrame | pa.Table | None
) -> PeopleResult:
    prepared = prepare(customers, settings)
    try:
        rules = choose_rules(prepared, settings)
        model = _link(prepared, [rule for rule in rules if rule.used], settings)
        return _result(prepared, rules, model, settings, previous)
    finally:
        prepared.connection.disconnect()


def _link(prepared: Prepared, used: list[Rule], settings: PeopleSettings) -> Model | None:
    connection = prepared.connection
    model = None
    if used and comparisons(prepared.filled, identifier_columns(settings)):
        write_blocks(connection, used, settings.largest_block)
        model = learn(prepared, used, settings)
        score_pairs(connection, model)
    else:
        no_pairs(connection)
    cluster(connection, settings, model.hard if model else ())
    return model


def _result(
    prepared: Prepared, rules: tuple[Rule, ...], model: Model | None, settings: PeopleSettings,
    previous: pd.DataFrame | pa.Table | None,
) -> PeopleResult:  # fmt: skip
    log = keep_ids(prepared.connection, previous)
    engine = prepared.connection.con
    names = identifier_columns(settings)
    used = [rule for rule in rules if rule.used]
    pairs = engine.execute(
        "SELECT one AS customer_id, other AS other_id, probability, weight, evidence, decision, reason, rule"
        f" FROM {PAIRS} ORDER BY one, other"
    ).df()
    words = rule_frame(used, names)["rule"]
    ignored = [(names.get(column, column), records) for column, records in prepared.ignored.items()]
    return PeopleResult(
        people=engine.execute(f"SELECT customer_id, person_id FROM {IDENTITIES} ORDER BY customer_id").df(),
        pairs=pairs.assign(rule=pairs["rule"].map(words).astype("str")),
        rules=rule_frame(rules, names),
        model=model.frame if model else pd.DataFrame(columns=["comparison", "level", "m", "u", "weight"]),
        sizes=engine.execute(
            "SELECT records, count(*) AS people FROM (SELECT count(*) AS records"
            f" FROM {IDENTITIES} GROUP BY person_id) GROUP BY records ORDER BY records"
        ).df(),
        log=log,
        curve=threshold_curve(prepared.connection, prepared.customers),
        ignored=pd.DataFrame(ignored, columns=["column", "records"]),
        learnt=bool(model and model.learnt),
    )
