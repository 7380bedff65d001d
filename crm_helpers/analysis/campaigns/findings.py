"""What the campaigns' effects come to: which sentence to say, and the numbers in it."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from crm_helpers.analysis.campaigns.grades import ALIKE
from crm_helpers.analysis.campaigns.returns import Portfolio
from crm_helpers.record import Verdict

__all__ = [
    "Said",
    "action",
    "answer",
    "design_finding",
    "effect_finding",
    "likes_finding",
    "money_finding",
    "overlap",
    "placebo_finding",
    "progress_finding",
    "risk_finding",
    "silent_finding",
]

Said = tuple[str, dict[str, Any]]
"""Key of a sentence and its numbers."""


def progress_finding(table: pd.DataFrame) -> Said:
    """Say how many campaigns are finished, and how many kept to their plan."""
    if table.empty:
        return "campaigns.none", {}
    finished = table[table["state"] == "finished"]
    values = {"campaigns": len(table), "finished": len(finished)}
    if table[["cost_share", "reach_share"]].isna().all(axis=None):
        return "campaigns.progress_unplanned", values
    over, short = int((finished["cost_share"] > 1).sum()), int((finished["reach_share"] < 1).sum())
    return "campaigns.progress", values | {"over": over, "short": short}


def risk_finding(table: pd.DataFrame) -> list[Said]:
    """Say how many campaigns are late, over budget or short of answers, where any is."""
    kinds = {"late": "late", "over": "over budget", "answers": "short of answers"}
    counts = {key: int(table["risk"].str.contains(words).sum()) for key, words in kinds.items()}
    return [("campaigns.risks", counts)] if any(counts.values()) else []


def likes_finding(effects: pd.DataFrame) -> list[Said]:
    """Say how alike those compared are, and how strong a hidden cause would have to be."""
    compared = effects.dropna(subset=["imbalance_left"])
    if compared.empty:
        return []
    alike = compared["imbalance_left"] <= ALIKE
    steady = (compared["lead_low"] <= 0) & (compared["lead_high"] >= 0)
    counts = {"n": len(compared), "alike": int(alike.sum()), "steady": int(steady.sum())}
    strongest = compared.sort_values(["hidden_needed", "campaign_id"]).iloc[-1]
    hidden = {"name": strongest["name"], "needed": float(strongest["hidden_needed"])}
    hidden["known"] = float(strongest["hidden_known"])
    return [("campaigns.likes", counts), ("campaigns.hidden", hidden)]


def design_finding(found: Portfolio) -> Said:
    """Say how many campaigns can prove anything."""
    if not found.campaigns:
        return "campaigns.none", {}
    values = {"campaigns": found.campaigns, "targeted": found.targeted, "silent": found.silent}
    if not found.randomised:
        return "campaigns.no_proof", values
    return "campaigns.designs", values | {"randomised": found.randomised}


def silent_finding(found: Portfolio) -> Said:
    """Say how many campaigns have no grade."""
    return ("campaigns.silent", {"n": found.silent}) if found.silent else ("campaigns.all_judged", {})


def effect_finding(found: Portfolio) -> Said:
    """Say how many effects stand when all campaigns are looked at together."""
    if not found.judged:
        return "campaigns.no_effect", {"campaigns": found.campaigns}
    if not found.real:
        return "campaigns.no_real_effect", {"judged": found.judged}
    return "campaigns.effects", {"judged": found.judged, "real": found.real, "proven": found.real_proven}


def placebo_finding(effects: pd.DataFrame) -> Said:
    """Say how often the regression for targeted campaigns finds an effect where there is none."""
    tried = effects[effects["grade"].isin(["B", "C", "D"])].dropna(subset=["placebo_p"])
    if tried.empty:
        return "campaigns.no_placebo", {}
    failed = int((tried["grade"] == "D").sum())
    if not failed:
        return "campaigns.placebo_passed", {"tried": len(tried)}
    return "campaigns.placebo", {"tried": len(tried), "failed": failed}


def money_finding(found: Portfolio, *, margin: float | None) -> Said:
    """Say which campaigns earned their money."""
    if math.isnan(found.spent):
        return "campaigns.no_cost", {}
    if not found.judged:
        return "campaigns.no_effect", {"campaigns": found.campaigns}
    key = "campaigns.money_sales" if margin is None else "campaigns.money"
    return key, {"earned": found.earned, "lost": found.lost, "open": found.undecided}


def overlap(effects: pd.DataFrame) -> float:
    """Share of all contacts whose customer another campaign reached at about the same time."""
    known = effects.dropna(subset=["overlap"])
    return float((known["overlap"] * known["contacted"]).sum() / max(int(known["contacted"].sum()), 1))


def answer(found: Portfolio) -> tuple[str, Verdict, dict[str, Any]]:
    """Answer the page's question.

    Returns
    -------
    tuple
        Key, verdict and numbers: solid with a randomised campaign that is decided, indicative with any
        other that could be judged.
    """
    if not found.campaigns:
        return "campaigns.answer_none", "not enough data", {}
    if not found.judged:
        return "campaigns.answer_nothing", "not enough data", {"campaigns": found.campaigns}
    sure: Verdict = "solid" if found.solid else "indicative"
    values = {"judged": found.judged, "lost": found.lost}
    if found.best:
        values |= {"earned": found.earned, "proven": found.earned_proven}
        return "campaigns.answer_earned", sure, values | {"best": found.best, "net": found.best_net}
    if found.worst:
        return "campaigns.answer_lost", sure, values | {"worst": found.worst, "net": found.worst_net}
    unsure: Verdict = "indicative" if found.real or found.randomised else "not enough data"
    if not math.isnan(found.spent):
        return "campaigns.answer_open", unsure, {"judged": found.judged}
    counts = {"judged": found.judged, "real": found.real, "randomised": found.randomised}
    return "campaigns.answer_association", unsure, counts


def action(found: Portfolio) -> list[Said]:
    """Say what to do next, the most useful first."""
    steps: list[Said] = []
    if found.best:
        steps.append(("campaigns.do_repeat", {"best": found.best}))
    if found.worst:
        steps.append(("campaigns.do_stop", {"worst": found.worst, "net": found.worst_net}))
    if found.without_holdout:
        counts = {"without": found.without_holdout, "campaigns": found.campaigns}
        steps.append(("campaigns.do_hold_out", counts))
    return steps or [("campaigns.do_record", {})]
