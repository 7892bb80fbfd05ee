"""The fast layers are Keras's layers, computed another way."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.layers import fast


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(3, 2, (4, 8, 6, 5)).astype("float32")


def gradient(layer, features, **kwargs):
    """Output, and gradient of a sum in which every output has a weight of its own."""
    inputs = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, **kwargs)
        weights = np.random.default_rng(1).normal(size=outputs.shape)
        total = tf.reduce_sum(outputs * weights.astype("float32"))
    return outputs.numpy(), tape.gradient(total, inputs).numpy()


@pytest.mark.parametrize("ties", [False, True])
def test_elementwise_pool_is_the_pool(features, ties):
    if ties:
        features = np.round(features / 2)
    expected = gradient(keras.layers.MaxPooling2D(), features)
    layer = fast.FastMaxPooling()
    layer.elementwise = True
    for value, reference in zip(gradient(layer, features), expected, strict=True):
        np.testing.assert_array_equal(value, reference)


def test_a_form_that_is_no_2x2_pool_stays_keras_own(features):
    odd = features[:, :7, :5]
    layer = fast.FastMaxPooling()
    layer.elementwise = True
    np.testing.assert_array_equal(layer(odd), keras.layers.MaxPooling2D()(odd))
    overlapping = fast.FastMaxPooling(3, strides=2)
    overlapping.elementwise = True
    expected = keras.layers.MaxPooling2D(3, strides=2)(features)
    np.testing.assert_array_equal(overlapping(features), expected)


@pytest.mark.parametrize("synchronized", [False, True])
def test_batch_norm_is_the_batch_norm(features, synchronized):
    pair = [
        kind(momentum=0.7, synchronized=synchronized)
        for kind in (fast.FastBatchNormalization, keras.layers.BatchNormalization)
    ]
    results = [gradient(layer, features, training=True) for layer in pair]
    for value, reference in zip(*results, strict=True):
        np.testing.assert_allclose(value, reference, rtol=1e-4, atol=1e-5)
    for variable, reference in zip(pair[0].weights, pair[1].weights, strict=True):
        np.testing.assert_allclose(variable, reference, rtol=1e-5)
    at_rest = [layer(features, training=False) for layer in pair]
    np.testing.assert_allclose(*at_rest, rtol=1e-4, atol=1e-5)


def test_constant_features_have_variance_0():
    layer = fast.FastBatchNormalization(momentum=0.0)
    outputs = layer(np.full((2, 3, 3, 1), 1000.1, "float32"), training=True)
    assert layer.moving_variance.numpy() >= 0
    assert np.isfinite(outputs).all()


@pytest.mark.parametrize("ratio", [10, 100, 1000])
@pytest.mark.parametrize("shape", [(64, 8, 8, 16), (256, 16)])
def test_a_mean_large_beside_the_deviation_costs_no_digits(ratio, shape):
    features = np.random.default_rng(0).normal(size=shape) + ratio
    features[0] += 5.0  # an outlier, of which nothing may depend
    features = features.astype("float32")
    exact = features.astype("float64")
    axes = tuple(range(len(shape) - 1))
    mean, variance = exact.mean(axes), exact.var(axes)
    expected = (exact - mean) / np.sqrt(variance + 1e-3)

    layer = fast.FastBatchNormalization(momentum=0.0)
    outputs = layer(features, training=True)  # the first: moving statistics are 0 and 1
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-4)
    # What x * scale + shift rounds, in Keras's layer as well.
    np.testing.assert_allclose(outputs, expected, atol=max(1e-5, 3e-7 * ratio))


def test_a_half_either_side_of_4096_has_variance_a_quarter():
    features = np.array([4096.0, 4097.0] * 8, "float32").reshape(4, 2, 2, 1)
    layer = fast.FastBatchNormalization(momentum=0.0)
    layer(features, training=True)
    np.testing.assert_array_equal(layer.moving_mean, [4096.5])
    np.testing.assert_array_equal(layer.moving_variance, [0.25])


def test_gradients_are_as_exact_as_the_statistics():
    features = np.random.default_rng(0).normal(size=(16, 4, 4, 3)) + 100
    pair = [
        gradient(kind(), features.astype("float32"), training=True)[1]
        for kind in (fast.FastBatchNormalization, keras.layers.BatchNormalization)
    ]
    np.testing.assert_allclose(*pair, atol=1e-4)
