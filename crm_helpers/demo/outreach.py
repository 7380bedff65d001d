"""Campaigns and contacts as the simulated company keeps them: plan, actual cost, and who was contacted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crm_helpers.demo.campaigns import Campaign
from crm_helpers.demo.people import Records
from crm_helpers.demo.plan import generator
from crm_helpers.demo.text import identifiers, times

__all__ = ["campaign_table", "contact_table"]


def campaign_table(campaigns: Sequence[Campaign], seed: int) -> pa.Table:
    """Make one row a campaign.

    Parameters
    ----------
    campaigns
        Those carried out.
    seed
        The company's seed.

    Returns
    -------
    pyarrow.Table
        Plan and actual cost, Chinese headers.
    """
    random = generator(seed, 13)
    rows = [_row(campaign, *random.uniform((0.9, 0.9, 0.5), (1.1, 1.2, 1.6))) for campaign in campaigns]
    return pa.Table.from_pylist(rows)


def _row(campaign: Campaign, reach_factor: float, cost_factor: float, hope: float) -> dict[str, object]:
    plan, reach = campaign.plan, len(campaign.contacted)
    first = date(1970, 1, 1) + timedelta(days=campaign.start)
    budget = round(reach * reach_factor * plan.unit_cost, 2)
    responses = round(reach * reach_factor * 0.15)
    return {
        "活动编号": campaign.identifier,
        "活动名称": plan.name,
        "渠道": plan.channel,
        "目标": plan.goal,
        "开始日期": first,
        "结束日期": first + timedelta(days=plan.length - 1),
        "方式": "随机" if plan.design == "randomised" else "定向",
        "对照组比例": plan.holdout or None,
        "预算": budget,
        "实际费用": round(budget * cost_factor, 2),
        "计划触达": round(reach * reach_factor),
        "计划响应": responses,
        "计划收入": round(responses * 180 * hope, -2),
    }


def contact_table(campaign: Campaign, records: Records) -> pa.Table:
    """Make one row a member of the campaign, holdouts included; people by their first id.

    Parameters
    ----------
    campaign
        One campaign.
    records
        Ids of the people.

    Returns
    -------
    pyarrow.Table
        Times as text, as the database keeps them.
    """
    size, answered = len(campaign.person), campaign.responded_seconds > 0
    return pa.table(
        {
            "campaign_code": pa.array([campaign.identifier] * size, pa.string()),
            "customer_no": identifiers(records.first[campaign.person], records.width),
            "sent_at": _written(campaign.seconds),
            "test_group": pa.array(np.where(campaign.treated, "treated", "holdout")),
            "responded": answered.astype(np.int64),
            "first_response": _written(campaign.responded_seconds),
        }
    )


def _written(seconds: np.ndarray) -> pa.Array:
    return pc.strftime(times(seconds, missing=seconds == 0), "%Y-%m-%d %H:%M:%S")
