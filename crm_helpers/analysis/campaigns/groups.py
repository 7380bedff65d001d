"""Campaigns in which whole groups of customers were drawn (regions, cities): errors go by the group.

Errors are clustered at the level of assignment and nowhere else (Abadie, Athey, Imbens & Wooldridge 2023).
"""

from __future__ import annotations

import ibis
import pandas as pd
from ibis import _

from crm_helpers.analysis.campaigns.panel import COVARIATES
from crm_helpers.analysis.clustered import cluster_ols, cluster_sums
from crm_helpers.analysis.wild_bootstrap import FEW_CLUSTERS, wild_estimate, wild_p_value

__all__ = ["GROUP_COLUMNS", "assigned_groups", "group_effects"]

GROUP_COLUMNS = ("region", "city", "source_channel")
"""Columns of customers by which whole groups may have been drawn, the coarsest first."""

_FEWEST = 4  # groups in all, below which no drawing of groups can be told from chance


def assigned_groups(rows: ibis.Table, customers: ibis.Table) -> pd.DataFrame:
    """Find the campaigns with a holdout in which no group of customers is in both arms.

    Parameters
    ----------
    rows
        From `panel.panel`.
    customers
        Canonical customers.

    Returns
    -------
    pandas.DataFrame
        By campaign: `drawn_by` (a column of customers), `groups` and `groups_treated` (counts); only
        campaigns with at least four groups, of five customers each in the mean.
    """
    drawn = rows.filter(_.held_out).select("campaign_id", "customer_id", "treated")
    joined = drawn.inner_join(customers.select("customer_id", *GROUP_COLUMNS), "customer_id")
    found = [_whole(joined, column) for column in GROUP_COLUMNS]
    table = pd.concat(found, ignore_index=True).drop_duplicates("campaign_id")
    return table.set_index(pd.Index(table.pop("campaign_id"), dtype="str"))


def _whole(joined: ibis.Table, column: str) -> pd.DataFrame:
    groups = joined.group_by("campaign_id", group=joined[column]).aggregate(
        people=_.count(), least=_.treated.min(), most=_.treated.max()
    )
    counts = groups.group_by("campaign_id").aggregate(
        mixed=((_.least != _.most) | _.group.isnull()).sum(),  # noqa: PD003 - of Ibis
        groups=_.count(), groups_treated=_.least.sum(), people=_.people.sum(),
    )  # fmt: skip
    whole = counts.filter((_.mixed == 0) & (_.groups >= _FEWEST) & (_.people >= 5 * _.groups))
    frame: pd.DataFrame = whole.order_by("campaign_id").to_pandas()
    return frame.assign(drawn_by=column)[["campaign_id", "drawn_by", "groups", "groups_treated"]]


def group_effects(rows: ibis.Table, customers: ibis.Table, groups: pd.DataFrame) -> pd.DataFrame:
    """Estimate the effect of each campaign that drew groups, by CR2 or, of few groups, the wild bootstrap.

    `spend = α + τ T + β'x + ε` without interactions: groups are few, and each costs a degree of freedom.

    Parameters
    ----------
    rows
        From `panel.panel`.
    customers
        Canonical customers.
    groups
        From `assigned_groups`.

    Returns
    -------
    pandas.DataFrame
        By campaign: effect and placebo, each with `_low`, `_high`, `_error`, `_p`; `balance_p` is not
        known: customers of a group are alike without any fault of the draw.
    """
    records = {}
    for campaign, column in groups["drawn_by"].items():
        own = rows.filter(_.campaign_id == campaign)
        named = own.inner_join(customers.select("customer_id", drawn=customers[column]), "customer_id")
        numbers = {"balance_p": float("nan")}
        for kind, outcome in (("effect", "spend"), ("placebo", "spend_placebo")):
            numbers |= _numbers(named, kind, outcome)
        records[str(campaign)] = numbers
    return pd.concat([groups, pd.DataFrame.from_dict(records, orient="index")], axis=1)


def _numbers(named: ibis.Table, kind: str, outcome: str) -> dict[str, float]:
    sums = cluster_sums(named, outcome=outcome, regressors=["treated", *COVARIATES], cluster="drawn")
    fitted = cluster_ols(sums)
    estimate, p_value = fitted.estimate("treated"), fitted.p_value("treated")
    if len(sums.rows) < FEW_CLUSTERS:
        estimate, p_value = wild_estimate(sums, "treated"), wild_p_value(sums, "treated")
    ends = {kind: estimate.value, f"{kind}_low": estimate.low, f"{kind}_high": estimate.high}
    return ends | {f"{kind}_error": fitted.error("treated"), f"{kind}_p": p_value}
