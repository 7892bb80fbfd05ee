"""Image files as a server takes them: JPEG or PNG, of a limited number of pixels."""

import io
import math
import os
import struct
import zlib

import numpy as np
from PIL import Image

from ltpa_tf.errors import SettingError
from ltpa_tf.images import files, headers, pillow
from ltpa_tf.images.kinds import BadImage, kind_of
from ltpa_tf.images.truncated import refuse_truncated
from ltpa_tf.words import text_of

MAX_PIXELS = 2**25
"""A server refuses larger images, of some 33 megapixels."""

_UP = 2  # the filter of a row that is given as differences to the one above


def sendable(file: str | os.PathLike) -> bytes:
    """A file as a server reads it: itself, if that can be.

    Other formats are sent as PNG, without loss. Images too large for a server are
    halved, or more, before.

    Raises:
        SettingError: If it can't be used; it names the file.
    """
    content = files.read(file)
    try:
        return _sendable(content)
    except BadImage as error:
        raise SettingError(text_of(file), error.reason, error.accepted) from None


def _sendable(content: bytes) -> bytes:
    kind = kind_of(content)
    header = headers.header_of(content, kind)
    if header.code != headers.PILLOW:
        if kind == "JPEG":
            refuse_truncated(content)  # a server would see grey in their place
        height, width = header.shape or (0, 0)
        if height * width <= MAX_PIXELS:
            return content
    values = pillow.loaded(content, kind)
    factor = math.ceil(math.sqrt(values.shape[0] * values.shape[1] / MAX_PIXELS))
    return _deep(values, factor) if values.dtype == np.uint16 else _png(values, factor)


def _png(values: np.ndarray, factor: int) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(values).reduce(factor)
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _deep(values: np.ndarray, factor: int) -> bytes:
    """A PNG of 16 bits a channel: Pillow writes those of grey alone.

    See https://www.w3.org/TR/png-3/, 5 and 9.2.
    """
    planes = [
        Image.fromarray(plane.astype(np.int32)) for plane in np.moveaxis(values, -1, 0)
    ]
    reduced = np.stack([plane.reduce(factor) for plane in planes], -1).astype(">u2")
    height, width, channels = reduced.shape
    rows = reduced.view(np.uint8).reshape(height, -1)
    differences = rows - np.pad(rows, ((1, 0), (0, 0)))[:-1]
    filtered = np.pad(differences, ((0, 0), (1, 0)), constant_values=_UP)
    colours = {1: 0, 3: 2, 4: 6}[channels]
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 16, colours, 0, 0, 0),
        b"IDAT": zlib.compress(filtered.tobytes(), 1),
        b"IEND": b"",
    }
    return headers.PNG_START + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks.items()
    )
