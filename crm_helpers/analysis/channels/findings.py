"""What the numbers about channels come to: which sentence to say, and the numbers in it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from crm_helpers.analysis.channels.budget_plan import BudgetPlan
from crm_helpers.analysis.channels.measures import measure
from crm_helpers.analysis.channels.response import ResponseCurves
from crm_helpers.analysis.channels.shapes import CONCAVE, order_of
from crm_helpers.analysis.estimates import Estimate
from crm_helpers.record import Verdict

__all__ = [
    "Said",
    "action",
    "agreement",
    "answer",
    "campaign_sentences",
    "curve_sentences",
    "extremes",
    "marks",
    "next_month",
    "plan_finding",
    "price_finding",
    "response_finding",
    "satisfaction_sentences",
    "spent_sentences",
    "together",
    "ways",
]

Said = tuple[str, dict[str, Any]]
"""Key of a sentence and its numbers."""

_WHAT = {
    "satisfaction": "satisfaction", "conversion": "conversion",
    "order value": "the value of an order", "churn": "churn", "response": "the share of contacts that answer",
}  # fmt: skip


_ANSWERS = {
    "order value": "channels.answer_value", "response": "channels.answer_response",
    "satisfaction": "channels.answer_satisfaction",
}  # fmt: skip


def extremes(evaluation: pd.DataFrame, name: str) -> Said:
    """Say which channel is best and which is worst in a measure, when they can be told apart.

    Parameters
    ----------
    evaluation
        From `channels.evaluate` or `campaign_channels.evaluate_campaigns`.
    name
        A key of `MEASURES`.

    Returns
    -------
    Said
        The best and the worst among the ranked; that they are alike when their intervals meet; or that
        there is nothing to compare, or nothing known.
    """
    rows = measure(evaluation, name)
    ranked = rows.dropna(subset=["rank"]).reset_index(drop=True)
    if rows.empty:
        return "channels.unknown", {"what": _WHAT[name]}
    if len(ranked) < 2:
        return "channels.nothing", {"what": _WHAT[name], "channels": len(rows)}
    best, worst = _estimate(ranked, 0), _estimate(ranked, -1)
    if not (best.low > worst.high or best.high < worst.low):
        return "channels.alike", {"what": _WHAT[name], "channels": len(ranked)}
    names = {"best": ranked["channel"].iloc[0], "worst": ranked["channel"].iloc[-1]}
    return f"channels.{name.replace(' ', '_')}", {**names, "most": best, "least": worst}


def response_finding(fitted: ResponseCurves) -> Said:
    """Say where a tenth more money brings most more orders, and where least."""
    rows = fitted.curves.sort_values(["tenth", "channel"])
    if rows.empty:
        return "channels.no_curve", {}
    best: dict[str, Any] = {"best": rows["channel"].iloc[-1], "most": rows["tenth"].iloc[-1]}
    if len(rows) == 1:
        return "channels.one_curve", best
    return "channels.curves", best | {"worst": rows["channel"].iloc[0], "least": rows["tenth"].iloc[0]}


def next_month(as_of: date) -> date:
    """Find the first calendar month that can still be planned whole: its first day."""
    later = (as_of.replace(day=1) + timedelta(days=32)).replace(day=1)
    return as_of if as_of.day == 1 else later


def plan_finding(plan: BudgetPlan, *, month: date | None = None) -> Said:
    """Say what the best division of the budget gains in a month, or why there is none."""
    if plan.advice == "nothing to divide":
        return "channels.nothing_to_divide", {"channels": len(plan.table)}
    if plan.advice == "limits conflict":
        return "channels.conflict", {"limits": "; ".join(plan.conflict)}
    if plan.advice == "budget too small":
        return "channels.too_small", {"budget": plan.budget, "least": plan.least}
    if plan.advice == "budget too large":
        return "channels.too_large", {"budget": plan.budget, "most": plan.most}
    values = {"gain": plan.gain, "budget": plan.budget, "month": _named(month)}
    return f"channels.{plan.advice.replace(' ', '_')}", values


def agreement(plan: BudgetPlan) -> str:
    """Say what ways of dividing the budget are held against each other for."""
    if plan.concave:
        return "Three ways of dividing the budget come to the same plan"
    return "Two ways of dividing the budget over an S-shaped curve bring the same"


def ways(plan: BudgetPlan) -> str:
    """Name these ways."""
    return "linear program, greedy, equal marginal value" if plan.concave else "a fine and a coarse grid"


def spent_sentences(plan: BudgetPlan) -> list[Said]:
    """Say that the whole budget is used, or why not, and which limit costs most."""
    if not plan.gain.known:
        return []
    left = plan.budget - float(plan.table["cost_planned"].sum())
    said: list[Said] = [("channels.spent", {"budget": plan.budget})]
    if plan.why_unspent:
        said = [("channels.unspent", {"left": left, "why": plan.why_unspent})]
    rest = plan.prices[plan.prices["kind"] != "budget"].sort_values(["price", "limit"])
    if rest.empty or not rest["price"].iloc[-1] > 0:
        return said
    limit = rest.iloc[-1]
    values = {"limit": limit["limit"], "at": float(limit["at"]), "price": float(limit["price"])}
    return [*said, ("channels.dearest", values)]


def _named(month: date | None) -> str:
    return f"{month:%B %Y}" if month else "a month"


def price_finding(plan: BudgetPlan, margin: float | None) -> Said:
    """Say what one more unit of money would bring, and whether it pays where the cost of goods is known."""
    values = {"price": plan.shadow_price}
    if margin is None:
        return "channels.price_sales", values
    return ("channels.price_above" if plan.shadow_price >= 1 else "channels.price_below"), values


def answer(plan: BudgetPlan, evaluation: pd.DataFrame) -> tuple[str, Verdict, dict[str, Any]]:
    """Answer the question from the plan, else by the worth of orders, answers, satisfaction or contacts.

    Returns
    -------
    tuple
        Key, verdict and numbers. Money moved by curves from recorded months is at best indicative: only
        a test in which cost is varied on purpose would make it solid.
    """
    if plan.advice == "move":
        return "channels.answer_move", "indicative", _moved(plan) | {"gain": plan.gain}
    if plan.advice == "do not move":
        return "channels.answer_stay", "indicative", {"gain": plan.gain}
    if plan.advice != "nothing to divide":
        key, values = plan_finding(plan)
        return key, "not enough data", values
    return _by_channel(evaluation)


def _by_channel(evaluation: pd.DataFrame) -> tuple[str, Verdict, dict[str, Any]]:
    alike = []
    for name, said in _ANSWERS.items():
        key, values = extremes(evaluation, name)
        if key == f"channels.{name.replace(' ', '_')}":
            return said, "indicative", values
        alike += [values["what"]] * (key == "channels.alike")
    if alike:
        return "channels.answer_alike", "not enough data", {"what": " or ".join(alike)}
    contacts = measure(evaluation, "answer share").sort_values("cases", ascending=False, kind="stable")
    if len(contacts) > 1:
        most, every = int(contacts["cases"].iloc[0]), int(contacts["cases"].sum())
        values = {"best": contacts["channel"].iloc[0], "contacts": most, "all": every, "share": most / every}
        return "channels.answer_contacts", "not enough data", values
    return "channels.answer_nothing", "not enough data", {}


def action(plan: BudgetPlan, *, month: date | None = None) -> Said:
    """Say what to do next."""
    if plan.advice == "move":
        return "channels.do_move", _moved(plan) | {"month": _named(month)}
    if plan.advice == "do not move":
        return "channels.do_test", {}
    if plan.advice == "limits conflict":
        return "channels.do_ease", {"limits": " or ".join(plan.conflict)}
    if plan.advice != "nothing to divide":
        return "channels.do_range", {"least": plan.least, "most": plan.most}
    return "channels.do_record", {}


def marks(fitted: ResponseCurves, plan: BudgetPlan) -> pd.DataFrame:
    """Place the present and the planned cost on each curve: `channel`, `cost`, `orders`, `label`."""
    places = [
        plan.table[["channel"]].assign(
            cost=plan.table[f"cost_{when}"], orders=plan.table[f"orders_{when}"], label=when
        )
        for when in ("now", "planned")
    ]
    both = pd.concat(places, ignore_index=True)
    return both[both["channel"].isin(fitted.curves["channel"])].reset_index(drop=True)


def satisfaction_sentences(evaluation: pd.DataFrame) -> list[Said]:
    """Say who is most content, and who gave no score."""
    said = [extremes(evaluation, "satisfaction")]
    return [*said, ("channels.bias", {})] if len(measure(evaluation, "satisfaction")) else said


def campaign_sentences(evaluation: pd.DataFrame) -> list[Said]:
    """Say whose campaigns are answered most, and that later spend has no rank."""
    said = [extremes(evaluation, "response")]
    return [*said, ("channels.spend", {})] if len(measure(evaluation, "spend after contact")) else said


def curve_sentences(fitted: ResponseCurves, plan: BudgetPlan, margin: float | None) -> list[Said]:
    """Say what more money brings, what is counted of an order, who has no curve, and what to beware of."""
    said = [response_finding(fitted), *_shape_sentences(fitted), *_test_sentences(fitted)]
    if margin and len(plan.table):
        said.append(("channels.gross", {"margin": margin}))
    if fitted.unfit:
        names = "; ".join(f"{name} ({why})" for name, why in fitted.unfit.items())
        said.append(("channels.left_out", {"channels": names}))
    caution = "channels.caution" if fitted.tests.empty else "channels.caution_tested"
    return [*said, (caution, {})] if len(fitted.curves) else said


def _shape_sentences(fitted: ResponseCurves) -> list[Said]:
    """Say which shape the curves have, and how each did on months it had not seen."""
    choice, missed = fitted.choice, fitted.choice.missed
    if fitted.curves.empty:
        return []
    if not missed:
        return [("channels.shape_untried", {"shape": choice.shape})]
    key = "channels.shape_kept" if choice.shape == "power" else "channels.shape_other"
    tried: dict[str, Any] = {shape: missed[shape] for shape in CONCAVE}
    common: Said = (key, {"months": int(choice.tried["months"].max()), "chosen": choice.shape, **tried})
    own: list[Said] = [
        ("channels.shape_s", {"channel": name, "order": order_of(shape)})
        for name, shape in choice.s_shaped.items()
    ]
    return [common, *own] if own or choice.asked else [common, ("channels.shape_no_s", {})]


def _test_sentences(fitted: ResponseCurves) -> list[Said]:
    """Say of each lift test what it found beside the curve of the months, and what the curve says now."""
    return [
        (
            "channels.lift_agrees" if row["held"] else "channels.lift_moved",
            {
                "channel": row["channel"], "found": Estimate(row["orders"], row["low"], row["high"]),
                "without": float(row["expected_without"]), "now": float(row["expected"]),
            },
        )
        for _place, row in fitted.tests.iterrows()
    ]  # fmt: skip


def together(evaluation: pd.DataFrame, *others: pd.DataFrame) -> pd.DataFrame:
    """Put measures of channels, of their months and of campaigns into one table, as it is published."""
    known = [rows for rows in (evaluation, *others) if len(rows)]
    return pd.concat(known or [evaluation], ignore_index=True)


def _moved(plan: BudgetPlan) -> dict[str, Any]:
    """Name the channels that get and lose most money, and add up what leaves any channel."""
    by = plan.table["cost_planned"] - plan.table["cost_now"]
    change = plan.table.assign(by=by).sort_values(["by", "channel"])["channel"]
    return {"to": change.iloc[-1], "origin": change.iloc[0], "moved": float(-by.clip(upper=0).sum())}


def _estimate(rows: pd.DataFrame, place: int) -> Estimate:
    row = rows.iloc[place]
    return Estimate(float(row["value"]), float(row["low"]), float(row["high"]))
