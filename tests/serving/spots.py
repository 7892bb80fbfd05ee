"""Images that lie alike, or not."""

import numpy as np


def spots(count, seed, columns=(4, 14)):
    """Bright spots on dark grounds, in some columns."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 40, (count, 32, 32, 3), np.uint8)
    for image in images:
        row, column = rng.integers(4, 24), rng.integers(*columns)
        image[row : row + 6, column : column + 6] += np.uint8(200)
    return images
