"""A data set and a model so small that whole runs take a second."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import common
from ltpa_tf import data


@pytest.fixture
def config():
    """Small runs of the tiny model on the tiny data."""
    config = common.get_config()
    config.data.placement = "stream"
    config.data.validation_examples = 23
    config.train.epochs = 2
    config.train.batch_size = 16
    config.train.label_smoothing = 0.1
    config.optimizer.learning_rate = 0.05
    config.runtime.strategy = "none"
    config.log.tensorboard = False
    return config


@pytest.fixture(scope="session")
def source() -> data.Source:
    """70 training, 23 validation and 10 test images, 8x8, whose colour is the class."""
    random = np.random.default_rng(0)

    def split(size):
        labels = np.arange(size, dtype=np.int32) % 3
        images = random.integers(0, 160, (size, 8, 8, 3))
        images[np.arange(size), :, :, labels] += 80
        return data.array_split(images.astype(np.uint8), labels)

    return data.Source(
        name="colours",
        class_names=("red", "green", "blue"),
        image_shape=(8, 8, 3),
        train=split(70),
        validation=split(23),
        test=split(10),
        mean=(0.4, 0.4, 0.4),
        std=(0.2, 0.2, 0.2),
        fingerprint="colours",
    )


@pytest.fixture(scope="session")
def build():
    """`build(batch_norm, dropout)` gives a function that makes the tiny model."""

    def with_options(batch_norm=True, dropout=0.3):
        def build(config, source):
            images = keras.Input(source.image_shape, name="images")
            x = keras.layers.Rescaling(1 / 50, -2.0, dtype="float32")(images)
            x = keras.layers.Conv2D(6, 3, padding="same")(x)
            if batch_norm:
                x = keras.layers.BatchNormalization(momentum=0.8)(x)
            x = keras.layers.ReLU()(x)
            x = keras.layers.Dropout(dropout)(x)
            x = keras.layers.Conv2D(8, 3, strides=2)(x)
            x = keras.layers.GlobalAveragePooling2D()(x)
            logits = keras.layers.Dense(len(source.class_names), dtype="float32")(x)
            return keras.Model(images, logits)

        return build

    return with_options


@pytest.fixture(scope="session")
def strategies(logical_devices):
    """Strategies by their number of replicas: 1, 2 and 4.

    Two that use TensorFlow's collectives can't be in one process; 2 replicas reduce on
    one device.
    """
    del logical_devices
    devices = [f"CPU:{i}" for i in range(4)]
    return {
        1: tf.distribute.get_strategy(),
        2: tf.distribute.MirroredStrategy(
            devices[:2], tf.distribute.ReductionToOneDevice()
        ),
        4: tf.distribute.MirroredStrategy(devices),
    }
