"""Levels whose classifiers each learn from the labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.config import validate
from ltpa_tf.errors import SettingError
from ltpa_tf.layers import IndepHead
from ltpa_tf.optimizers import make_optimizer
from ltpa_tf.training.network import Network
from ltpa_tf.training.state import initial_state
from ltpa_tf.training.step import make_step

IMAGES = np.arange(2 * 4, dtype=np.float32).reshape(2, 2, 2, 1) / 8
LABELS = np.array([[1, 0], [0, 1]], np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_each_classifier_has_its_own_cross_entropy_by_hand(config):
    images = keras.Input((2, 2, 1))
    pixels = keras.layers.Flatten()(images)
    levels = [pixels[:, :1], pixels[:, 1:]]
    model = keras.Model(images, IndepHead(2, projection="linear")(levels))
    config.train.deep_supervision = True
    config.train.batch_size = 2
    config.train.label_smoothing = 0.2
    config.optimizer.weight_decay = 0.0
    optimizer = make_optimizer(config, model, 0.5)
    step = make_step(config, model, optimizer)
    state = initial_state(model, optimizer, ema=False, loss_scaling=False)
    found, _ = step.forward_backward(
        tf.nest.map_structure(tf.constant, state),
        tf.constant(IMAGES),
        tf.constant(LABELS),
        tf.constant(0, tf.int64),
        tf.constant(0),
    )

    x = IMAGES.reshape(2, 4)
    targets = 0.8 * LABELS + 0.1
    parts = (x[:, :1], x[:, 1:])
    probabilities, loss, expected = [], 0, []
    kernels = [state.trainable[0], state.trainable[2]]
    biases = [state.trainable[1], state.trainable[3]]
    for part, kernel, bias in zip(parts, kernels, biases, strict=True):
        p = softmax(part @ kernel + bias)
        probabilities.append(p)
        loss -= (targets * np.log(p)).sum() / 2
        error = (p - targets) / 2 / 2  # the mean over 2 images and 2 levels
        expected += [part.T @ error, error.sum(0)]
    for gradient, by_hand in zip(found.gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, by_hand, atol=1e-6)
    right = (np.mean(probabilities, 0).argmax(-1) == LABELS.argmax(-1)).sum()
    np.testing.assert_allclose(found.sums, [loss, right, 2], rtol=1e-6)


@pytest.fixture(scope="module")
def model():
    return models.build("vgg_att2_indep_pc", width=0.0625, dropout=0.5)


def test_the_prediction_is_the_average_of_these_levels(model):
    supervised = models.training_model(model, deep_supervision=True)
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))
    outputs = supervised(images, training=True)
    # Dropout is drawn once, not for the prediction and for the levels.
    average = np.mean([softmax(np.array(z)) for z in outputs["level_logits"]], 0)
    np.testing.assert_allclose(np.exp(outputs["logits"]), average, rtol=1e-5)
    answer = supervised(images, training=False)["logits"]
    np.testing.assert_allclose(answer, model(images, training=False), rtol=1e-5)


def test_features_computed_again_give_the_same_gradients(model):
    trainable = [tf.constant(v.numpy()) for v in model.trainable_variables]
    others = [tf.constant(v.numpy()) for v in model.non_trainable_variables]
    images = tf.random.stateless_uniform((2, 32, 32, 3), (0, 1), maxval=255)

    def gradients(**settings):
        network = Network(model, deep_supervision=True, **settings)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trainable)
            outputs, _ = network(trainable, others, images)
            loss = tf.add_n([tf.reduce_sum(z[:, 0]) for z in outputs["level_logits"]])
        return tape.gradient(loss, trainable, unconnected_gradients="zero")

    for again, kept in zip(
        gradients(gradient_checkpointing=4), gradients(), strict=True
    ):
        np.testing.assert_allclose(again, kept, rtol=1e-3, atol=1e-4)


def test_one_classifier_for_all_levels_is_refused(config):
    config.model.name = "vgg_att2_concat_pc"
    config.train.deep_supervision = True
    with pytest.raises(SettingError, match=r"model\.head.*'indep'.*deep_supervision"):
        validate(config)
    concat = models.build("vgg_att2_concat_pc", width=0.0625)
    with pytest.raises(SettingError, match="IndepHead"):
        models.training_model(concat, deep_supervision=True)
