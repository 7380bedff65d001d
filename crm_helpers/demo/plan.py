"""What is planted in the simulated company: its calendar, segments, channels and campaigns.

Every number a recovery check may look for stands here; the other modules only carry it out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = [
    "CAMPAIGNS",
    "CHANNELS",
    "MONTHS",
    "MONTH_STARTS",
    "ORDERS_PER_CUSTOMER",
    "SEGMENTS",
    "WINDOW_DAYS",
    "WINDOW_END",
    "WINDOW_START",
    "CampaignPlan",
    "Channel",
    "Segment",
    "generator",
]

MONTHS = 24
MONTH_STARTS = np.arange("2023-01", "2025-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
"""First days of the 24 months, and the day after the last, in days since 1970-01-01."""

WINDOW_START = int(MONTH_STARTS[0])
WINDOW_END = int(MONTH_STARTS[MONTHS])  # the day after the last
ORDERS_PER_CUSTOMER = 13.5  # expected over the 24 months, before orders that campaigns add
WINDOW_DAYS = 28  # campaigns act from their first day for this long


@dataclass(frozen=True)
class Segment:
    """A kind of customer: share of people, orders a month while alive, mean order value in CNY."""

    name: str
    share: float
    orders_per_month: float
    order_value: float


SEGMENTS = (
    Segment("champions", 0.13, 2.4, 360.0),
    Segment("loyal small baskets", 0.28, 1.5, 58.0),
    Segment("big but seldom", 0.19, 0.36, 900.0),
    Segment("newcomers", 0.15, 1.5, 100.0),
    Segment("lapsed", 0.25, 1.0, 90.0),
)


@dataclass(frozen=True)
class Channel:
    """A channel: what it carries, what it costs, and how its orders answer to cost.

    Expected orders of a month are ``scale * cost ** exponent``; `scale` follows from `order_share`
    and `cost_per_order` at the channel's middle cost. `value_factor` multiplies order values,
    `conversion` is orders a visit, `satisfaction` is added to scores, `hours` closes a matter.
    """

    name: str
    chinese: str
    order_share: float
    exponent: float
    cost_per_order: float
    value_factor: float
    conversion: float
    satisfaction: float
    hours: float
    contact_share: float


CHANNELS = (
    Channel("phone", "电话", 0.10, 0.30, 40.0, 1.10, 0.12, 0.05, 5.0, 0.28),
    Channel("e-mail", "邮件", 0.14, 0.45, 12.0, 0.95, 0.035, -0.15, 30.0, 0.17),
    Channel("chat", "在线客服", 0.16, 0.60, 20.0, 1.00, 0.09, 0.25, 2.0, 0.25),
    Channel("SMS", "短信", 0.12, 0.35, 14.0, 0.85, 0.02, -0.30, 20.0, 0.06),
    Channel("social", "社交媒体", 0.20, 0.50, 40.0, 0.90, 0.015, -0.05, 12.0, 0.12),
    Channel("shop", "门店", 0.28, 0.25, 45.0, 1.20, 0.25, 0.35, 8.0, 0.12),
)


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign: when, how customers are chosen, and what it does to a contacted customer.

    `extra_orders` are expected orders a contacted customer adds within 28 days of the first day;
    `lost_share` is the share of the orders of that time which do not happen. `reach` is the share
    of all customers who take part, holdout included.
    """

    name: str
    channel: str
    goal: str
    month: int
    day: int
    length: int
    design: str
    reach: float
    holdout: float
    extra_orders: float
    lost_share: float
    unit_cost: float


CAMPAIGNS = (
    CampaignPlan("春季焕新", "SMS", "revenue", 3, 1, 14, "randomised", 0.35, 0.30, 0.20, 0.0, 0.6),
    CampaignPlan("会员日", "e-mail", "revenue", 5, 2, 21, "targeted", 0.20, 0.0, 0.15, 0.0, 0.4),
    CampaignPlan("Summer Sale", "social", "revenue", 7, 1, 28, "randomised", 0.35, 0.50, 0.12, 0.0, 2.5),
    CampaignPlan("开学季", "e-mail", "activation", 8, 3, 14, "randomised", 0.32, 0.40, 0.0, 0.0, 0.4),
    CampaignPlan("双十一", "chat", "revenue", 10, 1, 21, "targeted", 0.22, 0.0, 0.25, 0.0, 1.8),
    CampaignPlan("年货节", "phone", "retention", 12, 1, 28, "randomised", 0.30, 0.30, 0.26, 0.0, 6.0),
    CampaignPlan("Care Calls", "phone", "retention", 14, 2, 14, "randomised", 0.35, 0.40, 0.0, 0.30, 6.0),
    CampaignPlan("老客回馈", "SMS", "retention", 15, 1, 14, "targeted", 0.18, 0.0, 0.0, 0.0, 0.6),
    CampaignPlan("618", "SMS", "revenue", 17, 1, 14, "randomised", 0.35, 0.20, 0.0, 0.0, 0.6),
    CampaignPlan("七夕特惠", "social", "revenue", 19, 1, 14, "targeted", 0.20, 0.0, 0.12, 0.0, 2.5),
)


def generator(seed: int, *stream: int) -> np.random.Generator:
    """Return the random numbers of one part of the company, independent of every other part.

    Parameters
    ----------
    seed
        The company's seed.
    stream
        Which part, and where it has pieces which piece.

    Returns
    -------
    numpy.random.Generator
        Equal for equal arguments.

    Examples
    --------
    >>> float(generator(1, 2).random()) == float(generator(1, 2).random())
    True
    >>> float(generator(1, 2).random()) == float(generator(1, 3).random())
    False
    """
    return np.random.default_rng([seed, *stream])
