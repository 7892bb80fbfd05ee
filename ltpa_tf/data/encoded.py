"""Splits of encoded image files: decoded at once where they fit, else when needed."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ltpa_tf.data.decode import decode_image
from ltpa_tf.data.source import Split, array_split, file_split

# Decoded images of all parts together, in bytes, up to which they are kept in memory.
IN_MEMORY = 2**30


def encoded_splits(
    parts: dict[str, tuple[list, np.ndarray]],
    size: tuple[int, int],
    read: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> dict[str, Split]:
    """Splits of resized images.

    Args:
        parts: {part: (N strings, int32 [N] labels)}.
        size: (height, width) of all images.
        read: From one of the strings to an encoded image.
    """
    examples = sum(len(labels) for _, labels in parts.values())
    in_memory = examples * size[0] * size[1] * 3 <= IN_MEMORY
    splits = {
        part: _lazy(strings, labels, size, read)
        for part, (strings, labels) in parts.items()
    }
    if not in_memory:
        return splits
    return {
        part: array_split(decoded(split, np.arange(len(split))), split.labels)
        for part, split in splits.items()
    }


def decoded(split: Split, indices: np.ndarray) -> np.ndarray:
    """Images of a split that decodes one by one, uint8 [B, H, W, 3]."""
    images = tf.data.Dataset.from_tensor_slices(indices).map(
        split.image, num_parallel_calls=tf.data.AUTOTUNE
    )
    array = np.empty((len(indices), *split.shape), np.uint8)
    for number, image in enumerate(images.as_numpy_iterator()):
        array[number] = image
    return array


def _lazy(strings: list, labels: np.ndarray, size: tuple[int, int], read) -> Split:
    with tf.device("/CPU:0"):
        table = tf.constant(strings)

    def image(index):
        pixels = decode_image(read(tf.gather(table, index)), size)
        return tf.ensure_shape(pixels, (*size, 3))

    return file_split(image, labels, (*size, 3))
