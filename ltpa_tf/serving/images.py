"""From the bytes of an image file to the model's input, as TensorFlow graph code."""

import tensorflow as tf

from ltpa_tf.data.decode import decode_image

MAX_PIXELS = 2**25
"""Larger images (more than some 33 megapixels) are refused before they are decoded."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_ANIMATION = b"\x00\x00\x00\x08acTL"  # how an animated PNG's control chunk starts


def decode_batch(encoded: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Decodes and resizes a batch of image files, as the training data was.

    Args:
        encoded: string `[batch]`, each a whole JPEG or PNG file of any size; grey is
            repeated to three channels and transparency is dropped.
        size: `(H, W)` of the result.

    Returns:
        uint8 `[batch, H, W, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: When run on bytes that are no JPEG or PNG, on
            an animation, on a damaged file, or on more than `MAX_PIXELS`.
    """
    return tf.map_fn(
        lambda one: decode_image(_checked(one), size),
        encoded,
        fn_output_signature=tf.TensorSpec((*size, 3), tf.uint8),
    )


def _checked(encoded: tf.Tensor) -> tf.Tensor:
    """The same bytes, when they are a file that may be decoded."""
    is_png = tf.strings.substr(encoded, 0, len(_PNG)) == _PNG
    is_jpeg = tf.strings.substr(encoded, 0, len(_JPEG)) == _JPEG
    start = tf.strings.substr(encoded, 0, 4096)
    animated = tf.size(tf.strings.split(start, _ANIMATION)) > 1
    known = tf.Assert(
        tf.logical_and(tf.logical_or(is_png, is_jpeg), tf.logical_not(animated)),
        ["an image must be a JPEG or PNG file that is no animation"],
    )
    with tf.control_dependencies([known]):
        shape = tf.cond(
            is_png,
            lambda: _png_shape(encoded),
            lambda: tf.image.extract_jpeg_shape(encoded, output_type=tf.int64)[:2],
        )
    small = tf.Assert(
        tf.reduce_prod(shape) <= MAX_PIXELS,
        [f"an image must have at most {MAX_PIXELS} pixels; this one has", shape],
    )
    with tf.control_dependencies([small]):
        return tf.identity(encoded)


def _png_shape(encoded: tf.Tensor) -> tf.Tensor:
    """`[height, width]` of a PNG file, from its header alone."""
    whole = tf.Assert(
        tf.strings.length(encoded) >= 24,
        ["an image is a PNG file cut off in its header"],
    )
    # Before `substr`: what it says of a place beyond the end quotes the raw bytes.
    with tf.control_dependencies([whole]):
        header = tf.strings.substr(encoded, 16, 8)
    words = tf.io.decode_raw(header, tf.int32, little_endian=False)
    return tf.cast(tf.reverse(words, [0]), tf.int64)
