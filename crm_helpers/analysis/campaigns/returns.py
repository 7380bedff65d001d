"""Whether a campaign earned its money, and whether it was carried out as planned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.campaigns.grades import STAGGERED
from crm_helpers.analysis.estimates import Estimate

__all__ = [
    "BELIEVED",
    "Portfolio",
    "add_returns",
    "customers_reached",
    "gross_margin",
    "portfolio",
    "progress",
]

FALSE_DISCOVERIES = 0.05
"""Share of the effects called real that may be chance, over the portfolio."""

BELIEVED = ("A", "B", "C")
"""Grades whose effects are counted; D is an association only."""

_MONEY = ("cost", "budget", "planned_revenue")


def gross_margin(transactions: ibis.Table, *, as_of: date) -> float | None:
    """Compute what is left of a unit of sales after the cost of the goods: `Σ(amount − cost)/Σ amount`.

    Only lines before `as_of` with a cost count; None where no line has one.
    """
    lines = transactions.filter(_.ordered_at.date() < ibis.date(as_of)).drop_null("cost")
    sums = lines.aggregate(
        amount=_.amount.sum().cast("float64"), cost=_.cost.sum().cast("float64")
    ).to_pandas()
    amount, cost = sums["amount"][0], sums["cost"][0]
    return float(1 - cost / amount) if amount > 0 else None


def add_returns(
    effects: pd.DataFrame, campaigns: ibis.Table, *, margin: float | None, cost_per_contact: float = 0.0
) -> pd.DataFrame:
    """Set what the contacted spent more against what the campaign cost.

    `total = effect · contacted`, `net = margin · total − cost`, `return = margin · total / cost`, each
    with the effect's interval. A campaign earned its money when the whole interval of `net` is above
    zero and lost it when it is below; otherwise, and with grade D, the question is open.

    Parameters
    ----------
    effects
        From `campaigns.evaluate`.
    campaigns
        Canonical campaigns: their cost.
    margin
        Share of sales left after the cost of goods; None takes sales as they are.
    cost_per_contact
        Money a contact costs, for campaigns whose cost is not recorded; 0 is not known.

    Returns
    -------
    pandas.DataFrame
        The effects with `cost`, `total`, `net` and `return` with intervals, and `earned`: yes, no,
        open, not known (no cost) or not judged (no grade).
    """
    costs: pd.DataFrame = campaigns.select("campaign_id", cost=_.cost.cast("float64")).to_pandas()
    table = effects.assign(
        cost=effects["campaign_id"].map(costs.set_index("campaign_id")["cost"]).astype(float)
    )
    if cost_per_contact > 0:
        table["cost"] = table["cost"].fillna(cost_per_contact * table["contacted"])
    share = 1.0 if margin is None else margin
    cost = table["cost"].where(table["cost"] > 0)
    for end in ("", "_low", "_high"):
        table[f"total{end}"] = table[f"effect{end}"] * table["contacted"]
        table[f"net{end}"] = share * table[f"total{end}"] - table["cost"]
        table[f"return{end}"] = share * table[f"total{end}"] / cost
    believed = table["grade"].isin(BELIEVED)
    cases = {
        "not judged": table["grade"] == "",
        "not known": table["cost"].isna(),
        "yes": believed & (table["net_low"] > 0),
        "no": believed & (table["net_high"] < 0),
    }
    table["earned"] = np.select(list(cases.values()), list(cases), "open")
    return table


def customers_reached(contacts: ibis.Table) -> int:
    """Count the customers whom any campaign contacted."""
    return int(contacts.filter(_.arm.fill_null("treated") != "holdout").customer_id.nunique().to_pandas())


def progress(campaigns: ibis.Table, contacts: ibis.Table, *, as_of: date) -> pd.DataFrame:
    """Compare what was planned with what happened.

    Parameters
    ----------
    campaigns, contacts
        Canonical tables; either may be empty.
    as_of
        The day the numbers stand for.

    Returns
    -------
    pandas.DataFrame
        One row a campaign, by start: `state` (planned, running, finished), planned and actual reach,
        responses, budget and cost, the actual as a share of the plan (missing without a plan), the part of
        its days that is over, and `risk`: late, over budget, short of reach or answers.
    """
    happened = contacts.group_by("campaign_id").aggregate(
        reach=(_.arm.fill_null("treated") != "holdout").sum(), responses=_.responded.sum()
    )
    today = ibis.date(as_of)
    happened = happened.semi_join(campaigns.filter(_.starts_on < today), "campaign_id")
    seen = campaigns.mutate(cost=ibis.ifelse(_.starts_on < today, _.cost, ibis.null()))
    joined = seen.left_join(happened, "campaign_id").order_by("starts_on", "campaign_id")
    money = {name: joined[name].cast("float64") for name in _MONEY}
    table: pd.DataFrame = joined.select(
        "campaign_id", "goal", "channel", "starts_on", "ends_on", "planned_reach", "planned_responses",
        name=joined.name.coalesce(joined.campaign_id), reach=joined.reach.fill_null(0),
        responses=joined.responses, **money,
    ).to_pandas()  # fmt: skip
    day = pd.Timestamp(as_of)
    starts, ends = pd.to_datetime(table["starts_on"]), pd.to_datetime(table["ends_on"])
    table["state"] = np.select([starts >= day, ends >= day], ["planned", "running"], "finished")
    planned = table[["planned_reach", "planned_responses", "budget"]].astype("float64")
    actual = table[["reach", "responses", "cost"]].astype("float64")
    shares = actual.to_numpy() / planned.where(planned > 0).to_numpy()
    table = table.assign(**dict(zip(("reach_share", "responses_share", "cost_share"), shares.T, strict=True)))
    days = (ends - starts).dt.days + 1
    table["time_share"] = ((day - starts).dt.days / days.where(days > 0)).clip(0.0, 1.0)
    table["risk"] = _risks(table)
    return table


def _risks(table: pd.DataFrame) -> pd.Series:
    """Name what goes wrong: behind by a tenth of what the time that is over would have brought."""
    due = 0.9 * table["time_share"]
    begun = table["state"] != "planned"
    cases = {
        "late": (table["state"] == "running") & (table["reach_share"] < due),
        "over budget": begun & (table["cost_share"] > 1),
        "short of reach": (table["state"] == "finished") & (table["reach_share"] < due),
        "short of answers": begun & (table["responses_share"] < due),
    }
    found = pd.DataFrame({name: case.fillna(False).astype(bool) for name, case in cases.items()})
    said = [", ".join(found.columns[row]) or "none" for row in found.to_numpy()]
    return pd.Series(said, index=table.index, dtype="str")  # text even where there is no campaign


@dataclass(frozen=True)
class Portfolio:
    """What all campaigns say together."""

    campaigns: int
    judged: int
    randomised: int
    targeted: int
    refused: int
    silent: int
    without_holdout: int
    earned: int
    lost: int
    undecided: int
    real: int
    real_proven: int
    earned_proven: int
    solid: bool
    best: str
    best_net: Estimate
    worst: str
    worst_net: Estimate
    spent: float
    """Cost of all campaigns; not a number when none has a cost."""


def portfolio(effects: pd.DataFrame) -> Portfolio:
    """Count what the campaigns' effects amount to.

    Parameters
    ----------
    effects
        From `add_returns`.

    Returns
    -------
    Portfolio
        `judged` have a grade and `silent` have none (`refused` among them); `solid` when a randomised
        campaign surely earned or lost; `real` are those graded A to C whose adjusted p-value is at most
        `FALSE_DISCOVERIES`; `best` and `worst` are by net result among those that
        earned or lost, randomised ones first.
    """
    believed = effects["grade"].isin(BELIEVED)
    real = believed & (effects["p_adjusted"] <= FALSE_DISCOVERIES)
    decided = effects[effects["earned"].isin(["yes", "no"])].sort_values(["grade", "net", "campaign_id"])
    earned, lost = decided[decided["earned"] == "yes"], decided[decided["earned"] == "no"]
    # proof before size: a large effect by comparison only does not outrank a proven one
    leading = earned[earned["grade"] == earned["grade"].min()]
    (best, best_net), (worst, worst_net) = _named(leading.tail(1)), _named(lost.head(1))
    return Portfolio(
        campaigns=len(effects),
        judged=int((effects["grade"] != "").sum()),
        randomised=int((effects["grade"] == "A").sum()),
        targeted=int(effects["grade"].isin(["B", "C", "D"]).sum()),
        refused=int((effects["design"] == "not consistent").sum()),
        silent=int((effects["grade"] == "").sum()),
        without_holdout=int(effects["design"].isin(["targeted", STAGGERED, "not consistent"]).sum()),
        earned=len(earned),
        lost=len(lost),
        undecided=int((effects["earned"] == "open").sum()),
        real=int(real.sum()),
        real_proven=int((real & (effects["grade"] == "A")).sum()),
        earned_proven=int((earned["grade"] == "A").sum()),
        solid=bool((decided["grade"] == "A").any()),
        best=best,
        best_net=best_net,
        worst=worst,
        worst_net=worst_net,
        spent=float(effects["cost"].sum(min_count=1)),
    )


def _named(row: pd.DataFrame) -> tuple[str, Estimate]:
    if row.empty:
        return "", Estimate(math.nan, math.nan, math.nan)
    one = row.iloc[0]
    return str(one["name"]), Estimate(*(float(one[f"net{end}"]) for end in ("", "_low", "_high")))
