"""How many groups of alike customers there are, held against one cloud without any: 1 can win."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_helpers.analysis.stability import bootstrap_agreement, k_means, one_cloud, pairwise, silhouette

__all__ = ["CLEARLY", "SAMPLE", "STABLE", "choose", "market_kind", "sample_rows"]

STABLE = 0.8  # mean adjusted Rand index over resamples
REPRODUCED = 0.9  # the same, for groups that do not stand out: noise with a long axis reaches 0.85
TOLERANCE = 0.02  # measures closer than this are the same
CLEARLY = 0.05  # silhouette above the null; skewed days and whole orders without groups reach 0.03
SAMPLE = 2_000  # customers on whom numbers of clusters are compared
NULL_SAMPLE = 1_000  # customers of a cloud while numbers are compared
DRAWS = 10  # resamples of each number; the one chosen is drawn again more often
CUSTOMERS_EACH = 10  # no more clusters than one for ten customers
_MEASURES = [
    "clusters", "silhouette", "null_silhouette", "stability", "null_stability", "lowest_jaccard",
]  # fmt: skip


def choose(points: np.ndarray, *, clusters: int, fewest: int, most: int, seed: int) -> pd.DataFrame:
    """Try numbers of clusters on a sample, and choose.

    A number is stable when clusters of resampled customers agree with it (mean adjusted Rand index of
    at least 0.8). It is supported when it is stable and its silhouette lies at least 0.05 above the
    highest that the same search finds in one Gaussian cloud of the same spread; with no number
    supported, 1 is. Chosen is, of the supported numbers whose silhouette is within 0.02 of the best,
    the largest, for it says most; with none supported, of the stable ones, else the most stable.

    Parameters
    ----------
    points
        Standardised features, one row a customer.
    clusters
        How many; 0 lets the evidence choose.
    fewest, most
        The range chosen from; below `fewest` only where nothing in the range is stable.
    seed
        Seed of sample, starts and clouds.

    Returns
    -------
    pandas.DataFrame
        `clusters`, the measures beside those of the cloud (`null_`), `supported`, `chosen`; one row
        when there was nothing to choose.
    """
    limit = max(1, min(len(np.unique(points, axis=0)), len(points) // CUSTOMERS_EACH))
    if clusters or limit < 2:
        return pd.DataFrame({"clusters": [min(clusters or 1, limit)], "chosen": True})
    sample = sample_rows(points, SAMPLE, seed)
    distances, cloud = pairwise(sample), sample_rows(sample, NULL_SAMPLE, seed)
    numbers = range(2, min(max(fewest, most), limit) + 1)
    tried = pd.DataFrame([_try(sample, distances, cloud, k=k, seed=seed) for k in numbers], columns=_MEASURES)
    beyond = tried["silhouette"] >= tried["null_silhouette"] + CLEARLY
    tried = tried.assign(supported=beyond & (tried["stability"] >= STABLE))
    one = pd.DataFrame({"clusters": [1], "supported": not tried["supported"].any()})
    table = pd.concat([one, tried], ignore_index=True)[[*_MEASURES, "supported"]]
    return table.assign(chosen=table["clusters"] == _best(tried, min(fewest, limit)))


def market_kind(width: float, null: float, stability: float, null_stability: float) -> str:
    """Say what kind of groups these are (Dolnicar & Leisch 2010).

    Parameters
    ----------
    width, null
        Silhouette of the groups, and the highest of one cloud.
    stability, null_stability
        Mean adjusted Rand index over resamples, and the highest of one cloud.

    Returns
    -------
    str
        `natural`: stable, and apart from each other more than a cloud's; `reproducible`: not apart, but
        more stable than a cloud's; `constructive`: a cloud would give groups like these.

    Examples
    --------
    >>> market_kind(0.55, 0.24, 0.99, 0.6), market_kind(0.3, 0.29, 0.95, 0.97)
    ('natural', 'constructive')
    """
    if stability >= STABLE and width >= null + CLEARLY:
        return "natural"
    surer = stability >= REPRODUCED and stability > null_stability + TOLERANCE
    return "reproducible" if surer else "constructive"


def sample_rows(points: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Draw so many rows without replacement, in their order; all when there are no more."""
    if len(points) <= size:
        return points
    rows = np.random.default_rng(seed).choice(len(points), size, replace=False)
    return points[np.sort(rows)]


def _try(
    sample: np.ndarray, distances: np.ndarray, cloud: np.ndarray, *, k: int, seed: int
) -> tuple[int, float, float, float, float, float]:
    labels = k_means(sample, k, seed=seed, starts=5).labels_
    agreement, similarity = bootstrap_agreement(sample, labels, draws=DRAWS, seed=seed)
    width = silhouette(sample, labels, distances=distances)
    null, null_agreement = one_cloud(cloud, k, draws=2, resamples=2, seed=seed)
    return k, width, null, float(agreement.mean()), null_agreement, float(similarity.min())


def _best(table: pd.DataFrame, fewest: int) -> int:
    stable = table[table["stability"] >= STABLE]
    for rows in (table[table["supported"]], stable[stable["clusters"] >= fewest], stable):
        if len(rows):
            wanted = rows[rows["clusters"] >= fewest] if (rows["clusters"] >= fewest).any() else rows
            good = wanted[wanted["silhouette"] >= wanted["silhouette"].max() - TOLERANCE]
            return int(good["clusters"].max())
    return int(table["clusters"].to_numpy()[table["stability"].to_numpy().argmax()])
