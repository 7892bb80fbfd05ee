"""RandAugment for whole batches.

Every image draws its own operation, yet all operations run as one: each is a row of
parameters for the same four steps,

    move     nearest neighbour through an affine map, outside is grey
    blend    weight * image + base weight * base + offset, the base being a blurred, a
             grey or an evenly grey image
    invert   values from a threshold on (solarize)
    mask     lower bits away (posterize)

The operations are the paper's without equalize: identity, autocontrast, rotate,
solarize, color, posterize, contrast, brightness, sharpness, shear-x, shear-y,
translate-x, translate-y. Those with a direction take either, as all later
implementations do, so that a larger magnitude is always a stronger change.

`keras.layers.RandAugment` draws its operations once for a whole batch, moves and turns
one way only, and has a generator whose state no checkpoint of a data path holds.

Reference: Cubuk et al., "RandAugment", 2019 (https://arxiv.org/abs/1909.13719).
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ltpa_tf.data import hashing
from ltpa_tf.data.sharpness import smoothed

_PURPOSE = 0x4A06
_GREY = 128
# Fixed point: a weight of 1 is 256, an entry 1 of the affine map is 4096.
_WEIGHT_BITS, _MAP_BITS = 8, 12
_ONE = 1 << _WEIGHT_BITS

OPERATIONS = (
    "identity",
    "autocontrast",
    "rotate",
    "solarize",
    "color",
    "posterize",
    "contrast",
    "brightness",
    "sharpness",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
)
_BASES = {"color": 0, "contrast": 1, "sharpness": 2}
_AUTOCONTRAST = OPERATIONS.index("autocontrast")


def randaugment(
    images: tf.Tensor, layers: int, magnitude: int, draw: Callable[..., tf.Tensor]
) -> tf.Tensor:
    """Applies `layers` random operations to each image, one after the other.

    Args:
        images: uint8 [B, H, W, 3]; H and W static.
        layers: RandAugment's N.
        magnitude: RandAugment's M, 0 (no change but autocontrast's) to 10.
        draw: `draw(purpose, lanes)` gives uint32 [B, lanes].

    Returns:
        uint8 [B, H, W, 3].
    """
    bits = draw(_PURPOSE, 2 * layers)
    for layer in range(layers):
        operation = hashing.below(bits[:, 2 * layer], len(OPERATIONS))
        direction = hashing.below(bits[:, 2 * layer + 1], 2)
        images = apply(images, operation, direction, magnitude)
    return images


def apply(
    images: tf.Tensor, operation: tf.Tensor, direction: tf.Tensor, magnitude: int
) -> tf.Tensor:
    """Applies one operation to each image.

    Args:
        images: uint8 [B, H, W, 3].
        operation: int32 [B], indices into `OPERATIONS`.
        direction: int32 [B], 0 (more, right, down, clockwise) or 1.
        magnitude: 0 to 10.
    """
    _, height, width, _ = images.shape
    row = 2 * operation + direction
    affine, point = (
        tf.gather(table, row) for table in _tables(height, width, magnitude)
    )
    weight, base_weight, base, threshold, mask = (
        column[:, None, None, None] for column in tf.unstack(point, axis=1)
    )
    pixels = tf.cast(_move(images, affine), tf.int32)
    weight, offset = _stretch(pixels, operation, weight)
    blended = weight * pixels + base_weight * _base(pixels, base) + offset
    blended = tf.bitwise.right_shift(blended + _ONE // 2, _WEIGHT_BITS)
    pixels = tf.clip_by_value(blended, 0, 255)
    pixels = tf.where(pixels >= threshold, 255 - pixels, pixels)
    return tf.cast(pixels & mask, tf.uint8)


def _tables(height: int, width: int, magnitude: int) -> tuple[np.ndarray, np.ndarray]:
    """int32 [2 * operations, 6] affine maps and [2 * operations, 5] of the rest."""
    strength = magnitude / 10
    affine, point = [], []
    for operation in OPERATIONS:
        for sign in (1, -1):
            yy, yx, xy, xx, down, right = 1.0, 0.0, 0.0, 1.0, 0.0, 0.0
            weight, threshold, mask = _ONE, 256, 255
            if operation == "rotate":
                angle = np.deg2rad(30 * strength * sign)
                yy = xx = np.cos(angle)
                yx, xy = -np.sin(angle), np.sin(angle)
            elif operation == "shear_x":
                xy = -0.3 * strength * sign
            elif operation == "shear_y":
                yx = -0.3 * strength * sign
            elif operation == "translate_x":
                right = round(0.45 * strength * width) * sign
            elif operation == "translate_y":
                down = round(0.45 * strength * height) * sign
            elif operation == "solarize":
                threshold = round(256 * (1 - strength))
            elif operation == "posterize":
                mask = 256 - 2 ** round(4 * strength)
            elif operation in ("color", "contrast", "brightness", "sharpness"):
                weight = round(_ONE * (1 + 0.9 * strength * sign))
            # From the pixel to where its value comes from, around the centre.
            affine.append(np.rint(np.array([yy, yx, xy, xx]) * 2**_MAP_BITS).tolist())
            affine[-1] += [-down, -right]
            base = _BASES.get(operation, 0)
            base_weight = _ONE - weight if operation in _BASES else 0
            point.append([weight, base_weight, base, threshold, mask])
    return np.array(affine, np.int32), np.array(point, np.int32)


def _move(images: tf.Tensor, affine: tf.Tensor) -> tf.Tensor:
    batch, (height, width, channels) = tf.shape(images)[0], images.shape[1:]
    yy, yx, xy, xx, down, right = (
        column[:, None, None] for column in tf.unstack(affine, axis=1)
    )
    # In half pixels, so that the centre of an even side is a whole number.
    y = (2 * tf.range(height) - (height - 1))[None, :, None]
    x = (2 * tf.range(width) - (width - 1))[None, None]

    def source(from_y, from_x, shift, side):
        doubled = from_y * y + from_x * x + (side << _MAP_BITS)
        return tf.bitwise.right_shift(doubled, _MAP_BITS + 1) + shift

    row, column = source(yy, yx, down, height), source(xy, xx, right, width)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    image = tf.range(batch)[:, None, None]
    index = tf.where(inside, (image * height + row) * width + column, 0)
    moved = tf.gather(tf.reshape(images, [-1, channels]), index)
    return tf.where(inside[..., None], moved, tf.constant(_GREY, images.dtype))


def _stretch(pixels, operation, weight) -> tuple[tf.Tensor, tf.Tensor]:
    """Autocontrast's weight and offset per channel; for others `weight` and 0."""
    lowest = tf.reduce_min(pixels, [1, 2], keepdims=True)
    highest = tf.reduce_max(pixels, [1, 2], keepdims=True)
    chosen = (operation == _AUTOCONTRAST)[:, None, None, None] & (highest > lowest)
    stretched = 255 * _ONE // tf.maximum(highest - lowest, 1)
    weight = tf.where(chosen, stretched, weight)
    return weight, tf.where(chosen, -lowest * stretched, 0)


def _base(pixels: tf.Tensor, base: tf.Tensor) -> tf.Tensor:
    """Grey, evenly grey or blurred images, int32 [B, H, W, 3]."""
    _, height, width, _ = pixels.shape
    red, green, blue = tf.unstack(pixels, axis=-1)
    grey = tf.bitwise.right_shift(77 * red + 150 * green + 29 * blue + 128, 8)[
        ..., None
    ]
    even = tf.reduce_sum(grey, [1, 2], keepdims=True) // (height * width)
    return tf.where(base == 2, smoothed(pixels), tf.where(base == 1, even, grey))
