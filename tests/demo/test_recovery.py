"""What is planted can be found again with textbook methods, and what should mislead does mislead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

END = pd.Timestamp("2025-01-01")


def spend(lines: pd.DataFrame, first: pd.Timestamp, days: int) -> pd.Series:
    """Spend of each person in the days from the first (or before it, when negative)."""
    ends = sorted((first, first + pd.Timedelta(days=days)))
    chosen = lines[(lines["moment"] >= ends[0]) & (lines["moment"] < ends[1])]
    return chosen.groupby("person_id")["paid"].sum()


def members(made, campaign: str) -> pd.DataFrame:
    contacts = made.table("campaign_contacts").merge(
        made.truth("people"), left_on="customer_no", right_on="customer_id"
    )
    return contacts[contacts["campaign_code"] == campaign]


@pytest.fixture(scope="module")
def effects(made) -> pd.DataFrame:
    """Each campaign: truth, naive difference, and the difference at equal spend before, with errors."""
    starts = made.sheet("活动").set_index("活动编号")["开始日期"]
    people = _joined(made)
    rows = []
    for truth in made.truth("effects").itertuples():
        chosen, start = members(made, truth.campaign_id), starts[truth.campaign_id]
        if truth.design == "randomised":
            treated = (chosen.set_index("person_id")["test_group"] == "treated").astype(float)
        else:
            alive = people.index[people <= start]
            treated = pd.Series(np.isin(alive, chosen["person_id"]).astype(float), alive)
        frame = pd.DataFrame({"treated": treated})
        frame["after"] = spend(made.lines, start, 28)
        frame["before"] = spend(made.lines, start, -90).clip(lower=0)
        frame = frame.fillna(0.0)
        frame["log_before"] = np.log1p(frame["before"])
        rows.append((truth.design, truth.effect_per_customer, *_fit(frame, []), *_fit(frame, _BEFORE)))
    names = ["design", "effect", "naive", "naive_error", "adjusted", "adjusted_error"]
    return pd.DataFrame(rows, columns=names)


_BEFORE = ["before", "log_before"]


def _fit(frame: pd.DataFrame, covariates: list[str]) -> tuple[float, float]:
    design = sm.add_constant(frame[["treated", *covariates]])
    fit = sm.OLS(frame["after"], design).fit(cov_type="HC1")
    return fit.params["treated"], fit.bse["treated"]


def _joined(made) -> pd.Series:
    customers = made.customers().merge(made.truth("people"), left_on="客户编号", right_on="customer_id")
    return pd.to_datetime(customers["注册日期"].str.replace("/", "-")).groupby(customers["person_id"]).min()


def test_clusters_of_recency_frequency_and_value_are_the_segments(made):
    sold = made.lines[made.lines["quantity"] > 0].groupby("person_id")
    features = pd.DataFrame(
        {
            "recency": (END - sold["moment"].max()).dt.days + 1,
            "orders": sold["order_no"].nunique(),
            "spend": made.lines.groupby("person_id")["paid"].sum(),
        }
    )
    features = np.log(features[features["spend"] > 0].dropna())
    people = made.truth("people").merge(made.truth("segments"))
    truth = people.drop_duplicates("person_id").set_index("person_id")["segment"].loc[features.index]
    scaled = (features - features.mean()) / features.std()
    labels = KMeans(5, n_init=10, random_state=0).fit_predict(scaled)
    assert adjusted_rand_score(truth, labels) > 0.85


def test_orders_by_channel_and_month_are_those_of_the_channel_table(made):
    own = made.lines[(made.lines["quantity"] > 0) & ~made.lines["order_no"].isin(_of_campaigns(made))]
    counted = own.groupby([own["moment"].dt.strftime("%Y-%m-01"), "channel"])["order_no"].nunique()
    stated = made.table("channel_month").set_index(["month", "channel"])["orders"]
    pd.testing.assert_series_equal(counted.sort_index(), stated.sort_index(), check_names=False)


def _of_campaigns(made) -> pd.Series:
    return made.truth("campaign_orders")["order_id"]


def test_regression_of_orders_on_cost_gives_the_exponents(made):
    months = made.table("channel_month")
    for truth in made.truth("curves").itertuples():
        channel = months[months["channel"] == truth.channel]
        model = sm.GLM(channel["orders"], sm.add_constant(np.log(channel["spend"])), sm.families.Poisson())
        fit = model.fit()
        assert fit.params["spend"] == pytest.approx(truth.exponent, abs=4 * fit.bse["spend"])
        assert fit.params["const"] == pytest.approx(np.log(truth.scale), abs=4 * fit.bse["const"])
        assert fit.bse["spend"] < 0.1


def test_cost_does_not_follow_demand(made):
    months = made.table("channel_month").pivot_table(index="month", columns="channel", values="spend")
    trend = np.log(months).corrwith(pd.Series(np.arange(24.0), months.index))
    assert trend.abs().mean() < 0.35


def test_marginal_returns_differ_between_channels(made):
    totals = made.table("channel_month").groupby("channel")[["orders", "spend"]].sum()
    curves = made.truth("curves").set_index("channel")
    returns = curves["exponent"] * curves["mean_order_value"] * totals["orders"] / totals["spend"]
    assert returns.max() / returns.min() > 3


def test_mean_order_values_are_those_of_the_lines(made):
    own = made.lines[(made.lines["quantity"] > 0) & ~made.lines["order_no"].isin(_of_campaigns(made))]
    found = own.groupby("channel")["paid"].sum() / own.groupby("channel")["order_no"].nunique()
    stated = made.truth("curves").set_index("channel")["mean_order_value"]
    pd.testing.assert_series_equal(found.sort_index(), stated.sort_index(), rtol=0.02, check_names=False)


def test_randomised_differences_are_the_effects(effects):
    randomised = effects[effects["design"] == "randomised"]
    z = (randomised["naive"] - randomised["effect"]) / randomised["naive_error"]
    assert z.abs().max() < 4
    assert abs(z.mean()) < 4 / np.sqrt(len(z))


def test_naive_differences_of_targeted_campaigns_are_badly_biased(effects):
    targeted = effects[effects["design"] == "targeted"]
    assert ((targeted["naive"] - targeted["effect"]) > 4 * targeted["naive_error"]).all()
    naive, adjusted = (targeted[name] - targeted["effect"] for name in ("naive", "adjusted"))
    assert adjusted.abs().mean() < naive.abs().mean() / 4


def test_effects_are_strong_null_and_negative(made):
    effects = made.truth("effects")
    randomised = effects.loc[effects["design"] == "randomised", "effect_per_customer"]
    assert ((randomised > 30).sum(), (randomised == 0).sum(), (randomised < -30).sum()) == (3, 2, 1)
    assert (effects["design"] == "targeted").sum() == 4
    share = effects["held_out"] / (effects["held_out"] + effects["contacted"])
    assert share[effects["design"] == "randomised"].between(0.19, 0.51).all()


def test_nobody_orders_before_joining_or_after_leaving(made):
    sold = made.lines[made.lines["quantity"] > 0].groupby("person_id")["moment"]
    left = made.truth("people").merge(made.truth("churn")).drop_duplicates("person_id")
    left = pd.to_datetime(left.set_index("person_id")["churned_on"])
    last = sold.max()
    assert (last < left.reindex(last.index).fillna(END)).all()
    assert (sold.min() >= _joined(made).reindex(last.index)).all()


def test_leavers_complain_more(made):
    tickets = (
        made.tickets()
        .drop_duplicates("ticket")
        .merge(made.truth("churn"), left_on="customer", right_on="customer_id")
    )
    wait = (pd.to_datetime(tickets["churned_on"]) - pd.to_datetime(tickets["time"])).dt.days
    complained = tickets["type"] == "complaint"
    assert complained[wait < 60].mean() > complained[~(wait < 60)].mean() + 0.1
