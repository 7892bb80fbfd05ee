import keras
import numpy as np
import pytest
import tensorflow as tf

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


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    ("size", "padding"), [((5, 4), 1), ((2, 7), 1), ((3, 4), ((2, 1), (0, 3)))]
)
def test_both_forms_are_the_same_with_their_gradients(dtype, size, padding):
    random = np.random.default_rng(0)  # of whole numbers: sums are exact in any order
    features = tf.constant(random.integers(-8, 9, (2, *size, 3)), dtype)
    kernel = tf.constant(random.integers(-1, 2, (2, 2, 3, 2)), dtype)

    def found(elementwise, jit, stride):
        layer = ReflectionPadding(padding, dtype=dtype)
        layer.elementwise = elementwise

        @tf.function(jit_compile=jit)
        def step(features):
            with tf.GradientTape() as tape:
                tape.watch(features)
                padded = layer(features)
                convolved = tf.nn.conv2d(padded, kernel, stride, "VALID")
            return padded, convolved, tape.gradient(convolved, features)

        return [value.numpy() for value in step(features)]

    for stride in (1, 2):
        expected = found(False, False, stride)
        for jit in (False, True):
            for value, other in zip(found(True, jit, stride), expected, strict=True):
                assert value.dtype == other.dtype == dtype
                np.testing.assert_array_equal(value, other)


def test_images_of_any_size_have_one_form():
    layer = ReflectionPadding()
    layer.elementwise = True
    image = keras.Input((None, None, 1))
    model = keras.Model(image, layer(image))
    row = np.arange(6.0).reshape((1, 2, 3, 1))
    expected = np.pad(row, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(model(row), expected)
    assert model(row[:0]).shape == (0, 4, 5, 1)
