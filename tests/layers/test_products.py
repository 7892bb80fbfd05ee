"""The form of attention that XLA fuses: the same numbers and gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import layers
from ltpa_tf.layers import products


def attend(elementwise, policy, pooling, jit=False):
    """Map, descriptor, and the gradients of both for the features, `u` and `g`."""
    random = np.random.default_rng(0)
    dtype = keras.DTypePolicy(policy)
    scoring = layers.ParametrisedCompatibility(dtype=dtype)
    pool = layers.NORMALIZATIONS[pooling](dtype=dtype)
    scoring.elementwise = pool.elementwise = elementwise
    local = tf.constant(random.normal(size=(3, 4, 5, 6)), dtype.compute_dtype)
    g = tf.constant(random.normal(size=(3, 6)), dtype.compute_dtype)
    scoring.build(local.shape, g.shape)
    scoring.u.assign(random.normal(size=(6, 1)))
    weights = [
        tf.constant(random.normal(size=s), "float32") for s in [(3, 6), (3, 4, 5)]
    ]

    @tf.function(jit_compile=jit)
    def compute():
        with tf.GradientTape() as tape:
            tape.watch([local, g])
            results = pool(scoring(local, g), local)
            total = sum(
                tf.reduce_sum(tf.cast(result, "float32") * weight)
                for result, weight in zip(results, weights, strict=True)
            )
        gradients = tape.gradient(total, [local, scoring.u.value, g])
        return [*results, *gradients]

    return [tf.cast(value, "float32").numpy() for value in compute()]


@pytest.mark.parametrize("pooling", ["softmax", "sigmoid"])
@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    ("policy", "tolerance"),
    [("float32", 1e-5), ("mixed_bfloat16", 2e-2), ("mixed_float16", 2e-3)],
)
def test_same_as_matrix_products(policy, tolerance, jit, pooling):
    expected = attend(False, policy, pooling)
    for value, reference in zip(
        attend(True, policy, pooling, jit), expected, strict=True
    ):
        # Not of the scale alone: a softmax cancels g, so its gradient is rounding.
        scale = max(1, np.abs(reference).max())
        np.testing.assert_allclose(value, reference, rtol=0, atol=tolerance * scale)


def test_maps_keep_float32_where_features_are_rounded():
    expected = attend(False, "mixed_bfloat16", "softmax")[1]
    value = attend(True, "mixed_bfloat16", "softmax")[1]
    np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize("jit", [False, True])
def test_several_maps_of_an_image_give_the_gradient_of_each(jit):
    random = np.random.default_rng(0)
    maps, features, upstream = (
        tf.constant(random.normal(size=shape), "float32")
        for shape in [(2, 3, 7), (2, 7, 5), (2, 3, 5)]
    )

    @tf.function(jit_compile=jit)
    def gradients(sums):
        with tf.GradientTape() as tape:
            tape.watch([maps, features])
            total = tf.reduce_sum(upstream * sums(maps, features))
        return tape.gradient(total, [maps, features])

    found = gradients(lambda a, x: products.weighted_sum(a, x, "float32"))
    for value, reference in zip(found, gradients(tf.matmul), strict=True):
        np.testing.assert_allclose(value, reference, rtol=1e-5, atol=1e-5)
