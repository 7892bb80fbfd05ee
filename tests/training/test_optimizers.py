"""Keras's optimizers, called as pure functions."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.training.optimizers import make_optimizer, names


def dense():
    keras.utils.set_random_seed(0)
    images = keras.Input((3,))
    return keras.Model(images, keras.layers.Dense(2, name="dense")(images))


# Keras's ScheduleFreeAdamW on TensorFlow reads its momentum after it has changed it;
# as a pure function it can't.
@pytest.mark.parametrize("name", sorted({*names()} - {"schedulefreeadamw"}))
def test_stateless_updates_equal_kerass_own(config, name):
    config.optimizer.name = name
    config.optimizer.learning_rate = 0.01
    config.optimizer.weight_decay = 0.1
    model, reference = dense(), dense()
    pure = make_optimizer(config, model, 0.01)
    arguments = {"learning_rate": 0.01, "weight_decay": 0.1}
    if name == "sgd":
        arguments |= {"momentum": 0.9, "nesterov": True}
    kinds = {kind.lower(): kind for kind in dir(keras.optimizers)}
    kind = getattr(keras.optimizers, kinds[name])
    if name == "muon":
        if "adam_weight_decay" not in inspect.signature(kind).parameters:
            pytest.skip("Keras 3.12's own Muon fails on TensorFlow")
        arguments |= {"adam_weight_decay": 0.1}
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


def test_unknown_optimizer_is_answered_with_the_known_ones(config):
    config.optimizer.name = "sdg"
    with pytest.raises(SettingError, match=r"optimizer\.name.*sdg.*adamw.*sgd"):
        make_optimizer(config, dense(), 0.1)
