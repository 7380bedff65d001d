"""Chinese words by jieba, with the company's own words added to its dictionary."""

from __future__ import annotations

import importlib
import logging
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

__all__ = ["Segmenter"]


class Segmenter:
    """A cutter of Chinese text whose dictionary knows the words that these texts can hold.

    jieba reads 350,000 words in most of a second and keeps them in a file of a fixed name in the
    machine's temporary folder, where another user could have put one. Here the engine's reader takes the
    words that can be spelled with the characters at hand: the cuts are the same, in a tenth of the time.

    Parameters
    ----------
    pieces
        Runs of Chinese characters.

    Examples
    --------
    >>> Segmenter(["包裹很慢"]).cut(["包裹很慢"])
    [['包裹', '很', '慢']]
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = pieces
        words = _dictionary()
        letters = re.escape("".join(sorted(set("".join(pieces)))))
        total = pc.sum(words["count"]).as_py()
        if letters:
            words = words.filter(pc.match_substring_regex(words["word"], f"^[{letters}]+$"))
        counts = dict(zip(words["word"].to_pylist(), words["count"].to_pylist(), strict=True))
        self.known = frozenset(counts)
        beginnings = {word[:length] for word in counts for length in range(1, len(word))}
        self._tokenizer = _jieba().Tokenizer()
        self._tokenizer.FREQ = {**dict.fromkeys(beginnings, 0), **counts}
        self._tokenizer.total, self._tokenizer.initialized = total, True

    def cut(self, pieces: Sequence[str], *, words: Iterable[str] = ()) -> list[list[str]]:
        """Cut runs of Chinese characters into words.

        Parameters
        ----------
        pieces
            The runs.
        words
            Words the dictionary lacks; it keeps them.

        Returns
        -------
        list of list of str
            The words of each run.
        """
        for word in words:
            self._tokenizer.add_word(word)
        return [self._tokenizer.lcut(piece) for piece in pieces]


@cache
def _jieba() -> ModuleType:
    """Import jieba: its last release has escapes and a resource import that today's Python warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jieba = importlib.import_module("jieba")
    jieba.setLogLevel(logging.WARNING)
    return jieba


def _dictionary() -> pa.Table:
    path = Path(str(_jieba().__file__)).parent / "dict.txt"
    names = csv.ReadOptions(column_names=["word", "count", "tag"], use_threads=False)
    form = csv.ParseOptions(delimiter=" ", quote_char=False)
    return csv.read_csv(path, read_options=names, parse_options=form)
