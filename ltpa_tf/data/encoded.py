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
    resized: bool,
    read: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> dict[str, Split]:
    """Splits of resized images.

    Args:
        parts: {part: (N strings, int32 [N] labels)}.
        size: (height, width) that all images get,
        resized: or, when this is False, have already.
        read: From one of the strings to an encoded image.
    """
    examples = sum(len(labels) for _, labels in parts.values())
    in_memory = examples * size[0] * size[1] * 3 <= IN_MEMORY
    splits = {
        part: _lazy(strings, labels, size, resized, read)
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
    done = 0
    # In batches: handing over single images takes longer than decoding small ones.
    for batch in images.batch(256).prefetch(2).as_numpy_iterator():
        array[done : done + len(batch)] = batch
        done += len(batch)
    return array


def _lazy(
    strings: list, labels: np.ndarray, size: tuple[int, int], resized: bool, read
) -> Split:
    with tf.device("/CPU:0"):
        table = tf.constant(strings)

    def image(index):
        encoded = read(tf.gather(table, index))
        pixels = decode_image(encoded, size if resized else None)
        return tf.ensure_shape(pixels, (*size, 3))

    return file_split(image, labels, (*size, 3))
