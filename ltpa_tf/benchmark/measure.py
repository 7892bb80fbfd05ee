"""The speed of one training step, as the trainer runs it."""

import time

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import data, distribution
from ltpa_tf.benchmark.device_lock import DeviceLock
from ltpa_tf.benchmark.points import Point
from ltpa_tf.errors import SettingError
from ltpa_tf.training import Trainer

_CLASSES = 100
_LEVELS = (7, 10, 13)


def measure(
    point: Point,
    config: ConfigDict,
    *,
    seconds: float = 2.0,
    repeats: int = 3,
    lock: DeviceLock | None = None,
) -> dict:
    """Measures one point on random images; once per process.

    Before TensorFlow has started: it fixes the number of devices.

    Args:
        point: What to measure.
        config: Everything else: a config with the keys of `configs/common.py`.
        seconds: About how long each repeat takes.
        repeats: The best of them counts.
        lock: What keeps other processes away that measure on the same device.

    Returns:
        The step's milliseconds (best and all repeats), images a second, seconds of
        compiling, peak memory in GB (None where TensorFlow doesn't know it: a CPU),
        parameters, and the device's name.

    Raises:
        SettingError: If there are fewer devices than replicas.
    """
    _use_devices(point.replicas)
    trainer = _trainer(point, config)
    iterator = trainer.feed.iterator(0)
    step = 0

    def take(steps: int) -> float:
        nonlocal step
        start = time.perf_counter()
        sums, _ = trainer.program.train(iterator, step, steps)
        sums.numpy()  # waits
        step += steps
        return time.perf_counter() - start

    lock = lock or DeviceLock()
    with lock.compiling():
        compile_seconds = take(1)
    with lock.measuring():
        take(2)
        steps = max(1, round(seconds / take(1)))
        times = [1000 * take(steps) / steps for _ in range(repeats)]
    return {
        "step_ms": min(times),
        "step_ms_repeats": times,
        "images_per_second": 1000 * point.batch_size / min(times),
        "compile_seconds": compile_seconds,
        "peak_memory_gb": _peak_memory(),
        "parameters": trainer.model.count_params(),
        "device": distribution.device_name(),
    }


def _trainer(point: Point, config: ConfigDict) -> Trainer:
    config = config.copy_and_resolve_references()
    config.model.name = "vgg_att3_concat_pc" if point.levels else "vgg_none"
    config.model.levels = _LEVELS[len(_LEVELS) - point.levels :]
    config.model.width = point.width
    config.train.batch_size = point.batch_size
    config.runtime.strategy = "mirrored" if point.replicas > 1 else "none"
    strategy = distribution.make_strategy(config.runtime.strategy)
    keras.config.set_dtype_policy(config.runtime.precision)
    return Trainer(config, strategy, noise(point.image_size, 2 * point.batch_size))


def noise(size: int, count: int) -> data.Source:
    """A data set of so many random images of this side, or of one for each class."""
    count = max(count, _CLASSES)
    images = np.random.default_rng(0).integers(
        0, 256, (count, size, size, 3), dtype=np.uint8
    )
    labels = np.arange(count, dtype=np.int32) % _CLASSES
    return data.Source(
        name="noise",
        class_names=tuple(map(str, range(_CLASSES))),
        image_shape=(size, size, 3),
        train=data.array_split(images, labels),
        validation=None,
        test=None,
        mean=(0.5,) * 3,
        std=(0.29,) * 3,
        fingerprint="",
    )


def _use_devices(count: int) -> None:
    """Leaves TensorFlow the first `count` GPUs; without a GPU, makes as many CPUs."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        if len(gpus) < count:
            raise SettingError("replicas", count, f"up to {len(gpus)}, the GPUs here")
        tf.config.set_visible_devices(gpus[:count], "GPU")
    elif count > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parts)


def _peak_memory() -> float | None:
    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e9
