"""From comments to words: which words each comment has, which of them tell what it is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from crm_helpers.analysis.needs.dictionary import new_words
from crm_helpers.analysis.needs.segmenter import Segmenter
from crm_helpers.analysis.needs.thesaurus import read_stopwords, read_thesaurus

__all__ = ["Words", "find_words", "telling"]

RAREST = 5  # different texts a word must stand in
TELLING = 0.5  # nats by which a word's company must differ from everybody's
_PIECE = r"[\u3400-\u9fff]+|[^\W\d_\u3000-\U0010ffff][^\W\d_\u3000-\U0010ffff'-]*"
_HAN = r"[\u3400-\u9fff]"


@dataclass(frozen=True)
class Words:
    """Different texts and the words they hold."""

    words: np.ndarray
    matrix: sparse.csr_array
    """One row a different text, one column a word: 1 where the text has it."""
    subjects: tuple[str, ...]
    about: sparse.csr_array
    """One row a different text, one column a subject of the thesaurus."""
    text: np.ndarray
    """Row of each comment."""
    topical: np.ndarray
    """Whether a word tells what a comment is about."""
    mined: pd.DataFrame
    """Words that were added to the dictionary, from `new_words`."""

    @property
    def chinese(self) -> np.ndarray:
        """Whether each word is written in Chinese characters."""
        return pd.Series(self.words, dtype="str").str.contains(_HAN).to_numpy(dtype=bool)


def find_words(texts: pd.Series) -> Words:
    """Cut texts into words: Chinese by jieba with words mined from these texts, English at blanks.

    Equal texts, and equal runs between signs, are cut once.

    Parameters
    ----------
    texts
        Normalised texts of comments.

    Returns
    -------
    Words
        Words that stand in at least `RAREST` different texts.
    """
    text, distinct = pd.factorize(texts)
    found = pd.Series(distinct, dtype="str").str.findall(_PIECE).explode().dropna()
    piece, pieces = pd.factorize(found)
    holds = _incidence(found.index.to_numpy(), piece, shape=(len(distinct), len(pieces)))
    place, words, mined = _cut_pieces(pd.Series(pieces, dtype="str"))
    matrix = _binary(
        holds @ _incidence(place.index.to_numpy(), place.to_numpy(), shape=(len(pieces), len(words)))
    )
    frequent = np.asarray(matrix.sum(axis=0)).ravel() >= RAREST
    matrix, words = sparse.csr_array(matrix[:, frequent]), words[frequent]
    thesaurus = read_thesaurus()
    about = _binary(holds @ thesaurus.found(list(pieces)))
    stop = np.isin(words, list(read_stopwords())) | (pd.Series(words, dtype="str").str.len().to_numpy() < 2)
    topical = ~stop & (telling(matrix) > TELLING)
    return Words(words, matrix, thesaurus.subjects, about, text, topical, mined)


def telling(matrix: sparse.csr_array) -> np.ndarray:
    """Measure how far a word's company differs from the company any word keeps.

    `Σ p(v|w) log (p(v|w) / p(v))` over the words v of texts that hold w, less its expected value under
    chance `(m − 1) / 2n` (Miller 1955): near zero for greetings, filler and names of things that are
    spoken of in every connection.

    Parameters
    ----------
    matrix
        Texts by words, 0 or 1.

    Returns
    -------
    numpy.ndarray
        Nats, one for each word.
    """
    together = (matrix.T @ matrix).tocsr()
    together.setdiag(0)
    together.eliminate_zeros()
    sums = np.asarray(together.sum(axis=1)).ravel()
    base = np.asarray(together.sum(axis=0)).ravel() / max(sums.sum(), 1)
    row = np.repeat(np.arange(len(sums)), np.diff(together.indptr))
    share = together.data / np.maximum(sums[row], 1)
    information = np.bincount(row, share * np.log(share / base[together.indices]), minlength=len(sums))
    return np.asarray(information - (np.diff(together.indptr) - 1) / (2 * np.maximum(sums, 1)))


def _cut_pieces(pieces: pd.Series) -> tuple[pd.Series, np.ndarray, pd.DataFrame]:
    """Return the place of each piece's words among all words (index: the piece), the words, and new ones."""
    chinese = pieces[pieces.str.match(_HAN).to_numpy(dtype=bool)]
    english = pieces.drop(chinese.index).str.replace(r"'s$|['-]+$", "", regex=True)
    mined = pd.DataFrame({"word": [], "count": [], "information": [], "entropy": []})
    tokens = english.astype(object)
    if len(chinese):
        segmenter = Segmenter(list(chinese))
        mined = new_words(segmenter.pieces, segmenter.known)
        cuts = pd.Series(
            segmenter.cut(segmenter.pieces, words=mined["word"]), index=chinese.index, dtype=object
        )
        tokens = pd.concat([cuts.explode(), tokens])
    place, words = pd.factorize(tokens.to_numpy(dtype=object), sort=True)
    return pd.Series(place, index=tokens.index), np.asarray(words, dtype=object), mined


def _incidence(row: np.ndarray, column: np.ndarray, *, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(row)), (row, column)), shape=shape)


def _binary(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix = sparse.csr_array(matrix)
    matrix.data[:] = 1.0
    return matrix
