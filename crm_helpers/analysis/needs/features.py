"""What topics are learned from: the telling words of each different text, and its subjects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from crm_helpers.analysis.needs.company import companions
from crm_helpers.analysis.needs.words import Words

__all__ = ["Features", "make_features", "shuffled"]

SUBJECT_WEIGHT = 3.0  # a subject counts as much as three words
COMPANY_WEIGHT = 1.0  # of the companions of a word beside it
SHORT = 6  # telling words of a text, above which companions count for less: it says enough itself
VOCABULARY = 800  # telling words, those in most texts
FEWEST_TEXTS = 5  # a subject must stand in


@dataclass(frozen=True)
class Features:
    """Weighted words and subjects of different texts."""

    matrix: sparse.csr_array
    """TF-IDF with the companions of each word, rows of unit length; one row a different set of words."""
    plain: sparse.csr_array
    """The same without companions."""
    counts: sparse.csr_array
    """The same without weights but the subjects'."""
    names: np.ndarray
    subject: np.ndarray
    """Whether a column is a subject of the thesaurus."""
    chinese: np.ndarray
    """Whether each word is written in Chinese characters."""
    row: np.ndarray
    """Row of each different text; −1 where it has no telling word and no subject."""
    column: np.ndarray
    """Column among all words of each word here, subjects left out."""
    often: np.ndarray
    """How many comments have each of these sets of words."""

    @cached_property
    def learned(self) -> sparse.csr_array:
        """The rows of `matrix` as topics are learned from them: one that n comments have counts as √n."""
        return sparse.csr_array(sparse.diags_array(self.often**0.25) @ self.matrix)


def make_features(words: Words) -> Features:
    """Weigh words and subjects by TF-IDF, each different set of them once.

    A set of words that n comments have teaches as much as √n: counted once, rare mixtures of amounts and
    places would outvote what most customers say as soon as comments are many; counted n times, one form
    letter would make a topic. How often it was said is counted when topics are measured.

    Parameters
    ----------
    words
        From `find_words`.

    Returns
    -------
    Features
        With `idf = log((1 + n) / (1 + n(w))) + 1`.
    """
    column = _heaviest(words)
    spoken = np.flatnonzero(np.asarray((words.about > 0).sum(axis=0)).ravel() >= FEWEST_TEXTS)
    both = sparse.csr_array(sparse.hstack([words.said[:, column], words.about[:, spoken]], format="csr"))
    both.sort_indices()
    row, kept = _different(both)
    of_comment = row[words.text]
    often = np.bincount(of_comment[of_comment >= 0], minlength=len(kept))
    counts = sparse.csr_array(both[kept])
    subject = np.arange(both.shape[1]) >= len(column)
    names = np.append(words.words[column], np.array(words.subjects, dtype=object)[spoken])
    weight = np.where(subject, SUBJECT_WEIGHT, 1.0)
    present = np.asarray((counts > 0).sum(axis=0)).ravel()
    idf = np.log((1 + counts.shape[0]) / (1 + present)) + 1
    plain = _unit(counts * weight * idf)
    chinese = words.chinese[column]
    weighted = sparse.csr_array(counts * weight)
    return Features(
        _in_company(plain, chinese), plain, weighted, names=names, subject=subject, chinese=chinese,
        row=row, column=column, often=often,
    )  # fmt: skip


def shuffled(features: Features, *, seed: int) -> sparse.csr_array:
    """Scatter every column over the rows at random: words as frequent as they are, and no topic.

    Parameters
    ----------
    features
        From `make_features`.
    seed
        Seed of the scatter.

    Returns
    -------
    scipy.sparse.csr_array
        TF-IDF of texts that are about nothing, without companions.
    """
    random, columns = np.random.default_rng(seed), features.plain.tocsc()
    rows = np.concatenate(
        [random.choice(columns.shape[0], size, replace=False) for size in np.diff(columns.indptr)]
    )
    size = np.diff(columns.indptr)
    mean = np.asarray(columns.sum(axis=0)).ravel() / np.maximum(size, 1)
    column = np.repeat(np.arange(columns.shape[1]), size)
    return _unit(sparse.csr_array((mean[column], (rows, column)), shape=columns.shape))


def _in_company(plain: sparse.csr_array, chinese: np.ndarray) -> sparse.csr_array:
    """Add to each text the companions of its words, which stand in the first columns."""
    said = sparse.csr_array(plain[:, : len(chinese)])
    held = sparse.csr_array((np.ones(said.nnz), said.indices, said.indptr), shape=said.shape)
    short = np.minimum(1.0, SHORT / np.maximum(np.diff(said.indptr), 1))
    more = sparse.csr_array(sparse.diags_array(COMPANY_WEIGHT * short) @ said @ companions(held, chinese))
    more.resize(plain.shape)
    return _unit(plain + more)


def _heaviest(words: Words) -> np.ndarray:
    """Return the telling words that stand in most texts, at most `VOCABULARY`, in their order."""
    column = np.flatnonzero(words.topical)
    often = np.asarray(words.said[:, column].sum(axis=0)).ravel()
    return np.sort(column[np.argsort(-often, kind="stable")[:VOCABULARY]])


def _different(matrix: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Give equal rows one number, in order, and name the text that shows each first."""
    random = np.random.default_rng(0).integers(1, 2**52, matrix.shape[1]).astype(float)
    # equal sets give equal sums, for columns are added in one order; different sets hardly ever do
    key = matrix @ random
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    filled = np.diff(matrix.indptr)[first] > 0
    number = np.where(filled, np.cumsum(filled) - 1, -1)
    return number[row], first[filled]


def _unit(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix = sparse.csr_array(matrix)
    length = np.sqrt(np.asarray((matrix * matrix).sum(axis=1)).ravel())
    return sparse.csr_array(matrix / np.maximum(length, 1e-12)[:, None])
