import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

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
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
