"""Measures of faithfulness on models whose answer is known."""

import numpy as np
import pytest

from ltpa_tf.evaluation import faithfulness

CLASSES = np.array([0, 0])


def quadrant(batch):
    """Class 0 is as probable as the upper left quadrant is bright."""
    height, width = (n // 2 for n in batch.shape[1:3])
    bright = batch[:, :height, :width].mean((1, 2, 3)) / 255
    return np.stack([bright, 1 - bright], 1)


@pytest.fixture
def images():
    images = np.zeros((2, 16, 16, 3), np.uint8)
    images[:, :8, :8] = 255
    return images


@pytest.fixture
def perfect():
    maps = np.zeros((2, 16, 16), np.float32)
    maps[:, :8, :8] = 1
    return maps


def test_deletion_by_hand(images, perfect):
    # A quarter goes at each of four steps; the mean colour is a quarter of white.
    found = faithfulness.deletion(quadrant, images, CLASSES, perfect, steps=4)
    np.testing.assert_allclose(found, (1 / 2 + 3 / 4 + 1 / 8) / 4, rtol=1e-6)
    wrong = faithfulness.deletion(quadrant, images, CLASSES, -perfect, steps=4)
    np.testing.assert_allclose(wrong, (3 + 1 / 2 + 1 / 8) / 4, rtol=1e-6)


def test_insertion_brings_the_right_pixels_first(images, perfect):
    right = faithfulness.insertion(quadrant, images, CLASSES, perfect, steps=4)
    wrong = faithfulness.insertion(quadrant, images, CLASSES, -perfect, steps=4)
    # The curves are b, 1, 1, 1, 1 and b, b, b, b, 1 for a blurred quadrant's b.
    blurred = (8 * wrong - 1) / 7
    assert (blurred < 0.9).all()
    np.testing.assert_allclose(right, (blurred + 7) / 8, rtol=1e-5)


def test_flat_maps_take_pixels_in_one_random_order(images):
    flat = np.ones((2, 16, 16), np.float32)
    found = faithfulness.deletion(quadrant, images, CLASSES, flat)
    assert found[0] == found[1] == pytest.approx((1 + 1 / 4) / 2, abs=0.03)
    again = faithfulness.deletion(quadrant, images, CLASSES, 7 * flat)
    np.testing.assert_array_equal(found, again)


def test_road_fills_in_a_slope_as_if_nothing_had_gone():
    slope = np.arange(16) * 10 + np.arange(16)[:, None] * 2
    image = np.repeat(slope[..., None], 3, -1).astype(np.float32)
    gone = np.zeros((16, 16), bool)
    gone[4:11, 3:12] = True
    neighbours = faithfulness._neighbours(16, 16)
    rng = np.random.default_rng(0)
    filled = faithfulness._filled(image, gone, neighbours, rng)
    np.testing.assert_array_equal(filled[~gone], image[~gone])
    assert np.abs(filled - image)[gone].mean() < 2.55
    assert (filled[gone] != image[gone]).all()
    # Each missing pixel is the weighted mean of what is around it, at the border too.
    np.testing.assert_allclose(neighbours.sum(1), 0, atol=1e-12)
    assert neighbours[0, 1] == pytest.approx(1 / 6)
    assert neighbours[0, 17] == pytest.approx(1 / 12)
    assert neighbours.shape == (256, 256) and neighbours[0, 15] == 0


def test_road_of_a_perfect_map(images, perfect):
    morf, lerf = (
        faithfulness.road(
            quadrant, images, CLASSES, perfect, highest_first=first, shares=(0.3, 0.5)
        )
        for first in (True, False)
    )
    assert (morf < 0.05).all() and (lerf > 0.99).all()


def test_mu_fidelity_of_the_exact_attribution_is_one():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 16, 16, 3)).astype(np.float32)
    weights = rng.normal(size=(16, 16, 3)) / 1e5

    def linear(batch):
        score = (batch * weights).sum((1, 2, 3))
        return np.stack([0.5 + score, 0.5 - score], 1)

    exact = ((images - images.mean((1, 2), keepdims=True)) * weights).sum(-1)
    found = faithfulness.mu_fidelity(linear, images, CLASSES, exact)
    np.testing.assert_allclose(found, 1)
    np.testing.assert_allclose(
        faithfulness.mu_fidelity(linear, images, np.array([1, 1]), exact), -1
    )
    flat = np.ones_like(exact)
    assert (faithfulness.mu_fidelity(linear, images, CLASSES, flat) == 0).all()
