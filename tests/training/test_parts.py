import dataclasses

import pytest
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.training.pace import Pace
from ltpa_tf.training.parts import assemble, check_batch


@pytest.mark.parametrize(
    ("batch", "replicas", "parts", "cutmix", "accepted"),
    [
        (30, 4, 1, 0.0, "a multiple of 4 "),
        (32, 4, 3, 0.0, "a multiple of 12 "),
        (12, 4, 1, 1.0, "a multiple of 8 .*pairs"),
        (12, 4, 3, 1.0, "a multiple of 24 .*pairs"),
    ],
)
def test_a_batch_must_be_dealt_out_evenly(
    config, batch, replicas, parts, cutmix, accepted
):
    config.train.batch_size = batch
    config.train.accumulation_steps = parts
    config.augment.cutmix = cutmix
    message = f"train.batch_size: received {batch}; accepted: {accepted}"
    with pytest.raises(SettingError, match=message):
        check_batch(config, replicas)
    config.train.batch_size = 48
    check_batch(config, replicas)


def test_xla_can_not_compile_communication(config, source, build, strategies):
    config.train.sync_batch_norm = True
    config.runtime.jit = "on"
    with pytest.raises(SettingError, match=r"runtime\.jit: .*sync_batch_norm"):
        assemble(config, strategies[4], source, build())


def test_images_that_are_not_in_memory_can_not_be_resident(config, source, build):
    config.data.placement = "resident"
    train = dataclasses.replace(source.train, array=None)
    with pytest.raises(SettingError, match=r"data\.placement: received 'resident'"):
        assemble(
            config,
            tf.distribute.get_strategy(),
            dataclasses.replace(source, train=train),
            build(),
        )


def test_calls_grow_while_they_are_short_and_shrink_when_they_are_long():
    pace = Pace(0, tf.distribute.get_strategy())
    taken = []
    for _ in range(6):
        taken.append(pace.steps(1000))
        pace.took(taken[-1], 0.02 * taken[-1])  # seconds
    assert taken == [1, 2, 4, 8, 16, 16]
    pace.took(16, 3.0)
    assert pace.steps(1000) == 8
    assert pace.steps(1000, 5) == 5
    pace.took(5, 0.01)  # cut short by a limit: says nothing about 8
    assert pace.steps(1000) == 8


def test_a_fixed_number_of_steps_is_kept():
    pace = Pace(7, tf.distribute.get_strategy())
    pace.took(7, 1e-6)
    assert pace.steps(1000) == 7
