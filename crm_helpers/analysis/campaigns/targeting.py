"""Who should get the next campaign: those whose predicted gain is more than a contact costs."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.campaigns.effects import Study
from crm_helpers.analysis.campaigns.panel import panel
from crm_helpers.analysis.campaigns.past_value import look_past
from crm_helpers.analysis.campaigns.targeted import one_campaign
from crm_helpers.analysis.campaigns.uplift import LEARNERS, Uplift, fit_gain, learn
from crm_helpers.analysis.estimates import Estimate, mean_estimate, ratio_estimate, rounded, scaled

__all__ = ["RESERVED", "RISK", "VALUE", "Targets", "find_targets", "ranking_table"]

RESERVED = 0.1
"""Share of the list kept back at random, so that the next run can say what it brought."""

VALUE, RISK = "customer value", "risk of leaving"
"""Orders of customers beside the learnt ones, each as of the day before the campaign."""

_YEAR = 365.0
_FEWEST = 500  # customers in each arm, to learn from


@dataclass(frozen=True)
class Targets:
    """The list for a repeat of a randomised campaign; `reason` says why there is none."""

    reason: str
    campaign: str = ""
    learner: str = ""
    unit_cost: float = math.nan
    uplift: Uplift | None = None
    people: pd.DataFrame | None = None
    """One row a customer on the list, best first: `gain`, `cost`, `net`, `place`, `group`."""
    customers: int = 0
    promised: Estimate | None = None
    """Net result of the list: what is predicted, less what such predictions promised too much when tried."""
    borne_out: Estimate | None = None
    """Additional spend that came over what was predicted, on customers not learnt from."""
    advantage: Estimate | None = None
    """What a customer of the campaign learnt from would have brought more than by contacting everybody."""

    @property
    def listed(self) -> pd.DataFrame:
        """The list, without rows where there is none."""
        columns = ["customer_id", "gain", "cost", "net", "place", "group"]
        return pd.DataFrame(columns=columns) if self.people is None else self.people

    @property
    def proven(self) -> bool:
        """Whether the order is better than a random one, on customers it was not learnt from."""
        return self.uplift is not None and self.uplift.best.qini.low > 0


def find_targets(
    study: Study, effects: pd.DataFrame, customers: ibis.Table, *, margin: float | None
) -> Targets:
    """Learn from the best randomised campaign who gains, and list the customers worth a contact today.

    Parameters
    ----------
    study
        The campaigns judged.
    effects
        From `returns.add_returns`, for cost and net.
    customers
        Canonical customers; those who refused marketing are not on the list.
    margin
        Share of sales left after the cost of goods; None takes sales as they are.

    Returns
    -------
    Targets
        With a reason instead of a list where no randomised data support one.
    """
    fit = effects[(effects["grade"] == "A") & (effects["effect_low"] > 0)]
    if not (effects["grade"] == "A").any():
        return Targets("no campaign held customers out at random")
    fit = fit[fit[["treated", "compared"]].min(axis=1) >= _FEWEST]
    if fit.empty:
        return Targets("no randomised campaign surely brought anything from enough customers")
    best = fit.sort_values(["net", "effect", "campaign_id"]).iloc[-1]
    rows = one_campaign(study.rows, best["campaign_id"], size=int(best["treated"] + best["compared"]))
    uplift = learn(rows, baselines=_baselines(rows, study, best["starts_on"]))
    cost = best["cost"] / best["contacted"] if best["cost"] > 0 else 0.0
    share = 1.0 if margin is None else margin
    learner = uplift.best.rule
    today = _today(study, customers)
    gain = fit_gain(rows, learner, today)
    listed = today[["customer_id"]].assign(gain=gain, cost=cost, net=share * gain - cost)
    listed = listed[listed["net"] > 0].sort_values(["net", "customer_id"], ascending=[False, True])
    listed["place"] = np.arange(1, len(listed) + 1)
    listed["group"] = np.where([_reserved(key) for key in listed["customer_id"]], "holdout", "contact")
    said = share * uplift.scores[learner].to_numpy() - cost
    active = rows["orders_before"].to_numpy(float) > 0
    chosen = (said > 0) & active
    result = share * uplift.proxies - cost
    held_true = _borne_out(result[chosen], said[chosen])
    return Targets(
        reason="",
        campaign=str(best["name"]),
        learner=learner,
        unit_cost=float(cost),
        uplift=uplift,
        people=rounded(listed.reset_index(drop=True)),
        customers=len(today),
        promised=scaled(held_true, float(listed["net"].sum())),
        borne_out=_borne_out(uplift.proxies[chosen], uplift.scores.loc[chosen, learner].to_numpy()),
        advantage=_mean(np.where(chosen, 0.0, -result)[active]),
    )


def ranking_table(targets: Targets) -> pd.DataFrame:
    """Tabulate the orders: Qini, and the gain of a contacted customer when the first part is contacted."""
    columns = ["rule", "kind", "qini", "qini_low", "qini_high", "tenth", "fifth", "half", "all"]
    if targets.uplift is None:
        return pd.DataFrame(columns=columns)
    records = []
    for found in targets.uplift.rankings:
        gain = found.curve.set_index("share")["gain"]
        kind = "learnt gain" if found.rule in LEARNERS else "baseline"
        steps = [float(gain[step]) for step in (0.1, 0.2, 0.5, 1.0)]
        records.append([found.rule, kind, found.qini.value, found.qini.low, found.qini.high, *steps])
    return rounded(pd.DataFrame(records, columns=columns))


def _baselines(rows: pd.DataFrame, study: Study, start: pd.Timestamp) -> dict[str, np.ndarray]:
    """Order customers as most lists do, by what was known on the day before the campaign."""
    spend, silent = rows["spend_recent"] + rows["spend_earlier"], rows["days_since_order"]
    plain = {"spend before": spend, "days without an order": silent}
    scores = {name: score.to_numpy(float) for name, score in plain.items()}
    past = look_past(study.days, start=start.date())
    if past is None:
        return scores
    customers = rows["customer_id"]
    return scores | {
        VALUE: past.spend(customers, days=_YEAR),
        RISK: past.silence(customers, days=study.before_days),
    }


def _today(study: Study, customers: ibis.Table) -> pd.DataFrame:
    """Describe every customer who bought of late and may be sent marketing, as of the last day known."""
    plan = study.plan.iloc[:1].copy()
    last = pd.Timestamp(study.days.day.max().to_pandas()) + pd.Timedelta(days=1)
    moved = last - plan["starts_on"].iloc[0]
    dates = ["starts_on", "outcome_until", "recent_from", "before_from", "placebo_from"]
    plan[dates] = plan[dates] + moved
    plan["campaign_id"] = "next"
    allowed = customers.filter(_.consent.fill_null(True)).select("customer_id")
    buyers = study.days.select("customer_id").distinct().semi_join(allowed, "customer_id")
    assigned = buyers.mutate(
        campaign_id=ibis.literal("next"), treated=ibis.literal(0), held_out=ibis.literal(False)
    )
    frame: pd.DataFrame = panel(assigned, plan, study.days, before_days=study.before_days).to_pandas()
    # of the silent more have left for good today than in a campaign drawn among customers of its day
    return frame[frame["orders_before"] > 0].sort_values("customer_id", ignore_index=True)


def _reserved(customer: str) -> bool:
    """Draw by the name alone: the same customer is drawn in every run."""
    drawn = int.from_bytes(hashlib.sha256(customer.encode()).digest()[:8], "big")
    return drawn < RESERVED * 2**64


def _borne_out(came: np.ndarray, said: np.ndarray) -> Estimate:
    """Take what came over what was said, on customers not learnt from; nothing where nothing was said."""
    return ratio_estimate(came, said) if said.sum() > 0 else Estimate(0.0, 0.0, 0.0)


def _mean(values: np.ndarray) -> Estimate:
    return mean_estimate(float(values.mean()), float(values.std(ddof=1)), len(values))
