"""Measures of maps on masks, by hand and against scikit-learn and brute force."""

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from ltpa_tf.evaluation import localization


@pytest.fixture
def maps():
    return np.random.default_rng(0).normal(size=(5, 9, 7)).astype(np.float32)


@pytest.fixture
def masks():
    return np.random.default_rng(1).random((5, 9, 7)) < 0.3


def test_energy_by_hand():
    maps = np.array([[[1, 2], [3, -9]], [[-1, -1], [-2, 0]]], np.float32)
    masks = np.array([[[0, 1], [0, 1]], [[1, 1], [1, 1]]], bool)
    np.testing.assert_allclose(localization.energy(maps, masks), [2 / 6, 0])


def test_top_k_by_hand_and_with_ties():
    mask = np.array([[[1, 1], [0, 0]]], bool)
    high_inside = np.array([[[4.0, 1], [3, 2]]])
    assert localization.top_k(high_inside, mask) == 0.5
    tied = np.array([[[4.0, 1], [1, 1]]])  # one of three shares the second place
    assert localization.top_k(tied, mask) == pytest.approx((1 + 1 / 3) / 2)
    assert localization.top_k(tied, np.zeros_like(mask)) == 0


def test_flat_maps_score_what_the_mask_covers(masks):
    flat = np.ones((5, 9, 7))
    expected = masks.mean((1, 2))
    for measure in (
        localization.pointing,
        localization.energy,
        localization.top_k,
    ):
        np.testing.assert_allclose(measure(flat, masks), expected)


def test_the_mask_itself_scores_one(masks):
    perfect = masks.astype(np.float32)
    for measure in (
        localization.pointing,
        localization.energy,
        localization.top_k,
    ):
        np.testing.assert_array_equal(measure(perfect, masks), 1)
    np.testing.assert_array_equal(localization.otsu(perfect), masks)
    np.testing.assert_array_equal(localization.iou(masks, masks), 1)


def test_intersection_over_union_is_scikit_learns(maps, masks):
    found = localization.iou(maps > 0.5, masks)
    for i in range(5):
        chosen = (maps[i] > 0.5).ravel()
        assert found[i] == pytest.approx(jaccard_score(masks[i].ravel(), chosen))


def test_otsu_divides_as_no_other_threshold_does(maps):
    def between(values, high):
        if high.all() or not high.any():
            return -1
        difference = values[high].mean() - values[~high].mean()
        return high.sum() * (~high).sum() * difference**2

    maps = maps.astype(np.float64)
    for values, found in zip(maps, localization.otsu(maps), strict=True):
        best = max(between(values, values > t) for t in values.ravel())
        assert between(values, found) == pytest.approx(best)


def test_otsu_of_few_values_and_of_a_flat_map():
    maps = np.array([[[0, 0, 1, 1]], [[5, 5, 5, 5]], [[0, 0, 0, 9]]], np.float32)
    np.testing.assert_array_equal(localization.otsu(maps).sum((1, 2)), [2, 0, 1])


def test_what_is_above_a_share_of_the_way_by_hand():
    maps = np.array([[[0, 4, 10]], [[-1, 0, 1]], [[2, 2, 2]]], np.float32)
    found = localization.above(maps, 0.5)[:, 0]
    np.testing.assert_array_equal(found, [[0, 0, 1], [0, 1, 1], [1, 1, 1]])


def test_the_centre_looks_at_the_middle():
    maps = localization.centre(2, (32, 32))
    box = np.zeros((2, 32, 32), bool)
    box[:, 15:17, 15:17] = True
    np.testing.assert_array_equal(localization.pointing(maps, box), 1)
    assert maps.shape == (2, 32, 32)
    assert maps.min() == 0 and localization.centre(1, (9, 5))[0, 4, 2] == 1
