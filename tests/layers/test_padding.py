import keras
import numpy as np

from ltpa_tf.layers import ReflectionPadding


def test_is_numpys_reflection():
    features = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    expected = np.pad(features, ((0, 0), (2, 2), (1, 1), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(ReflectionPadding((2, 1))(features), expected)


def test_comes_back_from_its_config():
    layer = ReflectionPadding(((1, 2), (3, 0)), name="mirror")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    features = np.random.default_rng(0).normal(size=(1, 6, 6, 2)).astype("float32")
    np.testing.assert_array_equal(again(features), layer(features))
    assert again.name == "mirror"
