"""Coherence, factorisation and allocation beside brute force and scikit-learn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import NMF, LatentDirichletAllocation

from crm_helpers.analysis.needs.choice import explained
from crm_helpers.analysis.needs.coherence import npmi
from crm_helpers.analysis.needs.factors import allocate, factorise


def planted(
    seed: int, *, texts: int = 600, topics: int = 4, each: int = 8, noise: int = 12
) -> tuple[np.ndarray, np.ndarray]:
    """Texts of four words of their topic and two of no topic."""
    random = np.random.default_rng(seed)
    topic = random.integers(0, topics, texts)
    held = np.zeros((texts, topics * each + noise))
    for row, number in enumerate(topic):
        held[row, number * each + random.choice(each, 4, replace=False)] = 1
        held[row, topics * each + random.choice(noise, 2, replace=False)] = 1
    return held, topic


def test_npmi_is_that_of_the_definition():
    random = np.random.default_rng(3)
    held = (random.random((60, 6)) < 0.3).astype(float)
    script = np.array([True, True, True, True, False, False])
    tops = [np.array([0, 1, 2, 4]), np.array([5, 4, 3])]
    for chosen in (None, script):
        expected = []
        for top in tops:
            values = []
            for a, b in itertools.combinations(top, 2):
                if chosen is not None and chosen[a] != chosen[b]:
                    continue
                both = np.mean(held[:, a] * held[:, b])
                alone = held[:, a].mean() * held[:, b].mean()
                values.append(-1.0 if both == 0 else math.log(both / alone) / -math.log(both))
            expected.append(np.mean(values))
        assert npmi(sparse.csr_array(held), tops, script=chosen) == pytest.approx(expected)


def test_factors_explain_as_much_as_those_of_scikit_learn():
    held, _ = planted(1)
    unit = held / np.linalg.norm(held, axis=1, keepdims=True)
    theirs = NMF(4, init="nndsvda", random_state=0, max_iter=500).fit(unit)
    best = 1 - theirs.reconstruction_err_**2 / (unit**2).sum()
    found = factorise(sparse.csr_array(unit), 4, iterations=200)
    assert explained(sparse.csr_array(unit), found) == pytest.approx(best, abs=0.003)


def test_factors_are_the_planted_topics_and_nothing_is_random():
    held, topic = planted(2)
    matrix = sparse.csr_array(held / np.linalg.norm(held, axis=1, keepdims=True))
    found = factorise(matrix, 4)
    label = np.asarray(matrix @ found.T).argmax(axis=1)
    table = np.zeros((4, 4))
    np.add.at(table, (topic, label), 1)
    assert table.max(axis=1).sum() / len(topic) > 0.95
    assert np.array_equal(found, factorise(matrix, 4))


def bound_perplexity(held: np.ndarray, words: np.ndarray, loads: np.ndarray) -> float:
    return float(np.exp(-(held * np.log(loads @ words)).sum() / held.sum()))


def test_allocation_fits_as_well_as_that_of_scikit_learn():
    held, _ = planted(4)
    theirs = LatentDirichletAllocation(4, random_state=0, max_iter=30, learning_method="batch").fit(held)
    words = theirs.components_ / theirs.components_.sum(axis=1, keepdims=True)
    ours = min(bound_perplexity(held, *allocate(sparse.csr_array(held), 4, seed=seed)) for seed in (1, 2))
    assert ours < 1.03 * bound_perplexity(held, words, theirs.transform(held))
