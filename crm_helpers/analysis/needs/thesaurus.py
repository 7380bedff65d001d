"""What a word is about: a small thesaurus of subjects, so that comments without a common word can meet."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy import sparse

__all__ = ["Thesaurus", "read_stopwords", "read_thesaurus", "thesaurus"]

_FOLDER = Path(__file__).parent
_Search = Callable[[str], object]
_NOTHING = r"(?!)"  # a pattern that finds nothing: of a subject without words in a language
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Thesaurus:
    """Subjects with the pattern that finds them in a Chinese run and in an English word."""

    subjects: tuple[str, ...]
    chinese: tuple[re.Pattern[str], ...]
    english: tuple[re.Pattern[str], ...]

    def found(self, pieces: Sequence[str]) -> sparse.csr_array:
        """Tell which subjects each piece of a comment is about.

        Parameters
        ----------
        pieces
            Runs of Chinese characters and English words.

        Returns
        -------
        scipy.sparse.csr_array
            One row a piece, one column a subject.
        """
        chinese = np.array([bool(_HAN.match(piece)) for piece in pieces], dtype=bool)
        places = [
            [row for row, piece in enumerate(pieces) if (zh if chinese[row] else en)(piece)]
            for zh, en in self._searches()
        ]
        column = np.repeat(np.arange(len(self.subjects)), [len(rows) for rows in places])
        row = np.array([place for rows in places for place in rows], dtype=int)
        return sparse.csr_array((np.ones(len(row)), (row, column)), shape=(len(pieces), len(self.subjects)))

    def _searches(self) -> list[tuple[_Search, _Search]]:
        return [(zh.search, en.fullmatch) for zh, en in zip(self.chinese, self.english, strict=True)]


def thesaurus(subjects: Mapping[str, Mapping[str, Sequence[str]]], *, general: bool = True) -> Thesaurus:
    """Make a thesaurus of a company's own subjects.

    Parameters
    ----------
    subjects
        Words by subject and by language, `zh` and `en`; an English star stands for any ending.
    general
        Whether the subjects of `thesaurus.toml` are in it too; words of a subject of that name join them.

    Returns
    -------
    Thesaurus
        Subjects and their patterns.

    Examples
    --------
    >>> own = thesaurus({"leaks": {"zh": ["漏水"], "en": ["leak*"]}}, general=False)
    >>> own.found(["厨房漏水了", "leaking", "leek"]).toarray().ravel().tolist()
    [1.0, 1.0, 0.0]
    """
    table: dict[str, dict[str, list[str]]] = {name: {**words} for name, words in _general().items()}
    table = table if general else {}
    for name, words in subjects.items():
        known = table.setdefault(name, {})
        table[name] = {of: [*known.get(of, ()), *words.get(of, ())] for of in ("zh", "en")}
    chinese = [re.compile("|".join(map(re.escape, words["zh"])) or _NOTHING) for words in table.values()]
    english = [re.compile("|".join(map(_ending, words["en"])) or _NOTHING) for words in table.values()]
    return Thesaurus(tuple(table), tuple(chinese), tuple(english))


@cache
def read_thesaurus() -> Thesaurus:
    """Read `thesaurus.toml`."""
    return thesaurus({})


def _general() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((_FOLDER / "thesaurus.toml").read_text(encoding="utf-8"))


def _ending(word: str) -> str:
    return re.escape(word.lower()).replace(r"\*", r"[\w'-]*")


@cache
def read_stopwords() -> frozenset[str]:
    """Read `stopwords.toml`, both languages."""
    table = tomllib.loads((_FOLDER / "stopwords.toml").read_text(encoding="utf-8"))
    return frozenset(word for words in table.values() for word in words.split())
