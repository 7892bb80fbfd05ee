"""An image beside copies of it under each map, as `predict --output` writes them."""

import math
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ltpa_tf.explain.overlay import overlay
from ltpa_tf.images import Preprocessing
from ltpa_tf.images.files import check_file, decoded

_LONGER_SIDE = 256  # pixels, of each image in a strip


def strip(
    file: str | os.PathLike, maps: Sequence[np.ndarray], chosen: Preprocessing
) -> Image.Image:
    """The image, and beside it the same under each map.

    Images are shown in their own shape where the model saw them stretched; else as far
    as it saw them, with its borders, so that maps lie where they belong.

    Args:
        file: An image file, of any size.
        maps: One or more, `[H, W]`, at the resolution of the model's input.
        chosen: How the file became that input.

    Raises:
        SettingError: If the file can't be used; it names it.
    """
    image = Image.fromarray(_seen(file, maps[0].shape, chosen))
    scale = _LONGER_SIDE / max(image.size)
    size = tuple(max(1, round(scale * side)) for side in image.size)
    enlarge = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    pixels = np.asarray(image.resize(size, enlarge))
    return Image.fromarray(
        np.concatenate([pixels, *(overlay(pixels, one) for one in maps)], axis=1)
    )


def _seen(file, input_size: tuple[int, int], chosen: Preprocessing) -> np.ndarray:
    """What the maps lie on, at least as large as in the strip."""
    content, checked = check_file(file)
    if chosen.aspect == "squash":
        return decoded(content, checked.code, None, chosen)
    scale = math.ceil(_LONGER_SIDE / max(input_size))
    size = tuple(scale * side for side in input_size)
    return decoded(content, checked.code, size, chosen)
