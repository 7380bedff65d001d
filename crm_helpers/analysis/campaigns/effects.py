"""What a campaign caused: its design from the data, its effect by regression, and a grade of evidence.

`A` randomised, and the arms are as planned and alike before the start. `C` targeted, and the same
regression finds nothing where nothing can be. `D` targeted, and it does, or could not be tried.
No grade where the data do not carry an effect; `reason` says why.
"""

from __future__ import annotations

import math
from datetime import date

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import _
from scipy import stats

from crm_helpers.analysis.campaigns.panel import (
    COVARIATES,
    assignments,
    customer_days,
    panel,
    windows,
)
from crm_helpers.analysis.estimates import benjamini_hochberg, normal_estimate, rounded
from crm_helpers.analysis.regression import Regression, ols

__all__ = ["BALANCE_LEVEL", "PLACEBO_LEVEL", "evaluate"]

BALANCE_LEVEL = 0.001
"""Below this p-value the arms are not as a random draw would leave them, and the effect is refused."""

PLACEBO_LEVEL = 0.05
"""Below this p-value the regression sees an effect before there was one."""

_POWER = float(stats.norm.ppf(0.975) + stats.norm.ppf(0.8))  # 2.80 errors are found 4 times in 5


def evaluate(
    campaigns: ibis.Table,
    contacts: ibis.Table,
    customers: ibis.Table,
    transactions: ibis.Table,
    *,
    as_of: date,
    window_days: int = 28,
    before_days: int = 91,
    minimum_arm: int = 50,
) -> pd.DataFrame:
    """Estimate what each campaign changed in the spend of a customer it contacted.

    `spend = α + τ T + β'x + γ' T (x − x̄) + ε` with HC3 errors, x what was bought before the start
    (`COVARIATES`). Randomised: x̄ over both arms, and τ is the average effect (Lin 2013). Targeted:
    against all who were not contacted, x̄ over the contacted, and τ is the difference that is left
    for them: an association, a cause only if nothing else set the contacted apart. The placebo is the
    same regression on spend from before the days that x describes.

    Parameters
    ----------
    campaigns, contacts, customers, transactions
        Canonical tables; any may be empty.
    as_of
        The day the numbers stand for; nothing from that day on is seen.
    window_days
        Days from a campaign's start in which spend counts.
    before_days
        Days before the start that describe a customer.
    minimum_arm
        Customers an arm must have.

    Returns
    -------
    pandas.DataFrame
        One row a campaign, by start: `design`, `grade`, `reason`; `treated`, `compared` (counts);
        `effect` with interval (money a contacted customer), `p_value`, `p_adjusted` (over the
        portfolio); `detectable` (the effect found 4 times in 5); `difference` with interval (plain);
        `placebo` with interval; `ratio_p`, `balance_p`, `imbalance` (largest standardised difference
        of a covariate); `spend_compared`; `overlap` (share of the contacted whom another campaign
        reached within `window_days`).
    """
    plan = windows(campaigns, window_days=window_days, before_days=before_days)
    days = customer_days(transactions.filter(_.ordered_at.date() < ibis.date(as_of))).cache()
    begun = plan.loc[plan["starts_on"] < pd.Timestamp(as_of), ["campaign_id"]]
    contacts = contacts.filter(_.campaign_id.isin(begun["campaign_id"].tolist()))
    assigned = assignments(plan, contacts, customers, days)
    rows = panel(assigned, plan, days, before_days=before_days).cache()
    table = plan[["campaign_id", "name", "channel", "starts_on", "holdout_share"]]
    parts = (_arms(rows), _overlap(contacts, plan, window_days), _regressions(rows))
    # not join: pandas 3.0 cannot join empty text keys
    found = [part.reindex(plan["campaign_id"]).reset_index(drop=True) for part in parts]
    table = pd.concat([table, *found], axis=1).fillna({"treated": 0, "compared": 0, "contacted": 0})
    table = table.astype({"treated": "int64", "compared": "int64", "contacted": "int64"})
    table["ratio_p"] = [
        _ratio_p(*row) for row in zip(table.treated, table.compared, table.holdout_share, strict=True)
    ]
    table["design"] = _design(table)
    first = days.day.min().to_pandas()
    table["reason"] = _reasons(table, plan, today=pd.Timestamp(as_of), first=first, minimum=minimum_arm)
    return _graded(table, placebo_possible=plan["placebo_from"] >= first)


def _arms(rows: ibis.Table) -> pd.DataFrame:
    """Count and describe the arms: the plain difference with Welch's interval, and the balance."""
    described = {f"mean_{c}": rows[c].mean() for c in ("spend", *COVARIATES)}
    described |= {f"var_{c}": rows[c].var(how="sample") for c in ("spend", *COVARIATES)}
    arms = rows.group_by("campaign_id", "treated").aggregate(
        n=rows.count(), held_out=rows.held_out.any(), **described
    )
    frame: pd.DataFrame = arms.order_by("campaign_id", "treated").to_pandas()
    each = {
        str(campaign): _two_arms(arm.set_index("treated")) for campaign, arm in frame.groupby("campaign_id")
    }
    return _by_campaign(each, _ARM_COLUMNS)


def _by_campaign(records: dict[str, list[object]], columns: list[str]) -> pd.DataFrame:
    # without rows pandas would make an index of numbers, and no text would find its campaign in it
    return pd.DataFrame(list(records.values()), index=pd.Index(list(records), dtype="str"), columns=columns)


_ARM_COLUMNS = [
    "treated", "compared", "held_out", "spend_compared", "difference", "difference_low", "difference_high",
    "difference_error", "imbalance",
]  # fmt: skip


def _two_arms(arms: pd.DataFrame) -> list[object]:
    arm = arms.reindex([0, 1])
    means = arm[[f"mean_{c}" for c in COVARIATES]].to_numpy(float)
    deviation = np.sqrt(arm[[f"var_{c}" for c in COVARIATES]].to_numpy(float).mean(axis=0))
    apart = np.abs(means[1] - means[0])[deviation > 0] / deviation[deviation > 0]
    error = math.sqrt((arm["var_spend"] / arm["n"]).sum(skipna=False))
    plain = normal_estimate(arm["mean_spend"][1] - arm["mean_spend"][0], error)
    treated, compared = arm["n"].fillna(0).astype(int)[[1, 0]]
    return [
        treated, compared, bool(arms["held_out"].any()), arm["mean_spend"][0],
        plain.value, plain.low, plain.high, error, apart.max() if len(apart) else math.nan,
    ]  # fmt: skip


def _regressions(rows: ibis.Table) -> pd.DataFrame:
    """Fit effect, placebo and balance, each for all campaigns at once."""
    reference = {f"at_{c}": rows[c].mean(where=rows.held_out | (rows.treated == 1)) for c in COVARIATES}
    joined = rows.inner_join(rows.group_by("campaign_id").aggregate(**reference), "campaign_id")
    moved = {f"with_{c}": joined.treated * (joined[c] - joined[f"at_{c}"]) for c in COVARIATES}
    design = joined.mutate(**moved)
    names = ["treated", *COVARIATES, *moved]
    effects = ols(design, outcome="spend", regressors=names, by="campaign_id", only=["treated"])
    placebos = ols(design, outcome="spend_placebo", regressors=names, by="campaign_id", only=["treated"])
    balance = ols(rows, outcome="treated", regressors=COVARIATES, by="campaign_id", only=[])
    records = {
        campaign: [*_effect(fitted), *_effect(placebos[campaign]), _balance_p(balance[campaign])]
        for campaign, fitted in effects.items()
    }
    columns = [f"{kind}{part}" for kind in ("effect", "placebo") for part in _PARTS]
    return _by_campaign(records, [*columns, "balance_p"])


_PARTS = ("", "_low", "_high", "_error", "_p")


def _effect(fitted: Regression) -> list[object]:
    estimate = fitted.estimate("treated")
    return [estimate.value, estimate.low, estimate.high, fitted.error("treated"), fitted.p_value("treated")]


def _balance_p(fitted: Regression) -> float:
    """Test all covariates at once: n R² of the regression of the arm on them is χ² when arms are alike."""
    if fitted.rank < 2 or not math.isfinite(fitted.r_squared):
        return math.nan
    return float(stats.chi2.sf(fitted.rows * fitted.r_squared, fitted.rank - 1))


def _ratio_p(treated: int, compared: int, holdout_share: float) -> float:
    """Test the sizes of the arms against the planned share, exactly."""
    if not 0 < holdout_share < 1 or treated + compared == 0:
        return math.nan
    return float(stats.binomtest(compared, treated + compared, holdout_share).pvalue)


def _overlap(contacts: ibis.Table, plan: pd.DataFrame, window_days: int) -> pd.DataFrame:
    """Share of a campaign's contacted whom another campaign reached within the window."""
    reached = contacts.filter(_.arm.fill_null("treated") != "holdout").select("campaign_id", "customer_id")
    near = _near(plan, window_days).inner_join(reached.view(), [("other_id", "campaign_id")])
    both = reached.semi_join(near, ["campaign_id", "customer_id"]).mutate(twice=1)
    counts = reached.left_join(both, ["campaign_id", "customer_id"]).group_by("campaign_id")
    frame: pd.DataFrame = counts.aggregate(contacted=_.count(), twice=_.twice.count()).to_pandas()
    frame["overlap"] = frame.pop("twice") / frame["contacted"]
    return frame.set_index("campaign_id")


def _near(plan: pd.DataFrame, window_days: int) -> ibis.Table:
    """Pair the campaigns that start within the window of each other."""
    starts = plan[["campaign_id", "starts_on"]]
    pairs = starts.merge(starts.set_axis(["other_id", "other_start"], axis=1), how="cross")
    close = (pairs["starts_on"] - pairs["other_start"]).abs() < pd.Timedelta(days=window_days)
    near = pairs.loc[close & (pairs["campaign_id"] != pairs["other_id"]), ["campaign_id", "other_id"]]
    text = pa.schema([("campaign_id", pa.string()), ("other_id", pa.string())])
    return ibis.memtable(pa.Table.from_pandas(near, schema=text, preserve_index=False))


def _design(table: pd.DataFrame) -> list[str]:
    broken = (table["ratio_p"] < BALANCE_LEVEL) | (table["balance_p"] < BALANCE_LEVEL)
    held_out = table["held_out"].eq(True)
    cases = [~(table["contacted"] > 0), held_out & broken, held_out]
    return list(np.select(cases, ["", "not consistent", "randomised"], "targeted"))


def _reasons(
    table: pd.DataFrame, plan: pd.DataFrame, *, today: pd.Timestamp, first: pd.Timestamp, minimum: int
) -> list[str]:
    targeted, broken = table["design"] == "targeted", table["design"] == "not consistent"
    cases = {
        "not started": plan["starts_on"] >= today,
        "nobody contacted": ~(table["contacted"] > 0),
        "window not over": plan["outcome_until"] > today,
        "no history before the start": targeted & ~(plan["before_from"] >= first),
        "nobody to compare with": table["compared"] == 0,
        "too few customers": table[["treated", "compared"]].min(axis=1) < minimum,
        "arms not in the planned ratio": broken & (table["ratio_p"] < BALANCE_LEVEL),
        "arms differ before the start": broken,
        "spend does not vary": ~(table["effect_error"] > 0),
    }
    return list(np.select([np.asarray(case, bool) for case in cases.values()], list(cases), ""))


def _graded(table: pd.DataFrame, *, placebo_possible: pd.Series) -> pd.DataFrame:
    known = table["reason"] == ""
    error = table["effect_error"].where(table["effect_error"] > 0, table["difference_error"])
    hidden = {c: table[c].where(known) for c in ("effect", "effect_low", "effect_high", "effect_p")}
    tested = {f"placebo{p}": table[f"placebo{p}"].where(known & placebo_possible) for p in _PARTS}
    detectable = (_POWER * error).where(known | (table["reason"] == "too few customers"))
    graded = table.assign(**hidden, **tested, detectable=detectable)
    passes = graded["placebo_p"] >= PLACEBO_LEVEL
    randomised = graded["design"] == "randomised"
    graded["grade"] = np.select([~known, randomised, passes], ["", "A", "C"], "D")
    graded["p_adjusted"] = benjamini_hochberg(graded["effect_p"].to_numpy(float))
    inner = ["held_out", "holdout_share", "effect_error", "difference_error", "placebo_error"]
    return rounded(graded.rename(columns={"effect_p": "p_value"}).drop(columns=inner))
