"""The pointing game: does a map's highest pixel lie on the object?"""

import numpy as np

from ltpa_tf.evaluation import localization
from ltpa_tf.explain.maps import upsample
from ltpa_tf.grid import Grid


def pointing_hits(
    maps: np.ndarray,
    boxes: np.ndarray,
    size: tuple[int, int],
    grid: Grid | None = None,
) -> np.ndarray:
    """Which maps point into their image's box, see `localization.pointing`.

    The map is brought to image resolution bilinearly first.

    Args:
        maps: `[B, h, w]` attention of one level.
        boxes: int `[B, 4]` as (top, left, bottom, right) in pixels, bottom and right
            exclusive.
        size: `(H, W)` of the images.
        grid: Where the maps' cells lie, see `explain.upsample`.

    Returns:
        float64 `[B]`, 0 to 1.
    """
    return localization.pointing(upsample(maps, size, grid), box_mask(boxes, size))


def chance(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """How often a uniformly random pixel falls into each box, float64 `[B]`."""
    return box_mask(boxes, size).mean((-2, -1))


def box_mask(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Boolean `[B, H, W]`, true inside each box."""
    top, left, bottom, right = np.asarray(boxes).T[:, :, None]
    y, x = np.arange(size[0]), np.arange(size[1])
    rows = (top <= y) & (y < bottom)
    columns = (left <= x) & (x < right)
    return rows[:, :, None] & columns[:, None, :]
