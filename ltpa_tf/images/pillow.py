"""Decoding by Pillow: of what TensorFlow can't, or doesn't as viewers do."""

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ltpa_tf.images import tiff
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
        if "unknown pixel mode" in str(error):
            what = f"a {kind} file of numbers or channels that aren't read"
            raise BadImage(what, tiff.UNSIGNED) from None
        raise _undecodable(kind, error) from None


def loaded(content: bytes, kind: str) -> np.ndarray:
    """All of the image's values, upright.

    Returns:
        uint8 or uint16 [H, W, C]: C is 3, 4 with opacity, or 1 of uint16 for grey.

    Raises:
        BadImage: If it is damaged, more than one image, or has other values.
    """
    image = opened(content, kind)
    try:
        frames = getattr(image, "n_frames", 1)
    except _ERRORS as error:
        raise _undecodable(kind, error) from None
    if frames > 1:
        what = f"{frames} pages" if kind == "TIFF" else f"{frames} frames"
        raise BadImage(f"a {kind} file of {what}", "an image of one")
    try:
        tiff.refuse_signed(image)
        if tiff.is_deep(image):
            return tiff.deep_colours(image, opened(content, kind))
        covered = image.tile[0].extents if kind == "GIF" else None
        image.load()
        return _values(image, covered)
    except BadImage:
        raise
    except _ERRORS as error:
        raise _undecodable(kind, error) from None


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


def pixels(values: np.ndarray, chosen: Preprocessing) -> np.ndarray:
    """What `loaded` gives as a viewer shows it, uint8 [H, W, 3]."""
    if values.dtype == np.uint16:
        opacity = (values[..., 3:] >> 8).astype(np.uint8)
        colours = eight_bits(values[..., :3], chosen)
        values = np.concatenate([colours, opacity], -1)
    if values.shape[-1] == 4:
        return on_background(values, chosen.background)
    return np.repeat(values, 3, -1) if values.shape[-1] == 1 else values


def levels(values: np.ndarray) -> tuple[int, int] | None:
    """Lowest and highest colour of 16 bits [H, W, 1, 3 or 4]; None of 8 bits."""
    if values.dtype != np.uint16:
        return None
    colours = values[..., :3]
    return int(colours.min()), int(colours.max())


def _values(image: Image.Image, covered: tuple[int, ...] | None) -> np.ndarray:
    """Of a decoded image; `covered` is what the frame of a GIF fills of it."""
    kind = image.format
    if image.mode in ("F", "I"):
        raise BadImage(f"a {kind} file of 32-bit values", tiff.UNSIGNED)
    if image.mode.startswith("I;16"):
        return tiff.grey(image)
    # A TIFF's orientation is applied, and taken out, while it is loaded.
    exif = image.info.get("exif", b"").removeprefix(b"Exif\0\0")
    turn = _TURNS.get(orientation_of(exif))
    clear = covered not in (None, (0, 0, *image.size))
    if clear or image.mode in _TRANSPARENT or "transparency" in image.info:
        seen = image.convert("RGBA")
        # Many programs write bitmaps whose opacity is 0 and means nothing.
        if kind == "BMP" and seen.getextrema()[3] == (0, 0):
            seen = seen.convert("RGB")
    else:
        seen = image.convert("RGB")
    if clear:
        whole = Image.new("RGBA", image.size)
        whole.paste(seen.crop(covered), covered)
        seen = whole
    return np.asarray(seen if turn is None else seen.transpose(turn))


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


def deep_on_white(values: np.ndarray) -> np.ndarray:
    """uint16 colours and opacity, [..., 4], on white, [..., 3]; [..., 2] is grey."""
    opacity = values[..., -1:] / 65535
    seen = values[..., :-1] * opacity + 65535 * (1 - opacity)
    return np.rint(seen).astype(np.uint16)


def _undecodable(kind: str, error: Exception) -> BadImage:
    return BadImage(f"a {kind} file that can't be decoded ({error})")
