"""Which shape the curves have: the one that misses the orders of months it has not seen by least."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crm_helpers.analysis.channels.response_fit import middle_cost, weighted_fits
from crm_helpers.analysis.channels.shapes import SHAPES, ShapeName, log_relative
from crm_helpers.analysis.estimates import rounded

__all__ = ["FEWEST_AHEAD", "ShapeChoice", "choose_shape"]

FEWEST_AHEAD = 4
"""Months predicted from the months before, below which nothing is chosen."""

_FEWEST_BEFORE = 6
_LUCK = 1.645  # standard errors that one shape beats another by in one of twenty tries by luck
_COLUMNS = ["channel", "shape", "missed", "deviance", "months", "chosen"]


@dataclass(frozen=True)
class ShapeChoice:
    """The shape, how each did by channel, and by how much the chosen one beats the power.

    `better` is the share of the power's deviance that the best other shape saves, `error` its standard error;
    both are missing where there are too few months to try.
    """

    shape: ShapeName
    tried: pd.DataFrame
    better: float = np.nan
    error: float = np.nan

    def of(self, shape: ShapeName) -> ShapeChoice:
        """Take another shape, whatever the months say."""
        return replace(self, shape=shape, tried=self.tried.assign(chosen=self.tried["shape"] == shape))

    @property
    def missed(self) -> dict[str, float]:
        """Share of the orders of months not seen that each shape misses, all channels together."""
        orders = self.tried.assign(by=self.tried["missed"] * self.tried["orders"])
        sums = orders.groupby("shape")[["by", "orders"]].sum()
        shares = sums["by"] / sums["orders"]
        return {str(name): float(share) for name, share in shares.items()}


def choose_shape(channels: dict[str, pd.DataFrame]) -> ShapeChoice:
    """Predict each month of the second half from the months before it, with every shape.

    One shape is chosen for all channels, for a channel alone has too few months to tell. Another than the
    power is taken only where it saves more deviance than luck would (one side, 95 %; months as units, all
    channels of a month together).

    Parameters
    ----------
    channels
        `period`, `cost` and `orders` by channel, as `response.fit_curves` takes them.

    Returns
    -------
    ShapeChoice
        The power where fewer than `FEWEST_AHEAD` months can be predicted.
    """
    ahead = [
        part for name, rows in channels.items() for shape in SHAPES for part in _predicted(name, rows, shape)
    ]
    months = pd.concat(ahead, ignore_index=True) if ahead else pd.DataFrame()
    if ahead == [] or months["period"].nunique() < FEWEST_AHEAD:
        return ShapeChoice("power", pd.DataFrame(columns=[*_COLUMNS, "orders"]))
    wide = months.pivot_table(index="period", columns="shape", values="deviance", aggfunc="sum")
    sums = {shape: float(np.sum(wide[shape].to_numpy(float))) for shape in SHAPES}
    other = min(SHAPES[1:], key=lambda shape: sums[shape])
    saved = wide["power"].to_numpy(float) - wide[other].to_numpy(float)
    error = float(saved.std(ddof=1) * np.sqrt(len(saved)))
    chosen: ShapeName = other if float(saved.sum()) > _LUCK * error else "power"
    total = max(sums["power"], 1e-12)
    return ShapeChoice(chosen, _table(months, chosen), float(saved.sum()) / total, error / total)


def _predicted(name: str, rows: pd.DataFrame, shape: ShapeName) -> list[pd.DataFrame]:
    ordered = rows.sort_values("period")
    first = max(_FEWEST_BEFORE, len(ordered) // 2)
    if len(ordered) - first < 1:
        return []
    place = np.arange(len(ordered))
    seen = (place < place[first:, None]).astype(float)
    a, b = weighted_fits(ordered, seen, shape)
    y, r = ordered["orders"].to_numpy(float)[first:], ordered["cost"].to_numpy(float)[first:]
    curve = log_relative(shape, r / middle_cost(ordered), b).level
    expected = np.exp(np.clip(a + curve, -50, 50))
    # 2 (y log(y / μ) − (y − μ)), the Poisson deviance
    surprise = 2 * (np.where(y > 0, y * np.log(np.maximum(y, 1e-12) / expected), 0.0) - (y - expected))
    return [
        pd.DataFrame({
            "channel": name, "shape": shape, "period": ordered["period"].to_numpy()[first:], "orders": y,
            "by": np.abs(y - expected), "deviance": surprise,
        })
    ]  # fmt: skip


def _table(months: pd.DataFrame, chosen: str) -> pd.DataFrame:
    own = months.groupby(["channel", "shape"], as_index=False).agg(
        by=("by", "sum"), orders=("orders", "sum"), deviance=("deviance", "mean"), months=("period", "count")
    )
    own["missed"] = own["by"] / own["orders"].where(own["orders"] > 0)
    return rounded(own.assign(chosen=own["shape"] == chosen)[[*_COLUMNS, "orders"]])
