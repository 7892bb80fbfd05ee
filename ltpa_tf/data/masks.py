"""Masks of the objects in images: checked, and brought to the images' new size."""

import dataclasses

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.images import Preprocessing
from ltpa_tf.images.fit import fit


def checked(masks: np.ndarray, shape: tuple[int, int, int], where: str) -> np.ndarray:
    """Masks as bool [N, H, W].

    Args:
        masks: Whatever a file had; what isn't 0 is the object.
        shape: (N, H, W), of the images.
        where: For messages.

    Raises:
        SettingError: If they aren't masks of these images, or one has no object.
    """
    if masks.shape != shape or masks.dtype.kind not in "bui":
        raise SettingError(
            where,
            f"{masks.dtype} {masks.shape}",
            f"whole numbers or booleans {shape}, not 0 on the object of each image",
        )
    found = masks != 0
    for i in np.flatnonzero(~found.any((1, 2)))[:1]:
        raise SettingError(f"{where}[{i}]", "no object", "a pixel that isn't 0")
    return found


def fitted(
    masks: np.ndarray, size: tuple[int, int], chosen: Preprocessing
) -> np.ndarray:
    """Where masks are in the images that `ltpa_tf.images.fit` makes, bool [N, h, w].

    A pixel belongs to the object if at least half of what it shows does.
    """
    if masks.shape[1:] == size:
        return masks
    chosen = dataclasses.replace(chosen, background=(0, 0, 0))
    made = np.empty((len(masks), *size), bool)
    for i, mask in enumerate(masks):
        image = np.repeat(mask[..., None] * np.uint8(255), 3, -1)
        made[i] = fit(image, size, chosen.aspect, chosen.background)[..., 0] > 127
    return made


def bounds(masks: np.ndarray) -> np.ndarray:
    """The smallest boxes around masks, int32 [N, 4]; of an empty one an empty box."""
    edges = []
    for axis in (2, 1):  # rows, columns
        hit = masks.any(axis)
        first = hit.argmax(1)
        last = hit.shape[1] - hit[:, ::-1].argmax(1)
        edges.append((first, np.where(hit.any(1), last, first)))
    (top, bottom), (left, right) = edges
    return np.stack([top, left, bottom, right], 1).astype(np.int32)
