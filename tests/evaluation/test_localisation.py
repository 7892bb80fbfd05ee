"""Measures of maps on masks, by hand and against scikit-learn and brute force."""

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from ltpa_tf.evaluation import localisation


@pytest.fixture
def maps():
    return np.random.default_rng(0).normal(size=(5, 9, 7)).astype(np.float32)


@pytest.fixture
def masks():
    return np.random.default_rng(1).random((5, 9, 7)) < 0.3


def test_energy_by_hand():
    maps = np.array([[[1, 2], [3, -9]], [[-1, -1], [-2, 0]]], np.float32)
    masks = np.array([[[0, 1], [0, 1]], [[1, 1], [1, 1]]], bool)
    np.testing.assert_allclose(localisation.energy(maps, masks), [2 / 6, 0])


def test_top_k_by_hand_and_with_ties():
    mask = np.array([[[1, 1], [0, 0]]], bool)
    high_inside = np.array([[[4.0, 1], [3, 2]]])
    assert localisation.top_k(high_inside, mask) == 0.5
    tied = np.array([[[4.0, 1], [1, 1]]])  # one of three shares the second place
    assert localisation.top_k(tied, mask) == pytest.approx((1 + 1 / 3) / 2)
    assert localisation.top_k(tied, np.zeros_like(mask)) == 0


def test_flat_maps_score_what_the_mask_covers(masks):
    flat = np.ones((5, 9, 7))
    expected = masks.mean((1, 2))
    for measure in (
        localisation.pointing,
        localisation.energy,
        localisation.top_k,
    ):
        np.testing.assert_allclose(measure(flat, masks), expected)


def test_the_mask_itself_scores_one(masks):
    perfect = masks.astype(np.float32)
    for measure in (
        localisation.pointing,
        localisation.energy,
        localisation.top_k,
    ):
        np.testing.assert_array_equal(measure(perfect, masks), 1)
    thresholds = localisation.otsu(perfect)
    np.testing.assert_array_equal(localisation.iou(perfect, masks, thresholds), 1)


def test_intersection_over_union_is_scikit_learns(maps, masks):
    thresholds = np.linspace(-1, 1, 5)
    found = localisation.iou(maps, masks, thresholds)
    for i in range(5):
        above = (maps[i] > thresholds[i]).ravel()
        assert found[i] == pytest.approx(jaccard_score(masks[i].ravel(), above))


def test_otsu_divides_as_no_other_threshold_does(maps):
    def between(values, threshold):
        low, high = values[values <= threshold], values[values > threshold]
        if not len(low) or not len(high):
            return -1
        return len(low) * len(high) * (high.mean() - low.mean()) ** 2

    for values, found in zip(maps.reshape(5, -1), localisation.otsu(maps), strict=True):
        best = max(between(values.astype(np.float64), t) for t in values)
        assert between(values.astype(np.float64), found) == pytest.approx(best)


def test_otsu_of_few_values_and_of_a_flat_map():
    maps = np.array([[[0, 0, 1, 1]], [[5, 5, 5, 5]], [[0, 0, 0, 9]]], np.float32)
    thresholds = localisation.otsu(maps)
    above = (maps > thresholds[:, None, None]).sum((1, 2))
    np.testing.assert_array_equal(above, [2, 0, 1])


def test_relative_thresholds_by_hand():
    maps = np.array([[[0, 10]], [[-1, 1]]], np.float32)
    found = localisation.relative_thresholds(maps, np.array([0, 0.25, 1]))
    np.testing.assert_allclose(found, [[0, -1], [2.5, -0.5], [10, 1]])


def test_the_centre_looks_at_the_middle():
    maps = localisation.centre(2, (32, 32))
    box = np.zeros((2, 32, 32), bool)
    box[:, 15:17, 15:17] = True
    np.testing.assert_array_equal(localisation.pointing(maps, box), 1)
    assert maps.shape == (2, 32, 32)
    assert maps.min() == 0 and localisation.centre(1, (9, 5))[0, 4, 2] == 1
