"""From image files to pixels: one way for training, evaluation and serving."""

import tensorflow as tf

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")
# libjpeg decodes at 1/1, 1/2, 1/4 and 1/8 of the size, the smaller the faster.
_JPEG_RATIOS = (1, 2, 4, 8)
# Plain bilinear interpolation reads 2 of every FACTOR pixels.
_PLAIN = 2.5


def decode_image(encoded: tf.Tensor, size: tuple[int, int] | None = None) -> tf.Tensor:
    """Decodes one image file and resizes it.

    Grey becomes three equal channels, an alpha channel is dropped, 16 bits become the
    upper 8. A JPEG of at least twice `size` is decoded at a fraction of its size, which
    averages its pixels and is much faster. An orientation in EXIF data is not applied.

    Args:
        encoded: Scalar string, a whole JPEG, PNG, BMP or (first frame) GIF file.
        size: (height, width); None leaves the image as it is.

    Returns:
        uint8 [H, W, 3].
    """
    if size is None:
        return _decode(encoded)
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: _decode_jpeg(encoded, size),
        lambda: _decode(encoded),
    )
    return resize(image, size)


def resize(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Resizes bilinearly; the aspect ratio is not kept.

    Antialiased where it shrinks so far that plain interpolation, several times as fast,
    would leave out more than a fifth of the pixels.

    Args:
        images: uint8 [H, W, 3] or [B, H, W, 3].
        size: (height, width).

    Returns:
        uint8; images that have this size already come back unchanged.
    """
    factors = tf.shape(images)[-3:-1] / tf.constant(size)
    resized = tf.cond(
        tf.reduce_max(factors) <= _PLAIN,
        lambda: tf.image.resize(images, size),
        lambda: tf.image.resize(images, size, antialias=True),
    )
    return tf.cast(resized + 0.5, tf.uint8)


def _decode(encoded: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def _decode_jpeg(encoded: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    shape = tf.image.extract_jpeg_shape(encoded)
    factor = tf.reduce_min(shape[:2] // tf.constant(size))
    branches = [
        lambda ratio=ratio: tf.io.decode_jpeg(encoded, channels=3, ratio=ratio)
        for ratio in _JPEG_RATIOS
    ]
    branch = sum(tf.cast(factor >= ratio, tf.int32) for ratio in _JPEG_RATIOS[1:])
    return tf.switch_case(branch, branches)
