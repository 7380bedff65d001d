"""What credit and contacts come to: which sentences to say, and the numbers in them."""

from __future__ import annotations

import pandas as pd

from crm_helpers.analysis.channels.contact_plan import ContactPlan
from crm_helpers.analysis.channels.findings import Said

__all__ = ["contact_actions", "contact_sentences", "credit_sentences"]

_SAME_SHARE = 0.01  # of all credit: what is closer reads as one number


def credit_sentences(credit: pd.DataFrame) -> list[Said]:
    """Say who gets the credit, whether the ways agree, and that credit is not cause."""
    if credit.empty:
        return [("channels.no_paths", {})]
    best = credit.sort_values(["linear", "channel"], ascending=[False, True]).iloc[0]
    apart = credit.loc[credit["disagree"].astype(bool), "channel"]
    agreed: Said = ("channels.credit_agree", {})
    if len(apart):
        agreed = ("channels.credit_disagree", {"channels": ", ".join(apart)})
    most: Said = (
        "channels.credit",
        {"best": best["channel"], "low": best["lowest"], "high": best["highest"]},
    )
    if best["highest"] - best["lowest"] < _SAME_SHARE:
        most = (
            "channels.credit_alike",
            {"best": best["channel"], "share": best["linear"] / credit["linear"].sum()},
        )
    return [
        most,
        agreed,
        ("channels.credit_note", {"orders": round(float(credit["last"].sum()))}),
    ]


def contact_sentences(plan: ContactPlan) -> list[Said]:
    """Say what the next contacts are expected to bring, and what proves the list."""
    if plan.cells.empty:
        return [("channels.contacts_untested", {})]
    if not plan.contacts:
        return [("channels.contacts_none", {})]
    worth = {"contacts": plan.contacts, "gain": plan.gain}
    sent = plan.limits.sort_values(["sent", "channel"])["channel"]
    first: Said = ("channels.contacts_unsure", worth)
    if plan.gain.low > 0:
        first = ("channels.contacts", {**worth, "channel": sent.iloc[-1]})
    return [first, ("channels.contacts_proof", {"held_out": plan.held_out, "gap": max(plan.gap, 1e-3)})]


def contact_actions(plan: ContactPlan) -> list[Said]:
    """Say what to do with the list; nothing where it is empty."""
    if not plan.contacts:
        return []
    values = {"contacts": plan.contacts, "held_out": plan.held_out}
    if plan.gain.low > 0:
        return [("channels.do_contact", values)]
    return [("channels.do_try", {**values, "gain": plan.gain})]
