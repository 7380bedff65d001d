"""When is a customer lost? After a silence from which more stay away than come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_helpers.analysis.estimates import wilson_estimate

__all__ = ["RULES", "ChurnWindow", "choose_window", "compare_rules", "lost_by"]

CANDIDATES = (14, 21, 28, 42, 56, 91, 122, 182, 274, 365)  # days
ENOUGH_ENDED = 0.9  # share of the pauses that ever end which have ended by then, at least
ENOUGH_STAY = 0.5  # share of the silent who come back within as long again, at most
PARTS = 4  # of the data one window may fill: learn, label, test, label
RULES = {"twice the own rhythm": 2.0, "three times the own rhythm": 3.0, "four times the own rhythm": 4.0}
"""Rules of the customer's own rhythm: silent for so many of his usual pauses."""


@dataclass(frozen=True)
class ChurnWindow:
    """The silence that counts as lost, and what was seen of every silence that was tried.

    `evidence`: `days`, `outlast` (share of pauses longer), `ended` (share ended by then of those
    that ever end), `back` (share of those silent for so long who
    come back within as long again), `silent` (customers silent for so long now). `reached` says that the
    rule was met; else the longest silence the data allow is taken. `contract` says that it is from contracts.
    """

    days: int
    reached: bool
    evidence: pd.DataFrame
    contract: bool = False

    @property
    def known(self) -> bool:
        """Whether any pause was ended by an order."""
        return bool((self.evidence["outlast"] < 1).any())

    @property
    def back(self) -> float:
        """Share of those silent for that long who come back within as long again."""
        found = self.evidence.loc[self.evidence["days"] == self.days, "back"]
        return float(found.iloc[0]) if len(found) else float("nan")


def choose_window(pauses: pd.DataFrame, *, span: int, wanted: int = 0) -> ChurnWindow:
    """Choose the shortest silence by which most pauses that end have ended, and few end soon after.

    By then nine of ten of the pauses that ever end have ended, so that the window is not shorter than the
    company's rhythm; and from it on at most half of the silent come back within as long again.

    Pauses are followed until an order ends them or the data do (Kaplan & Meier 1958), so that open
    pauses, the longest of all, are not left out. Customers who order seldom have few pauses and weigh
    less than in a count of customers.

    Parameters
    ----------
    pauses
        From `purchases.pauses`.
    span
        Days of data; a window is at most a quarter of them.
    wanted
        Days to take instead; 0 lets the evidence choose.

    Returns
    -------
    ChurnWindow
        The choice and its evidence.

    Examples
    --------
    >>> table = pd.DataFrame({"days": [10, 20, 30, 90], "ended": [50, 40, 5, 0], "open": [0, 0, 0, 5]})
    >>> choose_window(table, span=400).days
    21
    """
    longest = max(span // PARTS, CANDIDATES[0])
    tried = [days for days in CANDIDATES if days <= longest]
    if wanted and wanted not in tried:
        tried = sorted([*tried, wanted])
    days, total = pauses["days"].to_numpy(), pauses["open"].sum()
    survival = _survival(pauses)

    def outlast(length: int) -> float:
        return float(np.append(1.0, survival)[np.searchsorted(days, length, side="right")])

    back = [1 - outlast(2 * length) / outlast(length) if outlast(length) > 0 else 0.0 for length in tried]
    ever = 1 - float(survival[-1]) if len(survival) else 0.0
    ended = [(1 - outlast(length)) / ever if ever > 0 else 0.0 for length in tried]
    evidence = pd.DataFrame({
        "days": tried, "outlast": [outlast(length) for length in tried], "ended": ended, "back": back,
        "silent": [int(pauses.loc[days >= length, "open"].sum()) for length in tried],
    })  # fmt: skip
    evidence["share_silent"] = evidence["silent"] / max(int(total), 1)
    return_more = [
        place
        for place, (gone, share) in enumerate(zip(ended, back, strict=True))
        if share > ENOUGH_STAY or gone < ENOUGH_ENDED
    ]
    enough = tried[max(return_more, default=-1) + 1 :]
    return ChurnWindow(wanted or [*enough, tried[-1]][0], bool(enough), evidence)


def lost_by(table: pd.DataFrame, *, days: int, alive: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Say who is lost by each rule: a fixed silence, multiples of the own rhythm, the model of buying.

    A customer's rhythm is the mean of his pauses with one pause of the company's mean added, so that
    one pause alone does not make a rhythm.

    Parameters
    ----------
    table
        From `purchases.histories`.
    days
        The fixed silence.
    alive
        Probability of each to be still a customer.

    Returns
    -------
    dict
        By rule, whether each customer is called lost.
    """
    x, t_x, silent = (table[name].to_numpy(float) for name in ("x", "t_x", "T"))
    silent = silent - t_x
    usual = t_x.sum() / max(x.sum(), 1)
    rhythm = (t_x + usual) / (x + 1)
    called = {f"silent for {days} days": silent * 7 >= days}
    called |= {name: silent >= times * rhythm for name, times in RULES.items()}
    return called if alive is None else called | {"probability alive below one half": alive < 0.5}


def compare_rules(called: Mapping[str, np.ndarray], came_back: np.ndarray) -> pd.DataFrame:
    """Count both errors of each rule against what customers did next.

    Parameters
    ----------
    called
        From `lost_by`.
    came_back
        Whether each customer ordered in the days that followed.

    Returns
    -------
    pandas.DataFrame
        `rule`, `lost` (customers called lost), `wrongly` (share of them who came back), `missed` (share
        of those who stayed away and were not called) and their ends `_low`, `_high`; `errors` (the sum);
        the least sum first.
    """
    rows = []
    for rule, lost in called.items():
        wrongly = wilson_estimate(float((lost & came_back).sum()), float(lost.sum()))
        away = ~came_back
        missed = wilson_estimate(float((away & ~lost).sum()), float(away.sum()))
        rows.append((rule, int(lost.sum()), wrongly.value, wrongly.low, wrongly.high,
                     missed.value, missed.low, missed.high, wrongly.value + missed.value))  # fmt: skip
    names = ["rule", "lost", "wrongly", "wrongly_low", "wrongly_high", "missed", "missed_low", "missed_high"]
    table = pd.DataFrame(rows, columns=[*names, "errors"])
    return table.sort_values("errors", kind="stable", ignore_index=True)


def _survival(pauses: pd.DataFrame) -> np.ndarray:
    ended, still = pauses["ended"].to_numpy(float), pauses["open"].to_numpy(float)
    at_risk = (ended + still)[::-1].cumsum()[::-1]
    return np.asarray(np.cumprod(1 - np.divide(ended, at_risk, out=np.zeros_like(ended), where=at_risk > 0)))
