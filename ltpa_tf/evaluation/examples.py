"""The images that something slower than accuracy is measured on."""

import numpy as np

from ltpa_tf import data
from ltpa_tf.errors import SettingError


def check_count(split: data.Split, count: int, least: int = 1) -> None:
    """Raises a `SettingError` if the split hasn't so many, or they are too few."""
    if not least <= count <= len(split):
        accepted = f"{least} to {len(split)}, the split"
        raise SettingError("--map_examples", count, accepted)


def chosen(
    split: data.Split, count: int, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Examples from the whole split, see `data.Split.spread`.

    Args:
        split: With at least `count`.
        count: How many.
        batch_size: Images loaded at a time.

    Returns:
        Their indices `[N]`, and uint8 images `[N, H, W, 3]`.
    """
    where = split.spread(count)
    parts = [
        np.asarray(split.images(where[i : i + batch_size], np.int64(0)))
        for i in range(0, count, batch_size)
    ]
    return where, np.concatenate(parts)
