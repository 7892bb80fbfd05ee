"""Image files decoded here, by the graph code that is in an export.

TensorFlow is imported when it is needed: it is slow to import, and seldom is.
"""

from collections.abc import Sequence

import numpy as np

from ltpa_tf.images import DEFAULT, Preprocessing
from ltpa_tf.serving.client.transport import RequestRefused
from ltpa_tf.serving.sentences import sentence


def decoded(
    contents: Sequence[bytes],
    image_shape: tuple[int, int, int],
    chosen: Preprocessing = DEFAULT,
) -> np.ndarray:
    """What a model sees of JPEG or PNG files, uint8 `[batch, H, W, 3]`, or one channel.

    Raises:
        RequestRefused: If one of them can't be decoded, as a server would refuse it.
    """
    import tensorflow as tf

    from ltpa_tf.images.grey import grey
    from ltpa_tf.serving.images import decode_batch

    encoded = tf.constant(list(contents), tf.string)
    try:
        images = decode_batch(encoded, image_shape[:2], chosen)
    except tf.errors.InvalidArgumentError as error:
        raise RequestRefused(sentence(error.message)) from None
    return (grey(images) if image_shape[-1] == 1 else images).numpy()


def why_bad(content: bytes) -> str:
    """What an export would find wrong with a file; empty if nothing."""
    try:
        decoded([content], (1, 1, 3))
    except RequestRefused as error:
        return str(error)
    return ""
