import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.images.fit import shrink


@pytest.mark.parametrize(
    ("shape", "side", "smaller"),
    [((32, 32), 24, (24, 24)), ((10, 15), 4, (4, 6)), ((9, 9), 9, (9, 9))],
)
def test_a_new_pixel_is_the_mean_of_its_area(shape, side, smaller):
    images = np.random.default_rng(0).integers(0, 256, (3, *shape, 3))
    images = tf.constant(images.astype(np.uint8))
    expected = tf.image.resize(images, smaller, method="area")
    np.testing.assert_allclose(shrink(images, side), expected, rtol=1e-5)
