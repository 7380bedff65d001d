"""From comments to words: which words each comment has, which of them tell what it is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from crm_helpers.analysis.needs.dictionary import new_words
from crm_helpers.analysis.needs.phrases import company, stock_phrases
from crm_helpers.analysis.needs.segmenter import Segmenter
from crm_helpers.analysis.needs.stems import one_form
from crm_helpers.analysis.needs.thesaurus import Thesaurus, read_stopwords, read_thesaurus

__all__ = ["Words", "find_words", "telling"]

RAREST = 5  # different texts a word must stand in
TELLING = 0.65  # of how much a stop word tells: a word that tells less is filler too
WORDS_OF_SUBJECT = 4  # telling words of a text that one word of a subject speaks for
TOGETHER = 0.8  # of the texts of either word: two words that hardly ever part are one
_SIGNS = r"[。．.！!？?；;，,：:、~～…\n]+"
_PIECE = r"[\u3400-\u9fff]+|[^\W\d_\u3000-\U0010ffff][^\W\d_\u3000-\U0010ffff'-]*"
_HAN = r"[\u3400-\u9fff]"


@dataclass(frozen=True)
class Words:
    """Different texts and the words they hold."""

    words: np.ndarray
    matrix: sparse.csr_array
    """One row a different text, one column a word: 1 where the text has it."""
    said: sparse.csr_array
    """The same without the words of stock phrases."""
    subjects: tuple[str, ...]
    about: sparse.csr_array
    """One row a different text, one column a subject of the thesaurus: 1 where the text is about it, less
    where only some of many words are."""
    subject_words: sparse.csr_array
    """One row a word, one column a subject: whether it is a word for it."""
    text: np.ndarray
    """Row of each comment."""
    topical: np.ndarray
    """Whether a word tells what a comment is about."""
    mined: pd.DataFrame
    """Words that were added to the dictionary, from `new_words`."""
    stock: tuple[str, ...]
    """Phrases that stand beside everything and never alone, the most frequent first."""

    def speaks(self, subject: str, column: np.ndarray) -> np.ndarray:
        """Tell which of these words are words of a subject."""
        if subject not in self.subjects:
            return np.zeros(len(column), dtype=bool)
        found = self.subject_words[column][:, [self.subjects.index(subject)]]
        return np.asarray(found.toarray()).ravel() > 0

    @property
    def chinese(self) -> np.ndarray:
        """Whether each word is written in Chinese characters."""
        return _chinese(self.words)


def find_words(texts: pd.Series, *, thesaurus: Thesaurus | None = None) -> Words:
    """Cut texts into words: Chinese by jieba with words mined from these texts, English at blanks.

    Equal texts, and equal phrases between signs, are cut once.

    Parameters
    ----------
    texts
        Normalised texts of comments.
    thesaurus
        Subjects to look for; without one those of `thesaurus.toml`.

    Returns
    -------
    Words
        Words that stand in at least `RAREST` different texts.
    """
    text, distinct = pd.factorize(texts)
    split = pd.Series(distinct, dtype="str").str.split(_SIGNS, regex=True).explode().dropna().str.strip()
    phrase, phrases = pd.factorize(split[split != ""])
    holds = _binary(
        _incidence(split[split != ""].index.to_numpy(), phrase, shape=(len(distinct), len(phrases)))
    )
    found = pd.Series(phrases, dtype="str").str.findall(_PIECE).explode().dropna()
    piece, pieces = pd.factorize(found)
    of = _incidence(found.index.to_numpy(), piece, shape=(len(phrases), len(pieces)))
    place, words, mined = _cut_pieces(pd.Series(pieces, dtype="str"), np.bincount(piece))
    cut = of @ _incidence(place.index.to_numpy(), place.to_numpy(), shape=(len(pieces), len(words)))
    matrix = _binary(holds @ cut)
    frequent = np.asarray(matrix.sum(axis=0)).ravel() >= RAREST
    matrix, words, cut = sparse.csr_array(matrix[:, frequent]), words[frequent], _binary(cut[:, frequent])
    chinese = _chinese(words)
    topical = _topical(matrix, words)
    stock = stock_phrases(holds, cut, chinese=chinese, topical=topical)
    own = sparse.csr_array(holds[:, ~stock])
    said = _binary(own @ cut[~stock])
    thesaurus = thesaurus or read_thesaurus()
    topical &= _topical(said, words)
    about = own @ of[~stock] @ thesaurus.found(list(pieces))
    long = np.asarray(said[:, topical].sum(axis=1)).ravel() / WORDS_OF_SUBJECT
    about = sparse.csr_array(sparse.diags_array(1 / np.maximum(long, 1)) @ about)
    about.data = np.minimum(about.data, 1.0)
    often = np.argsort(-np.asarray(holds.sum(axis=0)).ravel(), kind="stable")
    listed = tuple(phrases[often][stock[often]])
    return Words(
        words, matrix, said, thesaurus.subjects, about, thesaurus.found(list(words)), text, topical=topical,
        mined=mined, stock=listed,
    )  # fmt: skip


def telling(matrix: sparse.csr_array, chinese: np.ndarray) -> np.ndarray:
    """Measure how far a word's company differs from the company any word of its script keeps.

    Near zero for greetings, filler and names of things that are spoken of in every connection.

    Parameters
    ----------
    matrix
        Texts by words, 0 or 1.
    chinese
        Whether each word is written in Chinese characters.

    Returns
    -------
    numpy.ndarray
        Nats, one for each word, from `company`.
    """
    together = (matrix.T @ matrix).tocsr()
    alone = together.diagonal()
    row = np.repeat(np.arange(len(alone)), np.diff(together.indptr))
    either = np.maximum(alone[row], alone[together.indices])
    together.data[together.data > TOGETHER * either] = 0  # the word itself, and what is one with it
    return company(together, chinese, chinese)


def _topical(matrix: sparse.csr_array, words: np.ndarray) -> np.ndarray:
    """Tell which words say what a text is about: those whose company tells more than that of stop words."""
    written, chinese = pd.Series(words, dtype="str"), _chinese(words)
    stop = np.isin(words, list(read_stopwords()))
    told, often = telling(matrix, chinese), np.asarray(matrix.sum(axis=0)).ravel()
    least = np.zeros(len(words))
    for script in (True, False):
        filler = stop & (chinese == script)
        least[chinese == script] = TELLING * (told * often)[filler].sum() / max(often[filler].sum(), 1)
    signs = written.str.fullmatch(r"(.)\1*").to_numpy(dtype=bool)  # x, xxxx, 哈哈
    return ~stop & ~signs & (often > 0) & (told > least)


def _cut_pieces(pieces: pd.Series, often: np.ndarray) -> tuple[pd.Series, np.ndarray, pd.DataFrame]:
    """Return the place of each piece's words among all words (index: the piece), the words, and new ones."""
    chinese = pieces[pieces.str.match(_HAN).to_numpy(dtype=bool)]
    english = pieces.drop(chinese.index).str.replace(r"'s$|['-]+$", "", regex=True)
    mined = pd.DataFrame({"word": [], "count": [], "information": [], "entropy": []})
    tokens = one_form(english, often[english.index]).astype(object)
    if len(chinese):
        segmenter = Segmenter(list(chinese))
        mined = new_words(segmenter.pieces, segmenter.known)
        cuts = pd.Series(
            segmenter.cut(segmenter.pieces, words=mined["word"]), index=chinese.index, dtype=object
        )
        tokens = pd.concat([cuts.explode(), tokens])
    place, words = pd.factorize(tokens.to_numpy(dtype=object), sort=True)
    return pd.Series(place, index=tokens.index), np.asarray(words, dtype=object), mined


def _chinese(words: np.ndarray) -> np.ndarray:
    return pd.Series(words, dtype="str").str.contains(_HAN).to_numpy(dtype=bool)


def _incidence(row: np.ndarray, column: np.ndarray, *, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(row)), (row, column)), shape=shape)


def _binary(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix = sparse.csr_array(matrix)
    matrix.data[:] = 1.0
    return matrix
