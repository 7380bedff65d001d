"""Two ways to find topics: non-negative matrix factorisation, and latent Dirichlet allocation beside it."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh
from scipy.special import digamma

__all__ = ["allocate", "directions", "factorise"]

_SMALL = 1e-12


def directions(matrix: sparse.csr_array, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest singular values and their vectors over words, from which factors are started.

    Parameters
    ----------
    matrix
        Texts by words.
    most
        How many, fewer than words.

    Returns
    -------
    tuple of numpy.ndarray
        Values, the largest first, and one column a vector.
    """
    gram = (matrix.T @ matrix).toarray()
    values, vectors = eigsh(gram, most, v0=np.ones(len(gram)))  # a stated start: the same to the last digit
    order = np.argsort(-values, kind="stable")
    return np.sqrt(np.maximum(values[order], _SMALL)), vectors[:, order]


def factorise(
    matrix: sparse.csr_array, topics: int, *, start: tuple[np.ndarray, np.ndarray] | None = None,
    iterations: int = 60,
) -> np.ndarray:  # fmt: skip
    """Find topics by non-negative factors `Y ≈ W H`, least squares, one column at a time (HALS).

    `W(k) ← max(0, W(k) + (Y H'(k) − W (H H')(k)) / (H H')(k,k))` and the same for H (Cichocki & Phan 2009),
    started from the singular vectors with zeros filled by the mean (NNDSVDa, Boutsidis & Gallopoulos
    2008): nothing is random.

    Parameters
    ----------
    matrix
        Texts by words, rows of unit length.
    topics
        How many, at most the number of words and of texts.
    start
        From `directions` of the same matrix, where they are known already.
    iterations
        Rounds at most; stops when the error falls by less than a ten-thousandth.

    Returns
    -------
    numpy.ndarray
        Topics by words, rows of unit length, none negative.
    """
    loads, words = _start(matrix, topics, start or directions(matrix, topics))
    before, held, whole = np.inf, matrix.T, (matrix.data**2).sum()
    for _ in range(iterations):
        _improve(loads, matrix @ words.T, words @ words.T)
        cross, gram = np.ascontiguousarray(held @ loads), loads.T @ loads
        error = float(whole - 2 * (cross * words.T).sum() + (gram * (words @ words.T)).sum())
        turned = np.ascontiguousarray(words.T)
        _improve(turned, cross, gram)
        words = np.ascontiguousarray(turned.T)
        if before - error < 1e-4 * abs(before) < np.inf:
            break
        before = error
    return np.asarray(words / np.maximum(np.linalg.norm(words, axis=1, keepdims=True), _SMALL))


def _improve(factor: np.ndarray, cross: np.ndarray, gram: np.ndarray) -> None:
    for k in range(factor.shape[1]):
        step = (cross[:, k] - factor @ gram[:, k]) / max(gram[k, k], _SMALL)
        np.maximum(factor[:, k] + step, _SMALL, out=factor[:, k])


def _start(
    matrix: sparse.csr_array, topics: int, start: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    size, right = start[0][:topics], start[1][:, :topics]
    left = (matrix @ right) / size
    up_left, up_right, down_left, down_right = (np.maximum(part, 0) for part in (left, right, -left, -right))
    up = np.linalg.norm(up_left, axis=0) * np.linalg.norm(up_right, axis=0)
    down = np.linalg.norm(down_left, axis=0) * np.linalg.norm(down_right, axis=0)
    chosen = up >= down
    left, right = np.where(chosen, up_left, down_left), np.where(chosen, up_right, down_right)
    scale = np.sqrt(size * np.maximum(up, down))
    loads = left / np.maximum(np.linalg.norm(left, axis=0), _SMALL) * scale
    words = right / np.maximum(np.linalg.norm(right, axis=0), _SMALL) * scale
    fill = float(matrix.sum()) / (matrix.shape[0] * matrix.shape[1])
    return np.where(loads > 0, loads, fill), np.ascontiguousarray(np.where(words > 0, words, fill).T)


def allocate(
    counts: sparse.csr_array, topics: int, *, seed: int, iterations: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    """Find topics by latent Dirichlet allocation, variational Bayes over all texts at once.

    Blei, Ng & Jordan (2003) with both priors at 1 / topics, as scikit-learn has them. Only the words that
    a text holds are touched, in whole arrays: no loop over texts.

    Parameters
    ----------
    counts
        Texts by words.
    topics
        How many.
    seed
        Seed of the random start.
    iterations
        Rounds.

    Returns
    -------
    tuple of numpy.ndarray
        Topics by words (rows sum to one) and texts by topics (rows sum to one).
    """
    prior = 1 / topics
    weight = np.random.default_rng(seed).gamma(100.0, 0.01, (topics, counts.shape[1]))
    load = np.ones((counts.shape[0], topics))
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    for _ in range(iterations):
        word = _expected(weight)
        for _ in range(5):
            text = _expected(load)
            ratio = _ratio(counts, row, text, word)
            load = prior + text * (ratio @ word.T)
        weight = prior + word * (ratio.T @ text).T
    return weight / weight.sum(axis=1, keepdims=True), load / load.sum(axis=1, keepdims=True)


def _expected(weight: np.ndarray) -> np.ndarray:
    """Compute `exp(E log θ)` of a Dirichlet distribution, row by row."""
    return np.asarray(np.exp(digamma(weight) - digamma(weight.sum(axis=1, keepdims=True))))


def _ratio(counts: sparse.csr_array, row: np.ndarray, text: np.ndarray, word: np.ndarray) -> sparse.csr_array:
    """Divide each count by what the topics expect of it."""
    expected = np.einsum("nk,nk->n", text[row], word.T[counts.indices])
    return sparse.csr_array(
        (counts.data / np.maximum(expected, _SMALL), counts.indices, counts.indptr), shape=counts.shape
    )
