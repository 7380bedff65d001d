"""What customers speak about: topics found in their comments, with names that say what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from crm_helpers.analysis.needs.choice import Choice, choose, tops
from crm_helpers.analysis.needs.coherence import npmi
from crm_helpers.analysis.needs.factors import allocate, factorise
from crm_helpers.analysis.needs.features import Features, make_features
from crm_helpers.analysis.needs.words import Words
from crm_helpers.analysis.stability import adjusted_rand

__all__ = ["NUMBERS", "OTHER", "Topics", "find_topics"]

NUMBERS = range(3, 13)
"""Numbers of topics the evidence chooses from, where nobody says otherwise."""

OTHER = "no topic"
"""What a comment is given that none of the topics' words describe."""

LED = 0.15  # share of a topic's squared weight on one subject that makes it the topic's name,
NAMING = 2  # if so many of its ten heaviest words are words of that subject
NEAR = 0.1  # cosine to the nearest topic below which a comment has none
_ALLOCATED = 2_000  # texts that the second way learns from
_WORDS = 8  # shown of a topic


@dataclass(frozen=True)
class Topics:
    """What the comments are about."""

    names: tuple[str, ...]
    top: tuple[tuple[str, ...], ...]
    """The ten heaviest words of each topic, by which coherence is measured."""
    label: np.ndarray
    """Topic of each comment by name; `OTHER` where there is none."""
    nearness: np.ndarray
    """Cosine of each comment to its topic."""
    table: pd.DataFrame
    """One row a topic: `topic`, `words`, `coherence`, `other_way` (words that LDA finds for it)."""
    choice: Choice
    coherence: float
    """Mean NPMI of the topics' words (NMF)."""
    coherence_lda: float
    agreement: float
    """Adjusted Rand index between the two ways."""
    texts: int
    """Different texts learned from."""

    @property
    def known(self) -> bool:
        """Whether there are topics at all."""
        return bool(self.names)


def find_topics(words: Words, *, numbers: Sequence[int] = NUMBERS, seed: int = 1) -> Topics:
    """Find topics by NMF on TF-IDF of words and subjects, with LDA beside it.

    Topics led by the same subject of the thesaurus are one topic: a reader would not tell them apart.

    Parameters
    ----------
    words
        From `find_words`.
    numbers
        Numbers of topics the evidence may choose from.
    seed
        Seed of halves, shuffles and of LDA.

    Returns
    -------
    Topics
        Without names where there are too few texts or nothing beyond chance.
    """
    features = make_features(words)
    binary = sparse.csr_array((features.counts[:, ~features.subject] > 0).astype(float))
    script = words.chinese[features.column]
    with threadpool_limits(1):  # sums in one order: the same topics to the last digit
        choice = choose(features, binary, script=script, numbers=numbers, seed=seed)
        if not choice.k:
            return _none(words, choice, features.matrix.shape[0])
        found = factorise(features.learned, choice.k)
        names, found = _named(found, features, words)
        return _described(words, features, found, names=names, choice=choice, binary=binary, seed=seed)


def _none(words: Words, choice: Choice, texts: int) -> Topics:
    label, table = (
        np.full(len(words.text), OTHER, dtype=object),
        pd.DataFrame(columns=["topic", "words", "coherence", "other_way"]),
    )
    unknown = float("nan")
    return Topics((), (), label, np.zeros(len(label)), table, choice, unknown, unknown, unknown, texts)


def _named(found: np.ndarray, features: Features, words: Words) -> tuple[list[str], np.ndarray]:
    """Name topics by their leading subject or their two heaviest words, and unite those of one name."""
    led, plain = np.where(features.subject, found, 0.0), found[:, ~features.subject]
    leading, heaviest = features.names[led.argmax(axis=1)], tops(plain)
    own = [
        (words.speaks(subject, features.column[top])).sum()
        for subject, top in zip(leading, heaviest, strict=True)
    ]
    two = [" · ".join(features.names[top]) for top in tops(distinctive(plain), 2)]
    names = np.where((led.max(axis=1) ** 2 >= LED) & (np.array(own) >= NAMING), leading, two)
    different = sorted(set(names))
    united = np.stack([found[names == name].sum(axis=0) for name in different])
    return different, united / np.linalg.norm(united, axis=1, keepdims=True)


def distinctive(found: np.ndarray) -> np.ndarray:
    """Weigh each topic's words by the share of the word's weight that is this topic's.

    Examples
    --------
    >>> distinctive(np.array([[0.5, 0.5], [0.5, 0.0]])).tolist()
    [[0.25, 0.5], [0.25, 0.0]]
    """
    return np.asarray(found * found / np.maximum(found.sum(axis=0), 1e-12))


def _described(
    words: Words, features: Features, found: np.ndarray, *, names: list[str], choice: Choice,
    binary: sparse.csr_array, seed: int,
) -> Topics:  # fmt: skip
    cosine = np.asarray(features.matrix @ found.T)
    row = features.row[words.text]
    best, nearness = cosine.argmax(axis=1), np.where(row >= 0, cosine.max(axis=1)[row], 0.0)
    label = np.where(nearness >= NEAR, np.array(names, dtype=object)[best[row]], OTHER)
    plain, script = found[:, ~features.subject], words.chinese[features.column]
    top = tuple(tuple(words.words[features.column[columns]]) for columns in tops(plain))
    other, theirs, share = _second_way(features, len(names), best, seed=seed)
    coherence = npmi(binary, tops(plain), script=script)
    lda = npmi(binary, tops(theirs[:, ~features.subject]), script=script)
    table = pd.DataFrame(
        {
            "topic": names,
            "words": [_listed(line, features, script) for line in distinctive(plain)],
            "coherence": coherence,
            "other_way": [_listed(line, features, script) for line in theirs[other][:, ~features.subject]],
        }
    )
    means = float(np.nanmean(coherence)), float(np.nanmean(lda))
    texts = features.matrix.shape[0]
    return Topics(tuple(names), top, label, nearness, table, choice, *means, agreement=share, texts=texts)


def _second_way(
    features: Features, topics: int, labels: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Let LDA find as many topics; return which of them is nearest to each of ours, and the agreement."""
    texts = features.counts.shape[0]
    some = np.sort(np.random.default_rng(seed).choice(texts, min(texts, _ALLOCATED), replace=False))
    theirs, load = allocate(features.counts[some], topics, seed=seed)
    own = load.argmax(axis=1)
    meet = np.zeros((topics, topics))
    np.add.at(meet, (labels[some], own), 1)
    return meet.argmax(axis=1), theirs, adjusted_rand(labels[some], own)


def _listed(weights: np.ndarray, features: Features, script: np.ndarray) -> str:
    """List a topic's heaviest words, at least three of each script that has a share in it."""
    names = features.names[~features.subject]
    order = np.argsort(-weights, kind="stable")
    order = order[weights[order] > 1e-6]
    heads: Sequence[np.ndarray] = [order[script[order]], order[~script[order]]]
    if all(len(head) and weights[head[0]] > 0.1 * weights.max() for head in heads):
        return " ".join(names[np.concatenate([heads[0][: _WORDS - 3], heads[1][:3]])])
    return " ".join(names[order[:_WORDS]])
