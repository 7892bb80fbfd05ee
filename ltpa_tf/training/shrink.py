"""Smaller images for the first part of a training."""

import numpy as np
import tensorflow as tf


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


def _areas(size: int, smaller: int) -> np.ndarray:
    """`[smaller, size]`: which share of each new pixel is covered by each old one."""
    borders = np.arange(smaller + 1) * size / smaller
    old = np.arange(size)
    begin = np.maximum(borders[:-1, None], old)
    end = np.minimum(borders[1:, None], old + 1)
    return (np.maximum(end - begin, 0) * smaller / size).astype(np.float32)
