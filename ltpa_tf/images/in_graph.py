"""`headers` and `truncated` as TensorFlow graph code, for files that strangers send.

What is looked for is searched, as walking to it costs more than decoding a small image;
a JPEG is walked through where a search may have met something else, such as a thumbnail
or a colour profile. A PNG whose comments look like its structure can be read otherwise
than `headers` does; no program writes such comments.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ltpa_tf.images import headers
from ltpa_tf.images.truncated import MORE

_END = b"\xff\xd9"
_EXIF = b"Exif\0\0"
_PROGRESSIVE = b"\xff\xc2"
_HEAD = 2**18  # bytes in which it is looked for: what stands before the pixels
_TAIL = 2  # pixels at whatever fraction it was decoded: within the last block


def header_of(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """How a JPEG or PNG file must be decoded.

    Args:
        encoded: Scalar string; one of a PNG has at least its header of 33 bytes.

    Returns:
        Its code, see `headers`, int32; (height, width) as stored, int64 [2]; and how
        many frames it has, int64.

    Raises:
        tf.errors.InvalidArgumentError: When run on a JPEG with a damaged header.
    """
    is_png = tf.strings.substr(encoded, 0, 8) == headers.PNG_START
    flags, shape, frames, exif = tf.cond(
        is_png, lambda: _png(encoded), lambda: _jpeg(encoded)
    )
    orientation = tf.cond(
        tf.size(exif) > 0, lambda: _orientation(exif), lambda: tf.constant(1)
    )
    return flags + orientation, shape, frames


def is_whole(
    encoded: tf.Tensor, image: tf.Tensor, decode: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    """Whether a JPEG shows all of its pixels, see `truncated.refuse_truncated`.

    It is judged by what the model sees: a progressive one of which only detail is
    missing that a fraction of its size doesn't show is whole.

    Args:
        encoded: Scalar string, with an end marker, else no decoder takes it.
        image: uint8 [H, W, 3], as it was decoded.
        decode: From a file to its image.

    Returns:
        bool.
    """
    # Blocks that are missing look like the last one that is there.
    tail = image[-1, -_TAIL:]
    head = tf.strings.substr(encoded, 0, _HEAD)
    suspect = tf.reduce_all(tail == tail[-1]) | _holds(head, _PROGRESSIVE)

    def unchanged_by_more():
        parts = _split(encoded, _END)
        before = tf.strings.reduce_join(parts[:-1], separator=_END)
        continued = tf.strings.join([before, MORE, _END, parts[-1]])
        return tf.reduce_all(decode(continued) == image)

    return tf.cond(suspect, unchanged_by_more, lambda: tf.constant(True))


def _png(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """The code but for the orientation, the shape, the frames, and what EXIF it has."""
    start = tf.io.decode_raw(tf.strings.substr(encoded, 16, 10), tf.uint8)
    fields = ((0, 4), (4, 8), (8, 9), (9, 10))
    width, height, bits, colour = tf.unstack(_numbers(start, fields))
    head = _before(encoded, "IDAT")
    transparent = (tf.bitwise.bitwise_and(colour, 4) > 0) | _holds(head, "tRNS")
    flags = headers.PNG + tf.where(bits == 16, headers.DEEP, 0)
    flags += tf.where(transparent, headers.ALPHA, 0)
    frames = tf.cond(
        _holds(head, "\0\0\0\x08acTL"),
        lambda: _numbers(tf.pad(_after(head, "acTL"), [[0, 4]]), ((0, 4),))[0],
        lambda: tf.ones([], tf.int64),
    )
    return flags, tf.stack([height, width]), frames, _after(head, "eXIf")


def _jpeg(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """The same."""
    shape = tf.image.extract_jpeg_shape(encoded, output_type=tf.int64)
    before = _before(encoded, _EXIF)
    starts_here = tf.strings.substr(
        before, -tf.minimum(4, tf.strings.length(before)), 2
    )
    # Not that of a second picture behind the pixels of the first.
    found = (starts_here == b"\xff\xe1") & ~_holds(before, b"\xff\xda")
    # Where there is none, nothing follows it.
    exif = tf.cond(
        found | (before == encoded),
        lambda: _after(encoded, _EXIF),
        lambda: _walked_to_exif(encoded),
    )
    inverted = (shape[2] == 4) & ~_holds(encoded, b"\xff\xee\0\x0eAdobe")
    flags = tf.where(inverted, headers.INVERTED, 0)
    return flags, shape[:2], tf.ones([], tf.int64), exif


def _walked_to_exif(encoded: tf.Tensor) -> tf.Tensor:
    """What follows "Exif" in the first segment of that name, uint8 [N]."""
    size = tf.strings.length(encoded)

    def head(at):
        start = tf.strings.substr(encoded, tf.minimum(at, size), 10)
        return tf.pad(tf.io.decode_raw(start, tf.uint8), [[0, 10]])[:10]

    def is_exif(segment):
        return tf.reduce_all(segment[1:2] == 0xE1) & tf.reduce_all(
            segment[4:] == [*_EXIF]
        )

    def goes_on(_, segment):
        ends = (segment[1] == 0xDA) | (segment[1] == 0xD9)
        return (segment[0] == 0xFF) & ~ends & ~is_exif(segment)

    def step(at, segment):
        length = tf.cast(_numbers(segment, ((2, 4),))[0], tf.int32)
        fill = segment[1] == 0xFF
        at += tf.where(fill, 1, 2 + tf.maximum(length, 2))
        return at, head(at)

    first = tf.constant(2)
    at, segment = tf.while_loop(
        goes_on, step, (first, head(first)), maximum_iterations=headers.MOST_PARTS
    )
    start = tf.where(is_exif(segment), at + 10, size)
    return tf.io.decode_raw(tf.strings.substr(encoded, start, size), tf.uint8)


def _orientation(exif: tf.Tensor) -> tf.Tensor:
    """`headers.orientation_of`, int32, of uint8 [N]."""
    length = tf.size(exif, tf.int64)
    exif = tf.pad(exif, [[0, 8]])
    little = exif[0] == ord("I")
    known = tf.reduce_any([tf.reduce_all(exif[:2] == [ord(c)] * 2) for c in "IM"])
    first = _numbers(exif[4:], ((0, 4),), little)[0]
    known &= (length >= 8) & (first + 2 <= length)
    first = tf.where(known, first, length)
    entries = _numbers(exif[first:], ((0, 2),), little)[0]
    entries = tf.minimum(entries, (length - first - 2) // 12)
    table = tf.reshape(exif[first + 2 :][: 12 * tf.maximum(entries, 0)], [-1, 12])
    table = _numbers(table, ((0, 2), (2, 4), (4, 8), (8, 10)), little)
    right = tf.reduce_all(table[:, :3] == [0x0112, 3, 1], 1)
    value = tf.concat([tf.boolean_mask(table[:, 3], right), [1]], 0)[0]
    return tf.cast(tf.where((value >= 1) & (value <= 8), value, 1), tf.int32)


def _numbers(
    content: tf.Tensor,
    places: tuple[tuple[int, int], ...],
    little: tf.Tensor | bool = False,
) -> tf.Tensor:
    """The unsigned numbers, int64 [..., N], between these places of uint8 [..., M]."""
    end = places[-1][1]
    big_endian, little_endian = np.zeros((2, end, len(places)), np.int64)
    for column, (first, last) in enumerate(places):
        powers = 256 ** np.arange(last - first)
        little_endian[first:last, column] = powers
        big_endian[first:last, column] = powers[::-1]
    weights = tf.where(little, little_endian, big_endian)
    digits = tf.cast(content[..., :end, None], tf.int64)
    return tf.reduce_sum(digits * weights, -2)


def _holds(content: tf.Tensor, name: str | bytes) -> tf.Tensor:
    return tf.size(_split(content, name, 1)) > 1


def _before(content: tf.Tensor, name: str | bytes) -> tf.Tensor:
    return _split(content, name, 1)[0]


def _after(content: tf.Tensor, name: str | bytes) -> tf.Tensor:
    """What follows a name, uint8 [N]; nothing without it."""
    parts = tf.concat([_split(content, name, 1), [""]], 0)
    return tf.io.decode_raw(parts[1], tf.uint8)


def _split(content: tf.Tensor, name: str | bytes, most: int = -1) -> tf.Tensor:
    """`tf.strings.split` of one string, without the thirty nodes for ragged ones."""
    parts = tf.raw_ops.StringSplitV2(input=[content], sep=name, maxsplit=most)
    return parts.values
