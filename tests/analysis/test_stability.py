"""Measures of clusters against scikit-learn on the same data, and on data with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from crm_helpers.analysis.stability import (
    LARGE,
    adjusted_rand,
    bootstrap_agreement,
    boundary_share,
    fit_centres,
    jaccard_band,
    k_means,
    one_cloud,
    silhouette,
)


def _blobs(count: int = 300, *, apart: float = 8.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = np.arange(count) % 3
    return random.normal(size=(count, 2)) + apart * np.array([[0, 0], [1, 0], [0, 1]])[truth], truth


@pytest.mark.parametrize("k", [2, 3, 7])
def test_silhouette_equals_scikit_learn(k: int):
    points, _ = _blobs(apart=2.0)
    labels = k_means(points, k, seed=1).labels_
    assert silhouette(points, labels) == pytest.approx(silhouette_score(points, labels), abs=1e-6)


def test_silhouette_of_single_members_and_missing_labels_equals_scikit_learn():
    points, _ = _blobs(30)
    labels = np.array([5, *[0] * 14, *[2] * 15])
    assert silhouette(points, labels) == pytest.approx(silhouette_score(points, labels), abs=1e-6)


def test_silhouette_of_one_cluster_is_not_known():
    assert np.isnan(silhouette(np.zeros((4, 2)), np.zeros(4, int)))


def test_adjusted_rand_equals_scikit_learn():
    random = np.random.default_rng(2)
    for _ in range(20):
        one, other = random.integers(0, 4, 60), random.integers(0, 6, 60)
        assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


def test_clear_groups_come_back_from_every_resample():
    points, truth = _blobs()
    agreement, similarity = bootstrap_agreement(points, truth, draws=10, seed=1)
    assert agreement.min() > 0.99
    assert similarity.min() > 0.99


def test_a_group_that_is_not_there_is_not_trusted():
    points, truth = _blobs(apart=20.0)
    split = np.where((truth == 0) & (points[:, 0] > 0), 3, truth)  # one round cloud cut at an arbitrary line
    _, similarity = bootstrap_agreement(points, split, draws=30, seed=1)
    assert [jaccard_band(value) for value in similarity[[1, 2]]] == ["highly stable"] * 2
    assert jaccard_band(similarity[[0, 3]].min()) in ("do not trust", "a pattern, members doubtful")


def test_boundary_share_counts_rows_between_two_centres():
    points = np.array([[0.0], [4.8], [5.0], [9.9]])
    assert boundary_share(points, np.array([[0.0], [10.0]])) == 0.5
    assert boundary_share(points, np.array([[0.0]])) == 0.0


def test_clear_groups_beat_the_null_and_a_single_cloud_does_not():
    points, truth = _blobs()
    cloud = np.random.default_rng(3).normal(size=(300, 2))
    assert silhouette(points, truth) > one_cloud(points, 3, draws=3, seed=1)[0] + 0.2
    labels = k_means(cloud, 3, seed=1).labels_
    assert silhouette(cloud, labels) < one_cloud(cloud, 3, draws=5, seed=1)[0] + 0.02


@pytest.mark.parametrize("apart", [8.0, 3.0])
def test_small_batches_give_the_groups_of_full_k_means_above_the_stated_size(apart):
    points, _ = _blobs(LARGE + 1_000, apart=apart)
    batched, centres = fit_centres(points, 3, seed=1)
    full = k_means(points, 3, seed=1, starts=3)
    assert adjusted_rand(batched, full.labels_) > 0.98
    cost = ((points - centres[batched]) ** 2).sum()
    assert cost <= full.inertia_ * 1.001
    assert not np.array_equal(np.sort(centres, axis=0), np.sort(full.cluster_centers_, axis=0))


def test_just_below_the_stated_size_it_is_full_k_means():
    points, _ = _blobs(500)
    labels, centres = fit_centres(points, 3, seed=1)
    full = k_means(points, 3, seed=1)
    np.testing.assert_array_equal(labels, full.labels_)
    np.testing.assert_array_equal(centres, full.cluster_centers_)
