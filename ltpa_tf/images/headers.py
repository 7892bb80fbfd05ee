"""What the first bytes of a JPEG or PNG say about how it must be decoded.

`in_graph` reads the same in TensorFlow, and `image.js` of the explorer in JavaScript.
"""

import dataclasses
import struct
from collections.abc import Iterator

from ltpa_tf.images.kinds import BadImage

PNG_START = b"\x89PNG\r\n\x1a\n"
MOST_PARTS = 1000
"""Chunks or segments that are looked at before the pixels; real files have a dozen."""

# Flags beside the orientation, 1 to 8, in the number that tells a graph how to decode.
PNG, ALPHA, DEEP, INVERTED = 16, 32, 64, 128
ORIENTATION = 15
UPRIGHT = 1
PILLOW = 0
"""The number of a file that TensorFlow can't decode, or doesn't as viewers do."""

# Frames that TensorFlow's libjpeg decodes: baseline, extended and progressive.
FRAMES = (0xC0, 0xC1, 0xC2)
NO_FRAMES = (0xC4, 0xC8, 0xCC)


@dataclasses.dataclass(frozen=True)
class Header:
    """How a file must be decoded.

    Attributes:
        code: `PILLOW`, or the orientation with the flags `PNG`, `ALPHA` (it may have
            transparent pixels), `DEEP` (16 bits) and `INVERTED` (a CMYK JPEG that
            doesn't say that its values are inverted, as those of all cameras and
            programs are).
        shape: (height, width) as stored, not yet turned; None where it isn't known.
    """

    code: int
    shape: tuple[int, int] | None = None


def header_of(content: bytes, kind: str) -> Header:
    """Reads the header.

    Args:
        content: The whole file.
        kind: As `kind_of` says.

    Raises:
        BadImage: If the header is cut off, or announces an animation.
    """
    if kind == "PNG":
        return _png(content)
    return _jpeg(content) if kind == "JPEG" else Header(PILLOW)


def orientation_of(exif: bytes) -> int:
    """The orientation, 1 (upright) to 8, in EXIF data.

    Args:
        exif: From the byte order on, without "Exif".
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return 1
    (directory,) = struct.unpack_from(order + "I", exif, 4)
    if directory + 2 > len(exif):
        return 1
    (entries,) = struct.unpack_from(order + "H", exif, directory)
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        if entry + 12 > len(exif):
            return 1
        tag, kind, count, value = struct.unpack_from(order + "HHIH", exif, entry)
        if (tag, kind, count) == (0x0112, 3, 1):
            return value if 1 <= value <= 8 else 1
    return 1


def _png(content: bytes) -> Header:
    if len(content) < 33:
        raise BadImage("a PNG file cut off in its header")
    width, height, bits, colour = struct.unpack_from(">IIBB", content, 16)
    flags = PNG | (DEEP if bits == 16 else 0) | (ALPHA if colour & 4 else 0)
    orientation = 1
    for kind, start, end in _chunks(content):
        if kind == b"tRNS":
            flags |= ALPHA
        elif kind == b"eXIf":
            orientation = orientation_of(content[start:end])
        elif kind == b"acTL":
            frames = int.from_bytes(content[start : start + 4], "big")
            if frames > 1:
                raise BadImage(f"an animation of {frames} frames", "an image of one")
    return Header(orientation | flags, (height, width))


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk between the start and the pixels."""
    at = len(PNG_START)
    for _ in range(MOST_PARTS):
        if at + 8 > len(content):
            return
        length, kind = struct.unpack_from(">I4s", content, at)
        if kind == b"IDAT":
            return
        yield kind, at + 8, at + 8 + length
        at += length + 12


def _jpeg(content: bytes) -> Header:
    orientation, adobe, frame = None, False, None
    for marker, start, end in segments(content):
        if marker == 0xE1 and content[start : start + 6] == b"Exif\0\0":
            if orientation is None:
                orientation = orientation_of(content[start + 6 : end])
        elif marker == 0xEE and content[start : start + 5] == b"Adobe":
            adobe = True
        elif 0xC0 <= marker <= 0xCF and marker not in NO_FRAMES:
            frame = marker, content[start : start + 6]
    orientation = orientation or 1
    if frame is None or len(frame[1]) < 6:
        return Header(orientation)  # TensorFlow says what is wrong
    bits, height, width, planes = struct.unpack(">BHHB", frame[1])
    if frame[0] not in FRAMES or bits != 8:
        return Header(PILLOW, (height, width))
    inverted = INVERTED if planes == 4 and not adobe else 0
    return Header(orientation | inverted, (height, width))


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment of a JPEG before its pixels."""
    at = 2
    for _ in range(MOST_PARTS):
        if at + 4 > len(content) or content[at] != 0xFF:
            return
        marker = content[at + 1]
        if marker == 0xFF:  # a marker may be preceded by any number of these
            at += 1
            continue
        if marker in (0xDA, 0xD9):
            return
        (length,) = struct.unpack_from(">H", content, at + 2)
        yield marker, at + 4, at + 2 + length
        at += 2 + max(length, 2)
