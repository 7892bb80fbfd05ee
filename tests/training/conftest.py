import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from ltpa_tf import config as configuration
from ltpa_tf.training.trainer import Trainer

sys.path.insert(0, str(Path(__file__).parent))

import tiny


@pytest.fixture
def config():
    """Small runs of the tiny model on the tiny data."""
    return tiny.make_config()


@pytest.fixture(scope="session")
def source():
    """The tiny data."""
    return tiny.make_source()


@pytest.fixture(scope="session")
def build():
    """`build(batch_norm, dropout)` gives a function that makes the tiny model."""
    return tiny.builder


@pytest.fixture
def npz(tmp_path):
    """The tiny data as a file, and a config that names it by a relative path."""
    return tiny.make_npz(tmp_path)


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


@pytest.fixture
def take_steps(config, strategies):
    """Takes steps from the start of a training, and gives the state's arrays.

    Of trainings that are the same, a test makes one, and so traces its step once.
    """
    made = {}

    def take_steps(source, build, replicas=1, calls=((0, 8),), **settings):
        changed = config.copy_and_resolve_references()
        changed.update_from_flattened_dict(
            {key.replace("__", "."): value for key, value in settings.items()}
        )
        key = id(source), id(build), replicas, configuration.to_json(changed)
        if key not in made:
            keras.utils.set_random_seed(0)
            trainer = Trainer(changed, strategies[replicas], source, build)
            made[key] = trainer, trainer.state.to_arrays(), (source, build)
        trainer, start, _ = made[key]
        trainer.state.from_arrays(start)
        iterator = trainer.feed.iterator(0)
        for first, steps in calls:
            trainer.program.train(iterator, first, steps)
        return trainer.state.to_arrays()

    return take_steps
