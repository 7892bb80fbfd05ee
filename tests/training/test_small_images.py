"""The first part of a training, on smaller images."""

import dataclasses

import pytest
from comparison import assert_close, assert_same

from ltpa_tf import data
from ltpa_tf.errors import SettingError
from ltpa_tf.training.model import build_model

STEPS = 8


@pytest.fixture
def steps_of(take_steps, build):
    """Takes 8 steps, two epochs, and gives the state's arrays."""
    model = build(False, 0.0)

    def steps_of(source, replicas=1, calls=((0, STEPS),), **settings):
        settings = {f"train__{key}": value for key, value in settings.items()}
        return take_steps(source, model, replicas, calls, **settings)

    return steps_of


@pytest.fixture
def large_source(source):
    """The tiny data with every pixel four times: shrunk, it is what it was."""
    array = source.train.array.repeat(2, axis=1).repeat(2, axis=2)
    train = data.array_split(array, source.train.labels)
    return dataclasses.replace(source, image_shape=(16, 16, 3), train=train)


def test_training_on_shrunk_images_is_training_on_small_ones(
    source, large_source, steps_of
):
    small = steps_of(large_source, small_size=8, small_share=1.0)
    plain = steps_of(source, small_size=0)
    assert_close(small, plain)


def test_the_rest_is_taken_on_whole_images(source, large_source, steps_of):
    half = steps_of(large_source, small_size=8, small_share=0.5)
    small = steps_of(source, calls=[(0, 4)], small_size=0)
    with pytest.raises(AssertionError):
        assert_close(half, steps_of(source, small_size=0), 1e-3)
    only_small = steps_of(large_source, calls=[(0, 4)], small_size=8, small_share=0.5)
    assert_close(only_small, small)


@pytest.mark.parametrize("replicas", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_calls_may_reach_over_the_border(source, steps_of, replicas):
    settings = {"small_size": 6, "small_share": 0.375}  # 3 steps
    at_once = steps_of(source, replicas, **settings)
    for calls in ([(i, 1) for i in range(STEPS)], [(0, 2), (2, 4), (6, 2)]):
        apart = steps_of(source, replicas, calls, **settings)
        assert_same(apart, at_once)


@pytest.mark.parametrize("replicas", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_replicas_equal_one_device(config, source, steps_of, replicas):
    config.augment.crop = 1
    settings = {"small_size": 6, "small_share": 0.5}
    one = steps_of(source, **settings)
    assert_close(steps_of(source, replicas, **settings), one)


@pytest.mark.slow
def test_with_less_memory(source, steps_of):
    small = {"small_size": 6, "small_share": 0.5}
    whole = steps_of(source, **small)
    for settings in ({"gradient_checkpointing": 1}, {"accumulation_steps": 4}):
        assert_close(steps_of(source, **small, **settings), whole)


@pytest.mark.parametrize(
    ("trunk", "side", "accepted"),
    [("fast", 15, "0, or 16 to 31:"), ("fast", 32, "0, or 16"), ("vgg_d", 24, "0:")],
)
def test_a_size_that_the_model_or_the_images_rule_out(
    config, source, trunk, side, accepted
):
    config.model.trunk, config.model.levels, config.model.width = trunk, (6, 9), 1 / 16
    config.train.small_size = side
    source = dataclasses.replace(source, image_shape=(32, 32, 3))
    message = rf"train\.small_size: expected {accepted}.*Received: {side}"
    with pytest.raises(SettingError, match=message):
        build_model(config, source)


def test_a_model_of_ones_own_is_given_smaller_images_only(source, steps_of):
    message = r"train\.small_size: expected 0, or 1 to 7.*Received: 8"
    with pytest.raises(SettingError, match=message):
        steps_of(source, small_size=8, small_share=0.5)
