"""Whitening: what it makes of the images that it has seen."""

import keras
import numpy as np
import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.layers import Whitening


@pytest.fixture
def images():
    """Smooth noise: every pixel like its neighbours, the channels like each other."""
    noise = np.random.default_rng(0).normal(size=(200, 18, 18, 3))
    for _ in range(2):
        noise = noise + np.roll(noise, 1, 1) + np.roll(noise, 1, 2)
    return (noise + noise.mean(-1, keepdims=True)).astype("float32")


def test_outputs_are_uncorrelated_and_of_equal_size(images):
    layer = Whitening()
    layer(images)
    layer.adapt(images)
    inside = np.asarray(layer(images))[:, :-1, :-1, :12].reshape(-1, 12)
    covariance = inside.T @ inside / len(inside)
    np.testing.assert_allclose(covariance, np.eye(12), atol=0.01)
    raw = images.reshape(-1, 3)
    assert np.abs(np.corrcoef(raw.T) - np.eye(3)).max() > 0.2


def test_every_filter_has_its_negative(images):
    layer = Whitening()
    layer(images)
    for _ in range(2):
        features = np.asarray(layer(images))
        np.testing.assert_array_equal(features[..., 12:], -features[..., :12])
        layer.adapt(images)


def test_at_first_the_outputs_are_the_patchs_pixels():
    image = np.arange(2 * 3, dtype="float32").reshape(1, 2, 3, 1)
    # Up to the right and below the last pixel there is nothing: zeros.
    expected = [[[0, 1, 3, 4], [1, 2, 4, 5], [2, 0, 5, 0]]]
    np.testing.assert_array_equal(Whitening()(image)[0, :1, :, :4], expected)


def test_built_by_fit_it_lets_the_pixels_through():
    layers = [Whitening(), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    images = np.ones((2, 3, 3, 1), "float32")
    model.fit(images, np.zeros((2, 1)), verbose=0)
    np.testing.assert_array_equal(model.layers[0](images), Whitening()(images))
    assert np.abs(model.layers[0].kernel).sum() == 8


def test_adapt_builds_and_checks_the_channels(images):
    layer = Whitening()
    layer.adapt(images)
    assert layer(images).shape == (200, 18, 18, 24)
    with pytest.raises(SettingError, match=r"images: .*\[N, H, W, 3\]"):
        layer.adapt(images[..., :1])


def test_constant_images_do_not_explode():
    layer = Whitening()
    images = np.zeros((4, 8, 8, 3), "float32")
    layer(images)
    layer.adapt(images)
    assert np.abs(layer.kernel).max() < 50


def test_filters_are_not_trained():
    layer = Whitening()
    layer.build((None, 8, 8, 3))
    assert not layer.trainable_weights
    assert len(layer.non_trainable_weights) == 1


def test_a_model_of_it_under_a_policy_is_made_again_from_its_config():
    policy = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, Whitening(dtype=policy)(inputs))
    again = keras.Model.from_config(model.get_config())
    assert again.layers[1].compute_dtype == "bfloat16"
    again.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    np.testing.assert_array_equal(again(x), model(x))
