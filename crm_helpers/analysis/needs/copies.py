"""Comments that were copied from one another: nearly the same letters, found without comparing all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

__all__ = ["originals"]

LONG = 24  # letters; shorter comments are alike without being copied
ALIKE = 0.8  # share of the strings of four letters in either that are in both (Jaccard)
_LETTERS = 4
_BANDS, _ROWS = 8, 4  # of the minimum hashes: 98.5% of the pairs that are 0.8 alike share a band
_CHUNK = 20_000  # texts, and pairs, at a time: memory does not grow with their number


def originals(texts: pd.Series) -> np.ndarray:
    """Find of which earlier text each text is a copy.

    Strings of four letters are hashed; texts whose smallest hashes agree in a band (MinHash, Broder
    1997) are compared, each with the first of its bucket only, by their whole sets of strings.

    Parameters
    ----------
    texts
        Different texts of letters and blanks.

    Returns
    -------
    numpy.ndarray
        Place of the original; a text's own place where it is none's copy.

    Examples
    --------
    >>> said = "I was charged twice for one order and nobody answers my mails about order"
    >>> originals(pd.Series([said + " four", "the parcel came late and was wet", said + " five"])).tolist()
    [0, 1, 0]
    """
    root = np.arange(len(texts))
    long = np.flatnonzero(texts.str.len().to_numpy() >= LONG)
    parts = [texts.iloc[long[start : start + _CHUNK]] for start in range(0, len(long), _CHUNK)]
    if not parts:
        return root
    strings = [_strings(part) for part in parts]
    signature = np.concatenate([_smallest(part) for part in strings])
    held = sparse.csr_array(sparse.vstack(strings, format="csr"))
    for band in range(_BANDS):
        first = _first_of_bucket(signature[:, band * _ROWS : (band + 1) * _ROWS])
        rows = np.flatnonzero(first < np.arange(len(first)))
        copied = rows[_alike(held, rows, first[rows])]
        root[long[copied]] = np.minimum(root[long[copied]], long[first[copied]])
    while (root[root] != root).any():
        root = root[root]
    return root


def _strings(texts: pd.Series) -> sparse.csr_array:
    """Give each text the set of its strings of four letters, hashed to 31 bits, as columns."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    size = texts.str.len().to_numpy()
    key = np.zeros(len(letters) - _LETTERS + 1, dtype=np.uint64)
    for place in range(_LETTERS):
        key = key * np.uint64(0x100000001B3) + letters[place : len(key) + place]
    key = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(33)
    row = np.repeat(np.arange(len(size)), size)
    inside = row[: len(key)] == row[_LETTERS - 1 :]  # strings that run into the next text are none
    held = sparse.csr_array(
        (np.ones(int(inside.sum()), dtype=np.int32), (row[: len(key)][inside], key[inside].astype(np.int64))),
        shape=(len(size), 2**31),
    )
    held.sum_duplicates()
    held.data[:] = 1
    return held


def _smallest(held: sparse.csr_array) -> np.ndarray:
    """Return the smallest of each text's strings under each of 32 orders drawn at random."""
    random = np.random.default_rng(0)
    factors = random.integers(1, 2**63, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    strings = held.indices.astype(np.uint64) + np.uint64(1)
    orders = [np.minimum.reduceat(_mixed(strings * factor), held.indptr[:-1]) for factor in factors]
    return np.stack(orders, axis=1)


def _mixed(hashes: np.ndarray) -> np.ndarray:
    """Let high bits reach low ones (the finisher of MurmurHash3): products alone keep small numbers small."""
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return np.asarray(hashes ^ (hashes >> np.uint64(33)))


def _first_of_bucket(signature: np.ndarray) -> np.ndarray:
    """Name the first text with the same band, told by one hash of it."""
    key = np.zeros(len(signature), dtype=np.uint64)
    for place in range(signature.shape[1]):
        key = _mixed((key ^ signature[:, place]) * np.uint64(0x9E3779B97F4A7C15))
    _, first, bucket = np.unique(key, return_index=True, return_inverse=True)
    return np.asarray(first[bucket])


def _alike(held: sparse.csr_array, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compare pairs of texts by all of their strings."""
    size = np.diff(held.indptr)
    found = np.zeros(len(one), dtype=bool)
    for start in range(0, len(one), _CHUNK):
        left, right = one[start : start + _CHUNK], other[start : start + _CHUNK]
        both = np.asarray(held[left].multiply(held[right]).sum(axis=1)).ravel()
        found[start : start + _CHUNK] = both >= ALIKE * (size[left] + size[right] - both)
    return found
