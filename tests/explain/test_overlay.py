import subprocess
import sys

import numpy as np
import pytest

from ltpa_tf.explain import overlay
from ltpa_tf.explain.overlay import colour, strength
from ltpa_tf.grid import Grid


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)


def colourfulness(picture):
    picture = picture.astype(int)
    return (picture.max(-1) - picture.min(-1)).max()


def test_scale_is_absolute():
    np.testing.assert_allclose(
        strength(np.array([0, 0.5, 1, 2, 4, 8, 16, 1000])),
        [0, 0, 0, 0.25, 0.5, 0.75, 1, 1],
    )


def test_overlay_has_image_resolution(image):
    result = overlay(image, np.full((8, 12), 1 / 96))
    assert result.shape == image.shape
    assert result.dtype == np.uint8


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (16, 24)])
def test_flat_map_has_no_colour(image, shape):
    flat = np.full(shape, 1 / np.prod(shape))
    assert colourfulness(overlay(image, flat)) <= 1


def test_ripples_are_not_stretched_into_peaks(image):
    # Its own range stretched to the full scale, this map would look like any other.
    rng = np.random.default_rng(0)
    ripples = 1 + 0.001 * rng.random((8, 8))
    peaked = np.ones((8, 8))
    peaked[3, 4] = 100
    assert colourfulness(overlay(image, ripples / ripples.sum())) <= 1
    assert colourfulness(overlay(image, peaked / peaked.sum())) > 100


def test_softmax_and_sigmoid_of_the_same_shape_look_the_same(image):
    softmax = np.random.default_rng(0).random((8, 8))
    sigmoid = softmax * 0.9
    np.testing.assert_array_equal(
        overlay(image, softmax / softmax.sum()), overlay(image, sigmoid)
    )


def test_colour_is_where_the_attention_is(image):
    attention = np.zeros((8, 8))
    attention[1, 6] = 1  # rows 4 to 7, columns 36 to 41 of 32x48
    result = overlay(image, attention).astype(int)
    coloured = (result.max(-1) - result.min(-1)) > 30
    rows, columns = np.nonzero(coloured)
    assert coloured[5, 38]
    assert rows.min() >= 1
    assert rows.max() <= 10
    assert columns.min() >= 31
    assert columns.max() <= 46


def test_cells_are_drawn_where_they_lie(image):
    # The same map, its cells two pixels apart from the upper left corner on.
    attention = np.zeros((8, 8))
    attention[1, 6] = 1
    result = overlay(image, attention, Grid((0, 0), (2, 2))).astype(int)
    rows, columns = np.nonzero((result.max(-1) - result.min(-1)) > 30)
    assert (rows.min(), rows.max()) == (1, 3)
    assert (columns.min(), columns.max()) == (11, 13)


def test_more_attention_is_brighter():
    grey = np.full((1, 5, 3), 128, np.uint8)
    picture = colour(grey, np.array([[0.2, 0.4, 0.6, 0.8, 1]]))
    luminance = picture @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(luminance[0, 1:]) > 5).all()


def test_image_is_left_alone(image):
    before = image.copy()
    overlay(image, np.eye(8))
    np.testing.assert_array_equal(image, before)


def test_pictures_need_no_tensorflow():
    code = "import sys, ltpa_tf.explain; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
