"""Splits of encoded image files: decoded at once where they fit, else when needed."""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ltpa_tf.data.source import Split, array_split, file_split
from ltpa_tf.images import Preprocessing, graph

# Decoded images of all parts together, in bytes, up to which they are kept in memory.
IN_MEMORY = 2**30


def encoded_splits(
    parts: dict[str, tuple[list[bytes], list[int], np.ndarray]],
    size: tuple[int, int],
    resized: bool,
    chosen: Preprocessing,
    read: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> dict[str, Split]:
    """Splits of resized images.

    Args:
        parts: {part: (N strings, N codes as in `ltpa_tf.images.headers`, int32 [N]
            labels)}.
        size: (height, width) that all images get,
        resized: or, when this is False, have already.
        chosen: How they are decoded.
        read: From one of the strings to an encoded image.
    """
    examples = sum(len(labels) for *_, labels in parts.values())
    splits = {
        part: _lazy(*columns, size, resized, chosen, read)
        for part, columns in parts.items()
    }
    if not fit_in_memory(examples, size):
        return splits
    return {
        part: array_split(decoded(split, np.arange(len(split))), split.labels)
        for part, split in splits.items()
    }


def fit_in_memory(examples: int, size: tuple[int, int]) -> bool:
    """Whether so many images of (height, width) are kept decoded."""
    return examples * size[0] * size[1] * 3 <= IN_MEMORY


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
    strings: list[bytes],
    codes: list[int],
    labels: np.ndarray,
    size: tuple[int, int],
    resized: bool,
    chosen: Preprocessing,
    read: Callable[[tf.Tensor], tf.Tensor],
) -> Split:
    with tf.device("/CPU:0"):
        table = tf.constant(strings)
    # A branch for each code that occurs: a graph that can decode any file takes longer.
    distinct, which = np.unique(codes, return_inverse=True)

    def image(index):
        encoded = read(tf.gather(table, index))
        decoders = [
            functools.partial(
                graph.decode, encoded, code, size if resized else None, chosen
            )
            for code in distinct.tolist()
        ]
        if len(decoders) == 1:
            pixels = decoders[0]()
        else:
            branch = tf.gather(tf.constant(which, tf.int32), index)
            pixels = tf.switch_case(branch, decoders)
        return tf.ensure_shape(pixels, (*size, 3))

    return file_split(image, labels, (*size, 3))
