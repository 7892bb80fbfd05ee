"""Every form of a layer computes the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.layers.fast import FastBatchNormalization
from ltpa_tf.training.network import select_kernels


@pytest.mark.parametrize(
    "trunk", [{"padding": "reflect"}, {"trunk": "fast", "levels": (6, 9)}]
)
@pytest.mark.parametrize("jit", [False, True])
def test_a_model_computes_the_same_in_every_form(jit, trunk):
    def step(choose):
        keras.utils.set_random_seed(1)
        model = models.build(
            "vgg_att2_concat_pc",
            **trunk,
            width=0.125,
            dropout=0.0,
            mean=(0.5,) * 3,
            std=(0.3,) * 3,
        )
        for layer in model.layers:
            if isinstance(layer, keras.layers.Activation):
                # With a ReLU, a rounding can switch a unit's gradient on or off.
                layer.activation = keras.activations.silu
        choose(model)
        images = np.random.default_rng(0).uniform(0, 255, (6, 32, 32, 3))
        with tf.GradientTape() as tape:
            logits = model(images.astype("float32"), training=True)
            loss = tf.reduce_mean(tf.square(logits - 1.0))
        values = [
            v.numpy() for v in model.non_trainable_variables if "seed" not in v.path
        ]
        return logits, *tape.gradient(loss, model.trainable_weights), *values

    mine, reference = step(lambda m: select_kernels(m, jit)), step(lambda m: None)
    for value, expected in zip(mine, reference, strict=True):
        if expected is not None:
            np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_kernel_without_xla_is_kerass_batch_norm(policy):
    features = np.random.default_rng(0).normal(3, 2, (4, 8, 6, 5)).astype("float32")
    mine = FastBatchNormalization(momentum=0.7, dtype=policy)
    keras_own = keras.layers.BatchNormalization(momentum=0.7, dtype=policy)
    inputs = keras.Input(features.shape[1:])
    select_kernels(keras.Model(inputs, mine(inputs)), jit=False)
    assert mine.kernel is not None
    found, expected = (layer(features, training=True) for layer in (mine, keras_own))
    assert found.dtype == expected.dtype
    tolerance = 1e-5 if policy == "float32" else 1e-2
    np.testing.assert_allclose(
        *(tf.cast(x, tf.float32) for x in (found, expected)), atol=tolerance
    )
    for variable, reference in zip(mine.weights, keras_own.weights, strict=True):
        np.testing.assert_allclose(variable, reference, rtol=tolerance)


@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"axis": 1}])
def test_what_the_kernel_cannot_do_stays_keras_own(options):
    features = np.random.default_rng(0).normal(3, 2, (4, 8, 6, 5)).astype("float32")
    mine = FastBatchNormalization(**options)
    inputs = keras.Input(features.shape[1:])
    select_kernels(keras.Model(inputs, mine(inputs)), jit=False)
    keras_own = keras.layers.BatchNormalization(**options)
    found, expected = (layer(features, training=True) for layer in (mine, keras_own))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_single_value_has_variance_0():
    layer = FastBatchNormalization(momentum=0.0)
    inputs = keras.Input((1, 1, 3))
    select_kernels(keras.Model(inputs, layer(inputs)), jit=False)
    layer(np.full((1, 1, 1, 3), 2.0, "float32"), training=True)
    np.testing.assert_array_equal(layer.moving_variance, np.zeros(3))
