"""What the page on customer value says of value: findings as sentences of the wording, with their values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_helpers.analysis.churn.study import Churn
from crm_helpers.analysis.segments.findings import criteria_table
from crm_helpers.analysis.value.cohorts import share_of_top
from crm_helpers.analysis.value.holdout import best_rule
from crm_helpers.analysis.value.study import MODEL, Trial, Value
from crm_helpers.record import Verdict

__all__ = [
    "ahead", "answer", "buying_fit", "concentrated", "criteria", "criteria_table", "horizons", "judge",
    "missed", "model_used", "money_kept", "retention", "score_table", "spending", "tenths", "tested",
    "tested_by", "tracked",
]  # fmt: skip

Sentence = tuple[str, dict[str, Any]]
ENOUGH_CUSTOMERS, ENOUGH_AGAIN = 500, 100
MOST_MISSED, LEAST_RANK, LEAST_AREA, MOST_OFF = 0.1, 0.4, 0.65, 0.05
_TOGETHER = 0.1  # correlation of orders and order value above which the models' assumption is doubted


def money_kept(margin: float | None, *, discount: float) -> Sentence:
    """Say whether money is margin or sales.

    Parameters
    ----------
    margin
        Share of sales left after the cost of goods; None where not known.
    discount
        Rate a year.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if margin is None:
        return "value.sales", {"discount": discount}
    return "value.margin", {"margin": margin, "discount": discount}


def concentrated(curve: pd.DataFrame) -> Sentence:
    """Say what the tenth of customers who brought most brought.

    Parameters
    ----------
    curve
        From `cohorts.concentration`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if curve.empty:
        return "value.nothing_sold", {}
    return "value.concentrated", {"tenth": share_of_top(curve, 0.1), "half": share_of_top(curve, 0.5)}


def horizons(found: Value) -> pd.DataFrame:
    """Add up what is expected of all customers over 3, 6 and 12 months.

    Parameters
    ----------
    found
        Result of `value_now`.

    Returns
    -------
    pandas.DataFrame
        `ahead` (in words), `orders`, `value` (money, discounted), `each` (a customer); empty without a
        model.
    """
    if found.model is None:
        return pd.DataFrame({"ahead": [], "orders": [], "value": [], "each": []})
    table = found.customers
    rows = [
        (f"{months} months", table[f"orders_{months}m"].sum(), table[f"value_{months}m"].sum(),
         table[f"value_{months}m"].mean())
        for months in (3, 6, 12)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["ahead", "orders", "value", "each"])


def ahead(found: Value) -> Sentence:
    """Say what all customers are expected to bring in a year.

    Parameters
    ----------
    found
        Result of `value_now`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.model is None:
        return "value.no_model", {"customers": len(found.customers)}
    return "value.ahead", {"orders": found.orders, "money": found.plain_money}


def model_used(found: Value, tested: Trial) -> Sentence:
    """Say which model of buying was taken, how many are likely still customers, and what intervals hold.

    Parameters
    ----------
    found, tested
        Results of `value_now` and `trial`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.model is None:
        return "value.not_predicted", {}
    alive = float(found.customers["p_alive"].sum())
    values = {"model": found.model.buying.kind, "alive": alive, "customers": len(found.customers)}
    if not tested.errors:
        return "value.model_untested", values
    return "value.model", values | {"tests": len(tested.errors)}


def buying_fit(tested: Trial) -> Sentence:
    """Say which model of buying fits best, and by how much.

    Parameters
    ----------
    tested
        Result of `trial`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if tested.tried.empty:
        return "value.no_fit", {}
    kept = tested.tried[tested.tried["kept"]].iloc[0]
    values = {"model": kept["model"], "total": float(kept["total"])}
    if len(tested.tried) == 1:
        return "value.fit_contract", values
    usual = bool(tested.tried["kept"].iloc[0])
    return ("value.fit_usual" if usual else "value.fit_other"), values


def spending(found: Value) -> Sentence:
    """Say whether customers who order often spend more an order, which the models take not to be so.

    Parameters
    ----------
    found
        Result of `value_now`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    correlation = found.model.correlation if found.model else None
    if correlation is None or not correlation.known:
        return "value.spend_unknown", {}
    key = "value.spend_apart" if abs(correlation.value) <= _TOGETHER else "value.spend_together"
    return key, {"correlation": correlation}


def tested(found: Trial) -> Sentence:
    """Say how far the expected money was from what came.

    Parameters
    ----------
    found
        Result of `trial`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.comparison is None:
        return "value.not_tested", {"customers": found.customers, "day": found.split}
    return "value.tested", {"miss": found.miss, "days": found.days}


def missed(found: Trial) -> str:
    """Write by how much the money of the test was missed, for a check."""
    return f"off by {found.miss:.1%}" if np.isfinite(found.miss) else "not tested"


def tested_by(found: Trial) -> Sentence:
    """Say how well customers were ranked, and what to use.

    Parameters
    ----------
    found
        Result of `trial`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    if found.comparison is None:
        return "value.not_predicted", {}
    scores = found.comparison
    best = best_rule(scores.scores, MODEL)
    values = {
        "rank": scores.score(MODEL, "rank"), "rule": best, "rule_rank": scores.score(best, "rank"),
        "captured": scores.score(scores.used, "captured"),
    }  # fmt: skip
    return "value.model_better" if found.model_used else "value.rule_as_good", values


def score_table(found: Trial) -> pd.DataFrame:
    """Write the scores of all methods for people.

    Parameters
    ----------
    found
        Result of `trial`.

    Returns
    -------
    pandas.DataFrame
        `method`, `rank`, `error`, `captured`, `lift` (money of the tenth put highest ÷ the average
        customer's) with their ends, `total`.
    """
    if found.comparison is None:
        return pd.DataFrame({"method": []})
    scores = found.comparison.scores
    table = scores.drop(columns=[name for name in scores if "gain" in str(name)])
    tenth = max(found.customers // 10, 1) / found.customers
    return table.assign(**{f"lift{end}": table[f"captured{end}"] / tenth for end in ("", "_low", "_high")})


def tenths(table: pd.DataFrame) -> pd.DataFrame:
    """Name tenths of customers in words: `tenth` beside the columns of a table by `decile`."""
    ends = {1: "1st, the highest", 2: "2nd", 3: "3rd", 10: "10th, the lowest"}
    names = [ends.get(place, f"{place}th") for place in table["decile"]]
    return table.drop(columns="decile").assign(tenth=pd.array(names, dtype="str"))


def tracked(found: Trial) -> pd.DataFrame:
    """Lay expected and actual orders under each other, for a chart of lines.

    Parameters
    ----------
    found
        Result of `trial`.

    Returns
    -------
    pandas.DataFrame
        `week`, `line` (in words), `orders`.
    """
    names = {"actual": "what came", "expected": "the model"}
    long = found.tracking.rename(columns=names).melt("week", list(names.values()), "line", "orders")
    return long.astype({"orders": float})


def retention(table: pd.DataFrame) -> Sentence:
    """Say how many of the oldest and of the newest cohort ordered in the period after their first.

    Parameters
    ----------
    table
        From `cohorts.cohort_retention`.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values.
    """
    following = table[table["period"] == 1]
    if len(following) < 2:
        return "value.no_cohorts", {}
    old, new = following.iloc[0], following.iloc[-1]
    return "value.cohorts", {
        "old": old["cohort"], "old_share": float(old["share"]), "new": new["cohort"],
        "new_share": float(new["share"]),
    }  # fmt: skip


def criteria(found: Value, trial: Trial, churn: Churn) -> pd.DataFrame:
    """List what predictions must show before they are called solid.

    Parameters
    ----------
    found, trial, churn
        Results of `value_now`, `trial` and `study_churn`.

    Returns
    -------
    pandas.DataFrame
        `criterion`, `found`, `needed`, `met`.
    """
    again = float((found.customers["x"] > 0).sum())
    rank = trial.comparison.score(trial.comparison.used, "rank").value if trial.comparison else np.nan
    off = (churn.lift["predicted"] - churn.lift["actual"]).abs().mean() if len(churn.lift) else np.nan
    rows = [
        ("customers who ordered", float(len(found.customers)), ENOUGH_CUSTOMERS, True),
        ("customers who ordered again", again, ENOUGH_AGAIN, True),
        ("money of the test, share missed (at most)", trial.miss, MOST_MISSED, False),
        ("agreement of predicted and actual ranks", rank, LEAST_RANK, True),
        ("simple rules that do as well as the model (at most)", float(not trial.model_used), 0.0, False),
        ("area under the curve of churn, lower end", churn.area.low, LEAST_AREA, True),
        ("predicted churn, mean distance from actual (at most)", off, MOST_OFF, False),
    ]
    table = pd.DataFrame(rows, columns=["criterion", "found", "needed", "least"])
    table["met"] = np.where(
        table["least"], table["found"] >= table["needed"], table["found"] <= table["needed"]
    )
    return table.drop(columns="least")


def judge(found: Value, table: pd.DataFrame) -> Verdict:
    """Say how far the predictions can be trusted.

    Parameters
    ----------
    found
        Result of `value_now`.
    table
        Result of `criteria`.

    Returns
    -------
    str
        "not enough data" without a model, "solid" when every criterion is met, else "indicative".
    """
    if found.model is None:
        return "not enough data"
    return "solid" if bool(table["met"].all()) else "indicative"


def answer(found: Value, trial: Trial, table: pd.DataFrame, *, customers: pd.DataFrame) -> Sentence:
    """Choose the sentence that answers the page, with its values.

    Parameters
    ----------
    found, trial
        Results of `value_now` and `trial`.
    table
        Result of `criteria`.
    customers
        Result of `published_customers`, for the risk.

    Returns
    -------
    tuple of str and dict
        Key of the sentence and its values, the verdict among them.
    """
    verdict = judge(found, table)
    if found.model is None:
        return "value.too_few", {"verdict": verdict, "customers": len(found.customers)}
    value = found.customers["value"]
    top = float(value.nlargest(max(len(value) // 10, 1)).sum() / value.sum()) if value.sum() > 0 else np.nan
    numbers = {"verdict": verdict, "money": found.plain_money, "top": top, "customers": len(value)}
    if trial.comparison is None:
        return "value.answer_untested", numbers
    risk = customers["churn_probability"].dropna()
    if risk.empty:
        return "value.answer_money", numbers | {"miss": trial.miss}
    days = int(customers["horizon_days"].iloc[0])
    leaving = {"leaving": round(float(risk.sum())), "active": len(risk), "days": days}
    return "value.answer", numbers | leaving | {"miss": trial.miss}
