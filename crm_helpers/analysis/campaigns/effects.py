"""What each campaign changed in the spend of those it contacted, by the way its customers were chosen.

Randomised campaigns by regression with the interactions of Lin (2013); targeted ones by comparison with
their likes. The grade of evidence is in `grades`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import pandas as pd
from ibis import _
from scipy import special, stats

from crm_helpers.analysis.campaigns.adjusted import adjusted_differences, arm_sums, balance_p
from crm_helpers.analysis.campaigns.arms import by_campaign, describe_arms, overlaps, ratio_p
from crm_helpers.analysis.campaigns.grades import PARTS, STAGGERED, designs, graded, reasons
from crm_helpers.analysis.campaigns.groups import assigned_groups, group_effects
from crm_helpers.analysis.campaigns.panel import assignments, customer_days, panel, windows
from crm_helpers.analysis.campaigns.staggered import staggered_effects, waves
from crm_helpers.analysis.campaigns.targeted import compare_targeted
from crm_helpers.analysis.estimates import LEVEL
from crm_helpers.analysis.regression import Regression
from crm_helpers.analysis.threads import one_thread

__all__ = ["Study", "evaluate", "study"]


@dataclass(frozen=True)
class Study:
    """The campaigns judged, and what further questions about them need."""

    effects: pd.DataFrame
    balance: pd.DataFrame
    """One row a targeted campaign and covariate: standardised difference before and after weighting."""
    plan: pd.DataFrame
    rows: ibis.Table
    """From `panel.panel`."""
    days: ibis.Table
    contacts: ibis.Table
    """Contacts of campaigns that have begun."""
    before_days: int
    """Days before the start that describe a customer."""


def evaluate(
    campaigns: ibis.Table,
    contacts: ibis.Table,
    customers: ibis.Table,
    transactions: ibis.Table,
    *,
    as_of: date,
    window_days: int = 28,
    before_days: int = 91,
    minimum_arm: int = 50,
) -> pd.DataFrame:
    """Return the effects of `study` alone."""
    tables = {"campaigns": campaigns, "contacts": contacts, "customers": customers}
    rules = {"window_days": window_days, "before_days": before_days, "minimum_arm": minimum_arm}
    return study(tables | {"transactions": transactions}, as_of=as_of, **rules).effects


def study(
    tables: Mapping[str, ibis.Table],
    *,
    as_of: date,
    window_days: int = 28,
    before_days: int = 91,
    minimum_arm: int = 50,
) -> Study:
    """Estimate what each campaign changed in the spend of a customer it contacted.

    `spend = α + τ T + β'x + γ' T (x − x̄) + ε` with HC3 errors, x what was bought before the start
    (`COVARIATES`). Randomised: x̄ over both arms, and τ is the average effect (Lin 2013); where whole
    groups of customers were drawn, errors are clustered by them. Targeted: the doubly robust comparison
    of `doubly_robust` with all who were not contacted, beside it the same regression with x̄ over the
    contacted and differences in differences: a cause only if nothing else set the contacted apart.
    Staggered, which is targeted in waves: differences in differences, each wave from its own day. The
    placebo is the same estimate on spend from before the days that x describes.

    Parameters
    ----------
    tables
        Canonical `campaigns`, `contacts` (of campaigns), `customers`, `transactions`; any may be empty.
    as_of
        The day the numbers stand for; nothing from that day on is seen.
    window_days
        Days from a campaign's start in which spend counts.
    before_days
        Days before the start that describe a customer.
    minimum_arm
        Customers an arm must have.

    Returns
    -------
    Study
        `effects` has one row a campaign, by start: `design`, `grade`, `reason`; `treated`, `compared`
        (counts); `effect` with interval (money a contacted customer), `p_value`, `p_adjusted` (over the
        portfolio); `detectable` (the effect found 4 times in 5); `difference` with interval (plain);
        `regression` with interval; `placebo` with interval; `ratio_p`, `balance_p`, `imbalance` (largest
        standardised difference of a covariate); `spend_compared`; `overlap` (share of the contacted whom
        another campaign reached within `window_days`); `groups` and `drawn_by` where groups were drawn.
        Of targeted ones the `SECOND_OPINIONS` of `targeted`, and `change` and `lead` of `staggered`.
    """
    plan = windows(tables["campaigns"], window_days=window_days, before_days=before_days)
    days = customer_days(tables["transactions"].filter(_.ordered_at.date() < ibis.date(as_of))).cache()
    begun = plan.loc[plan["starts_on"] < pd.Timestamp(as_of), "campaign_id"].tolist()
    contacts = tables["contacts"].filter(_.campaign_id.isin(begun))
    last_waves = waves(contacts, plan)
    plan = _until_last_wave(plan, last_waves, window_days)
    assigned = assignments(plan, contacts, tables["customers"], days)
    rows = panel(assigned, plan, days, before_days=before_days).cache()
    sums, arms = arm_sums(rows)
    regressions = adjusted_differences(sums, arms)
    balance = {campaign: balance_p(pair) for campaign, pair in arms.items()}
    grouped = group_effects(rows, tables["customers"], assigned_groups(rows, tables["customers"]))
    estimates = _replaced(_estimates(regressions, balance), grouped)
    table = _put_together(plan, [describe_arms(arms), overlaps(contacts, plan, window_days), estimates])
    table.loc[(table["design"] == "targeted") & table["campaign_id"].isin(last_waves), "design"] = STAGGERED
    first = days.day.min().to_pandas()
    without = table.loc[table["design"].isin(["targeted", STAGGERED]), "campaign_id"].tolist()
    with one_thread("blas"):
        changes = staggered_effects(plan, contacts, days, window_days=window_days, only=without)
        table = _with_changes(table, changes)
        table["reason"] = reasons(table, plan, today=pd.Timestamp(as_of), first=first, minimum=minimum_arm)
        chosen = table.loc[(table["design"] == "targeted") & (table["reason"] == ""), "campaign_id"].tolist()
        likes, unlike = compare_targeted(rows, chosen, regressions["spend"], plan=plan, days=days)
    table = _replaced(table.set_index("campaign_id"), likes).reset_index(names="campaign_id")
    possible = (plan["placebo_from"] >= first) | (table["design"] == STAGGERED)
    effects = graded(table, placebo_possible=possible)
    return Study(effects, unlike, plan, rows, days, contacts, before_days)


def _until_last_wave(
    plan: pd.DataFrame, last_waves: Mapping[str, pd.Timestamp], window_days: int
) -> pd.DataFrame:
    """Let the window of a campaign with waves end a window after the last."""
    if not last_waves:
        return plan
    until = {campaign: day + pd.Timedelta(days=window_days) for campaign, day in last_waves.items()}
    ends = [until.get(*row) for row in zip(plan["campaign_id"], plan["outcome_until"], strict=True)]
    return plan.assign(outcome_until=pd.to_datetime(pd.Series(ends, index=plan.index)))


def _with_changes(table: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """Add differences in differences of campaigns without a holdout; of staggered ones they are the effect.

    Their placebo is the change in the weeks before each customer's own contact.
    """
    found = changes.reindex(table["campaign_id"]).reset_index(drop=True)
    together = pd.concat([table, found], axis=1)
    staggered = table["design"] == STAGGERED
    for kind, source in (("effect", "change"), ("placebo", "lead")):
        error = (found[f"{source}_high"] - found[f"{source}_low"]) / (2 * stats.norm.ppf(0.5 + LEVEL / 2))
        parts = {end: found[f"{source}{end}"] for end in ("", "_low", "_high")}
        parts |= {"_error": error, "_p": 2 * special.ndtr(-(found[source] / error).abs())}
        for end, values in parts.items():
            together.loc[staggered, f"{kind}{end}"] = values
    return together


def _put_together(plan: pd.DataFrame, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the parts, each by campaign, beside the plan, and say the design."""
    table = plan[["campaign_id", "name", "channel", "starts_on", "holdout_share"]]
    # not join: pandas 3.0 cannot join empty text keys
    found = [part.reindex(plan["campaign_id"]).reset_index(drop=True) for part in parts]
    table = pd.concat([table, *found], axis=1).fillna({"treated": 0, "compared": 0, "contacted": 0})
    table = table.astype({"treated": "int64", "compared": "int64", "contacted": "int64"})
    held_out = (table["groups"] - table["groups_treated"]).fillna(table["compared"]).astype("int64")
    arms = (table["groups_treated"].fillna(table["treated"]).astype("int64"), held_out)
    table["ratio_p"] = [ratio_p(*row) for row in zip(*arms, table["holdout_share"], strict=True)]
    table["design"] = designs(table)
    # targeted campaigns have a placebo of their own, by comparison with likes
    table.loc[~table["held_out"].eq(True), [f"placebo{part}" for part in PARTS]] = math.nan
    return table


def _replaced(table: pd.DataFrame, *better: pd.DataFrame) -> pd.DataFrame:
    """Put better numbers in the place of those that are there, by campaign and column."""
    changed = table.copy()
    for part in better:
        for column in part:
            if column not in changed:
                changed[column] = part[column].reindex(changed.index)
            elif len(part):
                changed.loc[part.index, column] = part[column]
    return changed


def _estimates(regressions: dict[str, dict[str, Regression]], balance: dict[str, float]) -> pd.DataFrame:
    """Tabulate the regressions by campaign: effect, placebo and balance; the effect also as `regression`."""
    records = {
        campaign: [*_numbers(fitted), *_numbers(regressions["spend_placebo"][campaign]), balance[campaign]]
        for campaign, fitted in regressions["spend"].items()
    }
    columns = [f"{kind}{part}" for kind in ("effect", "placebo") for part in PARTS]
    table = by_campaign(records, [*columns, "balance_p"])
    return table.assign(**{f"regression{end}": table[f"effect{end}"] for end in ("", "_low", "_high")})


def _numbers(fitted: Regression) -> list[object]:
    estimate = fitted.estimate("treated")
    return [estimate.value, estimate.low, estimate.high, fitted.error("treated"), fitted.p_value("treated")]
