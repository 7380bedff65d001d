"""How sure clusters are: silhouette, bootstrap stability, boundary customers and a null without clusters."""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.cluster import KMeans, MiniBatchKMeans

__all__ = [
    "BANDS", "BOUNDARY", "LARGE", "adjusted_rand", "bootstrap_agreement", "boundary_share", "fit_centres",
    "jaccard_band", "k_means", "nearest", "one_cloud", "pairwise", "silhouette",
]  # fmt: skip

BOUNDARY = 0.1  # nearest and second-nearest centre differ by less than a tenth
BANDS = (
    (0.85, "highly stable"), (0.75, "valid"), (0.6, "a pattern, members doubtful"), (0.0, "do not trust"),
)  # fmt: skip
"""Hennig (2007), as stated in the help of `fpc::clusterboot`."""

LARGE = 100_000  # rows above which K-means goes by small batches
FIRST_SAMPLE = 20_000  # rows whose centres the batches start from
BATCH = 10_000  # rows in memory at once besides the points themselves


def k_means(
    points: np.ndarray, k: int, *, seed: int, starts: int = 10, weights: np.ndarray | None = None
) -> KMeans:
    """Fit K-means with a stated seed and several starts.

    Parameters
    ----------
    points
        Standardised features, one row a customer.
    k
        How many clusters.
    seed
        Seed of the starts.
    starts
        How many starts; the best inertia is kept.
    weights
        Weight of each row.

    Returns
    -------
    sklearn.cluster.KMeans
        The fitted model.
    """
    with config_context(assume_finite=True, skip_parameter_validation=True):  # a third of a small fit
        return KMeans(k, n_init=starts, random_state=seed).fit(points, sample_weight=weights)


def fit_centres(
    points: np.ndarray, k: int, *, seed: int, large: int = LARGE
) -> tuple[np.ndarray, np.ndarray]:
    """Fit K-means, by small batches above a stated number of rows (Sculley 2010).

    The batches move on the centres that full K-means, with all its starts, finds in 20,000 rows, so
    that memory besides the points does not grow with their number.

    Parameters
    ----------
    points
        Standardised features, one row a customer.
    k
        How many clusters.
    seed
        Seed of starts, sample and batches.
    large
        Rows above which batches are used.

    Returns
    -------
    tuple of numpy.ndarray
        Cluster of each row, 0 to k − 1, and the centres.
    """
    if len(points) <= large:
        centres = k_means(points, k, seed=seed).cluster_centers_
    else:
        generator = np.random.default_rng(seed)
        first = points[np.sort(generator.choice(len(points), min(FIRST_SAMPLE, len(points)), replace=False))]
        batches = MiniBatchKMeans(
            k, init=k_means(first, k, seed=seed).cluster_centers_, n_init=1, batch_size=BATCH, max_iter=10,
            reassignment_ratio=0.0, random_state=seed,
        )  # fmt: skip
        centres = batches.fit(points).cluster_centers_
    parts = [nearest(points[start : start + BATCH], centres)[0] for start in range(0, len(points), BATCH)]
    return np.concatenate(parts), centres


def silhouette(points: np.ndarray, labels: np.ndarray, *, distances: np.ndarray | None = None) -> float:
    """Compute the mean silhouette width `(b − a) / max(a, b)` (Rousseeuw 1987).

    The distances are asked for once and used for every labelling: one product with the indicator
    matrix gives each point's summed distance to every cluster.

    Parameters
    ----------
    points
        One row a customer, at most some thousands.
    labels
        Cluster of each row, 0 to k − 1.
    distances
        `pairwise(points)` where it is already known.

    Returns
    -------
    float
        −1 to 1; not a number with fewer than two clusters.

    Examples
    --------
    >>> silhouette(np.array([[0.0], [1.0], [10.0], [11.0]]), np.array([0, 0, 1, 1]))
    0.899749
    """
    present, labels = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return float("nan")
    member = np.eye(len(present))[labels]
    sizes = member.sum(axis=0)
    sums = (pairwise(points) if distances is None else distances) @ member
    rows = np.arange(len(labels))
    own = sums[rows, labels] / np.maximum(sizes[labels] - 1, 1)
    means = sums / sizes
    means[rows, labels] = np.inf
    other, alone = means.min(axis=1), sizes[labels] == 1
    wider = np.maximum(np.maximum(own, other), np.finfo(float).tiny)
    return round(float(np.where(alone, 0.0, (other - own) / wider).mean()), 6)


def pairwise(points: np.ndarray) -> np.ndarray:
    """Compute Euclidean distances between all pairs of rows."""
    squares = (points**2).sum(axis=1)
    gram = (-2 * points) @ points.T
    gram += squares[:, None]
    gram += squares
    np.fill_diagonal(gram, 0.0)
    return np.asarray(np.sqrt(np.maximum(gram, 0.0, out=gram), out=gram))


def adjusted_rand(one: np.ndarray, other: np.ndarray) -> float:
    """Compare two labellings: 1 when equal, 0 as by chance (Hubert & Arabie 1985).

    Parameters
    ----------
    one, other
        Labels of the same rows, 0 and above.

    Returns
    -------
    float
        The adjusted Rand index.

    Examples
    --------
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    """
    table = _contingency(one, other).astype(float)
    pairs, rows, columns = (_pairs(part) for part in (table, table.sum(axis=1), table.sum(axis=0)))
    every = len(one) * (len(one) - 1) / 2
    chance = rows * columns / every if every else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == chance else float((pairs - chance) / (most - chance))


def bootstrap_agreement(
    points: np.ndarray, labels: np.ndarray, *, draws: int, seed: int, starts: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster resamples of the customers and compare with the clusters found.

    Each draw resamples the rows with replacement, clusters anew from scratch, and assigns every row
    to the new centres. Per cluster, the Jaccard similarity to its best match is the share of common
    customers among those in either (Hennig 2007).

    Parameters
    ----------
    points
        Standardised features, one row a customer.
    labels
        Clusters found, 0 to k − 1.
    draws
        How many resamples.
    seed
        Seed of the resamples and their starts.
    starts
        K-means starts in each.

    Returns
    -------
    tuple of numpy.ndarray
        Adjusted Rand index per draw; mean Jaccard similarity per cluster.
    """
    k, generator = int(labels.max()) + 1, np.random.default_rng(seed)
    agreement, similarity = np.empty(draws), np.zeros((draws, k))
    for draw in range(draws):
        counts = np.bincount(generator.integers(len(points), size=len(points)), minlength=len(points))
        drawn = counts > 0
        model = k_means(points[drawn], k, seed=seed + draw, starts=starts, weights=counts[drawn] * 1.0)
        again = nearest(points, model.cluster_centers_)[0]
        agreement[draw] = adjusted_rand(labels, again)
        similarity[draw] = _best_jaccard(labels, again)
    return agreement, similarity.mean(axis=0)


def nearest(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find each row's nearest centre, and the distances to all."""
    gram = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * points @ centres.T
    distances = np.sqrt(np.maximum(gram, 0.0))
    return distances.argmin(axis=1), distances


def boundary_share(points: np.ndarray, centres: np.ndarray) -> float:
    """Compute the share of rows whose two nearest centres are almost equally far.

    Parameters
    ----------
    points
        Standardised features, one row a customer.
    centres
        Centres of the clusters.

    Returns
    -------
    float
        Share of rows with `1 − first / second < 0.1`.
    """
    if len(centres) < 2 or not len(points):
        return 0.0
    near = 0
    for start in range(0, len(points), BATCH):
        distances = nearest(points[start : start + BATCH], centres)[1]
        first, second = np.partition(distances, 1, axis=1)[:, :2].T
        near += int((second - first < BOUNDARY * second).sum())
    return near / len(points)


def jaccard_band(similarity: float) -> str:
    """Say what a bootstrap Jaccard similarity means; nothing when there is none.

    Examples
    --------
    >>> jaccard_band(0.8), jaccard_band(0.5)
    ('valid', 'do not trust')
    """
    return next((words for floor, words in BANDS if similarity >= floor), "")


def one_cloud(
    points: np.ndarray, k: int, *, draws: int, seed: int, resamples: int = 5
) -> tuple[float, float]:
    """Measure the k clusters that are found where there are none.

    The null is one Gaussian cloud with the data's means and covariances: what is above it is
    structure that K-means did not make up.

    Parameters
    ----------
    points
        Standardised features, one row a customer.
    k
        How many clusters.
    draws
        How many clouds; the highest of each measure counts.
    seed
        Seed of the clouds and the starts.
    resamples
        Resamples behind the stability in each cloud.

    Returns
    -------
    tuple of float
        Silhouette, and mean adjusted Rand index over resamples.
    """
    generator = np.random.default_rng(seed)
    spread = np.atleast_2d(np.cov(points, rowvar=False))
    widths, agreements = [], []
    for _ in range(draws):
        cloud = generator.multivariate_normal(points.mean(axis=0), spread, size=len(points), method="eigh")
        labels = k_means(cloud, k, seed=seed, starts=2).labels_
        widths.append(silhouette(cloud, labels))
        agreements.append(bootstrap_agreement(cloud, labels, draws=resamples, seed=seed)[0].mean())
    return max(widths), float(max(agreements))


def _contingency(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    rows, columns = int(one.max()) + 1, int(other.max()) + 1
    return np.bincount(one * columns + other, minlength=rows * columns).reshape(rows, columns)


def _pairs(counts: np.ndarray) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _best_jaccard(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    both = _contingency(one, other)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return np.asarray((both / np.maximum(either, 1)).max(axis=1))
