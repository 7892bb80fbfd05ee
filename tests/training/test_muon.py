"""Muon against what NumPy computes in float64 and what an SVD says."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.optimizers import make_optimizer
from ltpa_tf.optimizers.muon import orthogonalize
from ltpa_tf.training.state import initial_state
from ltpa_tf.training.step import make_step
from ltpa_tf.training.trainer import Trainer

RATE, FACTOR = 0.2, 0.5


@pytest.fixture
def config(config):
    config.optimizer.name = "sgd_muon"
    config.optimizer.muon_factor = FACTOR
    config.optimizer.weight_decay = 0.0
    return config


@pytest.fixture
def model():
    """Its kernels are a wide, a tall and a square matrix; the fourth isn't one."""
    images = keras.Input((5, 5, 2))
    x = keras.layers.Conv2D(40, 3)(images)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(3, (2, 1))(x)
    x = keras.layers.Conv2D(3, 1)(x)
    return keras.Model(images, keras.layers.Dense(4)(keras.layers.Flatten()(x)))


def random_like(model, seed):
    random = np.random.default_rng(seed)
    return [
        random.normal(size=v.shape).astype(np.float32)
        for v in model.trainable_variables
    ]


def move(config, model, values, gradients, *, jit=False):
    """The values after each step."""
    optimizer = make_optimizer(config, model, RATE)
    update = tf.function(optimizer.stateless_apply, jit_compile=jit)
    slots = [tf.constant(v) for v in optimizer.variables]
    values, found = [tf.constant(v) for v in values], []
    for step in gradients:
        values, slots = update(slots, [tf.constant(g) for g in step], values)
        found.append([np.array(v) for v in values])
    return found


def kernels(values):
    return [v for v in values if v.ndim == 4]


def others(values):
    return [v for v in values if v.ndim != 4]


def matrix(kernel):
    """Keller Jordan's: a row per output."""
    return kernel.transpose(3, 0, 1, 2).reshape(kernel.shape[3], -1).astype(np.float64)


def polynomial(matrix):
    """The quintic of Newton-Schulz, four times, of the singular values alone."""
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    s = s / np.sqrt((s**2).sum())
    for _ in range(4):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return u * s @ vt


@pytest.mark.parametrize("jit", [False, True])
def test_kernels_move_as_in_numpy(config, model, jit):
    values = random_like(model, 0)
    gradients = [random_like(model, seed) for seed in (1, 2, 3)]
    found = move(config, model, values, gradients, jit=jit)
    expected = [matrix(kernel) for kernel in kernels(values)]
    assert [m.shape for m in expected] == [(40, 18), (3, 80), (3, 3)]
    momenta = [0.0] * 3
    for after, step in zip(found, gradients, strict=True):
        for i, kernel in enumerate(kernels(step)):
            gradient = matrix(kernel)
            momenta[i] = 0.6 * momenta[i] + gradient
            norm = np.linalg.norm(expected[i])
            expected[i] = expected[i] * np.sqrt(len(gradient)) / norm
            update = polynomial(gradient + 0.6 * momenta[i])
            expected[i] = expected[i] - RATE * FACTOR * update
            np.testing.assert_allclose(
                matrix(kernels(after)[i]), expected[i], atol=1e-5
            )


@pytest.mark.parametrize("shape", [(40, 18), (12, 64), (1, 9)])
def test_the_singular_vectors_stay_and_the_values_come_near_1(shape):
    given = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = np.array(orthogonalize(tf.constant(given)))
    u, _, vt = np.linalg.svd(given.astype(np.float64), full_matrices=False)
    values = u.T @ found @ vt.T
    assert np.all((np.diag(values) > 0.6) & (np.diag(values) < 1.3))
    np.testing.assert_allclose(values, np.diag(np.diag(values)), atol=1e-5)
    np.testing.assert_allclose(found, u @ values @ vt, atol=1e-5)


def test_bfloat16_products_change_a_step_by_a_few_percent(config, model):
    values, gradients = random_like(model, 0), [random_like(model, 1)]
    (exact,) = move(config, model, values, gradients)
    config.runtime.precision = "mixed_bfloat16"
    (found,) = move(config, model, values, gradients)
    for before, left, right in zip(values, exact, found, strict=True):
        if before.ndim == 4:
            scaled = before * before.shape[3] ** 0.5 / np.linalg.norm(before)
            difference = np.linalg.norm(left - right)
            assert 0 < difference < 0.15 * np.linalg.norm(left - scaled)
        else:
            np.testing.assert_array_equal(left, right)


def test_without_a_gradient_kernels_only_take_their_norm(config, model):
    values = random_like(model, 0)
    nothing = [np.zeros_like(v) for v in values]
    (found,) = move(config, model, values, [nothing])
    for before, after in zip(kernels(values), kernels(found), strict=True):
        assert np.linalg.norm(after) == pytest.approx(before.shape[3] ** 0.5)
        ratio = np.linalg.norm(after) / np.linalg.norm(before)
        np.testing.assert_allclose(after, before * ratio, rtol=1e-5)


def test_a_kernel_of_zeros_moves(config, model):
    zeros = [np.zeros_like(v) for v in random_like(model, 0)]
    (found,) = move(config, model, zeros, [random_like(model, 1)])
    for kernel in kernels(found):
        assert 0 < np.abs(kernel).max() < 1


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_all_other_variables_move_as_under_sgd(config, model, momentum):
    config.optimizer.momentum = momentum
    config.optimizer.weight_decay = 0.1
    config.optimizer.decay_on = "all"
    config.optimizer.bias_lr_multiplier = 8.0
    values = random_like(model, 0)
    gradients = [random_like(model, seed) for seed in (1, 2, 3)]
    muon = move(config, model, values, gradients)[-1]
    config.optimizer.name = "sgd"
    sgd = move(config, model, values, gradients)[-1]
    assert len(others(muon)) == 7
    for left, right in zip(others(muon), others(sgd), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("mode", ["coupled", "decoupled"])
def test_weight_decay_leaves_convolution_kernels_alone(config, model, mode):
    def step(decay):
        config.optimizer.weight_decay = decay
        config.optimizer.decay_mode = mode
        optimizer = make_optimizer(config, model, RATE)
        state = initial_state(model, optimizer, ema=False, loss_scaling=False)
        state = tf.nest.map_structure(tf.constant, state)
        training, number = make_step(config, model, optimizer), tf.constant(0, tf.int64)
        images = tf.ones((16, 5, 5, 2)) * tf.reshape(tf.range(16.0), (16, 1, 1, 1))
        labels = tf.one_hot(tf.range(16) % 4, 4)
        found, local = training.forward_backward(
            state, images, labels, number, tf.constant(0)
        )
        return [np.array(v) for v in training.apply(state, local, found, number)[0]]

    without, decayed = step(0.0), step(0.5)
    for left, right in zip(kernels(without), kernels(decayed), strict=True):
        np.testing.assert_array_equal(left, right)
    assert np.abs(without[-2] - decayed[-2]).max() > 1e-3  # the dense layer's


def run(config, strategy, source, build, calls, arrays=None):
    keras.utils.set_random_seed(0)
    parts = Trainer(config, strategy, source, build)
    if arrays:
        parts.state.from_arrays(arrays)
    iterator = parts.feed.iterator(calls[0][0])
    for first, steps in calls:
        parts.program.train(iterator, first, steps)
    return parts.state.to_arrays()


def test_two_replicas_equal_one_device(config, source, strategies, build):
    plain = build(batch_norm=False, dropout=0.0)
    one, two = (run(config, strategies[n], source, plain, [(0, 20)]) for n in (1, 2))
    for name in one.keys() - {"local"}:
        np.testing.assert_allclose(
            two[name], one[name], rtol=1e-5, atol=1e-5, err_msg=name
        )


def test_a_continued_run_has_its_momentum(config, source, strategies, build):
    config.optimizer.momentum = 0.0  # so that all momentum is Muon's
    at_once = run(config, strategies[1], source, build(), [(0, 3), (3, 4)])
    half = run(config, strategies[1], source, build(), [(0, 3)])
    continued = run(config, strategies[1], source, build(), [(3, 4)], half)
    for name in at_once:
        np.testing.assert_array_equal(continued[name], at_once[name], err_msg=name)
