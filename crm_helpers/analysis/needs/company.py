"""Words that keep company: what else a comment may have said, had its writer used more words."""

from __future__ import annotations

import numpy as np
from scipy import sparse

__all__ = ["companions"]

FEWEST = 3  # texts in which two words must stand together
SURE = 3.0  # standard errors by which they must do so more often than by chance
MOST = 5  # companions of a word in each script
FEWEST_MIXED = 20  # texts in both scripts, below which nothing is learned from them


def companions(held: sparse.csr_array, chinese: np.ndarray) -> sparse.csr_array:
    """Learn which words stand together, within a script and, from comments in both, across them.

    Two short comments on one matter seldom share a word; they share words that others use together. The
    weight of a companion is the NPMI of the two words, `log(p(w,v) / p(w) p(v)) / −log p(w,v)`, where
    they stand together surely more often than by chance; the weights of a word's companions in a script
    sum to one.

    Parameters
    ----------
    held
        Different texts by words, 0 or 1.
    chinese
        Whether each word is written in Chinese characters.

    Returns
    -------
    scipy.sparse.csr_array
        Words by their companions.

    Examples
    --------
    >>> held = sparse.csr_array(np.repeat([[1.0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]], [10, 10, 20], axis=0))
    >>> companions(held, np.array([True] * 4)).toarray().tolist()[0]
    [0.0, 1.0, 0.0, 0.0]
    """
    same = chinese[:, None] == chinese[None, :]
    mixed = np.asarray((held @ chinese > 0) & (held @ ~chinese > 0)).ravel()
    weights = _weights(held, same)
    if mixed.sum() >= FEWEST_MIXED:
        weights = weights + _weights(sparse.csr_array(held[mixed]), ~same)
    return sparse.csr_array(weights)


def _weights(held: sparse.csr_array, wanted: np.ndarray) -> np.ndarray:
    together = np.asarray((held.T @ held).toarray())
    alone, texts = np.diag(together).copy(), held.shape[0]
    expected = np.outer(alone, alone) / max(texts, 1)
    sure = together - expected > SURE * np.sqrt(expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        npmi = np.log(together / expected) / -np.log(together / texts)
    found = np.where((together >= FEWEST) & (together < texts) & sure & wanted, npmi, 0.0)
    np.fill_diagonal(found, 0.0)
    order = np.argsort(-found, axis=1, kind="stable")[:, MOST:]
    np.put_along_axis(found, order, 0.0, axis=1)
    return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12))
