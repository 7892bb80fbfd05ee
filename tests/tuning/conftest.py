"""Tiny searches: the real trainer on a few images."""

import keras
import numpy as np
import pytest

from ltpa_tf.configs import common
from ltpa_tf.configs import search as search_settings


@pytest.fixture(scope="session")
def images_file(tmp_path_factory):
    """Images of noise in 10 classes."""
    random = np.random.default_rng(0)
    file = tmp_path_factory.mktemp("data") / "noise.npz"
    arrays = {}
    for part, number in (("train", 96), ("test", 20)):
        arrays[f"x_{part}"] = random.integers(0, 256, (number, 32, 32, 3), np.uint8)
        arrays[f"y_{part}"] = np.arange(number) % 10
    np.savez(file, **arrays)
    return file


@pytest.fixture
def tiny_config(images_file):
    """A training that takes a moment."""
    config = common.get_config()
    config.data.name = "npz"
    config.data.dir = str(images_file)
    config.data.train_examples = 64
    config.data.validation_examples = 32
    config.model.trunk = "faster"
    config.model.levels = (4,)
    config.model.width = 0.02
    config.model.dropout = 0.0
    config.model.batch_norm = False  # a third less to trace
    config.train.epochs = 1
    config.train.batch_size = 16
    config.optimizer.learning_rate = 0.05
    config.log.images = 0
    config.log.tensorboard = False
    return config


@pytest.fixture(scope="session")
def network_file(tmp_path_factory):
    """A network of two convolutions, traced in a moment."""
    file = tmp_path_factory.mktemp("networks") / "small.keras"
    images = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(images)
    for name in ("coarse", "fine"):
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU(name=name)(x)
    keras.Model(images, x).save(file)
    return file


@pytest.fixture
def attached_config(tiny_config, network_file):
    """The same of a model that attends to a small network, which trains in less."""
    own = common.get_config().model
    tiny_config.model.update({**own, "dropout": 0.0, "backbone": str(network_file)})
    return tiny_config


@pytest.fixture
def search_config(attached_config):
    """The same with search settings; trials in this process, to be quick."""
    search = search_settings.add_to(attached_config)
    search.process_per_trial = False
    attached_config.runtime.strategy = "none"
    return attached_config
