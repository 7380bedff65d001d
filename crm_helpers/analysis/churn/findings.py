"""What the page on customer value says of leaving and of the next order, as sentences of the wording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_helpers.analysis.churn.models import score_of
from crm_helpers.analysis.churn.study import Churn
from crm_helpers.analysis.churn.window import ChurnWindow
from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.value.next_purchase import REPEAT
from crm_helpers.analysis.value.prediction import PREDICTED
from crm_helpers.analysis.value.study import Value

__all__ = [
    "best_rule",
    "calibrated",
    "drivers",
    "kept_model",
    "leaving",
    "loss",
    "lost",
    "lost_note",
    "lost_soon",
    "next_note",
    "next_order",
    "next_steps",
    "probable",
    "published_customers",
]  # fmt: skip

Sentence = tuple[str, dict[str, Any]]
LEAST_RISK = 0.2  # mean probability of no order from which an offer is worth a trial
FEWEST_TRIED = 20  # customers of a trial
MOST_WRONGLY = 0.5  # share of those called lost who came back, up to which a rule is of use
VALUABLE = 0.8  # quantile of value from which a customer counts as valuable


def lost(window: ChurnWindow) -> Sentence:
    """Say after which silence a customer counts as lost, and how sure that is.

    Parameters
    ----------
    window
        Result of `window_of`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if not window.known:
        return "value.no_pauses", {}
    if window.contract:
        return "value.lost_contract", {"days": window.days}
    if window.reached:
        return "value.lost", {"days": window.days}
    return "value.lost_unsure", {"days": window.days, "back": window.back}


def lost_note(window: ChurnWindow) -> Sentence:
    """Say how many come back after that silence, and how many are silent for so long.

    Parameters
    ----------
    window
        Result of `window_of`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if not window.known:
        return "value.not_predicted", {}
    silent = int(window.evidence.loc[window.evidence["days"] == window.days, "silent"].iloc[0])
    if window.contract:
        return "value.lost_contract_note", {"back": window.back, "silent": silent}
    if window.reached:
        return "value.lost_note", {"back": window.back, "silent": silent}
    return "value.lost_unsure_note", {"days": window.days, "silent": silent}


def best_rule(rules: pd.DataFrame) -> Sentence:
    """Say which rule makes the fewest errors of both kinds.

    Parameters
    ----------
    rules
        Result of `churn_rules`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    known = rules.dropna(subset=["errors"])
    if known.empty:
        return "value.no_rule", {}
    row = known.iloc[0]
    wrongly, missed = (
        Estimate(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))
        for name in ("wrongly", "missed")
    )
    key = "value.rule" if wrongly.value <= MOST_WRONGLY else "value.rule_weak"
    return key, {"rule": row["rule"], "wrongly": wrongly, "missed": missed}


def leaving(found: Churn) -> Sentence:
    """Say how well it can be told who leaves, and by which model.

    Parameters
    ----------
    found
        Result of `study_churn`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    values: dict[str, Any] = {"customers": found.customers, "left": found.left}
    if not found.kept:
        return "value.churn_too_few", values
    if not found.gain:
        return "value.churn_no_gain", {"area": found.area}
    top = found.lift.iloc[0]
    tenth = Estimate(*(float(top[f"actual{end}"]) for end in ("", "_low", "_high")))
    everybody = found.left / max(found.customers, 1)
    return "value.churn", {"tenth": tenth, "everybody": everybody}


def kept_model(found: Churn) -> Sentence:
    """Say which model was kept and why.

    Parameters
    ----------
    found
        Result of `study_churn`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if not found.kept:
        return "value.churn_untold", {}
    best = _at(found.models, found.models["auc"] == found.models["auc"].max())
    if best["model"] == found.kept:
        return "value.kept_best", {"model": found.kept, "day": found.learned, "test": found.tested}
    behind = score_of(found.models, found.kept, "behind")
    values = {"model": found.kept, "best": best["model"], "behind": behind}
    return "value.kept_simple", values | {"day": found.learned, "test": found.tested}


def calibrated(found: Churn) -> Sentence:
    """Say how near the probabilities came to what happened, and how they were made of scores.

    Parameters
    ----------
    found
        Result of `study_churn`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if not found.kept:
        return "value.not_calibrated", {}
    row = _at(found.models, found.models["model"] == found.kept)
    own = found.calibration[found.calibration["model"] == found.kept]
    worst = float((own["predicted"] - own["actual"]).abs().max())
    key = "value.calibrated_steps" if row["calibration"] == "isotonic" else "value.calibrated_line"
    return key, {"off": float(row["off"]), "worst": worst}


def drivers(found: Churn) -> Sentence:
    """Say what the model goes by most.

    Parameters
    ----------
    found
        Result of `study_churn`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.importance.empty:
        return "value.no_drivers", {}
    first, second = found.importance.iloc[0], found.importance.iloc[1]
    return "value.drivers", {"first": first["meaning"], "second": second["meaning"]}


def loss(found: Churn) -> Sentence:
    """Say what the model loses without what it goes by most.

    Parameters
    ----------
    found
        Result of `study_churn`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.importance.empty:
        return "value.churn_untold", {}
    first = found.importance.iloc[0]
    values = {"first": first["meaning"], "loss": float(first["loss"])}
    return "value.loss_note", values | {"model": found.explained}


def next_order(tests: pd.DataFrame) -> Sentence:
    """Say whether anything beats the simplest guess of the next order.

    Parameters
    ----------
    tests
        Result of `next_test`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    when, what = (tests[tests["question"] == question] for question in ("when", "what"))
    if when.empty:
        return "value.next_unknown", {}
    days = _estimate(_at(when, when["score"] == when["score"].min()))
    if what.empty:
        return "value.next_when", {"days": days}
    return "value.next_both", {
        "days": days,
        "share": _estimate(_at(what, what["score"] == what["score"].max())),
    }


def next_note(tests: pd.DataFrame) -> Sentence:
    """Say which methods came nearest.

    Parameters
    ----------
    tests
        Result of `next_test`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    when, what = (tests[tests["question"] == question] for question in ("when", "what"))
    if when.empty:
        return "value.next_untold", {}
    soonest = _at(when, when["score"] == when["score"].min())["method"]
    if what.empty:
        return "value.next_note_when", {"when": soonest}
    again = float(what.loc[what["method"] == REPEAT, "score"].iloc[0])
    likeliest = _at(what, what["score"] == what["score"].max())["method"]
    return "value.next_note", {"when": soonest, "what": likeliest, "again": again}


def next_steps(customers: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Say what to do: whom to look after, and on whom to try an offer.

    Parameters
    ----------
    customers
        From `published_customers`.

    Returns
    -------
    dict
        Values by key of the sentence; only where there are such customers.
    """
    steps: dict[str, dict[str, Any]] = {}
    known = customers.dropna(subset=["value"])
    if known.empty or known["value"].sum() <= 0:
        return steps
    least = float(known["value"].quantile(VALUABLE))
    valuable = known[known["value"] >= least]
    share = float(valuable["value"].sum() / known["value"].sum())
    steps["value.look_after"] = {"customers": len(valuable), "share": share, "least": least}
    risk = valuable["churn_probability"].dropna()
    level = float(np.quantile(risk, 0.9)) if len(risk) else np.nan
    chosen = valuable[valuable["churn_probability"] >= level]
    if len(chosen) >= FEWEST_TRIED and chosen["churn_probability"].mean() >= LEAST_RISK:
        steps["value.try_offer"] = {
            "customers": len(chosen), "risk": float(chosen["churn_probability"].mean()),
            "value": float(chosen["value"].sum()),
        }  # fmt: skip
    return steps


def lost_soon(customers: pd.DataFrame) -> float:
    """Add up the risk of `published_customers`: how many active ones will not order; not known without."""
    risk = customers["churn_probability"].dropna()
    return float(round(risk.sum())) if len(risk) else float("nan")


def probable(customers: pd.DataFrame) -> bool:
    """Whether every probability of `published_customers` that is known lies between 0 and 1."""
    shares = customers[["p_alive", "churn_probability"]]
    return not bool((shares.lt(0) | shares.gt(1)).any(axis=None))


def published_customers(
    found: Value, risk: pd.DataFrame, following: pd.DataFrame, *, window: int
) -> pd.DataFrame:
    """Bring what is expected of each customer into one published table.

    Parameters
    ----------
    found, risk, following
        Results of `value_now`, `risk_now` and `next_orders`.
    window
        Days of silence that count as lost.

    Returns
    -------
    pandas.DataFrame
        The table `customer_values`, by customer.
    """
    table = found.customers.merge(risk, on="customer_id", how="left").merge(
        following, on="customer_id", how="left"
    )
    silent = (table["T"] - table["t_x"]) * 7
    state = pd.array(np.where(silent < window, "active", "silent"), dtype="str")
    table = table.assign(state=state, silent_days=silent.round().astype(int), horizon_days=window)
    columns = ["customer_id", "state", "silent_days", "orders", "revenue", *PREDICTED, "value", "method",
               "churn_probability", "horizon_days", "next_order_days", "next_category"]  # fmt: skip
    return table[columns].sort_values("customer_id", ignore_index=True)


def _at(table: pd.DataFrame, chosen: pd.Series) -> pd.Series:
    return table[chosen].iloc[0]


def _estimate(row: pd.Series) -> Estimate:
    return Estimate(*(float(row[f"score{end}"]) for end in ("", "_low", "_high")))
