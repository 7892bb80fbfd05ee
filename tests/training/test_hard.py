"""Training of hard attention: REINFORCE through a whole step, and its exactness."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from comparison import assert_close, assert_same, assert_same_run, local_rows

from ltpa_tf import data, models
from ltpa_tf.layers import AttentionEstimator, ConcatHead
from ltpa_tf.optimizers import make_optimizer
from ltpa_tf.training import train
from ltpa_tf.training.state import initial_state
from ltpa_tf.training.step import make_step
from ltpa_tf.training.trainer import Trainer

HARD = ("sampled", "topk")
# Where both take the same way through training, the random one is quick enough.
BOTH = ("sampled", pytest.param("topk", marks=pytest.mark.slow))


def builder(normalization="sampled", positions=2, convolution=True):
    """A function that makes a small model with hard attention."""

    def build(config, source):
        images = keras.Input(source.image_shape, name="images")
        x = keras.layers.Rescaling(1 / 50, -2.0, dtype="float32")(images)
        if convolution:
            x = keras.layers.Conv2D(6, 3, activation="relu")(x)
        attended, *_ = AttentionEstimator(
            "local", normalization, "zeros", level=1, positions=positions
        )(x)
        attended = keras.layers.BatchNormalization(momentum=0.8)(attended)
        head = ConcatHead(len(source.class_names), projection="linear", name="logits")
        return keras.Model(images, head([attended]))

    return build


def linear_model():
    """Attention to single pixels of 2x2 images, and a linear head."""
    images = keras.Input((2, 2, 3))
    estimator = AttentionEstimator("local", "sampled", level=1, positions=1)
    head = ConcatHead(2, projection="linear", name="logits")
    return keras.Model(images, head([estimator(images)[0]]))


@pytest.mark.parametrize("reward", ["likelihood", "correct"])
def test_a_step_follows_the_exact_gradient(config, reward):
    """Of the loss that is expected over all choices, which here are four."""
    samples, batch = 20_000, 2
    config.train.batch_size = batch
    config.train.label_smoothing = 0.0
    config.train.samples = samples
    config.train.reward = reward
    config.train.reward_weight = 0.7
    config.train.entropy_weight = 0.3
    config.optimizer.name = "sgd"
    config.optimizer.momentum = 0.0
    config.optimizer.nesterov = False
    config.optimizer.weight_decay = 0.0
    config.optimizer.learning_rate = 1.0
    random = np.random.default_rng(0)
    images = random.normal(size=(batch, 2, 2, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")
    model = linear_model()
    values = [random.normal(size=v.shape) for v in model.trainable_variables]
    for variable, value in zip(model.trainable_variables, values, strict=True):
        variable.assign(value)
    estimator, head = model.get_layer("level_1"), model.get_layer("logits")

    with tf.GradientTape() as tape:
        pixels = tf.reshape(images, [batch, 4, 3])
        scores = tf.squeeze(pixels @ estimator.scoring.u, -1)
        p = tf.nn.softmax(scores)
        logits = pixels @ head.linear[0].kernel + head.linear[0].bias
        losses = tf.nn.softmax_cross_entropy_with_logits(
            tf.repeat(labels[:, None], 4, 1), logits
        )
        correct = tf.cast(tf.argmax(logits, -1) == [[0], [1]], tf.float32)
        rewards = tf.stop_gradient(correct if reward == "correct" else -losses)
        baseline = tf.nn.l2_normalize(tf.reduce_mean(pixels, 1), -1)
        baseline = baseline @ estimator.pooling.expected.kernel
        baseline += estimator.pooling.expected.bias
        total = (
            tf.reduce_sum(tf.stop_gradient(p) * losses, -1)
            - 0.7 * tf.reduce_sum(p * rewards, -1)
            + tf.reduce_sum(tf.stop_gradient(p) * (rewards - baseline) ** 2, -1) / 2
            + 0.3 * tf.reduce_sum(p * tf.math.log(p), -1)
        )
        total = tf.reduce_sum(total) / batch
    variables = [v.value for v in model.trainable_variables]
    expected = tape.gradient(total, variables)

    optimizer = make_optimizer(config, model, 1.0)
    step = make_step(config, model, optimizer)
    number, replica = tf.constant(0, tf.int64), tf.constant(0)
    state = tf.nest.map_structure(
        tf.constant, initial_state(model, optimizer, ema=False, loss_scaling=False)
    )
    found, _ = step.forward_backward(state, images, labels, number, replica)
    for one, exact in zip(found.gradients, expected, strict=True):
        np.testing.assert_allclose(one, exact, rtol=0, atol=0.03)
    assert max(np.abs(g).max() for g in expected) > 0.2
    mean_loss, mean_correct, examples = found.sums.numpy()
    assert mean_loss == pytest.approx(tf.reduce_sum(p * losses).numpy(), abs=0.03)
    assert mean_correct == pytest.approx(tf.reduce_sum(p * correct).numpy(), abs=0.02)
    assert examples == batch


@pytest.fixture
def steps(take_steps, source):
    """Takes steps with a small model and gives the state's arrays."""
    builders = {name: builder(name) for name in HARD}

    def steps(normalization, replicas=1, calls=((0, 6),), **settings):
        build = builders[normalization]
        return take_steps(source, build, replicas, calls, **settings)

    return steps


@pytest.mark.parametrize("normalization", BOTH)
def test_calls_of_any_length_give_the_same_bits(steps, normalization):
    at_once = steps(normalization, 2)
    one_by_one = steps(normalization, 2, [(i, 1) for i in range(6)])
    assert_same(at_once, one_by_one)


@pytest.mark.parametrize("normalization", BOTH)
def test_all_of_it_compiles_and_learns(steps, normalization):
    compiled = steps(normalization, calls=[(0, 1)], runtime__jit="on")
    begin = steps(normalization, calls=[], runtime__jit="on")
    for name, value in compiled.items():
        if name.startswith("trainable."):
            assert np.abs(value - begin[name]).max() > 0, name


@pytest.mark.parametrize("normalization", BOTH)
def test_features_computed_again_are_chosen_again_alike(steps, normalization):
    assert_close(
        steps(normalization, train__gradient_checkpointing=1),
        steps(normalization),
        1e-6,
    )


@pytest.mark.parametrize("normalization", HARD)
def test_replicas_choose_differently(config, source, strategies, normalization):
    one = source.train.array[:1]
    same = data.array_split(
        np.repeat(one, len(source.train), 0), np.zeros(len(source.train), np.int32)
    )
    same = dataclasses.replace(source, train=same)
    build = builder(normalization, positions=1, convolution=False)
    parts = Trainer(config, strategies[4], same, build)
    parts.program.train(parts.feed.iterator(0), 0, 1)
    # Of equal images, statistics can differ by what is chosen alone.
    rows = local_rows(parts.state.to_arrays())
    assert len(np.unique(rows, axis=0)) == 4


class Crash(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("normalization", HARD)
def test_a_run_goes_on_bit_by_bit(config, source, tmp_path, normalization):
    class CrashAtStep7(keras.callbacks.Callback):
        left = 7

        def on_train_batch_end(self, batch, logs=None):
            self.left -= 1
            if not self.left:
                raise Crash

    config.train.epochs = 3
    config.train.ema = 0.9
    config.checkpoint.every_steps = 3
    config.runtime.steps_per_call = 1
    arguments = {"source": source, "build": builder(normalization)}
    train(config, tmp_path / "whole", **arguments)
    with pytest.raises(Crash):
        train(config, tmp_path / "cut", callbacks=[CrashAtStep7()], **arguments)
    train(config, tmp_path / "cut", **arguments)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")


def test_hard_attention_finds_the_one_pixel_that_tells(config, source, tmp_path):
    """It is the bluest; all else is noise that is the same for all classes."""
    random = np.random.default_rng(1)

    def split(count):
        labels = random.integers(0, 3, count).astype(np.int32)
        images = random.integers(0, 60, (count, 8, 8, 3))
        y, x = random.integers(0, 8, (2, count))
        red_or_green = 200 * (labels[:, None] == [0, 1, -1])
        images[np.arange(count), y, x] = np.add(red_or_green, [0, 0, 250])
        return data.array_split(images.astype(np.uint8), labels)

    told = dataclasses.replace(
        source, train=split(512), validation=split(128), test=split(16)
    )
    config.train.epochs = 8
    config.train.batch_size = 64
    config.optimizer.learning_rate = 0.1
    for normalization in HARD:
        summary = train(
            config,
            tmp_path / normalization,
            source=told,
            build=builder(normalization, positions=1, convolution=False),
        )
        assert summary["metrics"]["val_accuracy"] > 0.95, normalization


def test_a_training_model_of_soft_attention_has_no_choices():
    model = models.build("vgg_att_pc", trunk="vgg_d", levels=(7,), width=1 / 16)
    images = np.zeros((2, 32, 32, 3), "float32")
    outputs = models.training_model(model, samples=3)(images, training=False)
    assert list(outputs["choices"]) == []
    np.testing.assert_array_equal(outputs["logits"], model(images, training=False))
