"""How well a campaign's effect is known: its design, why it is not judged, and the grade of evidence.

`A` randomised, and the arms are as planned and alike before the start. The others are targeted,
in waves or at once. `B` the
placebo finds nothing, customers have their likes, and three ways to estimate agree. `C` the placebo finds
nothing. `D` it does or could not be tried, or those compared are not alike: an association only. No
grade where the data do not carry an effect; `reason` says why.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from crm_helpers.analysis.estimates import benjamini_hochberg, rounded

__all__ = [
    "ALIKE",
    "BALANCE_LEVEL",
    "PARTS",
    "PLACEBO_LEVEL",
    "STAGGERED",
    "UNLIKE",
    "designs",
    "graded",
    "reasons",
]

BALANCE_LEVEL = 0.001
"""Below this p-value the arms are not as a random draw would leave them, and the effect is refused."""

PLACEBO_LEVEL = 0.05
"""Below this p-value the comparison sees an effect before there was one."""

ALIKE = 0.1
"""Largest standardised difference of a covariate, after weighting, at which customers count as alike."""

UNLIKE = 0.25
"""Above this difference after weighting those compared are no likes (Rubin 2001)."""

STAGGERED = "staggered"
"""Design of a targeted campaign that reached its customers in waves: who waits shows what would have been."""

PARTS = ("", "_low", "_high", "_error", "_p")
"""What an effect's columns end with."""

_KINDS = ("effect", "difference", "placebo")
_POWER = float(stats.norm.ppf(0.975) + stats.norm.ppf(0.8))  # 2.80 errors are found 4 times in 5


def designs(table: pd.DataFrame) -> list[str]:
    """Say how customers were chosen: randomised, not consistent with it, targeted, or empty."""
    broken = (table["ratio_p"] < BALANCE_LEVEL) | (table["balance_p"] < BALANCE_LEVEL)
    held_out = table["held_out"].eq(True)
    cases = [~(table["contacted"] > 0), held_out & broken, held_out]
    return list(np.select(cases, ["", "not consistent", "randomised"], "targeted"))


def reasons(
    table: pd.DataFrame, plan: pd.DataFrame, *, today: pd.Timestamp, first: pd.Timestamp, minimum: int
) -> list[str]:
    """Say why a campaign is not judged; empty where it is.

    Parameters
    ----------
    table
        With `design`, the arms and `effect_error`.
    plan
        From `panel.windows`, the same campaigns in the same order.
    today, first
        The day the numbers stand for, and the first day with transactions.
    minimum
        Customers an arm must have.

    Returns
    -------
    list of str
        One a campaign.
    """
    targeted, broken, staggered = (
        table["design"] == name for name in ("targeted", "not consistent", STAGGERED)
    )
    people = table["treated"].where(staggered, table[["treated", "compared"]].min(axis=1))
    cases = {
        "not started": plan["starts_on"] >= today,
        "nobody contacted": ~(table["contacted"] > 0),
        "window not over": plan["outcome_until"] > today,
        "no history before the start": targeted & ~(plan["before_from"] >= first),
        "no weeks to compare with": staggered & ~(table["effect_error"] > 0),
        "nobody to compare with": ~staggered & (table["compared"] == 0),
        "too few customers": people < minimum,
        "arms not in the planned ratio": broken & (table["ratio_p"] < BALANCE_LEVEL),
        "arms differ before the start": broken,
        "spend does not vary": ~(table["effect_error"] > 0),
    }
    return list(np.select([np.asarray(case, bool) for case in cases.values()], list(cases), ""))


def graded(table: pd.DataFrame, *, placebo_possible: pd.Series) -> pd.DataFrame:
    """Grade every effect and hide those that are not judged.

    Parameters
    ----------
    table
        With `design`, `reason`, effect, placebo and the second opinions.
    placebo_possible
        Whether the history is long enough for the placebo.

    Returns
    -------
    pandas.DataFrame
        With `grade`, `detectable` and `p_adjusted` over the portfolio.
    """
    known = table["reason"] == ""
    error = table["effect_error"].where(table["effect_error"] > 0, table["difference_error"])
    shown = [*(f"{kind}{end}" for kind in ("effect", "change", "lead") for end in PARTS[:3]), "effect_p"]
    hidden = {c: table[c].where(known) for c in shown}
    tested = {f"placebo{p}": table[f"placebo{p}"].where(known & placebo_possible) for p in PARTS}
    detectable = (_POWER * error).where(known | (table["reason"] == "too few customers"))
    found = table.assign(**hidden, **tested, detectable=detectable)
    passes = (found["placebo_p"] >= PLACEBO_LEVEL) & ~(found["imbalance_left"] > UNLIKE)
    cases = [~known, found["design"] == "randomised", passes & _agree(found), passes]
    found["grade"] = np.select(cases, ["", "A", "B", "C"], "D")
    found["p_adjusted"] = benjamini_hochberg(found["effect_p"].to_numpy(float))
    inner = ["held_out", "holdout_share", "groups_treated", *(f"{k}_error" for k in _KINDS)]
    return rounded(found.rename(columns={"effect_p": "p_value"}).drop(columns=inner))


def _agree(table: pd.DataFrame) -> pd.Series:
    """Whether likes are there, and regression and differences in differences say the same."""
    ends = [
        f"{kind}{end}" for kind in ("effect", "regression", "change", "lead") for end in ("_low", "_high")
    ]
    table = table[[*ends, "imbalance_left", "trimmed"]].astype(float)
    alike = (table["imbalance_left"] <= ALIKE) & (table["trimmed"] <= ALIKE)
    no_lead = (table["lead_low"] <= 0) & (table["lead_high"] >= 0)
    same = [
        (table[f"{other}_low"] <= table["effect_high"]) & (table["effect_low"] <= table[f"{other}_high"])
        for other in ("regression", "change")
    ]
    return alike & no_lead & same[0] & same[1]
