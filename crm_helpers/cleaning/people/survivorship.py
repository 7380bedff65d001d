"""One record a person, each value chosen by a rule, with the customer record it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis

from crm_helpers.cleaning.people.settings import PeopleSettings

__all__ = ["Golden", "golden_records"]


@dataclass(frozen=True)
class Golden:
    """The people's records, as expressions of the engine."""

    records: ibis.Table  # person_id, records (how many it was made of) and the customers' columns
    provenance: ibis.Table  # person_id, column, customer_id, rule: of people with more than one record


def golden_records(
    customers: ibis.Table, people: ibis.Table, settings: PeopleSettings, *, date: str = "joined_on"
) -> Golden:
    """Choose one value a person and column among the records that have one.

    Rules: *most recent* and *first* by `date`, *most frequent*, *longest*; ties go to the most recent
    record (to the oldest, for *first*), then to the larger (smaller) customer id.

    Parameters
    ----------
    customers
        The clean customers; all columns but `customer_id` are carried over.
    people
        `customer_id` and `person_id`.
    settings
        Rules by column.
    date
        Column that says which record is newer; the customer id alone decides where there is none.

    Returns
    -------
    Golden
        Both tables; nothing is computed before they are asked for.
    """
    known = customers.join(people.select("customer_id", "person_id"), "customer_id")
    known = known.mutate(records=known.count().over(ibis.window(group_by="person_id")))
    columns = [name for name in customers.columns if name != "customer_id"]
    several = _counted(known.filter(known.records > 1), columns, settings)
    chosen: dict[str, Any] = {}
    for name in columns:
        order, filled = _order(several, settings.rule(name), name, date), several[name].notnull()
        chosen[name] = several[name].first(where=filled, order_by=order)
        chosen[f"{name}__from"] = several.customer_id.first(where=filled, order_by=order)
    merged = several.group_by("person_id").aggregate(records=several.count(), **chosen)
    alone = known.filter(known.records == 1)
    return Golden(
        merged.select("person_id", "records", *columns).union(alone.select("person_id", "records", *columns)),
        _provenance(merged, columns, settings),
    )


def _counted(several: ibis.Table, columns: list[str], settings: PeopleSettings) -> ibis.Table:
    frequent = [name for name in columns if settings.rule(name) == "most frequent"]
    groups = {name: ibis.window(group_by=["person_id", name]) for name in frequent}
    return several.mutate(**{f"{name}__times": several.count().over(group) for name, group in groups.items()})


def _order(table: ibis.Table, rule: str, name: str, date: str) -> list[Any]:
    dated = [table[date]] if date in table.columns else []
    if rule == "first":
        return [*(column.asc(nulls_first=False) for column in dated), table.customer_id.asc()]
    recent = [*(column.desc(nulls_first=False) for column in dated), table.customer_id.desc()]
    if rule == "longest":
        return [table[name].cast("string").length().desc(), *recent]
    return [table[f"{name}__times"].desc(), *recent] if rule == "most frequent" else recent


def _provenance(merged: ibis.Table, columns: list[str], settings: PeopleSettings) -> ibis.Table:
    origins = merged.select("person_id", **{name: merged[f"{name}__from"] for name in columns})
    long = origins.pivot_longer(columns, names_to="column", values_to="customer_id")
    rule = ibis.cases(*((long["column"] == name, settings.rule(name)) for name in columns))
    return long.filter(long.customer_id.notnull()).mutate(rule=rule)
