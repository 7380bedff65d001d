"""What to say of the next campaign: outcomes, whom to contact, what was promised, marks and answers."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from crm_helpers.analysis.campaigns.composite import Composite
from crm_helpers.analysis.campaigns.findings import Said, action
from crm_helpers.analysis.campaigns.judgements import CONSISTENT
from crm_helpers.analysis.campaigns.list_promises import list_findings
from crm_helpers.analysis.campaigns.returns import Portfolio
from crm_helpers.analysis.campaigns.targeting import RISK, VALUE, Targets
from crm_helpers.analysis.campaigns.uplift import Uplift
from crm_helpers.analysis.estimates import Estimate, scaled

__all__ = [
    "actions",
    "answers_finding",
    "marks_finding",
    "outcomes_finding",
    "promise_finding",
    "target_findings",
    "weights_finding",
]

_LEVEL = 0.05


def outcomes_finding(outcomes: pd.DataFrame) -> Said:
    """Say how many outcomes of randomised campaigns moved."""
    if outcomes.empty:
        return "campaigns.no_outcomes", {}
    moved = int((outcomes["p_holm"] <= _LEVEL).sum())
    return "campaigns.outcomes", {"moved": moved, "looked": len(outcomes)}


def target_findings(targets: Targets) -> list[Said]:
    """Say whom the next campaign should go to, and how well that is known."""
    if targets.uplift is None or targets.people is None or targets.promised is None:
        return [("campaigns.targets_refused", {"reason": targets.reason})]
    best = targets.uplift.best
    listed = {"listed": len(targets.people), "customers": targets.customers, "campaign": targets.campaign}
    first: Said = ("campaigns.targets", listed | {"promised": targets.promised})
    if not targets.proven:
        first = ("campaigns.targets_unproven", listed | {"promised": targets.promised})
    more = {"learner": best.rule, "qini": best.qini, "advantage": targets.advantage}
    return [first, ("campaigns.targets_order", more), *_baselines(targets.uplift)]


def _baselines(uplift: Uplift) -> list[Said]:
    """Say what the first fifth by customer value and by risk of leaving would have gained instead."""
    gained = {found.rule: float(found.curve.set_index("share")["gain"][0.2]) for found in uplift.rankings}
    if not {VALUE, RISK} <= set(gained):
        return []
    values = {"learnt": gained[uplift.best.rule], "value": gained[VALUE], "risk": gained[RISK]}
    return [("campaigns.targets_baselines", values)]


def actions(targets: Targets, found: Portfolio, *, as_of: date, window_days: int) -> list[Said]:
    """Say what to do next: the list for the best campaign in place of its mere repeat, then the others.

    Parameters
    ----------
    targets, found
        The list, and all campaigns together.
    as_of, window_days
        The day of the list and the days in which spend counts: then a report says what came of it.

    Returns
    -------
    list of Said
        At most three.
    """
    steps = action(found)
    if targets.people is None or targets.people.empty:
        return steps[:3]
    contact = targets.people["group"] == "contact"
    counts = {"listed": int(contact.sum()), "held": int((~contact).sum())}
    promised, until = _of_contacted(targets, contact), as_of + timedelta(days=window_days)
    values = {"campaign": targets.campaign, "promised": promised, "until": until, **counts}
    others = [step for step in steps if step[0] != "campaigns.do_repeat"]
    return [("campaigns.do_contact", values), *others][:3]


def _of_contacted(targets: Targets, contact: pd.Series) -> Estimate | None:
    """Take the part of the promise that falls on those to contact: those kept back bring nothing."""
    net = targets.listed["net"]
    share = float(net[contact].sum() / net.sum())
    return None if targets.promised is None else scaled(targets.promised, share)


def promise_finding(promises: pd.DataFrame, predictions: pd.DataFrame, lists: pd.DataFrame) -> list[Said]:
    """Say how many promises of the last report held, what came of its list, and what is promised now.

    Parameters
    ----------
    promises, predictions
        From `promises.score_promises` and `promises.predict_next`.
    lists
        From `list_promises.score_targets`.

    Returns
    -------
    list of Said
        One of promises by campaign, or of none; one of each earlier list; one of predictions.
    """
    held = int((promises["inside"] == "yes").sum())
    found: list[Said] = [("campaigns.promises", {"held": held, "scored": len(promises)})]
    if promises.empty:
        found = [] if lists["outcome"].isin(["hit", "miss"]).any() else [("campaigns.no_promises", {})]
    found += list_findings(lists)
    if len(predictions):
        found.append(("campaigns.predictions", {"n": len(predictions)}))
    return found


def marks_finding(marks: Composite) -> Said:
    """Say which campaign leads when all measures count, and how much that owes to the weights."""
    if len(marks.marks) < 2:
        return "campaigns.no_marks", {}
    first = marks.marks.iloc[0]
    values = {"first": first["name"], "grade": first["grade"], "share": float(first["first"])}
    return "campaigns.marks", values


def weights_finding(marks: Composite) -> list[Said]:
    """Say whether the judgements agree with each other, and how far the leader's rank hangs on weights."""
    if len(marks.marks) < 2:
        return []
    first = marks.marks.iloc[0]
    values = {"ratio": marks.inconsistency, "first": first["name"]}
    values |= {"high": int(first["rank_high"]), "low": int(first["rank_low"])}
    if marks.inconsistency > CONSISTENT:
        return [("campaigns.weights_contradict", values)]
    return [("campaigns.weights", values)]


def answers_finding(responses: pd.DataFrame) -> Said:
    """Say whether anything tells who will answer."""
    models = responses[responses["model"] != "share of before"]
    if models.empty:
        return "campaigns.no_answers", {}
    best = models.sort_values(["area", "model"]).iloc[-1]
    values = {"model": best["model"], "contacts": int(best["contacts"]), "area": float(best["area"])}
    key = "campaigns.answers" if best["area_low"] > 0.5 else "campaigns.answers_chance"
    return key, values
