"""How convolutions start."""

import keras
import numpy as np
import pytest

from ltpa_tf.layers import PartialIdentity


def convolved(images, filters, initializer):
    conv = keras.layers.Conv2D(
        filters, 3, padding="same", kernel_initializer=initializer
    )
    return np.asarray(conv(images))


@pytest.mark.parametrize(("inputs", "outputs"), [(4, 4), (4, 7), (7, 4)])
def test_as_many_channels_as_fit_pass_through_unchanged(inputs, outputs):
    images = np.random.default_rng(0).normal(size=(2, 5, 6, inputs)).astype("float32")
    features = convolved(images, outputs, PartialIdentity())
    same = min(inputs, outputs)
    np.testing.assert_allclose(features[..., :same], images[..., :same], atol=1e-6)


def test_the_other_filters_are_random():
    kernel = np.asarray(PartialIdentity()((3, 3, 64, 1_064)))[..., 64:]
    assert np.std(kernel) == pytest.approx(np.sqrt(1 / (3 * 9 * 64)), rel=0.01)
    again = np.asarray(PartialIdentity()((3, 3, 64, 1_064)))[..., 64:]
    assert np.any(kernel != again)
    ones = np.asarray(PartialIdentity("ones")((3, 3, 2, 5)))
    assert np.all(ones[..., 2:] == 1)
    assert ones[..., :2].sum() == 2


def test_it_is_saved_with_its_layer(tmp_path):
    images = keras.Input((8, 8, 3))
    start = PartialIdentity(keras.initializers.HeNormal(seed=3))
    outputs = keras.layers.Conv2D(5, 3, kernel_initializer=start)(images)
    keras.Model(images, outputs).save(tmp_path / "model.keras")
    layer = keras.models.load_model(tmp_path / "model.keras").layers[-1]
    np.testing.assert_array_equal(
        layer.kernel_initializer((3, 3, 3, 5)), start((3, 3, 3, 5))
    )
