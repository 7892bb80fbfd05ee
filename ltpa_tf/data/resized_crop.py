"""Random resized crops: a part of each image, brought back to the image's size.

Parts are drawn as in GoogLeNet's training (Szegedy et al., arXiv 1409.4842, section 6):
their share of the area is uniform, their shape up to a third wider or higher than the
image's.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ltpa_tf.data import hashing

_PURPOSE = 0x2C40
# How many shares of the area, and shapes, are told apart.
_SHARES, _SHAPES = 64, 16
_STRETCH = 4 / 3
# Fixed point: halfway between two pixels is 128.
_BITS = 8
_ONE = 1 << _BITS


def resized_crop(
    images: tf.Tensor, least: float, draw: Callable[..., tf.Tensor]
) -> tf.Tensor:
    """Takes a random part of each image and enlarges it bilinearly.

    Args:
        images: uint8 [B, H, W, 3]; H and W static.
        least: The smallest share of the area, above 0, up to 1.
        draw: `draw(purpose, lanes)` gives uint32 [B, lanes].

    Returns:
        uint8 [B, H, W, 3].
    """
    batch, (height, width, channels) = tf.shape(images)[0], images.shape[1:]
    top, left, high, wide = tf.unstack(_parts(height, width, least, draw), axis=1)
    row, down = _between(top, high, height)
    column, right = _between(left, wide, width)
    below = tf.minimum(row + 1, (top + high)[:, None] - 1)
    beside = tf.minimum(column + 1, (left + wide)[:, None] - 1)
    first = (tf.range(batch) * height)[:, None]
    flat = tf.reshape(images, [-1, channels])

    def at(rows, columns):
        where = ((first + rows) * width)[:, :, None] + columns[:, None]
        return tf.cast(tf.gather(flat, where), tf.int32)

    right, down = right[:, None, :, None], down[:, :, None, None]
    upper = (_ONE - right) * at(row, column) + right * at(row, beside)
    lower = (_ONE - right) * at(below, column) + right * at(below, beside)
    mixed = (_ONE - down) * upper + down * lower + (1 << 2 * _BITS - 1)
    pixels = tf.cast(tf.bitwise.right_shift(mixed, 2 * _BITS), images.dtype)
    return tf.ensure_shape(pixels, images.shape)


def _parts(height, width, least, draw) -> tf.Tensor:
    """int32 [B, 4]: top, left, height, width of the part of each image."""
    bits = draw(_PURPOSE, 3)
    table = _sides(height, width, least)
    sides = tf.gather(table, hashing.below(bits[:, 0], len(table)))
    start = hashing.below(bits[:, 1:], [height, width] - sides + 1)
    return tf.concat([start, sides], 1)


def _sides(height: int, width: int, least: float) -> np.ndarray:
    """Equally probable (height, width), int32 [N, 2]."""
    share = least + (1 - least) * (np.arange(_SHARES) + 0.5) / _SHARES
    stretch = _STRETCH ** (2 * (np.arange(_SHAPES) + 0.5) / _SHAPES - 1)
    share, stretch = (grid.ravel() for grid in np.meshgrid(share, stretch))
    sides = np.stack(
        [height * (share * stretch) ** 0.5, width * (share / stretch) ** 0.5], 1
    )
    return np.rint(sides).clip(1, [height, width]).astype(np.int32)


def _between(start, length, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The pixel before each of the `size` places in a part, and how far behind it."""
    place = (2 * tf.range(size) + 1)[None] * (length[:, None] * (_ONE // 2)) // size
    place = tf.clip_by_value(place - _ONE // 2, 0, (length[:, None] - 1) * _ONE)
    return start[:, None] + place // _ONE, place % _ONE
