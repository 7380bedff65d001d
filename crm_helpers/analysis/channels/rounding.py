"""From prices to a plan that keeps every limit: who is turned away where a channel is full goes elsewhere."""

from __future__ import annotations

import numpy as np

from crm_helpers.analysis.channels.offers import Offers, choices
from crm_helpers.analysis.channels.prices import Priced

__all__ = ["make_plan"]

_GOLDEN = 0.6180339887498949  # its multiples fill 0 to 1 evenly, however many are taken


def make_plan(offers: Offers, priced: Priced) -> np.ndarray:
    """Choose contacts at the prices, then fill what is left of capacities and budget.

    Where more customers want a channel than it can serve, those keep it to whom the next best choice is
    furthest away; the others ask for that next choice.

    Parameters
    ----------
    offers
        The problem.
    priced
        Prices near the best ones.

    Returns
    -------
    numpy.ndarray
        The pairs chosen, a row a channel; every limit holds.
    """
    reduced = offers.gain - _charge(offers, priced.channel, priced.budget)[:, None]
    taken = _mixed(offers, priced)
    turned = _turn_away(offers, reduced, taken)
    _serve(offers, reduced, taken, turned)
    _keep_budget(offers, reduced, taken)
    # what pays nothing at the prices may still pay where something is left
    lift = max(0.0, -float(reduced.min(initial=0.0, where=offers.gain > 0))) + 1.0
    _fill(offers, np.where(offers.gain > 0, reduced + lift, -np.inf), taken)
    return taken


def _charge(offers: Offers, channel: np.ndarray, budget: float) -> np.ndarray:
    return np.asarray(channel + budget * offers.cost)


def _mixed(offers: Offers, priced: Priced) -> np.ndarray:
    """Let each customer choose at one of the mixed prices; alike customers are spread over all of them."""
    finite = np.where(np.isfinite(offers.gain), offers.gain, -1.0)
    alike = np.argsort(np.sqrt(np.arange(2.0, len(finite) + 2.0)) @ finite, kind="stable")
    spread = np.arange(offers.customers) * _GOLDEN % 1.0
    which = np.empty(offers.customers, np.intp)
    which[alike] = np.minimum(np.searchsorted(np.cumsum(priced.weight), spread), len(priced.weight) - 1)
    taken = np.zeros(offers.gain.shape, bool)
    for number, prices in enumerate(priced.mixed):
        own = np.flatnonzero(which == number)
        charge = _charge(offers, prices[:-1], float(prices[-1]))
        taken[:, own], _ = choices(offers.gain[:, own] - charge[:, None], offers.most)
    return taken


def _turn_away(offers: Offers, reduced: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Turn away whom a full channel would miss least; say who was."""
    turned = np.zeros(offers.customers, bool)
    for k in np.flatnonzero(taken.sum(axis=1) > offers.capacity):
        place = np.flatnonzero(taken[k])
        others = np.where(taken[:, place], -np.inf, reduced[:, place])
        pull = reduced[k, place] - np.maximum(others.max(axis=0), 0.0)
        out = place[_top(-pull, len(place) - int(offers.capacity[k]))]
        taken[k, out], turned[out] = False, True
    return np.flatnonzero(turned)


def _serve(offers: Offers, reduced: np.ndarray, taken: np.ndarray, asking: np.ndarray) -> None:
    """Let the turned away ask for their next choice, as long as a channel has room."""
    open_ = taken.sum(axis=1) < offers.capacity
    while len(asking) and open_.any():
        wanted, pull, slots = _wishes(offers, reduced, taken, asking, open_)
        if not wanted.any():
            return
        full = []
        for k in np.flatnonzero(wanted.any(axis=1)):
            place = np.flatnonzero(wanted[k])
            left = int(offers.capacity[k] - taken[k].sum())
            if len(place) > left:
                place = place[_top(pull[k, place], left)]
                full.append(k)
            taken[k, asking[place]] = True
        open_[full] = False
        asking = asking[wanted[full].any(axis=0) & slots]


def _wishes(
    offers: Offers, reduced: np.ndarray, taken: np.ndarray, asking: np.ndarray, open_: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say who wants which open channel, and how much more than the next best choice it brings."""
    worth = np.where(taken[:, asking] | ~open_[:, None], -np.inf, reduced[:, asking])
    had = taken[:, asking].sum(axis=0)
    wanted, pull = np.zeros(worth.shape, bool), np.zeros(worth.shape)
    for count in np.unique(had):
        place = np.flatnonzero(had == count)
        if count < offers.most:
            chosen, following = choices(worth[:, place], int(offers.most - count))
            wanted[:, place], pull[:, place] = chosen, worth[:, place] - following
    return wanted, pull, had < offers.most


def _top(values: np.ndarray, count: int) -> np.ndarray:
    return np.argsort(-values, kind="stable")[:count]


def _keep_budget(offers: Offers, reduced: np.ndarray, taken: np.ndarray) -> None:
    over = float(offers.cost @ taken.sum(axis=1)) - offers.budget
    if over <= 0:
        return
    channel, customer = np.nonzero(taken & (offers.cost > 0)[:, None])
    cost = offers.cost[channel]
    order = np.argsort(reduced[channel, customer] / cost, kind="stable")
    enough = int(np.searchsorted(np.cumsum(cost[order]), over)) + 1
    taken[channel[order[:enough]], customer[order[:enough]]] = False


def _fill(offers: Offers, spare: np.ndarray, taken: np.ndarray) -> None:
    """Give what is left to the pairs that lose least, best first, as long as the budget lasts."""
    money = offers.budget - float(offers.cost @ taken.sum(axis=1))
    for _ in range(len(spare) * offers.most):
        left = offers.capacity - taken.sum(axis=1)
        open_ = (left > 0) & (offers.cost <= money)
        asking = np.flatnonzero((taken.sum(axis=0) < offers.most) & (spare[open_] > 0).any(axis=0))
        if not len(asking):
            return
        worth = np.where(taken[:, asking] | ~open_[:, None], -np.inf, spare[:, asking])
        wanted, _ = choices(worth, 1)
        if not wanted.any():
            return
        channel, place = np.nonzero(wanted)
        order = np.argsort(-worth[channel, place], kind="stable")
        channel, place = channel[order], place[order]
        rank = _rank_within(channel, len(spare))
        fits = rank < left[channel]
        channel, place = channel[fits], place[fits]
        fits = np.cumsum(offers.cost[channel]) <= money
        taken[channel[fits], asking[place[fits]]] = True
        money -= float(offers.cost[channel[fits]].sum())


def _rank_within(channel: np.ndarray, channels: int) -> np.ndarray:
    rank = np.empty(len(channel), np.int64)
    for k in range(channels):
        own = channel == k
        rank[own] = np.arange(int(own.sum()))
    return rank
