"""Attention maps as arrays: their honest scale, and their size in pixels."""

import numpy as np


def relative(maps: np.ndarray) -> np.ndarray:
    """Attention relative to uniform: 1 where a position has no more than its share.

    Of a softmax map (sum 1 over n positions) this is `a_i * n`. A sigmoid map is
    divided by its mean in the same way, because its descriptor is a mean over the
    positions. A flat map is 1 everywhere, whatever its level and normalization.

    Args:
        maps: `[..., h, w]`, not negative.

    Returns:
        float32 `[..., h, w]`, of mean 1. A map of zeros is flat: all 1.
    """
    maps = np.asarray(maps, np.float32)
    mean = maps.mean((-2, -1), keepdims=True)
    flat = mean == 0
    return np.where(flat, 1, maps / np.where(flat, 1, mean))


def upsample(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps at image resolution: bilinear, pixel centres aligned, borders repeated.

    The same as `tf.image.resize(method="bilinear")`, without TensorFlow.

    Args:
        maps: `[..., h, w]`.
        size: `(H, W)` in pixels.

    Returns:
        float32 `[..., H, W]`.
    """
    maps = np.asarray(maps, np.float32)
    rows = _interpolation(maps.shape[-2], size[0])
    columns = _interpolation(maps.shape[-1], size[1])
    return rows @ maps @ columns.T


def _interpolation(source: int, target: int) -> np.ndarray:
    """`[target, source]` weights of linear interpolation in one direction."""
    centres = (np.arange(target) + 0.5) * source / target - 0.5
    nearest = np.arange(source)
    weights = [np.interp(centres, nearest, row) for row in np.eye(source)]
    return np.stack(weights, 1).astype(np.float32)
