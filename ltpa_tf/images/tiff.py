"""TIFF files with 16 bits a channel: Pillow keeps 8, or doesn't invert grey."""

import numpy as np
from PIL import Image

from ltpa_tf.images.kinds import BadImage

_BITS, _PHOTOMETRIC, _PLANES = 258, 262, 284  # TIFF 6.0, section 8
_FORMAT, _SIGNED = 339, 2  # section 19
_WHITE_IS_ZERO, _SEPARATE = 0, 2
UNSIGNED = "8 bits a channel, or 16 bits without a sign"
# Orders of a value's bytes; N is the machine's, which is little-endian.
_OTHER = {"L": "B", "B": "L", "N": "B"}


def is_deep(image: Image.Image) -> bool:
    """Whether it is a TIFF file with 16-bit colours, not yet decoded.

    Raises:
        BadImage: If they lie in planes: Pillow takes each byte for a value.
    """
    bits = image.tag_v2.get(_BITS, ()) if image.format == "TIFF" else ()
    if len(bits) < 2 or set(bits) != {16}:
        return False
    if image.tag_v2.get(_PLANES) == _SEPARATE:
        raise BadImage(
            "a TIFF file with 16-bit colours in planes",
            "its colours side by side, or a PNG file",
        )
    return image.mode in ("RGB", "RGBA")


def deep_colours(image: Image.Image, again: Image.Image) -> np.ndarray:
    """All 16 bits, of which Pillow keeps the upper 8.

    Told that the bytes of each value come in the other order, it keeps the lower ones.

    Args:
        image: As `is_deep` says.
        again: The same, as both are decoded here.

    Returns:
        uint16 [H, W, 3], or [H, W, 4] with opacity, upright.
    """
    name, order = image.tile[0].args[0].split(";16")
    multiplied, name = name == "RGBa", name.upper()
    upper, lower = (
        np.asarray(_decoded(one, f"{name};16{one_order}"))
        for one, one_order in ((image, order), (again, _OTHER[order]))
    )
    values = upper.astype(np.uint16) << 8 | lower
    if multiplied:  # by their opacity
        opacity = np.maximum(values[..., 3:], 1)
        colours = values[..., :3].astype(np.uint32) * 65535 // opacity
        values[..., :3] = np.minimum(colours, 65535)
    return values


def grey(image: Image.Image) -> np.ndarray:
    """Decoded 16-bit grey, uint16 [H, W, 1], black at 0 also where white was."""
    values = np.asarray(image).astype(np.uint16)[..., None]
    tags = getattr(image, "tag_v2", {})
    return 65535 - values if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else values


def refuse_signed(image: Image.Image) -> None:
    """Refuses a TIFF of signed values: Pillow takes those of 8 bits for unsigned.

    Raises:
        BadImage: If it is one.
    """
    tags = getattr(image, "tag_v2", {})
    if _SIGNED in tags.get(_FORMAT, ()):
        bits = tags.get(_BITS, (1,))[0]
        raise BadImage(f"a TIFF file of signed {bits}-bit values", UNSIGNED)


def _decoded(image: Image.Image, name: str) -> Image.Image:
    """With Pillow's name of how the colours lie in the file."""
    image.tile = [tile._replace(args=(name, *tile.args[1:])) for tile in image.tile]
    image.load()
    return image
