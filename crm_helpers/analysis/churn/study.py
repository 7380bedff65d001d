"""Churn of a company: the silence that counts, models tried on later days, and the risk of each customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from crm_helpers.analysis.churn.calibration import (
    CALIBRATED,
    calibration_table,
    distance,
    fit_calibration,
)
from crm_helpers.analysis.churn.features import (
    BY_RHYTHM,
    FEATURES,
    Snapshot,
    find_leaks,
    snapshot,
    stacked,
)
from crm_helpers.analysis.churn.insight import DEPENDENCE, IMPORTANCE, dependence, importance, lift
from crm_helpers.analysis.churn.models import (
    ALIKE,
    ALONE,
    LOGISTIC,
    MOST_LEARNED,
    SCORED,
    TRAINED,
    compare_models,
    fit_churn,
    score_of,
)
from crm_helpers.analysis.churn.rhythm import fit_leaving, no_order
from crm_helpers.analysis.churn.window import ChurnWindow, choose_window, compare_rules, lost_by
from crm_helpers.analysis.estimates import Estimate
from crm_helpers.analysis.value.lookback import Past, look_back
from crm_helpers.analysis.value.purchases import DAYS_A_WEEK, OrderBook, pauses

__all__ = ["Churn", "churn_rules", "risk_now", "study_churn", "window_of"]

FEWEST = 100  # active customers to learn from, and to test on
FEWEST_LEAVING = 30  # and as many who stay
_UNKNOWN = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Churn:
    """Which model was kept and what it showed on days later than those it learned from.

    Without enough customers of both kinds `models` is empty and nothing is predicted. `gain` says that
    the kept model tells who leaves better than chance. `explained` is the trained model that importance
    and dependence are of: the kept one, or the logistic one where the kept one learns from no features.
    """

    window: int
    learned: date
    tested: date
    customers: int
    left: int
    models: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*SCORED, "calibration", "off"])
    )
    scores: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"customer_id": []}))
    kept: str = ""
    explained: str = ""
    leaks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["feature", "reason"]))
    importance: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=IMPORTANCE))
    dependence: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=DEPENDENCE))
    calibration: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=CALIBRATED))
    lift: pd.DataFrame = field(default_factory=lambda: lift(np.zeros(0), np.zeros(0, bool)))

    @property
    def area(self) -> Estimate:
        """Area under the curve of the kept model."""
        return score_of(self.models, self.kept, "auc") if self.kept else _UNKNOWN

    @property
    def gain(self) -> bool:
        """Whether the kept model surely tells more than chance."""
        return self.area.known and self.area.low > 0.5


def window_of(book: OrderBook, *, wanted: int = 0) -> ChurnWindow:
    """Choose the silence that counts as lost, from the company's own pauses.

    Parameters
    ----------
    book
        From `purchases.order_book`.
    wanted
        Days to take instead; 0 takes what contracts say, else lets the evidence choose.

    Returns
    -------
    ChurnWindow
        The choice and its evidence.
    """
    if book.terms and not wanted:
        known = choose_window(pauses(book), span=book.span, wanted=round(book.terms.lost_after * DAYS_A_WEEK))
        return replace(known, reached=True, contract=True)
    return choose_window(pauses(book), span=book.span, wanted=wanted)


def churn_rules(past: Past, *, window: int) -> pd.DataFrame:
    """Try the rules that call a customer lost against what customers did since.

    Parameters
    ----------
    past
        From `look_back`, one window ago, with what came after.
    window
        Days of silence.

    Returns
    -------
    pandas.DataFrame
        As from `compare_rules`; empty where hardly anybody had ordered by then.
    """
    if len(past.table) < FEWEST or past.model is None:
        return compare_rules({}, np.array([], bool))
    called = lost_by(past.table, days=window, alive=past.model.alive(past.table))
    return compare_rules(called, (past.table["later_orders"] > 0).to_numpy())


def study_churn(
    book: OrderBook, communications: ibis.Table, past: Past, *, window: int, draws: int = 200, seed: int = 1,
    level: float = 0.95,
) -> tuple[Churn, Snapshot]:  # fmt: skip
    """Learn at one day who leaves in the window after it, and test a window later on who left then.

    Parameters
    ----------
    book, communications
        From `purchases.order_book`, and canonical communications.
    past
        From `look_back`, one window ago, with what came after: the test.
    window
        Days of silence that count as lost.
    draws, seed, level
        Of the models and the bootstrap intervals.

    Returns
    -------
    tuple of Churn and Snapshot
        The result, and the customers to learn from for predictions of today.
    """
    learned = past.day - timedelta(days=window)
    later = snapshot(book, communications, past, window=window, label=True)
    nothing = Churn(window, learned, past.day, len(later.customers), _leaving(later))
    if not _enough(later):
        return nothing, later
    kind = past.model.kind if past.model else None
    before = look_back(book, ago=2 * window, ahead=window, kind=kind)
    earlier = snapshot(book, communications, before, window=window, label=True)
    if not _enough(earlier):
        return nothing, later
    both = earlier
    if len(earlier.customers) < MOST_LEARNED:
        between = look_back(book, ago=2 * window + window // 2, ahead=window, kind=kind)
        both = stacked(earlier, snapshot(book, communications, between, window=window, label=True))
    return _tried(nothing, both, later, draws=draws, seed=seed, level=level), _latest(later, earlier)


def risk_now(
    found: Churn, latest: Snapshot, book: OrderBook, communications: ibis.Table, *, now: Past, seed: int = 1
) -> pd.DataFrame:
    """Predict for every active customer whether he leaves, by the kept model learned on the latest days.

    Parameters
    ----------
    found, latest
        Result of `study_churn`.
    book, communications
        As there.
    now
        From `look_back`, as of the day the numbers stand for.
    seed
        Of the model.

    Returns
    -------
    pandas.DataFrame
        `customer_id`, `churn_probability`; empty where no model tells more than chance.
    """
    if not found.gain:
        return pd.DataFrame(
            {"customer_id": pd.Series(dtype="str"), "churn_probability": pd.Series(dtype=float)}
        )
    today = snapshot(book, communications, now, window=found.window, label=False)
    scores, asked = _untrained(latest, today, window=found.window)
    if found.kept in TRAINED:
        features = _usable(latest, scores, found.leaks)
        model = fit_churn(features, _labels(latest), kind=found.kept, customers=latest.customers, seed=seed)
        risk = model.predict(_usable(today, asked, found.leaks))
    else:
        risk = fit_calibration(scores[found.kept], _labels(latest), seed=seed)(asked[found.kept])
    return pd.DataFrame({"customer_id": today.customers, "churn_probability": risk})


def _tried(begun: Churn, earlier: Snapshot, later: Snapshot, *, draws: int, seed: int, level: float) -> Churn:
    learned, tested = _labels(earlier), _labels(later)
    leaks = find_leaks(earlier.features, learned, day=earlier.day)
    scores, asked = _untrained(earlier, later, window=begun.window)
    features, unseen = _usable(earlier, scores, leaks), _usable(later, asked, leaks)
    who = earlier.customers
    fitted = {kind: fit_churn(features, learned, kind=kind, customers=who, seed=seed) for kind in TRAINED}
    lines = {kind: fit_calibration(scores[kind], learned, seed=seed) for kind in scores}
    predicted = {kind: lines[kind](asked[kind]) for kind in lines}
    predicted |= {kind: fitted[kind].predict(unseen) for kind in fitted}
    ways = {kind: line.kind for kind, line in lines.items()}
    ways |= {kind: model.calibration.kind for kind, model in fitted.items()}
    truth = calibration_table(predicted, tested)
    models = compare_models(predicted, tested, draws=draws, seed=seed, level=level)
    models = models.assign(
        calibration=models["model"].map(ways), off=[distance(truth, name) for name in models["model"]]
    )
    kept = str(models.loc[models["kept"], "model"].iloc[0])
    explained = kept if kept in TRAINED else LOGISTIC
    drivers = importance(fitted[explained], unseen, tested, words=FEATURES, seed=seed)
    names = drivers["feature"].head(3).tolist()
    return replace(
        begun, models=models, scores=pd.DataFrame({"customer_id": later.customers, **predicted}), kept=kept,
        explained=explained, leaks=leaks, importance=drivers,
        dependence=dependence(fitted[explained], unseen, names, words=FEATURES, seed=seed),
        lift=lift(predicted[kept], tested, level=level), calibration=truth,
    )  # fmt: skip


def _untrained(
    known: Snapshot, asked: Snapshot, *, window: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Score customers of both days by the models that learn from no features."""
    leaving = fit_leaving(known.rhythm, _labels(known), window=window)
    known_alike, asked_alike = (
        no_order(each.rhythm, leaving=leaving, window=window) for each in (known, asked)
    )
    return {ALONE: known.alone, ALIKE: known_alike}, {ALONE: asked.alone, ALIKE: asked_alike}


def _latest(later: Snapshot, earlier: Snapshot) -> Snapshot:
    """Learn from the latest day alone where its customers are enough, else from an earlier one too."""
    return later if len(later.customers) >= MOST_LEARNED else stacked(later, earlier)


def _usable(known: Snapshot, scores: Mapping[str, np.ndarray], leaks: pd.DataFrame) -> pd.DataFrame:
    """Leave out what leaks; what the rhythm alone says is a feature to the models that learn."""
    usable = known.features.drop(columns=leaks["feature"].tolist(), errors="ignore")
    return usable.assign(**{BY_RHYTHM: scores[ALIKE]})


def _labels(known: Snapshot) -> np.ndarray:
    return np.zeros(0, bool) if known.churned is None else known.churned


def _leaving(known: Snapshot) -> int:
    return int(_labels(known).sum())


def _enough(known: Snapshot) -> bool:
    leaving, customers = _leaving(known), len(known.customers)
    return customers >= FEWEST and min(leaving, customers - leaving) >= FEWEST_LEAVING
