"""Images as arrays, before a model or a server is asked about them."""

import numpy as np

from ltpa_tf.errors import SettingError


def checked(images: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """The images as uint8 `[batch, H, W, 3]`.

    Args:
        images: Of any type that holds integers 0 to 255.
        image_shape: `(H, W, 3)` that the model takes.

    Raises:
        SettingError: If a model would misread them: it would take 300 as 44.
    """
    images = np.asarray(images)
    accepted = f"integers 0 to 255 of shape [batch, {str(image_shape)[1:-1]}]"
    if images.ndim != 4 or images.shape[1:] != image_shape or not len(images):
        raise SettingError("images", f"shape {images.shape}", accepted)
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf":
        raise SettingError("images", f"type {images.dtype}", accepted)
    whole = np.isfinite(images).all() and (images == np.round(images)).all()
    if not whole or images.min() < 0 or images.max() > 255:
        raise SettingError(
            "images", f"values from {images.min()} to {images.max()}", accepted
        )
    return images.astype(np.uint8)
