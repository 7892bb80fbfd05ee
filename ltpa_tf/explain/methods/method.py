"""What a method is, and how its maps come to the images' resolution."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.grid import Grid


@dataclass(frozen=True)
class Method:
    """A way to make maps of a model's images.

    Attributes:
        name: As in `methods`.
        maps: Called with float32 images `[B, H, W, C]` and int32 classes `[B]`; gives
            float32 maps `[B, H, W]` by their names.
    """

    name: str
    maps: Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]

    def __call__(self, images, classes) -> dict[str, tf.Tensor]:
        """The maps of pixel values 0 to 255 for the classes that they are to explain.

        Args:
            images: `[B, H, W, C]` of any dtype.
            classes: Integers `[B]`.
        """
        return self.maps(tf.cast(images, tf.float32), tf.cast(classes, tf.int32))


def compute(
    model: keras.Model,
    images: np.ndarray,
    method: Method,
    classes: np.ndarray | None = None,
    *,
    batch_size: int = 64,
) -> dict[str, np.ndarray]:
    """The maps of any number of images.

    Args:
        model: What the method was made of.
        images: uint8 `[N, H, W, C]`.
        method: One of `methods(model, ...)`.
        classes: Integers `[N]`, what the maps are to explain; None: the model's own
            predictions.
        batch_size: Images at a time. All batches have this size: the last one is
            filled up, so nothing is compiled twice.

    Returns:
        Name of a map -> float32 `[N, H, W]`.

    Raises:
        SettingError: If there is no image.
    """
    if not len(images):
        raise SettingError("images", "none", "at least one")
    found: dict[str, list] = {}
    for start in range(0, len(images), batch_size):
        where = np.arange(start, start + batch_size).clip(max=len(images) - 1)
        batch = tf.cast(images[where], tf.float32)
        if classes is None:
            of = tf.argmax(model(batch, training=False), -1, tf.int32)
        else:
            of = np.asarray(classes)[where]
        for name, maps in method(batch, of).items():
            found.setdefault(name, []).append(np.asarray(maps))
    return {k: np.concatenate(parts)[: len(images)] for k, parts in found.items()}


def compiled(function: Callable) -> Callable:
    """As a graph; by XLA where there is an accelerator (on a CPU that is slower)."""
    jit = bool(tf.config.list_physical_devices("GPU"))
    return tf.function(function, jit_compile=jit, autograph=False)


def placed(
    maps: tf.Tensor, grid: Grid, size: tuple[int, int], *, shared: bool = False
) -> tf.Tensor:
    """Maps `[B, h, w]` as `[B, H, W]`, at the images' resolution and place.

    Args:
        maps: float32.
        grid: Of the maps' cells.
        size: `(H, W)`.
        shared: Whether a cell's value is shared out over its pixels, so that the sum
            over the map stays what it was; otherwise every pixel gets it.
    """
    rows, columns = grid.interpolation(tuple(maps.shape[1:]), size)
    if shared:
        rows, columns = _sharing(rows), _sharing(columns)
    return _along_both(maps, rows, columns)


def spread(maps: tf.Tensor, deviation: float) -> tf.Tensor:
    """Each pixel's share by a Gaussian over the pixels around it; sums stay the same.

    Args:
        maps: float32 `[B, H, W]`.
        deviation: In pixels, above 0.
    """
    rows, columns = (_gaussian(side, deviation) for side in maps.shape[1:])
    return _along_both(maps, rows, columns)


def _along_both(maps: tf.Tensor, rows: np.ndarray, columns: np.ndarray) -> tf.Tensor:
    across = tf.linalg.matmul(maps, columns, transpose_b=True)
    return tf.linalg.matmul(rows, across)


def _gaussian(side: int, deviation: float) -> np.ndarray:
    places = np.arange(side, dtype=np.float32)
    apart = (places[:, None] - places) / deviation
    return _sharing(np.exp(-(apart**2) / 2))


def _sharing(weights: np.ndarray) -> np.ndarray:
    """With columns that sum to 1; those of cells beyond the image stay 0."""
    sums = weights.sum(0)
    return weights / np.where(sums > 0, sums, 1)
