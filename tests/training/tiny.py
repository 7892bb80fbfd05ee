"""A data set, a model and a config so small that whole runs take a second.

`train_here` is what a process of its own does, for tests that kill it: with
DIE_BUILDING in its environment it is killed as it builds its model, with STOP_FIRST it
stops after its first epoch.
"""

import os
import signal
import sys

import keras
import numpy as np

from ltpa_tf import data
from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError


def make_config():
    """Two epochs of 4 steps."""
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


def make_source() -> data.Source:
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


def make_npz(folder):
    """The data as a file, and a config of one epoch that names it by its name alone."""
    source = make_source()
    arrays = {
        f"{letter}_{part}": array
        for part, split in (("train", source.train), ("test", source.test))
        for letter, array in (("x", split.array), ("y", split.labels))
    }
    np.savez(folder / "set.npz", **arrays)
    config = make_config()
    config.data.name = "npz"
    config.data.dir = "set.npz"
    config.train.epochs = 1
    return config


def builder(batch_norm=True, dropout=0.3):
    """A function that makes the model."""

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


class StopFirst(keras.callbacks.Callback):
    """Stops after the first epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


def refuse_sums_that_gpus_lack():
    """Workers without a GPU then fail where those with one would."""
    from tensorflow.python.ops import gen_collective_ops as collectives

    reduce = collectives.collective_reduce_v2

    def checked(input, *args, **kwargs):
        assert input.dtype != "int32", "TensorFlow has no sum of int32 over GPUs"
        return reduce(input, *args, **kwargs)

    collectives.collective_reduce_v2 = checked


def train_here(workdir, settings, devices):
    """Trains; returns the exit code as `pipelines/train.py` does."""
    import tensorflow as tf

    from ltpa_tf import training

    def die(*args):
        os.kill(os.getpid(), signal.SIGKILL)

    refuse_sums_that_gpus_lack()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * devices
    )
    config = make_config()
    config.update_from_flattened_dict(settings)
    try:
        training.train(
            config,
            workdir,
            source=make_source(),
            build=die if "DIE_BUILDING" in os.environ else builder(),
            callbacks=[StopFirst()] if "STOP_FIRST" in os.environ else [],
        )
    except training.TrainingError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
