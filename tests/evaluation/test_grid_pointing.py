"""Mosaics of images that the model is sure of, and maps that lie on one of them."""

import keras
import numpy as np
import pytest

from ltpa_tf.evaluation.grid_pointing import grid_pointing, mosaics_of
from ltpa_tf.explain.methods import Method

N = 12


@pytest.fixture
def images():
    """Each all of one colour: its number."""
    return np.broadcast_to(
        np.arange(N, dtype=np.uint8)[:, None, None, None], (N, 4, 6, 3)
    )


def test_the_surest_of_different_classes_side_by_side(images):
    classes = np.arange(N) % 5
    sureness = np.linspace(0.9, 0.1, N)
    mosaics, within = mosaics_of(images, classes, sureness, 2, 10)
    assert mosaics.shape == (3, 8, 12, 3)
    assert within.shape == (3, 2, 2)
    for i, (mosaic, numbers) in enumerate(zip(mosaics, within, strict=True)):
        tiles = mosaic.reshape(2, 4, 2, 6, 3)
        assert (tiles == tiles[:, :1, :, :1]).all()  # each tile is one whole image
        shown = tiles[:, 0, :, 0, 0]
        np.testing.assert_array_equal(classes[shown], numbers)
        assert len(set(numbers.ravel().tolist())) == 4
        assert set(shown.ravel().tolist()) == set(range(4 * i, 4 * i + 4))


def test_too_few_classes_make_no_mosaic(images):
    mosaics, within = mosaics_of(images, np.arange(N) % 3, np.ones(N), 2, 10)
    assert len(mosaics) == len(within) == 0


def test_maps_are_scored_on_the_image_that_they_explain(images):
    classes = np.arange(N)
    mosaics, within = mosaics_of(images, classes, np.ones(N), 3, 1)
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Flatten()])

    def method(model, size):
        assert tuple(size) == (12, 18)

        def maps(images, classes):
            shown = np.asarray(images)[..., 0] == np.asarray(classes)[:, None, None]
            return {"perfect": shown * 1.0, "flat": 0 * shown + 1.0, "wrong": 1 - shown}

        return Method("own", maps)

    found = grid_pointing(model, method, mosaics, within, batch_size=4)
    np.testing.assert_array_equal(found["perfect"], np.ones(9))
    np.testing.assert_allclose(found["flat"], np.full(9, 1 / 9))
    np.testing.assert_array_equal(found["wrong"], np.zeros(9))
