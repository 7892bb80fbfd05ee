"""Projections by hand and against NumPy."""

import numpy as np
import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.layers import ChannelMatching, Preactivation


def test_linear_by_hand():
    layer = ChannelMatching(1, projection="linear")
    layer.build((None, 2))
    layer.linear.kernel.assign([[2], [-3]])
    layer.linear.bias.assign([1])
    np.testing.assert_array_equal(layer(np.array([[1.0, 2.0]])), [[-3]])


def test_paper_form_by_hand():
    layer = ChannelMatching(1, batch_norm=False)
    layer.build((None, 2))
    layer.linear.kernel.assign([[2], [-3]])
    # The ReLU takes the -5 away; dropout rests in inference.
    np.testing.assert_array_equal(layer(np.array([[1.0, -5.0]])), [[2]])


@pytest.mark.parametrize("shape", [(4, 6), (4, 3, 5, 6)])
def test_paper_form_equals_numpy(shape):
    random = np.random.default_rng(0)
    features = random.normal(size=shape).astype("float32")
    layer = ChannelMatching(7)
    layer(features)
    layer.set_weights([random.uniform(0.5, 1.5, w.shape) / 4 for w in layer.weights])
    gamma, beta, mean, variance = (w.numpy() for w in layer.before.weights)
    normalized = gamma * (features - mean) / np.sqrt(variance + 1e-3) + beta
    expected = np.maximum(normalized, 0) @ layer.linear.kernel + layer.linear.bias
    np.testing.assert_allclose(layer(features), expected, rtol=0, atol=1e-6)


def test_training_normalizes_and_drops_half():
    layer = Preactivation()
    features = np.random.default_rng(0).normal(5, 3, (4000, 2)).astype("float32")
    output = np.asarray(layer(features, training=True))
    # Of a standard normal, the ReLU leaves half, dropout half of that, doubled.
    assert np.mean(output > 0) == pytest.approx(0.25, abs=0.02)
    assert output.mean() == pytest.approx(1 / np.sqrt(2 * np.pi), abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "channels: expected 1 or more.*Received: 0"),
        ({"channels": 4, "projection": "conv"}, "projection: .*paper, linear"),
        ({"channels": 4, "dropout": -0.1}, "dropout: .*Received: -0.1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(SettingError, match=message):
        ChannelMatching(**arguments)
