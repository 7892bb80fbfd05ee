"""JPEG and PNG files to the model's input, as TensorFlow graph code.

How a file must be decoded stands in a number, see `headers`: `in_graph` reads it from
the file, training has read it once at its start.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ltpa_tf.images import headers, in_graph, kinds, pillow
from ltpa_tf.images.fit import either, fit, turn
from ltpa_tf.images.preprocessing import DEFAULT, Preprocessing

# libjpeg decodes at 1/1, 1/2, 1/4 and 1/8 of the size, the smaller the faster.
_JPEG_RATIOS = (1, 2, 4, 8)
# Says that a CMYK JPEG holds inverted values, as all do: without it TensorFlow's
# decoder takes them as they are, and shows a negative.
_ADOBE = b"\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"


def decode(
    encoded: tf.Tensor,
    code: tf.Tensor,
    size: tuple[int, int] | None,
    chosen: Preprocessing,
    *,
    checked: bool = True,
) -> tf.Tensor:
    """Decodes one file, as a viewer shows it, and brings it to a size.

    A JPEG of at least twice `size` is decoded at a fraction of its size, which averages
    its pixels and is much faster.

    Args:
        encoded: Scalar string, a whole file.
        code: See `headers`; a Python integer where it is the same for all files, which
            then builds no more than they need, else int32 scalar.
        size: (height, width); None leaves the image as it is.
        chosen: Aspect, background and window.
        checked: Whether `check` has found the file good, which may then be one for
            Pillow. Not where the graph is exported: there a JPEG that ends before its
            last pixel is refused.

    Returns:
        uint8 [H, W, 3].

    Raises:
        tf.errors.InvalidArgumentError: When run on a damaged file.
    """

    def by_tensorflow():
        return either(
            (code & headers.PNG) > 0,
            lambda: _decode_png(encoded, code, chosen),
            lambda: _decode_jpeg(encoded, code, size, chosen.aspect, checked),
        )

    if checked:
        image = either(
            code == headers.PILLOW,
            lambda: _decode_by_pillow(encoded, chosen),
            by_tensorflow,
        )
    else:
        image = by_tensorflow()
    # Pillow's are upright.
    image = turn(image, code & headers.ORIENTATION)
    return image if size is None else fit(image, size, chosen.aspect, chosen.background)


def decode_image(
    encoded: tf.Tensor,
    size: tuple[int, int] | None = None,
    chosen: Preprocessing = DEFAULT,
) -> tf.Tensor:
    """`decode` of a file of any kind of which nothing is known yet.

    Args:
        encoded: Scalar string, a whole file.
        size: (height, width); None leaves the image as it is.
        chosen: Aspect, background and window.

    Returns:
        uint8 [H, W, 3].

    Example:
        >>> encoded = tf.io.encode_png(np.zeros((48, 64, 3), np.uint8))
        >>> data.decode_image(encoded, (32, 32)).shape
        TensorShape([32, 32, 3])
    """

    def code(content):
        content = _plain(content)
        return np.int32(headers.header_of(content, kinds.kind_of(content)).code)

    found = tf.numpy_function(code, [encoded], tf.int32, stateful=False)
    return decode(encoded, tf.ensure_shape(found, ()), size, chosen)


def _decode_jpeg(
    encoded: tf.Tensor,
    code: tf.Tensor,
    size: tuple[int, int] | None,
    aspect: str,
    checked: bool,
) -> tf.Tensor:
    encoded = either(
        (code & headers.INVERTED) > 0,
        lambda: tf.strings.join([_ADOBE, tf.strings.substr(encoded, 2, -1)]),
        lambda: encoded,
    )
    if size is None:
        branch = tf.constant(0)
    else:
        shape = tf.image.extract_jpeg_shape(encoded)[:2]
        lying = (code & headers.ORIENTATION) >= 5
        factors = tf.where(lying, shape[::-1], shape) // tf.constant(size)
        # Padded images shrink by the larger of the two, the others at least by the
        # smaller.
        factor = (tf.reduce_max if aspect == "pad" else tf.reduce_min)(factors)
        branch = sum(tf.cast(factor >= ratio, tf.int32) for ratio in _JPEG_RATIOS[1:])

    def at_its_ratio(content):
        branches = [
            lambda ratio=ratio: tf.io.decode_jpeg(content, channels=3, ratio=ratio)
            for ratio in _JPEG_RATIOS
        ]
        return tf.switch_case(branch, branches)

    image = at_its_ratio(encoded)
    if checked:
        return image
    whole = in_graph.is_whole(encoded, image, at_its_ratio)
    said = tf.Assert(whole, ["an image is a JPEG file that ends before its last pixel"])
    with tf.control_dependencies([said]):
        return tf.identity(image)


def _decode_png(
    encoded: tf.Tensor, code: tf.Tensor, chosen: Preprocessing
) -> tf.Tensor:
    def deep():
        values = tf.io.decode_png(encoded, channels=4, dtype=tf.uint16)
        return _on_background(_eight_bits(values, chosen), chosen.background)

    def transparent():
        return _on_background(tf.io.decode_png(encoded, channels=4), chosen.background)

    def opaque():
        return tf.io.decode_png(encoded, channels=3)

    return either(
        (code & headers.DEEP) > 0,
        deep,
        lambda: either((code & headers.ALPHA) > 0, transparent, opaque),
    )


def _eight_bits(values: tf.Tensor, chosen: Preprocessing) -> tf.Tensor:
    """uint16 [H, W, 4] as uint8, see `pillow.eight_bits`; opacity has no window."""
    low, high = chosen.limits
    colour, alpha = tf.cast(values[..., :3], tf.int32), values[..., 3:]
    scaled = (colour - low) * 256 // (high - low + 1)
    colour = tf.cast(tf.clip_by_value(scaled, 0, 255), tf.uint8)
    alpha = tf.cast(tf.cast(alpha, tf.int32) // 256, tf.uint8)
    return tf.concat([colour, alpha], -1)


def _on_background(rgba: tf.Tensor, background: Sequence[int]) -> tf.Tensor:
    """As `pillow.on_background`, in the same integers."""

    def mixed():
        colour, alpha = tf.split(tf.cast(rgba, tf.int32), (3, 1), -1)
        both = colour * alpha + tf.constant(background) * (255 - alpha) + 128
        both += tf.bitwise.right_shift(both, 8)
        return tf.cast(tf.bitwise.right_shift(both, 8), tf.uint8)

    opaque = tf.reduce_min(rgba[..., 3]) == 255
    return tf.cond(opaque, lambda: rgba[..., :3], mixed)


def _decode_by_pillow(encoded: tf.Tensor, chosen: Preprocessing) -> tf.Tensor:
    def pixels(content):
        content = _plain(content)
        return pillow.pixels(pillow.loaded(content, kinds.kind_of(content)), chosen)

    image = tf.numpy_function(pixels, [encoded], tf.uint8, stateful=False)
    return tf.ensure_shape(image, (None, None, 3))


def _plain(content: bytes | np.ndarray) -> bytes:
    """What `tf.numpy_function` gives: bytes in a graph, an array of one outside."""
    return content if isinstance(content, bytes) else content.item()
