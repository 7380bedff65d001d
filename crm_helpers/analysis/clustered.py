"""Least squares with errors that hold when rows of one cluster belong together, from one sum a cluster.

Two passes over the table: means, and the cross-products of each cluster. From these come the errors CR1 and
CR2 (Bell & McCaffrey 2002) with their degrees of freedom, and the wild cluster bootstrap; the rows are not
needed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import ibis
import numpy as np
import pandas as pd

from crm_helpers.analysis.normal_equations import ROUNDING, independent, inverse
from crm_helpers.analysis.regression import Regression

__all__ = ["ClusterErrors", "ClusterSums", "cluster_ols", "cluster_sums"]

ClusterErrors = Literal["CR1", "CR2"]
"""CR1 with `G/(G − 1) · (n − 1)/(n − k)` and G − 1 degrees of freedom; CR2 unbiased under equal errors."""


@dataclass(frozen=True)
class ClusterSums:
    """Cross-products of each cluster, of columns less their means over all rows; the first column is 1."""

    names: tuple[str, ...]
    centre: np.ndarray  # mean of the outcome and of each regressor
    rows: np.ndarray
    gram: np.ndarray  # clusters × columns × columns
    moment: np.ndarray  # clusters × columns: with the outcome
    square: float  # Σ (y − ȳ)²

    @cached_property
    def kept(self) -> np.ndarray:
        """Whether each column is independent of those before it."""
        slopes = independent(
            self.gram.sum(axis=0)[1:, 1:], self.rows.sum() * (ROUNDING * self.centre[1:]) ** 2
        )
        return np.asarray(np.append(True, slopes))

    @cached_property
    def inverse(self) -> np.ndarray:
        """`(X'X)⁻¹`, zero where a column is dropped."""
        kept = np.ix_(self.kept, self.kept)
        solution: np.ndarray = np.zeros_like(self.gram[0])
        solution[kept] = inverse(self.gram.sum(axis=0)[kept])
        return solution

    @cached_property
    def slopes(self) -> np.ndarray:
        """Coefficients of the centred columns."""
        return np.asarray(self.inverse @ self.moment.sum(axis=0))

    @cached_property
    def scores(self) -> np.ndarray:
        """`X(g)'e(g)` of each cluster."""
        return np.asarray(self.moment - self.gram @ self.slopes)

    @cached_property
    def back(self) -> np.ndarray:
        """Map from centred columns to the given ones: `β0 = ȳ − x̄'β`."""
        back = np.eye(len(self.names))
        back[0, 1:] = -self.centre[1:]
        return back


def cluster_sums(table: ibis.Table, *, outcome: str, regressors: Sequence[str], cluster: str) -> ClusterSums:
    """Add up cross-products by cluster in the engine; rows with a missing value are left out.

    Parameters
    ----------
    table
        One row an observation.
    outcome
        The column to explain.
    regressors
        The columns that explain it; the intercept is added.
    cluster
        The column that says which rows belong together.

    Returns
    -------
    ClusterSums
        By cluster, in order of its key.
    """
    columns = [f"x{place}" for place in range(1, len(regressors) + 1)]
    chosen = {name: table[source].cast("float64") for name, source in zip(columns, regressors, strict=True)}
    rows = table.select(cluster=table[cluster], y=table[outcome].cast("float64"), **chosen).drop_null()
    every = ["y", *columns]
    found = rows.aggregate(**{name: rows[name].mean() for name in every}).to_pandas()
    centre = found.iloc[0].fillna(0.0).to_numpy(float)
    means = dict(zip(every, centre, strict=True))
    centred = rows.select("cluster", **{name: rows[name] - float(means[name]) for name in every})
    sums = {name: centred[name].sum() for name in every}
    sums |= {f"{a}_{b}": (centred[a] * centred[b]).sum() for a, b in _pairs(every)}
    frame = centred.group_by("cluster").aggregate(n=centred.count(), **sums).order_by("cluster").to_pandas()
    return _arranged(frame, every, ("intercept", *regressors), centre)


def cluster_ols(sums: ClusterSums, *, errors: ClusterErrors = "CR2") -> Regression:
    """Fit `y = Xβ + ε` with errors free to go together within clusters.

    `V = (X'X)⁻¹ Σ(g) s(g) s(g)' (X'X)⁻¹`, s(g) the cluster's scores `X(g)'e(g)`. CR2 has
    `X(g)' (I − H(g))^(−1/2) e(g)` in their place, with H(g) the cluster's block of the hat matrix, and
    Satterthwaite's degrees of freedom under equal, independent errors (Imbens & Kolesár 2016), which is
    what keeps intervals honest when clusters are few or of unequal size.

    Parameters
    ----------
    sums
        From `cluster_sums`.
    errors
        Which errors.

    Returns
    -------
    Regression
        With degrees of freedom for each coefficient.
    """
    clusters, rows, rank = len(sums.rows), int(sums.rows.sum()), int(sums.kept.sum())
    known = np.where(sums.kept, 1.0, np.nan)
    coefficients = sums.back @ sums.slopes
    coefficients[0] += sums.centre[0]
    drawn = sums.back @ sums.inverse
    if errors == "CR1":
        factor = clusters / max(clusters - 1, 1) * (rows - 1) / max(rows - rank, 1)
        spread = factor * ((sums.scores @ drawn.T) ** 2).sum(axis=0)
        freedom = np.full(len(known), float(clusters - 1))
    else:
        spread, freedom = _unbiased(sums, drawn)
    if clusters < 2 or rows <= rank:
        spread = np.full(len(known), np.nan)
    explained = float(sums.slopes @ sums.moment.sum(axis=0))
    r_squared = explained / sums.square if sums.square > 0 else np.nan
    return Regression(
        sums.names, coefficients * known, np.sqrt(spread) * known, rows, rank, r_squared, freedom=freedom
    )


def _pairs(columns: list[str]) -> list[tuple[str, str]]:
    return [(a, b) for place, a in enumerate(columns) for b in columns[place:]]


def _arranged(
    frame: pd.DataFrame, every: list[str], names: tuple[str, ...], centre: np.ndarray
) -> ClusterSums:
    size = len(every)
    full = np.zeros((len(frame), size + 1, size + 1))  # y, 1, x1, …
    place = {name: at for at, name in enumerate(["y", "one", *every[1:]])}
    full[:, 1, 1] = frame["n"]
    for name in every:
        full[:, 1, place[name]] = full[:, place[name], 1] = frame[name]
    for a, b in _pairs(every):
        full[:, place[a], place[b]] = full[:, place[b], place[a]] = frame[f"{a}_{b}"]
    square = float(full[:, 0, 0].sum())
    return ClusterSums(names, centre, frame["n"].to_numpy(), full[:, 1:, 1:], full[:, 0, 1:], square)


def _unbiased(sums: ClusterSums, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give variances and degrees of freedom of CR2 without a matrix of rows.

    With `(X'X)⁻¹ = LL'` and `Z = XL`, `Z(g)'(I − Z(g)Z(g)')^(−1/2) = (I − Z(g)'Z(g))^(−1/2) Z(g)'`.
    """
    values, vectors = np.linalg.eigh(sums.inverse)
    root = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, values > 0]
    inner = root.T @ sums.gram @ root
    shares, turns = np.linalg.eigh(inner)
    left = 1 - shares
    # a cluster that decides a direction of the fit alone has no residual there
    scale = np.where(left > 1e-9, 1 / np.sqrt(np.maximum(left, 1e-9)), 0.0)
    adjust = (turns * scale[:, None, :]) @ turns.transpose(0, 2, 1)
    adjusted = np.einsum("gab,gb->ga", adjust, sums.scores @ root)
    weights = drawn @ np.linalg.pinv(root).T  # a coefficient from columns of Z
    spread = ((adjusted @ weights.T) ** 2).sum(axis=0)
    return spread, _satterthwaite(inner, adjust, weights)


def _satterthwaite(inner: np.ndarray, adjust: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Match mean and variance of each CR2 variance to a χ²: `(Σλ)² / Σλ²` of `P'(I − H)P`."""
    freedom = []
    for weight in weights:
        turned = adjust @ weight  # (I − Z'Z)^(−1/2) w of each cluster
        length = np.einsum("ga,gab,gb->g", turned, inner, turned)
        shared = np.einsum("gab,gb->ga", inner, turned)
        product = np.diag(length) - shared @ shared.T
        total = (product**2).sum()
        freedom.append(np.trace(product) ** 2 / total if total > 0 else np.nan)
    return np.array(freedom)
