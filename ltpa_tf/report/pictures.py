"""Images and maps as PNG files inside the page."""

import base64
import io

import numpy as np
from PIL import Image

from ltpa_tf.explain.maps import relative
from ltpa_tf.explain.overlay import STRONGEST, colour, strength

MOST_PIXELS = 160
"""The longest side of a picture: larger images are shown smaller."""


def overlay(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The image in grey, coloured where the map is above its own mean.

    One scale for every method: colour begins at the mean of the map's absolute values
    and ends at 16 times that, see `explain.overlay`. What is negative, and so speaks
    against the class, goes from blue to green.

    Args:
        image: uint8 `[H, W, 3]`.
        values: `[H, W]`, of any sign and scale.

    Returns:
        uint8 `[H, W, 3]`.
    """
    places = strength(relative(np.abs(values)))
    against = colour(image, places, "winter")
    return np.where((values < 0)[..., None], against, colour(image, places))


def scale() -> dict[str, np.ndarray]:
    """The two colour scales over a middle grey, uint8 `[1, 256, 3]`."""
    grey = np.full((1, 256, 3), 128, np.uint8)
    places = strength(STRONGEST ** np.linspace(0, 1, 256))[None]
    return {"for": colour(grey, places), "against": colour(grey, places, "winter")}


def data_uri(pixels: np.ndarray) -> str:
    """uint8 `[H, W, 3]` as a PNG in an address, made smaller if it is large."""
    picture = Image.fromarray(pixels)
    if max(picture.size) > MOST_PIXELS and min(picture.size) > 1:
        picture.thumbnail((MOST_PIXELS, MOST_PIXELS))
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
