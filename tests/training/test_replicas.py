"""The same numbers whatever the devices, the calls and the compiler."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
from comparison import assert_close, assert_same, local_rows

from ltpa_tf import data
from ltpa_tf.optimizers import make_optimizer
from ltpa_tf.training.program import Program
from ltpa_tf.training.step import make_step
from ltpa_tf.training.trainer import Trainer
from ltpa_tf.training.validation import Validation

STEPS = 20


@pytest.fixture
def run(take_steps, source):
    """Takes 20 steps and gives the state's arrays."""
    return functools.partial(take_steps, source, calls=[(0, STEPS)])


@pytest.mark.parametrize("replicas", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_replicas_equal_one_device(run, build, replicas):
    plain = build(batch_norm=False, dropout=0.0)
    settings = {"augment__crop": 1, "augment__cutmix": 1.0, "train__clip_norm": 0.2}
    one = run(plain, **settings)
    assert np.abs(one["trainable.conv2d/kernel"]).sum() > 0
    assert_close(run(plain, replicas, **settings), one)


def test_accumulation_equals_the_whole_batch(run, build):
    plain = build(batch_norm=False, dropout=0.0)
    whole = run(plain)
    assert_close(run(plain, train__accumulation_steps=4), whole)
    assert_close(run(plain, 2, train__accumulation_steps=2), whole)


@pytest.mark.parametrize("replicas", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_synchronized_batch_norm_equals_one_device(run, build, replicas):
    normed = build(dropout=0.0)
    one = run(normed)
    several = run(normed, replicas, train__sync_batch_norm=True)
    assert_close(several, one)
    for row in local_rows(several):
        np.testing.assert_allclose(row, local_rows(one)[0], atol=1e-5)


def test_synchronized_batch_norm_of_a_batch_in_parts(run, build):
    normed = build(dropout=0.0)
    parts = {"train__accumulation_steps": 2, "train__sync_batch_norm": True}
    assert_close(run(normed, **parts), run(normed, train__accumulation_steps=2))
    both = run(normed, 2, **parts)
    one, other = local_rows(both)
    np.testing.assert_array_equal(one, other)
    # Each step has moved them twice, once for each part.
    alone = local_rows(run(normed, **parts))[0]
    np.testing.assert_allclose(one, alone, rtol=0.05, atol=0.05)


def test_calls_of_any_length_give_the_same_bits(run, build):
    model = build()
    at_once = run(model, 2)
    one_by_one = run(model, 2, calls=[(i, 1) for i in range(STEPS)])
    unequal = run(model, 2, calls=[(0, 3), (3, 10), (13, 7)])
    assert_same(at_once, one_by_one)
    assert_same(at_once, unequal)


@pytest.mark.parametrize("replicas", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_resident_images_give_the_same_bits_as_streamed_ones(run, build, replicas):
    settings = {"augment__crop": 1, "augment__flip": True, "augment__cutmix": 1.0}
    streamed = run(build(), replicas, **settings)
    resident = run(build(), replicas, data__placement="resident", **settings)
    assert_same(resident, streamed)


@pytest.mark.parametrize("replicas", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_xla_equals_no_xla(run, build, replicas):
    normed = build(dropout=0.0)
    settings = {"data__placement": "resident", "augment__crop": 1}
    compiled = run(normed, replicas, runtime__jit="on", **settings)
    assert_close(compiled, run(normed, replicas, **settings))


@pytest.fixture
def run_form(config, source, strategies, build):
    """Takes steps with a program of this form and gives the state's arrays."""

    def run_form(replicas, calls=((0, STEPS),), **form):
        keras.utils.set_random_seed(0)
        strategy = strategies[replicas]
        parts = Trainer(config, strategy, source, build(dropout=0.0))
        optimizer = make_optimizer(config, parts.model, parts.schedule)
        step = make_step(config, parts.model, optimizer)
        program = Program(strategy, step, parts.state, parts.feed, **form)
        iterator = parts.feed.iterator(0)
        for first, steps in calls:
            program.train(iterator, first, steps)
        return parts.state.to_arrays()

    return run_form


@pytest.mark.slow
def test_a_loop_inside_xla_equals_one_outside(config, run_form):
    config.data.placement = "resident"
    config.augment.crop = 1
    inside = run_form(1, [(0, 6)], jit=True, loop_inside=True)
    assert_close(inside, run_form(1, [(0, 6)], jit=False))
    assert_same(inside, run_form(1, [(0, 1), (1, 5)], jit=True, loop_inside=True))


def test_a_step_as_a_whole_equals_its_halves(run_form):
    """The form that XLA compiles on several GPUs, here without XLA."""
    whole = run_form(2, jit=False, sum_inside=True)
    assert_close(whole, run_form(2, jit=False), 1e-6)


def test_replicas_keep_their_own_statistics_until_they_are_averaged(
    config, source, strategies, build
):
    keras.utils.set_random_seed(0)
    parts = Trainer(config, strategies[2], source, build())
    parts.program.train(parts.feed.iterator(0), 0, 3)
    apart = local_rows(parts.state.to_arrays())
    assert np.abs(apart[0] - apart[1]).max() > 1e-4
    parts.state.average_local()
    together = local_rows(parts.state.to_arrays())
    np.testing.assert_array_equal(together[0], together[1])
    np.testing.assert_allclose(together[0], apart.mean(0), rtol=1e-6)


@pytest.mark.parametrize("replicas", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_replicas_drop_different_units(config, source, strategies, replicas):
    def dropping(config, source):
        images = keras.Input(source.image_shape)
        x = keras.layers.Dropout(0.5)(images)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(images, keras.layers.Dense(3)(x))

    grey = data.array_split(np.full_like(source.train.array, 99), source.train.labels)
    same_images = dataclasses.replace(source, train=grey)
    parts = Trainer(config, strategies[replicas], same_images, dropping)
    parts.program.train(parts.feed.iterator(0), 0, 1)
    # Of equal images, statistics can differ by what is dropped alone.
    rows = local_rows(parts.state.to_arrays())
    assert len(np.unique(rows, axis=0)) == replicas


def test_a_run_goes_on_with_another_number_of_replicas(
    config, source, strategies, build
):
    two, one = (Trainer(config, strategies[n], source, build()) for n in (2, 1))
    two.program.train(two.feed.iterator(0), 0, 3)
    arrays = two.state.to_arrays()
    one.state.from_arrays(arrays)
    found = one.state.to_arrays()
    mean = local_rows(arrays).mean(0)
    np.testing.assert_allclose(local_rows(found)[0], mean, rtol=1e-6)
    for name in found.keys() | arrays.keys():
        if not name.startswith("local."):
            np.testing.assert_equal(found[name], arrays[name])


@pytest.mark.parametrize(
    ("replicas", "batch_size"),
    [
        (1, 16),
        (2, 3),
        (4, 16),  # more than there are examples
        pytest.param(1, 3, marks=pytest.mark.slow),
        pytest.param(2, 16, marks=pytest.mark.slow),
        pytest.param(4, 3, marks=pytest.mark.slow),
    ],
)
def test_evaluation_counts_each_example_once(
    config, source, strategies, build, replicas, batch_size
):
    keras.utils.set_random_seed(0)
    parts = Trainer(config, strategies[replicas], source, build())
    validation = Validation(
        strategies[replicas],
        parts.model,
        parts.state,
        source.validation,
        batch_size,
        jit=False,
    )
    found = validation.evaluate()
    assert validation.evaluate() == found
    logits = parts.model(source.validation.array.astype("float32"), training=False)
    labels = source.validation.labels
    losses = keras.losses.sparse_categorical_crossentropy(
        labels, logits, from_logits=True
    )
    assert found["loss"] == pytest.approx(float(np.mean(losses)), rel=1e-5)
    right = np.argmax(logits, -1) == labels
    assert found["accuracy"] == pytest.approx(right.mean(), abs=1e-7)
