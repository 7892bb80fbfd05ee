"""Keras's optimizers, and SGD with Muon, called as pure functions."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.optimizers import make_optimizer, names


def dense():
    keras.utils.set_random_seed(0)
    images = keras.Input((3,))
    return keras.Model(images, keras.layers.Dense(2, name="dense")(images))


# Keras's ScheduleFreeAdamW on TensorFlow reads its momentum after it has changed it;
# as a pure function it can't.
@pytest.mark.parametrize("name", sorted({*names()} - {"schedulefreeadamw"}))
@pytest.mark.parametrize("decay", [0.1, 0.0])
def test_stateless_updates_equal_kerass_own(config, name, decay):
    config.optimizer.name = name
    config.optimizer.learning_rate = 0.01
    config.optimizer.weight_decay = decay
    model, reference = dense(), dense()
    pure = make_optimizer(config, model, 0.01)
    arguments = {"learning_rate": 0.01, "weight_decay": decay}
    if name in ("sgd", "sgd_muon"):
        arguments |= {"momentum": 0.9, "nesterov": True}
    kinds = {kind.lower(): kind for kind in dir(keras.optimizers)}
    kinds["sgd_muon"] = "SGD"  # which it is where nothing is convolved
    kind = getattr(keras.optimizers, kinds[name])
    if name == "muon":
        if "adam_weight_decay" not in inspect.signature(kind).parameters:
            pytest.skip("Keras 3.12's own Muon fails on TensorFlow")
        arguments |= {"adam_weight_decay": decay}
    own = kind(**arguments)
    own.exclude_from_weight_decay([reference.layers[-1].bias])

    values = [tf.constant(v) for v in model.trainable_variables]
    slots = [tf.constant(v) for v in pure.variables]
    for scale in (1.0, -0.3, 2.0):
        gradients = [scale * (v + 0.1) for v in values]
        own.apply([tf.identity(g) for g in gradients], reference.trainable_variables)
        values, slots = pure.stateless_apply(slots, gradients, values)
    for value, variable in zip(values, reference.trainable_variables, strict=True):
        np.testing.assert_allclose(value, variable, rtol=1e-5, atol=1e-6)
    for value, initial in zip(values, model.trainable_variables, strict=True):
        assert np.abs(value - initial).max() > 0


def test_keras_s_own_are_no_pure_functions_on_tensorflow():
    """The reason for `_Pure`: once this fails, it is not needed any more."""
    model, own = dense(), keras.optimizers.SGD(0.1)
    own.build(model.trainable_variables)
    values = [tf.constant(v) for v in model.trainable_variables]
    slots = [tf.constant(v) for v in own.variables]
    with pytest.raises(ValueError, match="not supported with the TensorFlow backend"):
        own.stateless_apply(slots, values, values)


@pytest.mark.parametrize("name", ["sgd", "sgd_muon", "adam"])
def test_the_shifts_of_batch_norm_have_a_rate_of_their_own(config, name):
    config.optimizer.name = name
    config.optimizer.weight_decay = 0.0
    images = keras.Input((3,))
    outputs = keras.layers.BatchNormalization()(keras.layers.Dense(2)(images))
    model = keras.Model(images, outputs)

    def moved(factor):
        config.optimizer.bias_lr_multiplier = factor
        optimizer = make_optimizer(config, model, 0.01)
        values = [tf.constant(v) for v in model.trainable_variables]
        slots = [tf.constant(v) for v in optimizer.variables]
        for _ in range(3):
            gradients = [0.1 * tf.ones_like(v) for v in values]
            values, slots = optimizer.stateless_apply(slots, gradients, values)
        steps = zip(values, model.trainable_variables, strict=True)
        return {v.name: np.asarray(value - v) for value, v in steps}

    slow, fast = moved(1.0), moved(8.0)
    assert set(slow) == {"kernel", "bias", "gamma", "beta"}
    for variable, step in slow.items():
        factor = 8.0 if variable == "beta" else 1.0
        np.testing.assert_allclose(fast[variable], factor * step, rtol=1e-4)


def test_unknown_optimizer_is_answered_with_the_known_ones(config):
    config.optimizer.name = "sdg"
    with pytest.raises(SettingError, match=r"optimizer\.name.*adamw.*sgd.*sdg"):
        make_optimizer(config, dense(), 0.1)
