"""The next contacts: who, through which channel, why, and who is held out so that the plan can be scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis import _

from crm_helpers.analysis.channels.assignment import Assignment, assign
from crm_helpers.analysis.channels.contact_effects import BANDS, contact_effects, spend_before
from crm_helpers.analysis.channels.offers import Offers, make_offers
from crm_helpers.analysis.estimates import Estimate, normal_estimate, rounded

__all__ = ["ContactPlan", "ContactRules", "plan_contacts"]

_LIST = ["customer_id", "band", "channel", "arm", "expected_sales", "expected_gain", "cost", "reason"]
_CELLS = [
    "channel", "band", "contacts", "held_out", "effect", "effect_low", "effect_high", "cost", "gain",
    "customers", "campaigns",
]  # fmt: skip
_LIMITS = ["channel", "cost", "capacity", "sent", "price"]
_UNLIKE = 2.0  # times as common as among those tried: then the group is another one
_NONE = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class ContactRules:
    """What contacts may be made.

    `capacity` (contacts a channel) and `budget` (money) are as in the largest and the mean campaign so far
    where 0; `rest_days` after a contact a customer rests; `margin` is left of sales, `unit_cost` stands where
    no campaign of the channel has a cost.
    """

    capacity: int = 0
    budget: float = 0.0
    most: int = 1
    rest_days: int = 28
    holdout: float = 0.1
    margin: float | None = None
    unit_cost: float = 0.0
    window_days: int = 28


@dataclass(frozen=True)
class ContactPlan:
    """A plan of contacts: the list by customer, the cells of channel and group, and the limits with prices.

    `gain` is the money expected of all contacts, after their cost. `gap` is the most that another plan could
    bring beyond this one, as a share. `consent` says whether the company records it.
    """

    people: pd.DataFrame
    cells: pd.DataFrame
    limits: pd.DataFrame
    gain: Estimate = _NONE
    gap: float = 0.0
    budget: float = math.nan
    budget_price: float = 0.0
    consent: bool = True

    @property
    def contacts(self) -> int:
        """How many contacts are to be made."""
        return int((self.people["arm"] == "contact").sum())

    @property
    def held_out(self) -> int:
        """How many chosen customers are held out."""
        return int((self.people["arm"] == "holdout").sum())


def plan_contacts(
    tables: dict[str, ibis.Table],
    *,
    as_of: date,
    rules: ContactRules,
    resting: Sequence[str] = (),
    seed: int = 1,
) -> ContactPlan:
    """Choose the next contacts from what campaigns with a holdout have shown.

    Parameters
    ----------
    tables
        Canonical `customers`, `transactions`, `campaigns` and `campaign_contacts`.
    as_of
        The day the numbers stand for.
    rules
        What contacts may be made.
    resting
        Customers held out of an earlier list that is not scored yet: a contact would spoil its score.
    seed
        Of the draws: among equals, who is contacted and who is held out.

    Returns
    -------
    ContactPlan
        Without rows where no campaign had a holdout.
    """
    people, limits = _people(tables, as_of=as_of, rest_days=rules.rest_days)
    people = people.assign(kept=people["customer_id"].isin(list(resting)))
    history = [tables[name] for name in ("campaigns", "campaign_contacts", "transactions")]
    effects = contact_effects(*history, as_of=as_of, limits=limits, window_days=rules.window_days)
    if effects.empty or people.empty:
        empty = [pd.DataFrame(columns=names) for names in (_LIST, _CELLS, _LIMITS)]
        return ContactPlan(empty[0], empty[1], empty[2])
    channels = _channels(tables, effects["channel"], as_of=as_of, rules=rules)
    random = np.random.default_rng(seed)
    # in an order drawn by lot, so that among equals chance decides and not the number of the customer
    people = people.iloc[random.permutation(len(people))].reset_index(drop=True)
    offers, sales = _offers(people, effects, channels, rules)
    plan = assign(offers, seed=seed)
    return _described(people, plan, offers, sales, (effects, channels), rules, random)


def _people(
    tables: dict[str, ibis.Table], *, as_of: date, rest_days: int
) -> tuple[pd.DataFrame, tuple[float, float]]:
    last = (
        tables["campaign_contacts"]
        .filter(_.contacted_at.date() < ibis.date(as_of), _.arm.fill_null("treated") != "holdout")
        .group_by("customer_id")
        .aggregate(last_contact=_.contacted_at.max().date())
    )
    spent = spend_before(tables["transactions"], as_of=as_of)
    known = tables["customers"].select("customer_id", "consent")
    joined = known.left_join(spent, "customer_id").drop("customer_id_right").left_join(last, "customer_id")
    rests = (ibis.date(as_of).delta(joined.last_contact, unit="day") <= rest_days).fill_null(False)
    people = (
        joined.select("customer_id", "consent", before=joined.before.fill_null(0.0), rests=rests)
        .order_by("customer_id")
        .to_pandas()
    )
    spend = people["before"].to_numpy(float)
    above = spend[spend > 0]
    low, high = np.quantile(above, [1 / 3, 2 / 3]) if len(above) else (0.0, 0.0)
    band = (spend > 0).astype(int) + (spend > low) * (spend > 0) + (spend > high) * (spend > 0)
    return people.assign(band=band), (float(low), float(high))


def _channels(
    tables: dict[str, ibis.Table], tested: pd.Series, *, as_of: date, rules: ContactRules
) -> pd.DataFrame:
    """Take what a contact costs, how many a campaign made at most, and what a campaign cost, by channel."""
    reached = tables["campaign_contacts"].filter(_.arm.fill_null("treated") != "holdout")
    reached = reached.group_by("campaign_id").aggregate(reach=_.count())
    before = tables["campaigns"].filter(_.starts_on < ibis.date(as_of)).inner_join(reached, "campaign_id")
    rows = before.select("channel", "reach", cost=before.cost.cast("float64")).order_by("channel").to_pandas()
    known = rows.dropna(subset=["cost"])
    own = rows.groupby("channel")
    table = pd.DataFrame({"channel": sorted(set(tested))}).set_index("channel")
    unit = known.groupby("channel")["cost"].sum() / known.groupby("channel")["reach"].sum()
    table["cost"] = unit.reindex(table.index).fillna(rules.unit_cost)
    table["capacity"] = float(rules.capacity) if rules.capacity else own["reach"].max().reindex(table.index)
    table["budget"] = rules.budget or float(known["cost"].mean() if len(known) else np.inf)
    return table.reset_index()


def _offers(
    people: pd.DataFrame, effects: pd.DataFrame, channels: pd.DataFrame, rules: ContactRules
) -> tuple[Offers, np.ndarray]:
    """Put a price on every contact: the margin on what it adds to spend, less its cost."""
    wide = effects.pivot_table(index="band", columns="channel", values="effect")
    sales = wide.reindex(range(len(BANDS)))[channels["channel"]].to_numpy(float)
    cost = channels["cost"].to_numpy(float)
    gain = sales * (1.0 if rules.margin is None else rules.margin) - cost
    band = people["band"].to_numpy()
    free = _may(people) & ~people[["rests", "kept"]].any(axis=1).to_numpy(bool) & _tested(band, effects)
    each = np.where(free[:, None], gain[band], -np.inf)
    budget = float(channels["budget"].iloc[0])
    return make_offers(
        each, channels["capacity"].to_numpy(float), cost=cost, budget=budget, most=rules.most
    ), sales[band]


def _tested(band: np.ndarray, effects: pd.DataFrame) -> np.ndarray:
    """Say who is of a group that campaigns were tried on, no more than twice as common now as then.

    Campaigns are often drawn among active customers; what they did says nothing of those long gone.
    """
    tried = (
        effects.groupby("band")["customers"].sum().reindex(range(len(BANDS)), fill_value=0).to_numpy(float)
    )
    now = np.bincount(band, minlength=len(BANDS))
    alike = now / max(now.sum(), 1) <= _UNLIKE * tried / max(tried.sum(), 1.0)
    return np.asarray(alike[band], bool)


def _may(people: pd.DataFrame) -> np.ndarray:
    """Who agreed; everybody where the company does not record it."""
    consent = people["consent"]
    return np.ones(len(people), bool) if consent.isna().all() else consent.eq(True).to_numpy(bool)


def _described(
    people: pd.DataFrame,
    plan: Assignment,
    offers: Offers,
    sales: np.ndarray,
    estimated: tuple[pd.DataFrame, pd.DataFrame],
    rules: ContactRules,
    random: np.random.Generator,
) -> ContactPlan:
    effects, channels = estimated
    names = channels["channel"].to_numpy()
    place, channel = np.nonzero(plan.taken)
    chosen = pd.DataFrame({
        "customer_id": people["customer_id"].to_numpy()[place], "code": people["band"].to_numpy()[place],
        "channel": names[channel], "expected_sales": sales[place, channel],
        "expected_gain": offers.gain[channel, place], "cost": offers.cost[channel],
    })  # fmt: skip
    chosen["arm"] = np.where(_drawn(chosen, rules.holdout, random), "holdout", "contact")
    chosen["reason"] = _why(chosen["arm"], names[channel], _missed(offers, plan, place, channel, names))
    busy = np.asarray(plan.taken.any(axis=1), bool)
    others = people.loc[~busy]
    left = others[["customer_id"]].assign(
        code=others["band"], reason=_why_not(people, offers, effects, rules)[~busy]
    )
    listed = pd.concat([chosen, left], ignore_index=True).sort_values(["customer_id", "channel"])
    listed["band"] = np.array(BANDS)[listed["code"]]
    cells = _cells(chosen, effects, channels, rules)
    limits = channels[["channel", "cost", "capacity"]].assign(sent=plan.taken.sum(axis=0), price=plan.price)
    return ContactPlan(
        rounded(listed[_LIST].reset_index(drop=True)), cells, rounded(limits), _gain(cells, rules), plan.gap,
        offers.budget, plan.budget_price, bool(people["consent"].notna().any()),
    )  # fmt: skip


def _drawn(chosen: pd.DataFrame, share: float, random: np.random.Generator) -> np.ndarray:
    """Draw the held out of every channel and group by lot, at least one where there are ten."""
    lot = pd.Series(random.random(len(chosen)), chosen.index)
    rank = lot.groupby([chosen["channel"], chosen["code"]]).rank(method="first")
    size = lot.groupby([chosen["channel"], chosen["code"]]).transform("size")
    return np.asarray(rank <= np.floor(size * share + 0.5), bool)


def _why(arm: pd.Series, channel: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """Say why this channel; `missed` is the better one the customer did not get, or empty."""
    first = ("brings most through " + pd.Series(channel, dtype="str")).to_numpy(object)
    full = ("next best: " + pd.Series(missed, dtype="str") + " is full or too dear").to_numpy(object)
    chosen = np.where(missed == "", first, full)
    held = arm.to_numpy() == "holdout"
    return np.asarray(np.where(held, "held out by lot, to see what the contact does", chosen))


def _missed(
    offers: Offers, plan: Assignment, place: np.ndarray, channel: np.ndarray, names: np.ndarray
) -> np.ndarray:
    open_ = np.where(plan.taken[place].T, -np.inf, offers.gain[:, place])
    better = open_.max(axis=0) > offers.gain[channel, place]
    return np.where(better, names[open_.argmax(axis=0)], "")


def _why_not(people: pd.DataFrame, offers: Offers, effects: pd.DataFrame, rules: ContactRules) -> np.ndarray:
    unlike = ~_tested(people["band"].to_numpy(), effects)
    pays = (offers.gain > 0).any(axis=0)
    return np.select(
        [~_may(people), people["kept"].to_numpy(bool), people["rests"].to_numpy(bool), unlike, ~pays],
        [
            "no consent", "held out of an earlier list", f"contacted in the last {rules.rest_days} days",
            "unlike the customers on whom contacts were tried", "no contact pays",
        ],
        "others bring more, within capacity and budget",
    )  # fmt: skip


def _cells(
    chosen: pd.DataFrame, effects: pd.DataFrame, channels: pd.DataFrame, rules: ContactRules
) -> pd.DataFrame:
    held = chosen["arm"] == "holdout"
    counts = chosen.assign(holdout=held, contact=~held, band=chosen["code"]).groupby(["channel", "band"])
    counted = counts[["contact", "holdout"]].sum().reset_index()
    joined = effects.merge(channels[["channel", "cost"]], on="channel")
    joined = joined.merge(counted, on=["channel", "band"], how="left")
    intervals = [normal_estimate(e, s) for e, s in zip(joined["effect"], joined["error"], strict=True)]
    margin = 1.0 if rules.margin is None else rules.margin
    table = joined.assign(
        contacts=joined["contact"].fillna(0).astype(int), held_out=joined["holdout"].fillna(0).astype(int),
        effect_low=[one.low for one in intervals], effect_high=[one.high for one in intervals],
        gain=joined["effect"] * margin - joined["cost"], band=np.array(BANDS)[joined["band"]],
    )  # fmt: skip
    return rounded(table[_CELLS])


def _gain(cells: pd.DataFrame, rules: ContactRules) -> Estimate:
    """Add up the gains; groups of a channel are taken to err together, channels apart."""
    margin = 1.0 if rules.margin is None else rules.margin
    error = cells["contacts"] * (cells["effect_high"] - cells["effect"]) / 1.959964 * margin
    by_channel = error.groupby(cells["channel"]).sum()
    return normal_estimate(
        float((cells["contacts"] * cells["gain"]).sum()), float(np.sqrt((by_channel**2).sum()))
    )
