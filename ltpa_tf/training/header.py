"""What is said before the first step: the data, and how long it will take."""

import time

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import data
from ltpa_tf.words import count

# From here on a class is worth a word: the largest has so many times its images.
_UNEQUAL = 3
# Images that the model's speed is measured on, and passes that a training step takes:
# forward, and backward to features and to weights.
_PROBE, _PASSES = 8, 3
_LONG = 3600.0  # seconds


def header(
    config: ConfigDict, source: data.Source, model: keras.Model, *, timed: bool
) -> list[str]:
    """A few lines about a training that is about to start.

    Args:
        config: The whole config.
        source: The data set.
        model: The model.
        timed: Whether to estimate the time, as on a CPU. It is measured on a forward
            pass; an accelerator has to compile first, and is quicker than that tells.
    """
    lines = [_images(source), *_balance(config, source)]
    if timed:
        images = config.train.epochs * len(source.train)
        lines += _time(images, _speed(source.train, model))
    return lines


def _images(source: data.Source) -> str:
    parts = [
        f"{len(split):,} {name}"
        for name, split in (
            ("training", source.train),
            ("validation", source.validation),
            ("test", source.test),
        )
        if split is not None
    ]
    height, width, _ = source.image_shape
    listed = ", ".join(parts)
    classes = len(source.class_names)
    return f"{source.name}: {listed} images of {height}x{width} in {classes} classes."


def _balance(config: ConfigDict, source: data.Source) -> list[str]:
    numbers = np.bincount(source.train.labels, minlength=len(source.class_names))
    fewest, most = int(numbers.argmin()), int(numbers.argmax())
    if numbers[most] < _UNEQUAL * numbers[fewest]:
        return []
    names = source.class_names
    way_out = "train.class_weights=balanced lets every class count alike"
    if config.train.class_weights != "none":
        way_out = "train.class_weights makes up for it"
    return [
        f"The classes are unequal: {count(int(numbers[fewest]), 'training image')} of "
        f"{names[fewest]!r}, {numbers[most]:,} of {names[most]!r}; {way_out}."
    ]


def _speed(split: data.Split, model: keras.Model) -> float:
    """Training images per second, about."""
    indices = tf.range(min(_PROBE, len(split)), dtype=tf.int64)
    images = tf.cast(split.images(indices, tf.constant(0, tf.int64)), tf.float32)
    forward = tf.function(lambda: model(images, training=False))
    forward()
    start = time.perf_counter()
    forward()
    return len(indices) / (_PASSES * (time.perf_counter() - start))


def _time(images: int, speed: float) -> list[str]:
    seconds = images / speed
    lines = [f"About {_duration(seconds)} on this machine, {speed:,.0f} images/s."]
    if seconds >= _LONG:
        lines += [
            "Half the data.image_size takes a quarter of that, and half the "
            "model.width another quarter; an accelerator takes minutes."
        ]
    return lines


def _duration(seconds: float) -> str:
    if seconds < 100:
        return count(max(1, round(seconds)), "second")
    if seconds < 100 * 60:
        return count(round(seconds / 60), "minute")
    return f"{seconds / 3600:,.1f} hours"
