"""Gradient checkpointing changes the memory that a step needs, not what it computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.training import train
from ltpa_tf.training.network import Network


@pytest.fixture
def step():
    """Makes a function of a model's values: outputs, new state and gradients."""

    def make(model, every, jit=False):
        network = Network(model, every)
        trainable = [tf.constant(v.numpy()) for v in model.trainable_variables]
        others = [tf.constant(v.numpy()) for v in model.non_trainable_variables]
        shape = (4, *model.input_shape[1:])
        images = np.random.default_rng(0).uniform(0, 255, shape)

        def compute(trainable, others, images):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(trainable)
                outputs, after = network(trainable, others, images)
                logits = outputs["logits"]
                loss = tf.reduce_mean(tf.square(logits - 1.0))
            return logits, after, tape.gradient(loss, trainable)

        arguments = (trainable, others, tf.constant(images, tf.float32))
        return tf.function(compute, jit_compile=jit), arguments

    return make


@pytest.mark.slow
def test_outputs_state_and_gradients_are_bitwise_the_same(step):
    """With dropout: its masks are drawn again alike."""
    model = models.build(width=0.0625, mean=(0.5,) * 3, std=(0.3,) * 3)
    kept, arguments = step(model, 0)
    expected = tf.nest.flatten(kept(*arguments))
    for every in (1, 2, 100):
        again, _ = step(model, every)
        found = tf.nest.flatten(again(*arguments))
        assert len(expected) == len(found) > 50
        for value, reference in zip(found, expected, strict=True):
            np.testing.assert_array_equal(value, reference, str(every))


def test_xla_does_not_undo_it(step, build, source):
    def convolutions(every):
        function, arguments = step(build()(None, source), every, jit=True)
        program = function.experimental_get_compiler_ir(*arguments)
        return program(stage="optimized_hlo").count('op_type="Conv2D"')

    # The model has two; the last part keeps its features.
    assert convolutions(every=1) == convolutions(every=0) + 1


def test_the_trainer_takes_it(config, source, build, tmp_path):
    config.runtime.deterministic = True
    config.train.epochs = 1
    digests = []
    for every in (0, 1):
        config.train.gradient_checkpointing = every
        summary = train(config, tmp_path / str(every), source=source, build=build())
        digests.append(summary["weights_sha256"])
    assert digests[0] == digests[1]


def test_a_model_of_another_kind_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(SettingError, match="functional"):
        Network(Own(), 2)
