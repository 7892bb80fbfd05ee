"""From an upright image of any shape to the model's."""

import functools
import operator
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

# Plain bilinear interpolation reads 2 of every FACTOR pixels.
_PLAIN = 2.5


def fit(
    images: tf.Tensor, size: tuple[int, int], aspect: str, background: Sequence[int]
) -> tf.Tensor:
    """Images in another shape.

    Args:
        images: uint8 [H, W, 3] or [B, H, W, 3].
        size: (height, width).
        aspect: "squash", "pad" or "crop", see `Preprocessing`.
        background: Of the borders.

    Returns:
        uint8 [..., height, width, 3].
    """
    if aspect == "pad":
        return _pad(images, size, background)
    return resize(_middle(images, size) if aspect == "crop" else images, size)


def resize(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Resizes bilinearly; the aspect ratio is not kept.

    Antialiased where it shrinks so far that plain interpolation, several times as fast,
    would leave out more than a fifth of the pixels.

    Args:
        images: uint8 [H, W, 3] or [B, H, W, 3].
        size: (height, width).

    Returns:
        uint8; images that have this size already come back unchanged.

    Example:
        >>> data.resize(np.zeros((1, 64, 48, 3), np.uint8), (32, 32)).shape
        TensorShape([1, 32, 32, 3])
    """
    factors = tf.shape(images)[-3:-1] / tf.convert_to_tensor(size)
    resized = tf.cond(
        tf.reduce_max(factors) <= _PLAIN,
        lambda: tf.image.resize(images, size),
        lambda: tf.image.resize(images, size, antialias=True),
    )
    return tf.cast(resized + 0.5, tf.uint8)


def shrink(images: tf.Tensor, side: int) -> tf.Tensor:
    """Images scaled so that their shorter side has so many pixels.

    A new pixel is the mean of the area that it covers, as in
    `tf.image.resize(method="area")`, of which XLA knows nothing.

    Args:
        images: `[B, H, W, C]`, H and W static.
        side: At most the shorter of H and W.

    Returns:
        float32 `[B, h, w, C]`.
    """
    height, width = images.shape[1:3]
    shorter = min(height, width)
    rows, columns = (
        tf.constant(_areas(size, round(size * side / shorter)))
        for size in (height, width)
    )
    return tf.einsum("bhwc,yh,xw->byxc", tf.cast(images, tf.float32), rows, columns)


def turn(image: tf.Tensor, orientation: tf.Tensor | int) -> tf.Tensor:
    """An image as EXIF's orientation, 1 to 8 (and 0 like 1), says that it is seen."""
    lying = orientation >= 5
    across, down = (
        functools.reduce(operator.or_, [orientation == one for one in those])
        for those in ((2, 3, 6, 7), (3, 4, 7, 8))
    )

    def turned():
        one = either(lying, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
        # Slices with a step of -1 take ten times as long.
        two = either(across, lambda: tf.reverse(one, [1]), lambda: one)
        return either(down, lambda: tf.reverse(two, [0]), lambda: two)

    return either(orientation > 1, turned, lambda: image)


def either(
    condition: tf.Tensor | bool,
    yes: Callable[[], tf.Tensor],
    no: Callable[[], tf.Tensor],
) -> tf.Tensor:
    """`tf.cond`, decided at once where that can be."""
    if isinstance(condition, bool):
        return yes() if condition else no()
    return tf.cond(condition, yes, no)


def _middle(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """The largest part in the middle that has the shape of `size`."""
    have, want = tf.shape(images, tf.int64)[-3:-1], tf.constant(size, tf.int64)
    most = (have[::-1] * want + want[::-1] // 2) // want[::-1]
    kept = tf.clip_by_value(most, 1, have)
    (top, left), (bottom, right) = (
        tf.unstack(places) for places in ((have - kept) // 2, (have + kept) // 2)
    )
    return images[..., top:bottom, left:right, :]


def _pad(
    images: tf.Tensor, size: tuple[int, int], background: Sequence[int]
) -> tf.Tensor:
    """All of the images, as large as they fit, in the middle of `size`."""
    have, want = tf.shape(images, tf.int64)[-3:-1], tf.constant(size, tf.int64)
    most = (want[::-1] * have + have[::-1] // 2) // have[::-1]
    inner = tf.clip_by_value(most, 1, want)
    start = (want - inner) // 2
    borders = tf.stack([start, want - inner - start], 1)
    inside = tf.pad(tf.ones(inner, tf.bool), borders)[..., None]
    pixels = resize(images, tf.cast(inner, tf.int32))
    pixels = tf.pad(pixels, tf.pad(borders, [[pixels.shape.rank - 3, 1], [0, 0]]))
    padded = tf.where(inside, pixels, tf.constant(background, tf.uint8))
    return tf.ensure_shape(padded, (*images.shape[:-3], *size, 3))


def _areas(size: int, smaller: int) -> np.ndarray:
    """`[smaller, size]`: which share of each new pixel is covered by each old one."""
    borders = np.arange(smaller + 1) * size / smaller
    old = np.arange(size)
    begin = np.maximum(borders[:-1, None], old)
    end = np.minimum(borders[1:, None], old + 1)
    return (np.maximum(end - begin, 0) * smaller / size).astype(np.float32)
