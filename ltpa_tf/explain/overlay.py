"""Attention maps laid over their images, in plain NumPy."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps

from ltpa_tf.explain.maps import relative, upsample
from ltpa_tf.grid import Grid

# Attention relative to uniform at which the colour ends, the same for every figure.
STRONGEST = 16.0
# Smaller images are enlarged to at least this many pixels, where many are shown.
_HEIGHT = 128


def strength(relative_attention: np.ndarray) -> np.ndarray:
    """The place on the colour scale, 0 to 1, of attention relative to uniform.

    Logarithmic and absolute: 0 at and below the uniform share, 1 at 16 times that and
    above, equal steps for every doubling. No map is stretched to its own range, so a
    flat map stays without colour however many ripples it has.
    """
    doublings = np.log2(np.maximum(relative_attention, 1))
    return np.minimum(doublings / np.log2(STRONGEST), 1)


def colour(
    image: np.ndarray, strengths: np.ndarray, colours: str = "inferno"
) -> np.ndarray:
    """The image in grey, coloured by strength; no colour where that is 0.

    Args:
        image: uint8 `[H, W, 3]`.
        strengths: `[H, W]`, 0 to 1, see `strength`.
        colours: One of Matplotlib's colour maps, dark to light.

    Returns:
        uint8 `[H, W, 3]`.
    """
    grey = 0.1 + 0.7 * (image @ np.array([0.299, 0.587, 0.114])) / 255
    # From purple to yellow: the dark end of the colour map would read as "dark image".
    hue = colormaps[colours](0.25 + 0.7 * strengths)[..., :3]
    opacity = 0.72 * np.minimum(2 * strengths, 1)[..., None]
    return np.round(255 * ((1 - opacity) * grey[..., None] + opacity * hue)).astype(
        np.uint8
    )


def overlay(
    image: np.ndarray, attention: np.ndarray, grid: Grid | None = None
) -> np.ndarray:
    """The image in grey, coloured where it is attended to.

    Args:
        image: uint8 `[H, W, 3]`.
        attention: `[h, w]`, a softmax or sigmoid map as the model gives it.
        grid: Where its cells lie, see `maps.upsample`.

    Returns:
        uint8 `[H, W, 3]`.

    Example:
        >>> image = np.full((32, 32, 3), 128, np.uint8)
        >>> explain.overlay(image, np.ones((8, 8)) / 64).shape
        (32, 32, 3)
    """
    placed = upsample(relative(attention), image.shape[:2], grid)
    return colour(image, strength(placed))


def overlays(
    images: np.ndarray, maps: Mapping[str, np.ndarray], grids: Mapping[str, Grid]
) -> np.ndarray:
    """Each image, and beside it the same under each of its maps.

    Args:
        images: uint8 `[N, H, W, 3]`; small ones are enlarged, whole pixels at a time.
        maps: By name `[N, h, w]`, see `overlay`.
        grids: By the same names, where their cells lie.

    Returns:
        uint8 `[N, H', W', 3]`.
    """
    columns = [images]
    for name, each in maps.items():
        pairs = zip(images, each, strict=True)
        laid = [overlay(image, one, grids[name]) for image, one in pairs]
        columns.append(np.reshape(laid, images.shape))
    factor = -(-_HEIGHT // images.shape[1])
    return np.concatenate(columns, axis=2).repeat(factor, axis=1).repeat(factor, axis=2)
