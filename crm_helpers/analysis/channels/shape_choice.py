"""Which shape the curves have: the one that misses the orders of months it has not seen by least.

Channels share a shape, for one alone has too few months to tell a power from a logarithm. An S is another
matter: it rises faster than cost where the others cannot, and a channel has it for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from crm_helpers.analysis.channels.response_fit import middle_cost, weighted_fits
from crm_helpers.analysis.channels.shapes import CONCAVE, S_SHAPED, SHAPES, ShapeName, log_relative
from crm_helpers.analysis.estimates import rounded

__all__ = ["FEWEST_AHEAD", "ShapeChoice", "choose_shape"]

FEWEST_AHEAD = 4
"""Months predicted from the months before, below which nothing is chosen."""

_FEWEST_BEFORE = 6
_ODDS = 20.0  # of an S against the best other shape, times the channels tried: in one of twenty by luck
_LUCK = 1.645  # standard errors that one shape beats another by in one of twenty tries by luck
_COLUMNS = ["channel", "shape", "missed", "deviance", "months", "chosen"]


@dataclass(frozen=True)
class ShapeChoice:
    """The shape, how each did by channel, and by how much the chosen one beats the power.

    `s_shaped` are the channels that have an S instead, `asked` whether the shape was given. `better` is the
    share of the power's deviance that the best other shape saves, `error` its standard error; both are
    missing where there are too few months to try.
    """

    shape: ShapeName
    tried: pd.DataFrame
    better: float = np.nan
    error: float = np.nan
    s_shaped: dict[str, ShapeName] = field(default_factory=dict)
    asked: bool = False

    def of(self, shape: ShapeName) -> ShapeChoice:
        """Take another shape, whatever the months say."""
        chosen = self.tried["shape"] == shape
        return replace(self, shape=shape, tried=self.tried.assign(chosen=chosen), s_shaped={}, asked=True)

    def shapes(self, channels: Iterable[str]) -> tuple[ShapeName, ...]:
        """Give the shape of each channel."""
        return tuple(self.s_shaped.get(name, self.shape) for name in channels)

    @property
    def missed(self) -> dict[str, float]:
        """Share of the orders of months not seen that each shape misses, all channels together."""
        orders = self.tried.assign(by=self.tried["missed"] * self.tried["orders"])
        sums = orders.groupby("shape")[["by", "orders"]].sum()
        shares = sums["by"] / sums["orders"]
        return {str(name): float(share) for name, share in shares.items()}


def choose_shape(channels: dict[str, pd.DataFrame]) -> ShapeChoice:
    """Predict each month of the second half from the months before it, with every shape.

    One shape is chosen for all channels; another than the power is taken only where it saves more deviance
    than luck would (one side, 95 %; months as units, all channels of a month together). A channel gets an S
    where its months are 20 K times likelier, foretold by it, than by the best of the other shapes, with K
    the channels tried: by luck that happens to one of twenty companies at most (Ville's inequality; Dawid
    1984). One month alone does not decide it, and a spread beyond Poisson's makes all odds smaller.

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
    found = _s_shaped(months)
    others = months[~months["channel"].isin(found)]
    wide = (others if len(others) else months).pivot_table(
        index="period", columns="shape", values="deviance", aggfunc="sum"
    )
    sums = {shape: float(np.sum(wide[shape].to_numpy(float))) for shape in CONCAVE}
    other = min(CONCAVE[1:], key=lambda shape: sums[shape])
    saved = wide["power"].to_numpy(float) - wide[other].to_numpy(float)
    error = float(saved.std(ddof=1) * np.sqrt(len(saved)))
    chosen: ShapeName = other if float(saved.sum()) > _LUCK * error else "power"
    total = max(sums["power"], 1e-12)
    choice = ShapeChoice(chosen, months, float(saved.sum()) / total, error / total, found)
    return replace(choice, tried=_table(months, choice))


def _s_shaped(months: pd.DataFrame) -> dict[str, ShapeName]:
    """Find channels whose months an S foretells better than any other shape, beyond luck."""
    found, odds = dict[str, ShapeName](), _ODDS * months["channel"].nunique()
    for name, own in months.groupby("channel"):
        wide = own.pivot_table(index="period", columns="shape", values="deviance")
        sums = wide.sum().to_dict()
        s, rival = (min(shapes, key=lambda shape: sums[shape]) for shapes in (S_SHAPED, CONCAVE))
        saved = (wide[rival] - wide[s]).to_numpy(float)
        spread = max(1.0, float(wide[s].mean()))
        enough = saved.sum() > 2 * spread * np.log(odds) and saved.sum() > saved.max()
        if len(saved) >= FEWEST_AHEAD and enough:
            found[str(name)] = s
    return found


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


def _table(months: pd.DataFrame, choice: ShapeChoice) -> pd.DataFrame:
    own = months.groupby(["channel", "shape"], as_index=False).agg(
        by=("by", "sum"), orders=("orders", "sum"), deviance=("deviance", "mean"), months=("period", "count")
    )
    own["missed"] = own["by"] / own["orders"].where(own["orders"] > 0)
    chosen = own["shape"] == list(choice.shapes(own["channel"]))
    return rounded(own.assign(chosen=chosen)[[*_COLUMNS, "orders"]])
