"""Do the words of a topic belong together? NPMI over the comments themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

__all__ = ["npmi"]


def npmi(
    matrix: sparse.csr_array, tops: Sequence[np.ndarray], *, script: np.ndarray | None = None
) -> np.ndarray:
    """Measure each topic's coherence: the mean of its word pairs.

    `NPMI(a, b) = log(p(a,b) / p(a) p(b)) / −log p(a,b)` over texts (Bouma 2009): 1 where two words only
    come together, 0 where they meet as by chance, −1 where they never meet.

    Parameters
    ----------
    matrix
        Texts by words, 0 or 1.
    tops
        Words of each topic, as columns.
    script
        Script of each word; pairs across scripts, which hardly ever meet in one comment, do not count.

    Returns
    -------
    numpy.ndarray
        One mean a topic; not a number without a pair.

    Examples
    --------
    >>> texts = sparse.csr_array(np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]]))
    >>> npmi(texts, [np.array([0, 1]), np.array([0, 2])]).tolist()
    [1.0, -1.0]
    """
    return np.array([_mean(matrix[:, top], None if script is None else script[top]) for top in tops])


def _mean(matrix: sparse.csr_array, script: np.ndarray | None) -> float:
    together = (matrix.T @ matrix).toarray() / max(matrix.shape[0], 1)
    first, second = np.triu_indices(len(together), 1)
    if script is not None:
        same = script[first] == script[second]
        first, second = first[same], second[same]
    both, alone = together[first, second], np.diag(together)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(both / (alone[first] * alone[second])) / -np.log(both)
    value = np.where(both == 0, -1.0, np.where(both >= 1, 0.0, value))
    return float(value.mean()) if len(value) else float("nan")
