"""From the bytes of an image file to the model's input, as TensorFlow graph code."""

import tensorflow as tf

from ltpa_tf.images import DEFAULT, Preprocessing, graph, headers, in_graph
from ltpa_tf.images.sending import MAX_PIXELS

_JPEG_START = b"\xff\xd8\xff"
_PNG_HEADER = 33  # bytes


def decode_batch(
    encoded: tf.Tensor, size: tuple[int, int], chosen: Preprocessing = DEFAULT
) -> tf.Tensor:
    """Decodes and resizes a batch of image files, as the training data was.

    Args:
        encoded: string `[batch]`, each a whole JPEG or PNG file of any size.
        size: `(H, W)` of the result.
        chosen: As in training.

    Returns:
        uint8 `[batch, H, W, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: When run on bytes that are no JPEG or PNG, on
            an animation, on a damaged file, or on more than `MAX_PIXELS`.
    """
    return tf.map_fn(
        lambda one: _decode(one, size, chosen),
        encoded,
        fn_output_signature=tf.TensorSpec((*size, 3), tf.uint8),
    )


def _decode(
    encoded: tf.Tensor, size: tuple[int, int], chosen: Preprocessing
) -> tf.Tensor:
    # By content, before any decoder sees it: TensorFlow has some for other formats too.
    is_png = tf.strings.substr(encoded, 0, 8) == headers.PNG_START
    is_jpeg = tf.strings.substr(encoded, 0, 3) == _JPEG_START
    known = tf.Assert(is_png | is_jpeg, ["an image must be a JPEG or PNG file"])
    whole = tf.Assert(
        is_jpeg | (tf.strings.length(encoded) >= _PNG_HEADER),
        ["an image is a PNG file cut off in its header"],
    )
    with tf.control_dependencies([known, whole]):
        code, shape, frames = in_graph.header_of(tf.identity(encoded))
    still = tf.Assert(
        frames == 1,
        ["an image must be a JPEG or PNG file that is no animation"],
    )
    small = tf.Assert(
        tf.reduce_prod(shape) <= MAX_PIXELS,
        [f"an image must have at most {MAX_PIXELS} pixels; this one has", shape],
    )
    with tf.control_dependencies([still, small]):
        encoded = tf.identity(encoded)
    return graph.decode(encoded, code, size, chosen, checked=False)
