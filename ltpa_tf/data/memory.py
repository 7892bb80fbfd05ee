"""What this machine's memory can hold."""

import math
import os

from ltpa_tf.errors import SettingError


def memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_images(number: int, size: tuple[int, int]) -> None:
    """Refuses so many images of (height, width) where they'd take half the memory.

    TensorFlow holds a second copy of what NumPy has.

    Raises:
        SettingError: Naming `data.image_size`.
    """
    most = memory() // 2 // (3 * number)  # pixels of each
    if size[0] * size[1] > most:
        raise SettingError(
            "data.image_size",
            size,
            f"at most {math.isqrt(most):,} pixels a side: so large are {number:,} "
            f"images that fill half of this machine's {memory() / 1e9:.0f} GB",
        )
