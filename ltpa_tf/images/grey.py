"""Colours as one channel, for models of grey images."""

import tensorflow as tf

# Of red, green and blue, in units of 1/65536: ITU-R 601's, as Pillow has them.
_WEIGHTS = (19595, 38470, 7471)


def grey(images: tf.Tensor) -> tf.Tensor:
    """uint8 [..., 3] as uint8 [..., 1], the bits that Pillow's `convert("L")` gives."""
    weighted = tf.cast(images, tf.int32) * tf.constant(_WEIGHTS)
    summed = tf.reduce_sum(weighted, -1, keepdims=True) + 32768
    return tf.cast(tf.bitwise.right_shift(summed, 16), tf.uint8)
