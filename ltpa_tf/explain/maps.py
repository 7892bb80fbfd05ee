"""Attention maps as arrays: relative to uniform, and at the image's resolution."""

import numpy as np

from ltpa_tf.grid import Grid


def relative(maps: np.ndarray) -> np.ndarray:
    """Attention relative to uniform: 1 where a position has no more than its share.

    Of a softmax map (sum 1 over n positions) this is `a_i * n`. A sigmoid map is
    divided by its mean in the same way, because its descriptor is a mean over the
    positions. A flat map is 1 everywhere, whatever its level and normalization.

    Args:
        maps: `[..., h, w]`, not negative.

    Returns:
        float32 `[..., h, w]`, of mean 1. A map of zeros is flat: all 1.

    Example:
        >>> explain.relative(np.array([[[0.25, 0.25], [0.5, 0.0]]]))
        array([[[1., 1.],
                [2., 0.]]], dtype=float32)
    """
    maps = np.asarray(maps, np.float32)
    mean = maps.mean((-2, -1), keepdims=True)
    flat = mean == 0
    return np.where(flat, 1, maps / np.where(flat, 1, mean))


def upsample(
    maps: np.ndarray, size: tuple[int, int], grid: Grid | None = None
) -> np.ndarray:
    """Maps at image resolution: bilinear, each cell where it looks, borders repeated.

    Args:
        maps: `[..., h, w]`.
        size: `(H, W)` in pixels.
        grid: Where the cells lie, see `ltpa_tf.models.grids`; None: they fill the image
            exactly, as in `tf.image.resize(method="bilinear")`.

    Returns:
        float32 `[..., H, W]`.

    Example:
        >>> explain.upsample(np.ones((1, 8, 8)), (32, 32)).shape
        (1, 32, 32)
    """
    maps = np.asarray(maps, np.float32)
    cells = maps.shape[-2:]
    grid = grid or Grid.filling(cells, size)
    rows, columns = grid.interpolation(cells, size)
    return rows @ maps @ columns.T


def entropy(maps: np.ndarray) -> float:
    """The mean entropy of `[N, h, w]` maps: 1 for even ones, 0 for a single place."""
    shares = maps.reshape(len(maps), -1).astype(np.float64)
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-12)
    nats = -(shares * np.log(np.maximum(shares, 1e-12))).sum(1)
    return float(nats.mean() / np.log(shares.shape[1]))
