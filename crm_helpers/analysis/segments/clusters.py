"""Segments by likeness: K-means on standardised log features, with the evidence for their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from crm_helpers.analysis.segments.cluster_choice import SAMPLE, choose, market_kind, sample_rows
from crm_helpers.analysis.segments.cluster_names import name_clusters
from crm_helpers.analysis.segments.rfm import NO_ORDERS
from crm_helpers.analysis.segments.scaling import Scaler, fit_scaler
from crm_helpers.analysis.segments.summary import MEDIANS, drawn_intervals
from crm_helpers.analysis.stability import (
    bootstrap_agreement,
    boundary_share,
    fit_centres,
    jaccard_band,
    nearest,
    one_cloud,
    silhouette,
)

__all__ = ["FEATURES", "Clusters", "Scale", "find_clusters", "fit_scale"]

FEATURES = ("recency_days", "orders", "mean_order")
"""How long ago, how often, how much each time: money in total would say the last two again."""

FINAL_SAMPLE = 2_000  # customers on whom the chosen clusters are resampled
_NULL_DRAWS = 3


@dataclass(frozen=True)
class Scale:
    """How features become comparable: `z = (clip(log(1 + x), low, high) − center) / scale`."""

    features: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    scaler: Scaler

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the standardised features of every row; a constant feature becomes zero."""
        logs = np.log1p(frame[list(self.features)].to_numpy(float).clip(min=0))
        limited = pd.DataFrame(logs.clip(self.low, self.high), columns=list(self.features))
        return self.scaler.apply(limited).to_numpy()

    def apply(self, table: ibis.Table) -> list[ibis.Value]:
        """Return the standardised features as expressions of the engine, in the order of `features`."""
        logs = [(table[name].cast("float64").clip(lower=0) + 1).ln() for name in self.features]
        limits = zip(logs, self.low.tolist(), self.high.tolist(), strict=True)
        limited = [log.clip(lower=low, upper=high) for log, low, high in limits]
        learnt = zip(limited, self.scaler.center, self.scaler.scale, strict=True)
        return [(value - center) / scale for value, center, scale in learnt]

    def to_plain(self) -> dict[str, Any]:
        """Return what was learnt as lists and numbers, for JSON."""
        limits = zip(self.features, self.low.tolist(), self.high.tolist(), strict=True)
        return {
            "formula": "z = (clip(ln(1 + x), low, high) - center) / scale",
            "limits": [{"name": name, "low": low, "high": high} for name, low, high in limits],
            "scaler": self.scaler.to_plain(),
        }

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Scale:
        """Make the scale anew from `to_plain`; `KeyError`, `TypeError` or `ValueError` where it is none."""
        names, low, high = zip(*((c["name"], c["low"], c["high"]) for c in content["limits"]), strict=True)
        scaler = Scaler.from_plain(content["scaler"])
        return cls(tuple(map(str, names)), np.array(low, float), np.array(high, float), scaler)


@dataclass(frozen=True)
class Clusters:
    """What K-means found, and how sure it is."""

    labels: pd.Series
    """Name of each customer's cluster; `NO_ORDERS` where there is none."""
    profile: pd.DataFrame
    """One row a cluster, the worthiest first."""
    choice: pd.DataFrame
    """One row a number of clusters tried, 1 among them: measures beside one cloud's, whether chosen."""
    scale: Scale
    centres: np.ndarray
    k: int
    silhouette: float
    null_silhouette: float
    stability: float
    null_stability: float
    boundary_share: float
    market: str
    """`natural`, `reproducible` or `constructive` (Dolnicar & Leisch 2010); `one group` when k is 1."""

    @property
    def supported(self) -> int:
        """How many groups the evidence speaks for: 1 unless they stand out from one cloud."""
        return self.k if self.market == "natural" else 1

    @property
    def beyond(self) -> float:
        """Silhouette above that of one cloud; not a number with one group."""
        return self.silhouette - self.null_silhouette

    @property
    def shown(self) -> pd.DataFrame:
        """What a reader needs of the profile."""
        return self.profile.drop(columns=["share_of_customers", "median_revenue"])

    def assign(self, frame: pd.DataFrame) -> pd.Series:
        """Return the name of the nearest centre for every row, of this day or another."""
        ordered = frame[frame["orders"] > 0]
        places, _ = nearest(self.scale.transform(ordered), self.centres)
        names = self.profile["cluster"].to_numpy(object)
        return _labels(frame, ordered, names[places] if len(ordered) else np.empty(0, object))

    def renamed(self, names: Mapping[str, str]) -> Clusters:
        """Return the same clusters under other names."""
        profile = self.profile.assign(cluster=self.profile["cluster"].replace(dict(names)))
        return replace(self, labels=self.labels.replace(dict(names)), profile=profile)


def find_clusters(
    features: pd.DataFrame, *, clusters: int = 0, fewest: int = 3, most: int = 8, draws: int = 50,
    seed: int = 1,
) -> Clusters:  # fmt: skip
    """Group customers by likeness.

    When the evidence chooses, `cluster_choice.choose` tries every number up to `most` on a sample and
    holds each against one cloud without groups. Where none stands out, the evidence speaks for one
    group (`supported`); what is shown then is a choice, and `market` says so.

    Parameters
    ----------
    features
        One row a customer; customers without orders take no part.
    clusters
        How many clusters; 0 lets the evidence choose.
    fewest, most
        The range within which it chooses.
    draws
        Resamples behind the stability of the clusters found.
    seed
        Seed of everything that is drawn.

    Returns
    -------
    Clusters
        Names, profile and evidence. With too few or equal customers there is one cluster.
    """
    ordered = features[features["orders"] > 0].sort_values("customer_id")
    scale = fit_scale(ordered)
    points = scale.transform(ordered)
    with threadpool_limits(1):  # sums of several threads differ in the last digit from run to run
        choice = choose(points, clusters=clusters, fewest=fewest, most=most, seed=seed)
        chosen = int(choice.loc[choice["chosen"], "clusters"].iloc[0])
        return _describe(features, ordered, points, scale, choice=choice, k=chosen, draws=draws, seed=seed)


def fit_scale(ordered: pd.DataFrame, features: tuple[str, ...] = FEATURES) -> Scale:
    """Learn how to standardise: logarithm, limits at the 1st and 99th percentile, mean, deviation.

    Parameters
    ----------
    ordered
        Customers who ordered.
    features
        Columns to use.

    Returns
    -------
    Scale
        The transformation, to be used for these and for new customers.
    """
    names = list(features)
    logs = np.log1p(ordered[names].to_numpy(float).clip(min=0))
    low, high = np.percentile(logs, [1, 99], axis=0) if len(logs) else np.zeros((2, len(names)))
    limited = pd.DataFrame(logs.clip(low, high), columns=names)
    return Scale(features, low, high, fit_scaler(limited, names, "z-score"))


def _describe(
    features: pd.DataFrame, ordered: pd.DataFrame, points: np.ndarray, scale: Scale, *,
    choice: pd.DataFrame, k: int, draws: int, seed: int,
) -> Clusters:  # fmt: skip
    if k < 2:
        return _one_group(features, ordered, scale, choice)
    labels, found = fit_centres(points, k, seed=seed)
    order = _by_worth(ordered, labels)
    centres = found[order]
    labels = np.argsort(order)[labels]
    sample = sample_rows(points, FINAL_SAMPLE, seed)
    agreement, similarity = bootstrap_agreement(sample, nearest(sample, centres)[0], draws=draws, seed=seed)
    narrow = sample_rows(points, SAMPLE, seed)
    width = silhouette(narrow, nearest(narrow, centres)[0])
    null, null_agreement = one_cloud(narrow, k, draws=_NULL_DRAWS, resamples=6, seed=seed)
    names = name_clusters(ordered, labels)
    return Clusters(
        labels=_labels(features, ordered, np.asarray(names, dtype=object)[labels]),
        profile=_profile(ordered, labels, names, similarity), choice=choice, scale=scale,
        centres=centres, k=k, silhouette=width, null_silhouette=null, stability=float(agreement.mean()),
        null_stability=null_agreement, boundary_share=boundary_share(points, centres),
        market=market_kind(width, null, float(agreement.mean()), null_agreement),
    )  # fmt: skip


def _one_group(features: pd.DataFrame, ordered: pd.DataFrame, scale: Scale, choice: pd.DataFrame) -> Clusters:
    labels = np.zeros(len(ordered), dtype=int)
    names = ["All customers"] if len(ordered) else []
    return Clusters(
        labels=_labels(features, ordered, np.full(len(ordered), "All customers", dtype=object)),
        profile=_profile(ordered, labels, names, np.full(len(names), np.nan)), choice=choice, scale=scale,
        centres=np.zeros((1, len(scale.features))), k=1, silhouette=float("nan"),
        null_silhouette=float("nan"),
        stability=float("nan"), null_stability=float("nan"),
        boundary_share=0.0, market="one group",
    )  # fmt: skip


def _by_worth(ordered: pd.DataFrame, labels: np.ndarray) -> np.ndarray:
    worth = ordered["revenue"].groupby(labels).mean()
    return worth.sort_values(ascending=False, kind="stable").index.to_numpy()


def _labels(features: pd.DataFrame, ordered: pd.DataFrame, names: np.ndarray) -> pd.Series:
    known = pd.Series(names, ordered.index, dtype="str")
    return known.reindex(features.index).fillna(NO_ORDERS).rename("cluster")


def _profile(
    ordered: pd.DataFrame, labels: np.ndarray, names: list[str], similarity: np.ndarray
) -> pd.DataFrame:
    grouped = ordered.groupby(labels)
    total = ordered["revenue"].sum()
    drawn = drawn_intervals(ordered["revenue"].to_numpy(float), labels)
    medians = {name: grouped[of].median() for name, of in MEDIANS.items()}
    customers = grouped.size()
    return pd.DataFrame({
        "cluster": pd.array(names, dtype="str"),
        "customers": customers,
        "share_of_customers": customers / len(ordered),
        "share_of_revenue": grouped["revenue"].sum() / total if total > 0 else np.nan,
        "share_of_revenue_low": drawn["share_low"] if total > 0 else np.nan,
        "share_of_revenue_high": drawn["share_high"] if total > 0 else np.nan,
        **medians,
        "jaccard": similarity,
        "trust": pd.array([jaccard_band(value) for value in similarity], dtype="str"),
    }).reset_index(drop=True)  # fmt: skip
