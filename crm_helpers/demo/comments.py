"""What customers say: comments put together from the sentences of `comments.toml`, column by column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crm_helpers.demo.text import blank, join, pick
from crm_helpers.demo.words import book

__all__ = ["KINDS", "TOPICS", "Phrases", "Words", "read_phrases"]

TOPICS = ("delivery", "quality", "price", "returns", "account", "installation")
KINDS = ("consultation", "complaint", "praise")
_LANGUAGES = ("zh", "en")
TWICE = 0.4  # of the customers say two things about their matter,
OTHERWISE = 0.15  # and of these so many the second one in the other language
_SLOTS = 2  # a sentence may hold


@dataclass(frozen=True)
class Words:
    """Groups of words in one list, so that any number of words can be drawn at once."""

    words: tuple[str, ...]
    count: np.ndarray

    @classmethod
    def of(cls, groups: Sequence[Sequence[str]]) -> Words:
        """Put groups of words one after another."""
        return cls(
            tuple(word for group in groups for word in group), np.array([len(group) for group in groups])
        )

    def places(self, group: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Draw a word's place from each of these groups."""
        first = np.cumsum(self.count) - self.count
        return np.asarray(first[group] + (random.random(len(group)) * self.count[group]).astype(np.int64))

    def draw(self, group: np.ndarray, random: np.random.Generator) -> pa.Array:
        """Draw a word from each of these groups."""
        return pick(self.words, self.places(group, random))


@dataclass(frozen=True)
class Phrases:
    """Sentences, cut at their slots, and what stands before, in and after them.

    `parts` are the three pieces of each sentence around its two slots, `slot` the two groups of
    `fillers` (group 0 is nothing), counted without the language.
    """

    sentences: Words
    parts: tuple[tuple[str, ...], ...]
    slot: np.ndarray
    fillers: Words
    openings: Words
    closings: Words

    def comment(
        self, topic: np.ndarray, kind: np.ndarray, *, language: np.ndarray, random: np.random.Generator
    ) -> pa.Array:
        """Say something about each topic, some say two things, and some of these in two languages.

        Parameters
        ----------
        topic, kind, language
            Places in `TOPICS`, in `KINDS`, and 0 for Chinese or 1 for English.
        random
            Random numbers.

        Returns
        -------
        pyarrow.Array
            Comments.
        """
        own = random.spawn(1)[0]  # numbers of its own: what is drawn afterwards stays as it was
        more = own.random(len(topic)) < TWICE
        other = np.where(own.random(len(topic)) < OTHERWISE, 1 - language, language)
        group = topic * len(KINDS) + kind
        opening = self.openings.draw(language, random)
        first = self._sentence(group, language, random)
        second = join(" ", self._sentence(group, other, own))
        closing = self.closings.draw(kind * len(_LANGUAGES) + language, random)
        return join(opening, first, blank(~more, second, filler=""), closing)

    def _sentence(self, group: np.ndarray, language: np.ndarray, random: np.random.Generator) -> pa.Array:
        """Say one sentence of a topic and kind, with its slots filled."""
        languages = len(_LANGUAGES)
        chosen = self.sentences.places(group * languages + language, random)
        said = [pick(self.parts[0], chosen)]
        for number in range(_SLOTS):
            said.append(self.fillers.draw(self.slot[chosen, number] * languages + language, random))
            said.append(pick(self.parts[number + 1], chosen))
        return join(*said)


def read_phrases() -> Phrases:
    """Read `comments.toml` into lists that can be picked from column by column.

    Returns
    -------
    Phrases
        All sentences.
    """
    said = book("comments")
    slots = ("", *said["slots"]["zh"])
    sentences = Words.of([said[t][k][language] for t in TOPICS for k in KINDS for language in _LANGUAGES])
    cut = [_cut(sentence) for sentence in sentences.words]
    fillers = [[""] if not s else said["slots"][language][s] for s in slots for language in _LANGUAGES]
    return Phrases(
        sentences=sentences,
        parts=tuple(zip(*(pieces[::2] for pieces in cut), strict=True)),
        slot=np.array([[slots.index(name) for name in pieces[1::2]] for pieces in cut]),
        fillers=Words.of(fillers),
        openings=Words.of([said["openings"][language] for language in _LANGUAGES]),
        closings=Words.of([said["closings"][kind][language] for kind in KINDS for language in _LANGUAGES]),
    )


def _cut(sentence: str) -> list[str]:
    """Cut a sentence into text, slot, text, slot, text; a slot it lacks is empty."""
    pieces = re.split(r"\{(\w+)\}", sentence)
    return pieces + [""] * (2 * _SLOTS + 1 - len(pieces))
