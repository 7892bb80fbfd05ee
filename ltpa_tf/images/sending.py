"""Image files as a server takes them: JPEG or PNG, of a limited number of pixels."""

import io
import math
import os

import numpy as np
from PIL import Image

from ltpa_tf.errors import SettingError
from ltpa_tf.images import files, headers, pillow
from ltpa_tf.images.kinds import BadImage, kind_of
from ltpa_tf.images.truncated import refuse_truncated

MAX_PIXELS = 2**25
"""A server refuses larger images, of some 33 megapixels."""


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
        raise SettingError(files.shown(file), error.reason, error.accepted) from None


def _sendable(content: bytes) -> bytes:
    kind = kind_of(content)
    header = headers.header_of(content, kind)
    if header.code != headers.PILLOW:
        if kind == "JPEG":
            refuse_truncated(content)  # a server would see grey in their place
        height, width = header.shape or (0, 0)
        if height * width <= MAX_PIXELS:
            return content
    image = pillow.visible(pillow.loaded(content, kind))
    factor = math.ceil(math.sqrt(image.width * image.height / MAX_PIXELS))
    if factor > 1:
        image = _reduced(image, factor)
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    if pillow.deep_values(image) is None:
        return image.reduce(factor)
    # Pillow reduces 32 bits, but not 16.
    values = np.asarray(image.convert("I").reduce(factor))
    return Image.fromarray(values.astype(np.uint16))
