"""Images made sharper or softer, for whole batches.

Images whose sides were shrunk by different programs differ in how sharp they are, and
a network trained on one kind alone loses points on the other.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ltpa_tf.data import hashing
from ltpa_tf.data.source import Source, Split, array_split, file_split, fingerprint
from ltpa_tf.errors import SettingError

_PURPOSE = 0x5A4F
_PROBE = 256
# What `softened` takes, in 256ths, and how many images it takes at a time.
_SHARES, _AT_A_TIME = range(-64, 86), 1000
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
    pixels = tf.cast(_probe(split), tf.int32)
    amount = tf.reduce_mean(tf.cast(tf.abs(pixels - smoothed(pixels)), tf.float64))
    spread = tf.math.reduce_std(tf.cast(pixels, tf.float64))
    return float(amount / tf.maximum(spread, 1.0))


def matched(source: Source) -> Source:
    """With the test images as fine in detail as the training images.

    All of them go through one filter, see `softened`; no label is looked at. The
    training and validation parts stay as they are, and exports of a model that learns
    from them begin with the filter (`ltpa_tf.models.softened`).

    Raises:
        SettingError: If there is no test part.
    """
    test = source.test
    if test is None:
        raise SettingError("data.match_sharpness", True, "a data set with a test part")
    share = matching_share(test, source.train)
    if test.array is not None:
        pieces = range(0, len(test), _AT_A_TIME)
        array = np.concatenate(
            [softened(test.array[i : i + _AT_A_TIME], share).numpy() for i in pieces]
        )
        part = array_split(array, test.labels)
    else:
        part = file_split(
            lambda index: softened(test.image(index)[None], share)[0],
            test.labels,
            test.shape,
        )
    part = dataclasses.replace(part, boxes=test.boxes, masks=test.masks)
    identity = fingerprint(source.fingerprint, f"match_sharpness {share}")
    return dataclasses.replace(
        source,
        test=part,
        fingerprint=identity,
        softening=share / (1 << _BITS),
        sharp_test=test,
    )


def matching_share(split: Split, like: Split) -> int:
    """The share by which `softened` makes the split's images like another's.

    That by which pixels differ from the mean of the two beside them becomes as large,
    in deviations of all pixels: these differences are what shrinking in another way
    changes most. Measured on 256 images, evenly from each split.
    """
    images, wanted = _probe(split), _fineness(_probe(like))
    low, high = _SHARES[0], _SHARES[-1]
    while low < high:  # the larger the share, the less fine
        middle = (low + high) // 2
        if _fineness(softened(images, middle)) > wanted:
            low = middle + 1
        else:
            high = middle
    return low


def softened(images: tf.Tensor, share: int) -> tf.Tensor:
    """Along both sides `share` of each neighbour, in 256ths, and the rest of itself.

    Args:
        images: uint8 [B, H, W, C]; beyond the border is what lies before it.
        share: -64, twice as sharp and more, to 85, the mean of three; 0 changes
            nothing.

    Returns:
        uint8 [B, H, W, C].
    """
    pixels = tf.cast(images, tf.int32)
    padded = tf.pad(pixels, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    rows = share * (padded[:, :-2] + padded[:, 2:])
    rows += (256 - 2 * share) * padded[:, 1:-1]
    both = share * (rows[:, :, :-2] + rows[:, :, 2:])
    both += (256 - 2 * share) * rows[:, :, 1:-1] + (1 << 15)
    return tf.cast(tf.clip_by_value(tf.bitwise.right_shift(both, 16), 0, 255), tf.uint8)


def _fineness(images: tf.Tensor) -> float:
    pixels = tf.cast(images, tf.float64)
    down = 2 * pixels[:, 1:-1] - pixels[:, :-2] - pixels[:, 2:]
    across = 2 * pixels[:, :, 1:-1] - pixels[:, :, :-2] - pixels[:, :, 2:]
    amount = tf.reduce_mean(down**2) + tf.reduce_mean(across**2)
    return float(amount / tf.maximum(tf.math.reduce_variance(pixels), 1.0))


def _probe(split: Split) -> tf.Tensor:
    where = np.arange(_PROBE, dtype=np.int64) * len(split) // _PROBE
    return split.images(tf.constant(np.unique(where)), tf.constant(0, tf.int64))


def smoothed(pixels: tf.Tensor) -> tf.Tensor:
    """Mean of each pixel, counted 5 times, and its 8 neighbours; int32 [B, H, W, C]."""
    padded = tf.pad(pixels, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    around = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return (around + 4 * pixels) // 13
