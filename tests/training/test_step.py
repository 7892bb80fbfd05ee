"""One step against what can be worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.models import build
from ltpa_tf.optimizers import decayed_variables, make_optimizer
from ltpa_tf.training.network import dropout_seeds, with_seeds
from ltpa_tf.training.state import initial_state
from ltpa_tf.training.step import make_step

IMAGES = np.arange(2 * 4, dtype=np.float32).reshape(2, 2, 2, 1) / 8
INFINITE = np.full_like(IMAGES, np.inf)
LABELS = np.array([[1, 0], [0, 1]], np.float32)


@pytest.fixture
def linear():
    """A linear classifier on 2x2 images."""
    images = keras.Input((2, 2, 1))
    logits = keras.layers.Dense(2)(keras.layers.Flatten()(images))
    return keras.Model(images, logits)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gradient_by_hand(kernel, bias, labels=LABELS):
    x = IMAGES.reshape(2, 4)
    error = (softmax(x @ kernel + bias) - labels) / 2
    return [x.T @ error, error.sum(0)]


def take(step, state, images=IMAGES, labels=LABELS, number=0):
    number = tf.constant(number, tf.int64)
    state = tf.nest.map_structure(tf.constant, state)
    mine, local = step.forward_backward(
        state, tf.constant(images), tf.constant(labels), number, tf.constant(0)
    )
    return tf.nest.map_structure(np.array, step.apply(state, local, mine, number))


def start(config, model, **options):
    config.train.batch_size = 2
    config.train.label_smoothing = options.pop("label_smoothing", 0.0)
    config.optimizer.weight_decay = options.pop("weight_decay", 0.0)
    config.optimizer.learning_rate = 0.5
    config.optimizer.momentum = 0.0
    config.optimizer.nesterov = False
    for key, value in options.items():
        config.update_from_flattened_dict({key.replace("__", "."): value})
    optimizer = make_optimizer(config, model, config.optimizer.learning_rate)
    state = initial_state(
        model,
        optimizer,
        ema=config.train.ema > 0,
        loss_scaling=config.runtime.precision == "mixed_float16",
    )
    return make_step(config, model, optimizer), state


def test_plain_gradient_descent(config, linear):
    step, state = start(config, linear)
    kernel, bias = state.trainable
    by_kernel, by_bias = gradient_by_hand(kernel, bias)
    new = take(step, state)
    np.testing.assert_allclose(new.trainable[0], kernel - 0.5 * by_kernel, atol=1e-6)
    np.testing.assert_allclose(new.trainable[1], bias - 0.5 * by_bias, atol=1e-6)
    assert new.optimizer[0] == 1
    probabilities = softmax(IMAGES.reshape(2, 4) @ kernel + bias)
    assert new.sums[0] == pytest.approx(-np.log(probabilities[[0, 1], [0, 1]]).sum())
    assert new.sums[2] == 2


def test_label_smoothing(config, linear):
    step, state = start(config, linear, label_smoothing=0.2)
    by_kernel, _ = gradient_by_hand(*state.trainable, labels=LABELS * 0.8 + 0.1)
    expected = state.trainable[0] - 0.5 * by_kernel
    np.testing.assert_allclose(take(step, state).trainable[0], expected, atol=1e-6)


def test_clipping_scales_the_whole_gradient(config, linear):
    step, state = start(config, linear, train__clip_norm=0.01)
    gradients = gradient_by_hand(*state.trainable)
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    new = take(step, state)
    for after, before, gradient in zip(
        new.trainable, state.trainable, gradients, strict=True
    ):
        np.testing.assert_allclose(
            after, before - 0.5 * gradient * 0.01 / norm, atol=1e-6
        )
    assert new.sums[3] == pytest.approx(norm)  # reported as it was


@pytest.mark.parametrize("normed", [False, True])
def test_accumulation_normalizes_each_part_by_its_own_statistics(config, normed):
    images = keras.Input((2, 2, 1))
    x = keras.layers.Flatten()(images)
    if normed:
        x = keras.layers.BatchNormalization()(x)
    model = keras.Model(images, keras.layers.Dense(2)(x))
    batch = np.random.default_rng(0).normal(size=(4, 2, 2, 1)).astype(np.float32)

    def gradient(images, labels, parts=1):
        step, state = start(config, model, train__accumulation_steps=parts)
        state = tf.nest.map_structure(tf.constant, state)
        number = tf.constant(0, tf.int64)
        found, _ = step.forward_backward(state, images, labels, number, number)
        return np.concatenate([np.ravel(g) for g in found.gradients])

    labels = np.repeat(LABELS, 2, axis=0)
    halves = [gradient(batch[i : i + 2], labels[i : i + 2]) for i in (0, 2)]
    in_parts = gradient(batch, labels, parts=2)
    np.testing.assert_allclose(in_parts, sum(halves), rtol=1e-5, atol=1e-6)
    whole = gradient(batch, labels)
    assert np.allclose(in_parts, whole, rtol=1e-5, atol=1e-6) is not normed


@pytest.mark.parametrize("on", ["kernels", "all"])
@pytest.mark.parametrize("mode", ["coupled", "decoupled"])
def test_weight_decay(config, linear, on, mode):
    linear.layers[-1].bias.assign([1.0, -2.0])
    step, state = start(
        config,
        linear,
        weight_decay=0.1,
        optimizer__decay_on=on,
        optimizer__decay_mode=mode,
        optimizer__momentum=0.9,
    )
    new = take(step, take(step, state), number=1)
    # Torch: d = g + wd w; m = 0.9 m + d; w -= lr m. Keras: w -= lr wd w before that.
    weights = [value.copy() for value in state.trainable]
    momenta = [0.0, 0.0]
    for _ in range(2):
        gradients = gradient_by_hand(*weights)
        for i, decay in enumerate([0.1, 0.1 if on == "all" else 0.0]):
            if mode == "coupled":
                gradients[i] += decay * weights[i]
            else:
                weights[i] *= 1 - 0.5 * decay
            momenta[i] = 0.9 * momenta[i] - 0.5 * gradients[i]
            weights[i] += momenta[i]
    for found, expected in zip(new.trainable, weights, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_decay_on_kernels_spares_biases_batch_norm_and_attention(config):
    config.optimizer.decay_on = "kernels"
    model = build("vgg_att_pc", width=0.0625)
    names = {v.name for v in decayed_variables(config, model)}
    spared = {v.name for v in model.trainable_variables} - names
    assert names == {"kernel"}
    assert {"bias", "gamma", "beta"} < spared


def test_moving_average_of_weights(config, linear):
    step, state = start(config, linear, train__ema=0.9)
    first = take(step, state)
    second = take(step, first, number=1)
    # min(0.9, (1 + n) / (10 + n)) with n = 0, 1 updates before.
    average = state.trainable[0]
    average = average + 0.9 * (first.trainable[0] - average)
    average = average + (1 - 2 / 11) * (second.trainable[0] - average)
    np.testing.assert_allclose(second.ema[0], average, atol=1e-6)


def test_nothing_changes_after_a_step_that_is_not_finite(config, linear):
    step, state = start(config, linear)
    good = take(step, state)
    bad = take(step, good, images=np.full_like(IMAGES, np.nan), number=7)
    assert bad.bad_step == 7
    later = take(step, bad, number=8)
    assert later.bad_step == 7
    for name in ("trainable", "optimizer", "sums"):
        for a, b in zip(
            tf.nest.flatten(getattr(later, name)),
            tf.nest.flatten(getattr(good, name)),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


def test_float16_skips_and_rescales(config, linear):
    step, state = start(config, linear, runtime__precision="mixed_float16")
    skipped = take(step, state, images=INFINITE)
    assert skipped.bad_step == -1
    assert skipped.loss_scale == state.loss_scale / 2
    np.testing.assert_array_equal(skipped.trainable[0], state.trainable[0])
    assert skipped.optimizer[0] == 0
    scaled = take(step, skipped)
    by_kernel, _ = gradient_by_hand(*state.trainable)
    np.testing.assert_allclose(
        scaled.trainable[0], state.trainable[0] - 0.5 * by_kernel, atol=1e-6
    )
    doubled = take(step, state._replace(good_steps=np.int64(1999)))
    assert doubled.loss_scale == state.loss_scale * 2
    assert doubled.good_steps == 0
    # At a scale of 1 it can't be the scale's fault any more.
    hopeless = take(step, state._replace(loss_scale=np.float32(1)), INFINITE, number=5)
    assert hopeless.bad_step == 5


def test_dropout_seeds_differ_by_step_replica_and_layer():
    drawn = [
        dropout_seeds(0, tf.constant(step), tf.constant(replica), 3).numpy()
        for step in range(20)
        for replica in range(4)
    ]
    rows = np.concatenate(drawn)
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert rows.min() >= 0
    again = dropout_seeds(0, tf.constant(5), tf.constant(2), 3).numpy()
    np.testing.assert_array_equal(again, drawn[5 * 4 + 2])


def test_dropout_masks_differ_between_replicas_and_steps():
    images = keras.Input((64,))
    model = keras.Model(images, keras.layers.Dropout(0.5)(images))

    def mask(number, replica):
        values = with_seeds(model, [], 0, tf.constant(number), tf.constant(replica))
        out, _ = model.stateless_call([], values, tf.ones([1, 64]), training=True)
        return tuple(out.numpy()[0])

    masks = {mask(n, r) for n in range(3) for r in range(3)}
    assert len(masks) == 9
    assert mask(1, 2) == mask(1, 2)


def test_a_class_counts_by_its_weight(config, linear):
    step, state = start(config, linear, label_smoothing=0.1)
    # One image of class 0, and a mixture of the two: it weighs 0.25 * 3 + 0.75 * 0.5.
    labels = np.array([[1, 0], [0.25, 0.75]], np.float32)
    weights = np.array([3.0, 0.25 * 3.0 + 0.75 * 0.5], np.float32)
    step = make_step(config, linear, step._optimizer, (3.0, 0.5))
    kernel, bias = state.trainable
    x = IMAGES.reshape(2, 4)
    smooth = 0.9 * labels + 0.05
    error = (softmax(x @ kernel + bias) - smooth) * weights[:, None] / 2
    new = take(step, state, labels=labels)
    np.testing.assert_allclose(new.trainable[0], kernel - 0.5 * x.T @ error, atol=1e-6)
    losses = -(smooth * np.log(softmax(x @ kernel + bias))).sum(1)
    assert new.sums[0] == pytest.approx((weights * losses).sum(), rel=1e-5)
