import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import data
from ltpa_tf.config import check_batch
from ltpa_tf.configs import recipes
from ltpa_tf.errors import SettingError
from ltpa_tf.training.model import build_model, made
from ltpa_tf.training.program import StepsPerCall
from ltpa_tf.training.trainer import Trainer


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
    message = f"train.batch_size: expected {accepted}.*Received: {batch}"
    with pytest.raises(SettingError, match=message):
        check_batch(config, replicas)
    config.train.batch_size = 48
    check_batch(config, replicas)


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (28, r"^data\.image_size: expected 32 or more: .*28x28.*Received: 0"),
        (32, r"^model\.levels: .*1x1 after_pool of a 32x32 image.*Received: 13"),
    ],
)
def test_images_too_small_for_the_model(config, source, side, message):
    config.model.trunk, config.model.levels = "vgg_d", (7, 13)
    config.model.tap = "after_pool"
    source = dataclasses.replace(source, image_shape=(side, side, 3))
    with pytest.raises(SettingError, match=message):
        build_model(config, source)


def test_a_model_that_no_memory_holds_is_a_setting(config, source):
    config.model.width = 1e13  # more bytes than addresses
    large = dataclasses.replace(source, image_shape=(32, 32, 3))
    with pytest.raises(SettingError, match=r"model\.width: .* into memory"):
        made(build_model, config, large)


def test_xla_can_not_compile_communication(config, source, build, strategies):
    config.train.sync_batch_norm = True
    config.runtime.jit = "on"
    with pytest.raises(SettingError, match=r"runtime\.jit: .*sync_batch_norm"):
        Trainer(config, strategies[4], source, build())


def test_images_that_are_not_in_memory_can_not_be_resident(config, source, build):
    config.data.placement = "resident"
    train = dataclasses.replace(source.train, array=None)
    with pytest.raises(SettingError, match=r"data\.placement: .*Received: 'resident'"):
        Trainer(
            config,
            tf.distribute.get_strategy(),
            dataclasses.replace(source, train=train),
            build(),
        )


def test_the_fast_trunk_is_whitened_for_the_training_images(config, source):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 16, 16, 3)).repeat(2, 1).repeat(2, 2)
    images = images.astype(np.uint8)
    source = dataclasses.replace(
        source,
        image_shape=(32, 32, 3),
        train=data.array_split(images, np.zeros(60, np.int32)),
    )
    config.model.trunk, config.model.levels, config.model.width = "fast", (6, 9), 1 / 16
    model = build_model(config, source)
    whitened = keras.Model(model.input, model.get_layer("whitening").output)(images)
    values = np.asarray(whitened)[:, :-1, :-1, :12].reshape(-1, 12)
    np.testing.assert_allclose(values.T @ values / len(values), np.eye(12), atol=0.01)


def test_the_paper_s_recipe_starts_from_torch_s_values(source):
    config = recipes.small_images("vgg_att2_concat_pc,recipe=paper", "vgg")
    config.model.width = 1 / 4
    model = build_model(config, dataclasses.replace(source, image_shape=(32, 32, 3)))
    u = np.asarray(model.attention_layers[10].scoring.u)
    assert 1.2 < u.std() < 1.6
    config.model.initial_values = "keras"
    model = build_model(config, dataclasses.replace(source, image_shape=(32, 32, 3)))
    assert np.asarray(model.attention_layers[10].scoring.u).std() < 0.3
    assert np.all(np.asarray(model.get_layer("conv1_bn").gamma) == 1)


def test_calls_grow_while_they_are_short_and_shrink_when_they_are_long():
    pace = StepsPerCall(0, tf.distribute.get_strategy())
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
    pace = StepsPerCall(7, tf.distribute.get_strategy())
    pace.took(7, 1e-6)
    assert pace.steps(1000) == 7
