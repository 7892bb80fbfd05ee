import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.explain import relative, upsample
from ltpa_tf.explain.maps import entropy


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ((8, 8), (32, 32)),
        ((16, 16), (32, 32)),
        ((5, 7), (33, 50)),
        ((32, 32), (32, 32)),
    ],
)
def test_upsampling_equals_tensorflow(source, target):
    maps = np.random.default_rng(0).random((3, *source), np.float32)
    expected = tf.image.resize(maps[..., None], target, method="bilinear")[..., 0]
    np.testing.assert_allclose(upsample(maps, target), expected, atol=1e-6)


def test_upsampling_takes_one_map_as_well():
    maps = np.random.default_rng(0).random((2, 4, 4), np.float32)
    np.testing.assert_array_equal(upsample(maps, (9, 9))[1], upsample(maps[1], (9, 9)))


def test_relative_to_uniform_by_hand():
    softmax = np.array([[0.7, 0.1], [0.1, 0.1]])
    np.testing.assert_allclose(relative(softmax), [[2.8, 0.4], [0.4, 0.4]], rtol=1e-6)
    sigmoid = np.array([[0.9, 0.3], [0.3, 0.3]])  # mean 0.45
    np.testing.assert_allclose(relative(sigmoid)[0], [2, 2 / 3], rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 1e-30, 1 / 64, 0.999])
def test_flat_map_is_one_everywhere(value):
    np.testing.assert_allclose(relative(np.full((2, 8, 8), value)), 1, rtol=1e-6)


def test_entropy_of_known_maps():
    even = np.full((2, 4, 4), 1 / 16)
    single = np.zeros((1, 4, 4))
    single[0, 1, 2] = 1
    half = np.zeros((1, 4, 4))
    half[0, :2] = 1 / 8
    assert entropy(even) == pytest.approx(1)
    assert entropy(single) == pytest.approx(0)
    assert entropy(half) == pytest.approx(np.log(8) / np.log(16))
    assert entropy(np.concatenate([even, single, single])) == pytest.approx(0.5)
    assert entropy(5 * half) == pytest.approx(entropy(half))  # sigmoid's sum isn't 1
