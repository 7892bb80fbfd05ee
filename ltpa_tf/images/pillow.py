"""Decoding by Pillow: of what TensorFlow can't, or doesn't as viewers do."""

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ltpa_tf.images.headers import orientation_of
from ltpa_tf.images.kinds import BadImage
from ltpa_tf.images.preprocessing import Preprocessing

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What damaged files raise, by format.
_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ZeroDivisionError,
    OverflowError,
    MemoryError,
    struct.error,
)
_TRANSPARENT = ("RGBA", "LA", "PA", "RGBa", "La")


def opened(content: bytes, kind: str) -> Image.Image:
    """The image, not yet decoded, of any number of pixels.

    Args:
        content: The whole file.
        kind: As `kind_of` says; no other format is tried.

    Raises:
        BadImage: If Pillow can't read the header.
    """
    Image.init()
    # Not by `Image.open`, whose limit on pixels is for files of strangers.
    try:
        return Image.OPEN[kind.upper()][0](io.BytesIO(content))
    except _ERRORS as error:
        raise _undecodable(kind, error) from None


def loaded(content: bytes, kind: str) -> Image.Image:
    """The image, decoded.

    Raises:
        BadImage: If it is damaged, or more than one image.
    """
    image = opened(content, kind)
    try:
        frames = getattr(image, "n_frames", 1)
    except _ERRORS as error:
        raise _undecodable(kind, error) from None
    if frames > 1:
        what = f"{frames} pages" if kind == "TIFF" else f"{frames} frames"
        raise BadImage(f"a {kind} file of {what}", "an image of one")
    return decoded(image)


def decoded(image: Image.Image) -> Image.Image:
    """`image` itself, with its pixels.

    Raises:
        BadImage: If it is damaged.
    """
    try:
        image.load()
    except _ERRORS as error:
        raise _undecodable(image.format, error) from None
    return image


def pixels(image: Image.Image, chosen: Preprocessing) -> np.ndarray:
    """A decoded image as a viewer shows it, uint8 [H, W, 3].

    Raises:
        BadImage: If it has other values than 8 bits a channel or 16-bit grey.
    """
    upright = visible(image)
    deep = deep_values(upright)
    if deep is not None:
        return np.repeat(eight_bits(deep, chosen)[..., None], 3, -1)
    if upright.mode == "RGBA":
        return on_background(np.asarray(upright), chosen.background)
    return np.asarray(upright)


def visible(image: Image.Image) -> Image.Image:
    """A decoded image, turned as EXIF says, as 16-bit grey, RGBA or RGB.

    Raises:
        BadImage: If it has other values.
    """
    kind = image.format
    if image.mode in ("F", "I"):
        raise BadImage(
            f"a {kind} file of 32-bit values",
            "8 bits a channel, or shades of grey in 16 bits",
        )
    # A TIFF's orientation is applied, and taken out, while it is loaded.
    exif = image.info.get("exif", b"").removeprefix(b"Exif\0\0")
    turn = _TURNS.get(orientation_of(exif))
    try:
        if image.mode.startswith("I;16"):
            seen = image
        elif image.mode in _TRANSPARENT or "transparency" in image.info:
            seen = image.convert("RGBA")
            # Many programs write bitmaps whose opacity is 0 and means nothing.
            if kind == "BMP" and seen.getextrema()[3] == (0, 0):
                seen = seen.convert("RGB")
        else:
            seen = image.convert("RGB")
        return seen if turn is None else seen.transpose(turn)
    except _ERRORS as error:
        raise _undecodable(kind, error) from None


def deep_values(image: Image.Image) -> np.ndarray | None:
    """uint16 [H, W] of 16-bit grey, else None."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    return None


def eight_bits(values: np.ndarray, chosen: Preprocessing) -> np.ndarray:
    """16-bit values as uint8: floor(256 (v - low) / (high - low + 1)), clipped.

    Without a window these are the upper 8 bits.
    """
    low, high = chosen.limits
    scaled = (values.astype(np.int32) - low) * 256 // (high - low + 1)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def on_background(rgba: np.ndarray, background: Sequence[int]) -> np.ndarray:
    """uint8 [..., 4] as it looks on a background, uint8 [..., 3].

    Args:
        rgba: Colours, not multiplied by their opacity, and opacity; [..., 2] is grey.
        background: Three values 0 to 255.
    """
    colour, alpha = rgba[..., :-1].astype(np.uint16), rgba[..., -1:].astype(np.uint16)
    mixed = colour * alpha + np.array(background, np.uint16) * (255 - alpha) + 128
    return ((mixed + (mixed >> 8)) >> 8).astype(np.uint8)  # divided by 255, rounded


def _undecodable(kind: str, error: Exception) -> BadImage:
    return BadImage(f"a {kind} file that can't be decoded ({error})")
