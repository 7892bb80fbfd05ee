"""What a training call computes, and what it leaves out."""

import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.training.network import Network


@pytest.mark.parametrize(
    ("compatibility", "alive"), [("pc", False), ("dp", True)], ids=["pc", "dp"]
)
def test_only_what_reaches_the_logits_is_computed(compatibility, alive):
    model = models.build(
        width=0.0625, levels=(7, 10), compatibility=compatibility, dropout=0.0
    )
    trainable = [tf.convert_to_tensor(v) for v in model.trainable_variables]
    others = [tf.convert_to_tensor(v) for v in model.non_trainable_variables]
    images = tf.random.stateless_uniform((4, 32, 32, 3), (0, 1), maxval=255)
    with tf.GradientTape() as tape:
        tape.watch(trainable)
        logits, _, after = Network(model)(trainable, others, images)
    gradients = tape.gradient(logits, trainable, unconnected_gradients="zero")

    expected, expected_after = model.stateless_call(
        trainable, others, images, training=True
    )
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    changed = {}
    for variable, before, now, full in zip(
        model.non_trainable_variables, others, after, expected_after, strict=True
    ):
        changed[variable.path] = not np.array_equal(before, now)
        if changed[variable.path]:
            np.testing.assert_allclose(now, full, rtol=1e-4, atol=1e-6)
    assert changed["conv10_bn/moving_mean"]
    # conv14 and conv15 lead to the global feature alone.
    assert changed["conv15_bn/moving_mean"] is alive
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        if variable.path == "conv15_bn/gamma":
            assert bool(np.any(gradient)) is alive
