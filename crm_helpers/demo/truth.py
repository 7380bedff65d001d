"""What was planted, as tables: read by tests and recovery checks only, never by pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from crm_helpers.demo.campaigns import Campaign
from crm_helpers.demo.dirt import Ledger
from crm_helpers.demo.files import write_parquet
from crm_helpers.demo.orders import Curves
from crm_helpers.demo.people import NEVER, People, Records
from crm_helpers.demo.plan import CHANNELS, SEGMENTS, WINDOW_DAYS
from crm_helpers.demo.text import identifiers, pick

__all__ = ["curve_truth", "dirt_truth", "effect_truth", "row_truth", "write_people_truth"]


def write_people_truth(folder: Path, people: People, *, records: Records) -> None:
    """Write who is whom, of which segment, and when each left.

    Parameters
    ----------
    folder
        The truth's folder.
    people, records
        The people and their ids.
    """
    person = records.person
    identifier = identifiers(np.arange(1, len(records) + 1), records.width)
    churned = people.churned[person]
    columns = {
        "people": ("person_id", identifiers(person, 8, prefix="P")),
        "segments": ("segment", pick([s.name for s in SEGMENTS], people.segment[person])),
        "churn": ("churned_on", pa.array(churned.astype("datetime64[D]"), mask=churned == NEVER)),
    }
    for name, (column, values) in columns.items():
        write_parquet(folder / f"{name}.parquet", pa.table({"customer_id": identifier, column: values}))


def curve_truth(curves: Curves, mean_order_value: np.ndarray) -> pa.Table:
    """List each channel's curve: expected orders a month are ``scale * cost ** exponent``.

    Parameters
    ----------
    curves
        The curves.
    mean_order_value
        Mean value of an order in CNY by channel, as it came out, before returns and dirt.

    Returns
    -------
    pyarrow.Table
        One row a channel.
    """
    return pa.table(
        {
            "channel": [c.name for c in CHANNELS],
            "shape": ["power"] * len(CHANNELS),
            "scale": curves.scale,
            "exponent": [c.exponent for c in CHANNELS],
            "mean_order_value": mean_order_value,
        }
    )


def effect_truth(campaigns: Sequence[Campaign]) -> pa.Table:
    """List each campaign's effect on spend per contacted customer.

    Parameters
    ----------
    campaigns
        Those carried out.

    Returns
    -------
    pyarrow.Table
        One row a campaign; the effect is expected, averaged over the contacted, in CNY.
    """
    return pa.table(
        {
            "campaign_id": [c.identifier for c in campaigns],
            "design": [c.plan.design for c in campaigns],
            "effect_per_customer": [c.effect for c in campaigns],
            "outcome": ["spend"] * len(campaigns),
            "window_days": [WINDOW_DAYS] * len(campaigns),
            "contacted": [len(c.contacted) for c in campaigns],
            "held_out": [len(c.person) - len(c.contacted) for c in campaigns],
        }
    )


def dirt_truth(ledger: Ledger) -> pa.Table:
    """List the dirt: rows by table and kind, and what cleaning is expected to do with them.

    Parameters
    ----------
    ledger
        What was planted.

    Returns
    -------
    pyarrow.Table
        table, kind, action (see `Ledger`) and rows.
    """
    rows = sorted((*place, count) for place, count in ledger.items())
    names = ("table", "kind", "action", "rows")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


def row_truth(rows: Mapping[str, int], ledger: Ledger) -> pa.Table:
    """List the rows of each source, and how many are left when cleaning has done its work.

    Parameters
    ----------
    rows
        Rows written, by canonical table.
    ledger
        What was planted.

    Returns
    -------
    pyarrow.Table
        table, read, merged, quarantined and clean, where read = clean + quarantined + merged.
    """
    gone: Counter[tuple[str, str]] = Counter()
    for (table, _, action), count in ledger.items():
        gone[table, action] += count
    return pa.Table.from_pylist([_account(table, rows[table], gone) for table in sorted(rows)])


def _account(table: str, read: int, gone: Mapping[tuple[str, str], int]) -> dict[str, object]:
    merged, bad = gone[table, "merged"], gone[table, "quarantined"]
    return {"table": table, "read": read, "merged": merged, "quarantined": bad, "clean": read - merged - bad}
