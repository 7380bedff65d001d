"""How many topics? As many as come out again from half of the comments; none if chance does as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from crm_helpers.analysis.needs.coherence import npmi
from crm_helpers.analysis.needs.factors import directions, factorise
from crm_helpers.analysis.needs.features import Features, shuffled
from crm_helpers.analysis.stability import adjusted_rand

__all__ = ["FEWEST_TEXTS", "Choice", "choose", "explained", "tops"]

FEWEST_TEXTS = 100  # different texts with telling words, below which no topic is looked for
STABLE, COHERENT = 0.01, 0.03  # agreements, and coherences, closer than this are the same
NULLS = 19  # shuffles; a real gain above all of them has a chance of 1 in 20 by luck
FEW_NULLS, PLAIN_GAIN = 5, 0.1  # shuffles that are enough where topics explain a tenth more than all of them
GAIN = 0.03  # more than chance by which topics must explain the words: 3 in 100
TOP = 10  # words by which coherence is measured, as usual
_Half = tuple[sparse.csr_array, tuple[np.ndarray, np.ndarray]]
_TEXTS_EACH = 10  # no more topics than one for ten texts
_HALVES = 9
_FIRST, _HOPELESS = 3, 0.15  # halves after which a number so much less stable than the best is not tried on
_HALF = 1_500  # texts of a half at most


@dataclass(frozen=True)
class Choice:
    """The number of topics and what it rests on."""

    k: int
    """0: no topics."""
    table: pd.DataFrame
    """One row a number tried: `topics`, `stability`, `coherence`, `explained`, `chosen`."""
    stability: float
    explained: float
    chance: float
    """The most that shuffled words explain."""

    @property
    def gain(self) -> float:
        """How much more the topics explain than the best of the shuffles, as a share of it."""
        return self.explained / self.chance - 1


NO_CHOICE = Choice(
    0, pd.DataFrame({"topics": [], "stability": [], "coherence": [], "explained": [], "chosen": []}),
    float("nan"), float("nan"), float("nan"),
)  # fmt: skip


def choose(
    features: Features, words: sparse.csr_array, *, script: np.ndarray, numbers: Sequence[int], seed: int
) -> Choice:
    """Try numbers of topics, each on halves of the texts, and hold the best against shuffled words.

    Stability is the median adjusted Rand index between the division of all texts by the topics of all
    and by those of a half: the median, for a search that fails once is not a number that fails. Of the
    numbers within 0.01 of the most stable, and of these within 0.1 of the most coherent (NPMI), the
    largest is taken: the most detail that holds. There are no topics when they explain hardly more of
    the words' variance than the same search finds in words scattered at random over the texts.

    Parameters
    ----------
    features
        From `make_features`.
    words
        Different texts by the words of the features, 0 or 1, for the coherence.
    script
        Script of each of these words.
    numbers
        Numbers of topics to try.
    seed
        Seed of halves and shuffles.

    Returns
    -------
    Choice
        With k = 0 where there are no topics, or too few texts.
    """
    texts, columns = features.matrix.shape
    most = min(texts // _TEXTS_EACH, columns - 1)
    numbers = [k for k in numbers if k <= most]
    if texts < FEWEST_TEXTS or not numbers:
        return NO_CHOICE
    plain, learned = (directions(part, max(numbers)) for part in (features.plain, features.learned))
    found = {k: factorise(features.learned, k, start=learned) for k in numbers}
    table = pd.DataFrame(
        {
            "topics": numbers,
            "stability": _stability(features, found, _halves(features.learned, most=max(numbers), seed=seed)),
            "coherence": [_coherence(found[k][:, ~features.subject], words, script) for k in numbers],
            "explained": [
                explained(features.plain, factorise(features.plain, k, start=plain)) for k in numbers
            ],
        }
    )
    stable = table[table["stability"] >= table["stability"].max() - STABLE]
    coherence = stable["coherence"].fillna(-1)
    best = stable[coherence >= coherence.max() - COHERENT].iloc[-1]
    k, stability, reached = int(best["topics"]), float(best["stability"]), float(best["explained"])
    chance = _chance(features, k, reached=reached, seed=seed)
    chosen = k if reached > (1 + GAIN) * chance else 0
    table = table.assign(chosen=table["topics"] == chosen)
    return Choice(chosen, table, stability, reached, chance)


def explained(matrix: sparse.csr_array, topics: np.ndarray) -> float:
    """Compute the share of the squared weights that the topics' best non-negative mixtures reproduce.

    Parameters
    ----------
    matrix
        Texts by words.
    topics
        Topics by words, rows of unit length.

    Returns
    -------
    float
        0 to 1.
    """
    cross, gram = np.asarray(matrix @ topics.T), topics @ topics.T
    loads = np.maximum(cross, 0)
    for _ in range(10):
        for k in range(len(topics)):
            loads[:, k] = np.maximum(loads[:, k] + (cross[:, k] - loads @ gram[:, k]) / gram[k, k], 0)
    error = -2 * (loads * cross).sum() + ((loads.T @ loads) * gram).sum()
    return float(-error / (matrix.data**2).sum())


def tops(topics: np.ndarray, count: int = TOP) -> list[np.ndarray]:
    """Return the columns of the heaviest words of each topic, heaviest first."""
    return [np.argsort(-row, kind="stable")[:count] for row in topics]


def _halves(matrix: sparse.csr_array, *, most: int, seed: int) -> list[_Half]:
    """Draw halves of the texts, each with the directions from which all numbers of topics are started."""
    random = np.random.default_rng(seed)
    size = min(matrix.shape[0] // 2, _HALF)
    drawn = [np.sort(random.choice(matrix.shape[0], size, replace=False)) for _ in range(_HALVES)]
    return [(matrix[rows], directions(matrix[rows], most)) for rows in drawn]


def _stability(features: Features, found: dict[int, np.ndarray], halves: list[_Half]) -> list[float]:
    """Measure how far the topics of halves agree with those of all texts, the median, for each number."""
    matrix = features.matrix
    whole = {k: np.asarray(matrix @ topics.T).argmax(axis=1) for k, topics in found.items()}
    agreed: dict[int, list[float]] = {k: [] for k in found}
    for place, (half, start) in enumerate(halves):
        middle = {k: float(np.median(of)) if of else 1.0 for k, of in agreed.items()}
        hopeless = max(middle.values()) - _HOPELESS if place >= _FIRST else 0.0
        for k in (k for k in found if middle[k] >= hopeless):
            again = np.asarray(matrix @ factorise(half, k, start=start).T).argmax(axis=1)
            agreed[k].append(adjusted_rand(whole[k], again))
    return [float(np.median(of)) for of in agreed.values()]


def _coherence(topics: np.ndarray, words: sparse.csr_array, script: np.ndarray) -> float:
    return float(np.nanmean(npmi(words, tops(topics), script=script)))


def _chance(features: Features, k: int, *, reached: float, seed: int) -> float:
    """Return the most that topics explain of shuffled words; a few shuffles settle what is plain."""
    most = 0.0
    for draw in range(NULLS):
        if draw == FEW_NULLS and reached > (1 + PLAIN_GAIN) * most:
            break
        most = max(most, _shuffle(features, k, seed=seed + draw))
    return most


def _shuffle(features: Features, k: int, *, seed: int) -> float:
    matrix = shuffled(features, seed=seed)
    return explained(matrix, factorise(matrix, k))
