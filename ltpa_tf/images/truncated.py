"""Truncated JPEGs, which decoders take without an error.

A decoder fills up a JPEG that ends early with grey, or with what came last, if only an
end marker stands there: no decoder calls it an error, and nobody trains on it on
purpose.
"""

import hashlib
import re

import numpy as np
from PIL import Image

from ltpa_tf.images import pillow
from ltpa_tf.images.headers import segments
from ltpa_tf.images.kinds import BadImage

_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_PROGRESSIVE, _PIXELS, _END = 0xC2, 0xDA, 0xD9
_NOISE = b"".join(hashlib.sha256(bytes([i])).digest() for i in range(8))
MORE = _NOISE.replace(b"\xff", b"\x55")
"""More data for a decoder that still waits for some."""

_REASON = "a JPEG file that ends before its last pixel"
_SHORTEST_SCAN = 6  # bytes of its header
_TAIL = 2  # pixels of an eighth of the image: the last block of 16


def refuse_truncated(content: bytes, eighth: np.ndarray | None = None) -> None:
    """Refuses a JPEG whose pixels are missing before its end marker.

    They are if further data before that marker would change the picture: a decoder
    that has all of its pixels reads no more. Of a progressive one, where the finest
    detail comes last, also if it ends before its last scan.

    Args:
        content: The whole file.
        eighth: uint8 [H, W, 3], the image at an eighth of its size if that is known,
            which shows whether a closer look at one without progression is worth the
            time.

    Raises:
        BadImage: If they are, or the file can't be decoded.
    """
    frames = [one for one in segments(content) if one[0] == _PROGRESSIVE]
    end, scans = _end_and_scans(content)
    if frames and not _has_all_coefficients(content[frames[0][1] :], scans):
        raise BadImage(_REASON)
    if eighth is None:
        eighth = np.asarray(_decoded(content, 8))
    tail = eighth[-1, -_TAIL:]
    if not frames and (tail != tail[-1]).any():
        return
    scale = 2 if frames else 8  # an eighth needs nothing but each block's mean
    ended, continued = (
        _decoded(content[:end] + more + b"\xff\xd9", scale) for more in (b"", MORE)
    )
    if ended.tobytes() != continued.tobytes():
        raise BadImage(_REASON)


def _end_and_scans(content: bytes) -> tuple[int, list[bytes]]:
    """Where the first picture's end marker stands, or the file ends; scan headers."""
    scans = []
    at = max((end for _, _, end in segments(content)), default=2)
    while found := _MARKER.search(content, at):
        if found[1][0] == _END:
            return found.start(), scans
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
        scan = content[found.end() + 2 : at]
        if found[1][0] == _PIXELS and len(scan) >= _SHORTEST_SCAN:
            scans.append(scan)
    return len(content), scans


def _has_all_coefficients(frame: bytes, scans: list[bytes]) -> bool:
    """Whether each plane's 64 coefficients have come to their last bit."""
    planes = frame[6 : 6 + 3 * frame[5] : 3] if len(frame) > 6 else b""
    missing = {plane: set(range(64)) for plane in planes}
    for scan in scans:
        first, last, bits = scan[-3:]
        for plane in scan[1:-3:2] if bits & 15 == 0 else ():
            missing.get(plane, set()).difference_update(range(first, last + 1))
    return not any(missing.values())


def _decoded(content: bytes, scale: int) -> Image.Image:
    image = pillow.opened(content, "JPEG")
    image.draft(image.mode, [max(1, side // scale) for side in image.size])
    return pillow.decoded(image)
