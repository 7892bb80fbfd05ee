"""Images made sharper or softer, for whole batches.

Images whose sides were shrunk by different programs differ in how sharp they are, and
a network trained on one kind alone loses points on the other.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ltpa_tf.data import hashing
from ltpa_tf.data.source import Split

_PURPOSE = 0x5A4F
_PROBE = 256
# Strengths that are told apart; fixed point: a factor of 1 is 256.
_STEPS, _BITS = 256, 8


def sharpen(
    images: tf.Tensor, strength: float, draw: Callable[..., tf.Tensor]
) -> tf.Tensor:
    """Multiplies each image's detail by a random factor.

    Detail is the difference to the smoothed image. The factor is as often above 1 as
    below it: its logarithm is uniform within log(1 + strength).

    Args:
        images: uint8 [B, H, W, 3].
        strength: Above 0.
        draw: `draw(purpose, lanes)` gives uint32 [B, lanes].

    Returns:
        uint8 [B, H, W, 3].
    """
    places = (np.arange(_STEPS) + 0.5) / _STEPS * 2 - 1
    factors = np.rint((1 + strength) ** places * (1 << _BITS)).astype(np.int32)
    factor = tf.gather(factors, hashing.below(draw(_PURPOSE, 1)[:, 0], _STEPS))
    pixels = tf.cast(images, tf.int32)
    soft = smoothed(pixels)
    detail = factor[:, None, None, None] * (pixels - soft) + (1 << (_BITS - 1))
    sharpened = soft + tf.bitwise.right_shift(detail, _BITS)
    return tf.cast(tf.clip_by_value(sharpened, 0, 255), tf.uint8)


def detail(split: Split) -> float:
    """How sharp images are: the mean detail of a pixel, in deviations of all pixels.

    Of 256 images, evenly from the whole split.
    """
    where = np.arange(_PROBE, dtype=np.int64) * len(split) // _PROBE
    images = split.images(tf.constant(np.unique(where)), tf.constant(0, tf.int64))
    pixels = tf.cast(images, tf.int32)
    amount = tf.reduce_mean(tf.cast(tf.abs(pixels - smoothed(pixels)), tf.float64))
    spread = tf.math.reduce_std(tf.cast(pixels, tf.float64))
    return float(amount / tf.maximum(spread, 1.0))


def smoothed(pixels: tf.Tensor) -> tf.Tensor:
    """Mean of each pixel, counted 5 times, and its 8 neighbours; int32 [B, H, W, C]."""
    padded = tf.pad(pixels, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    around = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return (around + 4 * pixels) // 13
