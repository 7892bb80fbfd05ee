"""Whether a file can be used, found by the decoder that will decode it."""

import dataclasses

import tensorflow as tf

from ltpa_tf.images import headers, pillow
from ltpa_tf.images.kinds import BadImage, kind_of
from ltpa_tf.images.truncated import refuse_truncated


@dataclasses.dataclass(frozen=True)
class Checked:
    """What is known of a file that can be used.

    Attributes:
        code: How it is decoded, see `headers`.
        shape: (height, width) as it is seen, upright.
        levels: (lowest, highest) colour value of a 16-bit file, else None.
    """

    code: int
    shape: tuple[int, int]
    levels: tuple[int, int] | None = None


def check(content: bytes) -> Checked:
    """Decodes all of a file.

    Raises:
        BadImage: If it can't be used.
    """
    kind = kind_of(content)
    header = headers.header_of(content, kind)
    if header.code == headers.PILLOW:
        values = pillow.loaded(content, kind)
        return Checked(header.code, values.shape[:2], pillow.levels(values))
    try:
        with tf.device("/CPU:0"):
            return _by_tensorflow(content, kind, header)
    except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError):
        pass
    raise BadImage(f"a {kind} file that can't be decoded: it is damaged or cut off")


def _by_tensorflow(content: bytes, kind: str, header: headers.Header) -> Checked:
    height, width = header.shape or (0, 0)
    code, levels = header.code, None
    upright = (width, height) if code & headers.ORIENTATION >= 5 else (height, width)
    if kind == "JPEG":
        # At an eighth all of the file is read, in a third of the time.
        eighth = tf.io.decode_jpeg(content, channels=3, ratio=8).numpy()
        refuse_truncated(content, eighth)
    elif code & headers.DEEP:
        values = tf.io.decode_png(content, channels=4, dtype=tf.uint16).numpy()
        levels = pillow.levels(values)
    elif code & headers.ALPHA:
        opacity = tf.io.decode_png(content, channels=4)[..., 3]
        if tf.reduce_all(opacity == 255):
            code -= headers.ALPHA  # which spares training the work
    else:
        tf.io.decode_png(content, channels=3)
    return Checked(code, upright, levels)
